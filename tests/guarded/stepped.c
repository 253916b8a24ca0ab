/* A correct program but for one thing: at each instruction of malloc, realloc, calloc and free a
 * signal handler comes in between and calls them itself, as the processor's single step lets it.
 * Asks hak_verify at its end. `stepped leave`: now and then the handler leaves by siglongjmp. */
#include <malloc.h>
#include <setjmp.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "hakmem.h"

enum { rounds = 40, own_blocks = 16, handler_blocks = 8, leave_every = 3001 };

struct block {
    unsigned char *bytes;
    size_t size;
};
static struct block own[own_blocks], of_handler[handler_blocks];
static uint32_t steps;
static int leaves;
static sigjmp_buf next_round;

static void fail(const char *what) {
    fprintf(stderr, "stepped: %s\n", what);
    abort();
}

static void step(int on) {
    if (on)
        __asm__ volatile("pushfq\n\torq $0x100, (%%rsp)\n\tpopfq" : : : "memory", "cc");
    else
        __asm__ volatile("pushfq\n\tandq $~0x100, (%%rsp)\n\tpopfq" : : : "memory", "cc");
}

static size_t size_of(uint32_t turn) {
    static const size_t sizes[] = {24, 100, 40, 5000, 700, 24, 24, 50000};
    return sizes[turn % 8];
}

/* Its first and last byte say which block it is. */
static void fill(struct block *block, size_t size, const void *place) {
    block->size = size;
    if (block->bytes)
        block->bytes[0] = block->bytes[size - 1] = (unsigned char)((uintptr_t)place >> 4);
}

static void look_at(const struct block *block) {
    unsigned char due = (unsigned char)((uintptr_t)block >> 4);
    if (block->bytes && (block->bytes[0] != due || block->bytes[block->size - 1] != due))
        fail("a block's bytes changed");
}

static void interrupt(int number) {
    struct block *block = &of_handler[++steps % handler_blocks];
    (void)number;
    look_at(block);
    if (steps % 3 == 0) {
        void *bytes = realloc(block->bytes, size_of(steps / 3));
        if (bytes) {
            block->bytes = bytes;
            fill(block, size_of(steps / 3), block);
        }
    } else {
        free(block->bytes);
        block->bytes = malloc(size_of(steps / 3));
        fill(block, size_of(steps / 3), block);
    }
    if (leaves && steps % leave_every == 0)
        siglongjmp(next_round, 1);
}

/* Stores nothing while it is stepped through, so that who left it finds the block or NULL. */
static void turn(struct block *block, uint32_t round) {
    size_t size = size_of(round);
    look_at(block);
    unsigned char *bytes = block->bytes;
    if (round % 4 != 0)
        block->bytes = NULL; /* lost if it is left */
    step(1);
    if (round % 4 == 0) {
        bytes = calloc(1, size);
    } else if (round % 4 == 1) {
        bytes = realloc(bytes, size);
    } else {
        free(bytes);
        bytes = malloc(size);
    }
    step(0);
    if (round % 4 == 0)
        free(block->bytes);
    block->bytes = bytes;
    fill(block, size, block);
}

int main(int argc, char **argv) {
    struct sigaction action = {.sa_handler = interrupt};
    leaves = argc > 1 && strcmp(argv[1], "leave") == 0;
    sigaction(SIGTRAP, &action, NULL);
    for (volatile uint32_t round = 0; round < rounds; round++)
        if (sigsetjmp(next_round, 1) == 0)
            turn(&own[round % own_blocks], round);
    for (int i = 0; i < own_blocks; i++)
        free(own[i].bytes);
    for (int i = 0; i < handler_blocks; i++)
        free(of_handler[i].bytes);
    if (steps < 1000)
        fail("no instruction was stepped through");
    if (!leaves && hak_verify && hak_verify() != 0)
        fail("hak_verify finds something");
    puts("well");
    return 0;
}
