/* Reads past the end of a block, or in front of it: nothing in the heap changes. */
#include "shapes.h"

static void print(const char *bytes, size_t count) {
    unsigned sum = 0;
    for (size_t i = 0; i < count; i++)
        sum += (unsigned char)bytes[i];
    printf("%zu bytes were read%s\n", count, sum == 1 ? "." : "");
}

SHAPE(one_byte_past) {
    char *buffer = opaque(calloc(1, 30));
    print(buffer, 31);
    free(buffer);
}

SHAPE(twice_as_long) {
    char copy[100], *buffer = opaque(calloc(1, 50));
    memcpy(copy, buffer, 100);
    print(copy, 100);
    free(buffer);
}

SHAPE(string_without_its_end) {
    char *text = opaque(malloc(8));
    memcpy(text, "no zero!", 8);
    printf("%s\n", strlen(text) >= 8 ? "at least eight" : "shorter");
    free(text);
}

SHAPE(in_front) {
    char *buffer = opaque(calloc(1, 30));
    print(buffer - 8, 16);
    free(buffer);
}

SHAPE(byte_in_front) {
    char *text = opaque(calloc(1, 41));
    printf("%s\n", text[-1] == '/' ? "a path" : "a name");
    free(text);
}

SHAPE(index_in_front) {
    int *number = opaque(calloc(12, sizeof *number));
    printf("%s\n", number[-2] == 1 ? "one" : "another");
    free(number);
}

SHAPE(searched_backwards) {
    char *text = opaque(malloc(70)), *from = text + 69;
    memset(text, 'x', 70);
    while (from > text - 24 && *from != ' ')
        from--;
    printf("%s\n", from < text ? "no blank" : "a blank");
    free(text);
}

SHAPE(copied_from_front) {
    char copy[64], *buffer = opaque(calloc(1, 64));
    memcpy(copy, buffer - 16, 64);
    print(copy, 64);
    free(buffer);
}

SHAPE(index_past) {
    int *number = opaque(calloc(10, sizeof *number));
    printf("%s\n", number[10] == 1 ? "one" : "another");
    free(number);
}

/* These reach further than anything that was handed out. */
SHAPE(far_past_large) {
    char *buffer = opaque(calloc(1, 3000000));
    print(buffer, 64000000);
    free(buffer);
}

SHAPE(far_past_small) {
    char *buffer = opaque(calloc(1, 100));
    print(buffer, 64000000);
    free(buffer);
}

/* TIMES: as many blocks of the same stack, each with the fault. */
int main(int argc, char **argv) {
    const char *times = getenv("TIMES");
    int status = 0;
    for (int i = times != NULL ? atoi(times) : 1; i > 0; i--)
        status = run_shape(argc, argv);
    return status;
}
