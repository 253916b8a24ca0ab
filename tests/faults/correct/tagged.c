/* Pointers with bits of their own, kept also untagged; numbers that look like pointers; packed
 * structs. */
#include <stdint.h>
#include "../corpus/shapes.h"

static uintptr_t tagged[100];
static char *untagged[100];

SHAPE(low_bits) {
    for (uintptr_t i = 0; i < 100; i++) {
        untagged[i] = opaque(malloc(32));
        tagged[i] = (uintptr_t)untagged[i] | (i & 7);
    }
    for (uintptr_t i = 0; i < 100; i += 2)
        free((char *)(tagged[i] & ~(uintptr_t)7));
}

SHAPE(high_bits) {
    uintptr_t value = (uintptr_t)opaque(malloc(64)) | (uintptr_t)5 << 56;
    char *block = (char *)(value << 8 >> 8);
    memset(block, 't', 64);
    free(block);
}

SHAPE(offsets) {
    char *base = opaque(malloc(4000));
    uint32_t offset[50];
    for (uint32_t i = 0; i < 50; i++) {
        offset[i] = i * 80;
        memset(base + offset[i], (int)i, 80);
    }
    require(base[offset[49]] == 49, "the last part");
    free(base);
}

static struct __attribute__((packed)) {
    char kind;
    char *pointer;
    short more;
} packed;

/* Not at an address that is a multiple of eight: copied out before its block is needed, and freed.
 */
SHAPE(unaligned) {
    packed.pointer = opaque(malloc(90));
    char *copy;
    memcpy(&copy, &packed.pointer, sizeof copy);
    memset(copy, 'u', 90);
    free(copy);
    packed.pointer = NULL;
}

SHAPE(linked_by_xor) {
    struct node {
        uintptr_t both;
        int value;
    };
    struct node *node[10];
    for (int i = 0; i < 10; i++) {
        node[i] = opaque(malloc(sizeof *node[i]));
        node[i]->value = i;
    }
    for (int i = 0; i < 10; i++)
        node[i]->both =
            (uintptr_t)(i > 0 ? node[i - 1] : NULL) ^ (uintptr_t)(i < 9 ? node[i + 1] : NULL);
    uintptr_t previous = 0;
    struct node *current = node[0];
    int sum = 0;
    while (current != NULL) {
        struct node *next = (struct node *)(current->both ^ previous);
        sum += current->value;
        previous = (uintptr_t)current;
        free(current);
        current = next;
    }
    require(sum == 45, "each was visited");
}

RUN_ALL()
