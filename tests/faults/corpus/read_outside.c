/* Reads past the end of a block, or in front of it: nothing in the heap changes. */
#include "shapes.h"

static void print(const char *bytes, size_t count) {
    unsigned sum = 0;
    for (size_t i = 0; i < count; i++)
        sum += (unsigned char)bytes[i];
    printf("%zu bytes were read%s\n", count, sum == 1 ? "." : "");
}

static void one_byte_past(void) {
    char *buffer = opaque(calloc(1, 30));
    print(buffer, 31);
    free(buffer);
}

static void twice_as_long(void) {
    char copy[100], *buffer = opaque(calloc(1, 50));
    memcpy(copy, buffer, 100);
    print(copy, 100);
    free(buffer);
}

static void string_without_its_end(void) {
    char *text = opaque(malloc(8));
    memcpy(text, "no zero!", 8);
    printf("%s\n", strlen(text) >= 8 ? "at least eight" : "shorter");
    free(text);
}

static void in_front(void) {
    char *buffer = opaque(calloc(1, 30));
    print(buffer - 8, 16);
    free(buffer);
}

static void byte_in_front(void) {
    char *text = opaque(calloc(1, 41));
    printf("%s\n", text[-1] == '/' ? "a path" : "a name");
    free(text);
}

static void index_in_front(void) {
    int *number = opaque(calloc(12, sizeof *number));
    printf("%s\n", number[-2] == 1 ? "one" : "another");
    free(number);
}

static void searched_backwards(void) {
    char *text = opaque(malloc(70)), *from = text + 69;
    memset(text, 'x', 70);
    while (from > text - 24 && *from != ' ')
        from--;
    printf("%s\n", from < text ? "no blank" : "a blank");
    free(text);
}

static void copied_from_front(void) {
    char copy[64], *buffer = opaque(calloc(1, 64));
    memcpy(copy, buffer - 16, 64);
    print(copy, 64);
    free(buffer);
}

static void index_past(void) {
    int *number = opaque(calloc(10, sizeof *number));
    printf("%s\n", number[10] == 1 ? "one" : "another");
    free(number);
}

/* These reach further than anything that was handed out. */
static void far_past_large(void) {
    char *buffer = opaque(calloc(1, 3000000));
    print(buffer, 64000000);
    free(buffer);
}

static void far_past_small(void) {
    char *buffer = opaque(calloc(1, 100));
    print(buffer, 64000000);
    free(buffer);
}

static const struct shape shapes[] = {
    {"one_byte_past", one_byte_past},
    {"twice_as_long", twice_as_long},
    {"string_without_its_end", string_without_its_end},
    {"in_front", in_front},
    {"byte_in_front", byte_in_front},
    {"index_in_front", index_in_front},
    {"searched_backwards", searched_backwards},
    {"copied_from_front", copied_from_front},
    {"index_past", index_past},
    {"far_past_large", far_past_large},
    {"far_past_small", far_past_small},
    {NULL, NULL},
};

int main(int argc, char **argv) {
    return run_shape(shapes, argc, argv);
}
