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
    {"far_in_front", far_in_front},
    {NULL, NULL},
};

int main(int argc, char **argv) {
    return run_shape(shapes, argc, argv);
}
