/* Strings are put together in a block that is too short for them; one was never put there. */
#include <stdarg.h>
#include "shapes.h"

static const char *name = "twelve chars";

SHAPE(copy_without_room_for_zero) {
    char *text = opaque(malloc(strlen(name)));
    strcpy(text, name);
    free(opaque(text));
}

SHAPE(append) {
    char *text = opaque(malloc(20));
    strcpy(text, name);
    strcat(text, name);
    free(opaque(text));
}

SHAPE(copy_with_wrong_bound) {
    char *text = opaque(malloc(16));
    strncpy(text, name, 32);
    free(opaque(text));
}

SHAPE(append_with_wrong_bound) {
    char *text = opaque(malloc(18));
    strcpy(text, name);
    strncat(text, name, 18);
    free(opaque(text));
}

SHAPE(copy_to_end) {
    char *text = opaque(malloc(24));
    stpcpy(stpcpy(text, name), name);
    free(opaque(text));
}

SHAPE(print) {
    char *text = opaque(malloc(10));
    sprintf(text, "%d items", 1000000);
    free(opaque(text));
}

SHAPE(print_with_wrong_size) {
    char *text = opaque(malloc(25));
    snprintf(text, 100, "%s and %s and on", name, name);
    free(opaque(text));
}

static void print_list(char *text, const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    vsprintf(text, format, arguments);
    va_end(arguments);
}

SHAPE(print_with_list) {
    char *text = opaque(malloc(11));
    print_list(text, "%s!", name);
    free(opaque(text));
}

SHAPE(print_piecewise) {
    char *text = opaque(malloc(32));
    size_t length = 0;
    for (int i = 0; i < 12; i++)
        length += (size_t)sprintf(text + length, "%d,", 90 + i);
    free(opaque(text));
}

SHAPE(size_of_pointer) {
    char *text = opaque(malloc(sizeof text));
    strcpy(text, name);
    free(opaque(text));
}

SHAPE(length_cut_to_a_byte) {
    char long_name[300];
    memset(long_name, 'n', 280);
    long_name[280] = 0;
    unsigned char length = (unsigned char)strlen(long_name);
    char *text = opaque(malloc(length + 1u));
    strcpy(text, long_name);
    free(opaque(text));
}

SHAPE(close_behind_the_end) {
    char *text = opaque(malloc(strlen(name)));
    strncpy(text, name, strlen(name));
    text[strlen(name)] = 0;
    free(opaque(text));
}

/* No byte of what malloc gives ends it. */
SHAPE(never_written) {
    char *text = opaque(malloc(15)), *end = text;
    while (*end != 0)
        end++;
    printf("%s\n", end > text ? "a text" : "empty");
    free(opaque(text));
}

RUN_ONE()
