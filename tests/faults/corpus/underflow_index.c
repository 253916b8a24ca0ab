/* An index that is negative by mistake is written to. */
#include "shapes.h"

/* Takes trailing newlines off; looks at the character in front of an empty line. */
static void strip_newline(char *line) {
    line[strlen(line) - 1] = 0;
}

static void empty_line(void) {
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

static void not_found(void) {
    int *table = opaque(calloc(10, sizeof *table));
    table[find(table, 10, 77)] = 78;
    free(table);
}

static void signed_character(void) {
    int *count = opaque(calloc(128, sizeof *count));
    signed char letter = (signed char)0xfe;
    count[letter]++;
    free(count);
}

static void pop_of_an_empty_stack(void) {
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

static void structs(void) {
    struct item *items = opaque(malloc(3 * sizeof *items));
    items[-1].value[2] = 9;
    free(items);
}

static void count_down_unsigned(void) {
    short *number = opaque(calloc(20, sizeof *number));
    for (unsigned i = 4; i != -4u; i--)
        number[(int)i] = 1;
    free(number);
}

/* Nothing of the block is touched, nor its header. */
static void minus_five(void) {
    long *value = opaque(calloc(10, sizeof *value));
    value[-5] = 1;
    free(value);
}

struct pair {
    long first, second;
};

static struct pair *kept;

static void minus_five_of_pairs(void) {
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
    static void byte_##distance(void) {                                                            \
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
static void far_in_front(void) {
    char *buffers[3];
    for (int i = 0; i < 3; i++)
        buffers[i] = opaque(malloc(96));
    buffers[1][-64] = 'f';
    for (int i = 0; i < 3; i++)
        free(buffers[i]);
}

static const struct shape shapes[] = {
    {"empty_line", empty_line},
    {"not_found", not_found},
    {"signed_character", signed_character},
    {"pop_of_an_empty_stack", pop_of_an_empty_stack},
    {"structs", structs},
    {"count_down_unsigned", count_down_unsigned},
    {"minus_five", minus_five},
    {"minus_five_of_pairs", minus_five_of_pairs},
    {"byte_1", byte_1},
    {"byte_2", byte_2},
    {"byte_3", byte_3},
    {"byte_4", byte_4},
    {"byte_5", byte_5},
    {"byte_6", byte_6},
    {"byte_7", byte_7},
    {"byte_8", byte_8},
    {"byte_9", byte_9},
    {"byte_10", byte_10},
    {"byte_11", byte_11},
    {"byte_12", byte_12},
    {"byte_13", byte_13},
    {"byte_14", byte_14},
    {"byte_15", byte_15},
    {"byte_16", byte_16},
    {"far_in_front", far_in_front},
    {NULL, NULL},
};

int main(int argc, char **argv) {
    return run_shape(shapes, argc, argv);
}
