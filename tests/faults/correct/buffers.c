/* Buffers that grow, wrap around, are split and joined, with pointers to their ends and before
 * their start. */
#include "../corpus/shapes.h"

SHAPE(ring) {
    enum { SIZE = 37 };
    char *bytes = opaque(malloc(SIZE));
    size_t head = 0, tail = 0;
    for (int i = 0; i < 5000; i++) {
        bytes[head] = (char)i;
        head = (head + 1) % SIZE;
        if ((head + 1) % SIZE == tail)
            tail = (tail + 1) % SIZE;
    }
    free(bytes);
}

/* Arrays that begin at one, as books on numerics have them: the pointer lies in front of the block.
 */
SHAPE(from_one) {
    double *value = (double *)opaque(malloc(20 * sizeof *value)) - 1;
    for (int i = 1; i <= 20; i++)
        value[i] = i;
    require(value[1] + value[20] == 21, "first and last");
    free(value + 1);
}

static char *top;

/* A stack that grows downwards: with one value in it, its pointer is at the last byte. */
SHAPE(from_the_end) {
    char *bottom = opaque(malloc(64));
    top = bottom + 64;
    for (int i = 0; i < 64; i++)
        *--top = (char)i;
    require(top == bottom, "full");
    top += 63;
}

SHAPE(rows) {
    int *memory = opaque(malloc(6 * 9 * sizeof *memory)), **row = opaque(malloc(6 * sizeof *row));
    for (int i = 0; i < 6; i++) {
        row[i] = memory + i * 9;
        for (int j = 0; j < 9; j++)
            row[i][j] = i * j;
    }
    require(row[5][8] == 40, "the last");
    free(row);
    free(memory);
}

struct text {
    size_t used, size;
    char *bytes;
};

static void add(struct text *text, const char *more) {
    size_t length = strlen(more);
    while (text->used + length + 1 > text->size) {
        text->size = text->size * 2 + 1;
        text->bytes = opaque(realloc(text->bytes, text->size));
    }
    memcpy(text->bytes + text->used, more, length + 1);
    text->used += length;
}

SHAPE(growing_text) {
    struct text text = {0, 0, NULL};
    for (int i = 0; i < 2000; i++)
        add(&text, i % 2 == 0 ? "even " : "odd ");
    require(strlen(text.bytes) == text.used && text.used == 9000, "its length");
    char *left = opaque(strndup(text.bytes, 100)), *right = opaque(strdup(text.bytes + 100));
    require(strlen(left) + strlen(right) == text.used, "split");
    free(text.bytes);
    free(left);
    free(right);
}

RUN_ALL()
