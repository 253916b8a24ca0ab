/* An index that is negative by mistake is written to. */
#include "shapes.h"

/* Takes trailing newlines off; looks at the character in front of an empty line. */
static void strip_newline(char *line) {
    line[strlen(line) - 1] = 0;
}

SHAPE(empty_line) {
    char *line = opaque(calloc(1, 80));
    strip_newline(line);
    free(line);
}

static int find(const int *table, int count, int wanted) {
    for (int i = 0; i < count; i++)
        if (table[i] == wanted)
            return i;
    return -1;
}

SHAPE(not_found) {
    int *table = opaque(calloc(10, sizeof *table));
    table[find(table, 10, 77)] = 78;
    free(table);
}

SHAPE(signed_character) {
    int *count = opaque(calloc(128, sizeof *count));
    signed char letter = (signed char)0xfe;
    count[letter]++;
    free(count);
}

SHAPE(pop_of_an_empty_stack) {
    struct {
        int depth;
        long *value;
    } stack = {0, opaque(calloc(8, sizeof(long)))};
    stack.value[--stack.depth] = 5;
    free(stack.value);
}

struct item {
    int weight;
    long value[3];
};

SHAPE(structs) {
    struct item *items = opaque(malloc(3 * sizeof *items));
    items[-1].value[2] = 9;
    free(items);
}

SHAPE(count_down_unsigned) {
    short *number = opaque(calloc(20, sizeof *number));
    for (unsigned i = 4; i != -4u; i--)
        number[(int)i] = 1;
    free(number);
}

/* Nothing of the block is touched, nor its header. */
SHAPE(minus_five) {
    long *value = opaque(calloc(10, sizeof *value));
    value[-5] = 1;
    free(value);
}

struct pair {
    long first, second;
};

static struct pair *kept;

SHAPE(minus_five_of_pairs) {
    kept = opaque(calloc(25, sizeof *kept));
    kept[-5].second = 1;
}

/* One byte, each of the sixteen in front. */
static void one_byte(int distance) {
    unsigned char *byte = opaque(calloc(1, 40));
    byte[-distance]++;
    free(byte);
}

#define BYTE(distance)                                                                             \
    SHAPE(byte_##distance) {                                                                       \
        one_byte(distance);                                                                        \
    }
BYTE(1)
BYTE(2)
BYTE(3)
BYTE(4)
BYTE(5)
BYTE(6)
BYTE(7)
BYTE(8)
BYTE(9)
BYTE(10)
BYTE(11)
BYTE(12)
BYTE(13)
BYTE(14)
BYTE(15)
BYTE(16)

/* 64 bytes in front of it lies another block, or none. */
SHAPE(far_in_front) {
    char *buffers[3];
    for (int i = 0; i < 3; i++)
        buffers[i] = opaque(malloc(96));
    buffers[1][-64] = 'f';
    for (int i = 0; i < 3; i++)
        free(buffers[i]);
}

RUN_ONE()
