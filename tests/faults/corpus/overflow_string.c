/* Strings are put together in a block that is too short for them. */
#include <stdarg.h>
#include "shapes.h"

static const char *name = "twelve chars";

static void copy_without_room_for_zero(void) {
    char *text = opaque(malloc(strlen(name)));
    strcpy(text, name);
    free(opaque(text));
}

static void append(void) {
    char *text = opaque(malloc(20));
    strcpy(text, name);
    strcat(text, name);
    free(opaque(text));
}

static void copy_with_wrong_bound(void) {
    char *text = opaque(malloc(16));
    strncpy(text, name, 32);
    free(opaque(text));
}

static void append_with_wrong_bound(void) {
    char *text = opaque(malloc(18));
    strcpy(text, name);
    strncat(text, name, 18);
    free(opaque(text));
}

static void copy_to_end(void) {
    char *text = opaque(malloc(24));
    stpcpy(stpcpy(text, name), name);
    free(opaque(text));
}

static void print(void) {
    char *text = opaque(malloc(10));
    sprintf(text, "%d items", 1000000);
    free(opaque(text));
}

static void print_with_wrong_size(void) {
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

static void print_with_list(void) {
    char *text = opaque(malloc(11));
    print_list(text, "%s!", name);
    free(opaque(text));
}

static void print_piecewise(void) {
    char *text = opaque(malloc(32));
    size_t length = 0;
    for (int i = 0; i < 12; i++)
        length += (size_t)sprintf(text + length, "%d,", 90 + i);
    free(opaque(text));
}

static void size_of_pointer(void) {
    char *text = opaque(malloc(sizeof text));
    strcpy(text, name);
    free(opaque(text));
}

static void length_cut_to_a_byte(void) {
    char long_name[300];
    memset(long_name, 'n', 280);
    long_name[280] = 0;
    unsigned char length = (unsigned char)strlen(long_name);
    char *text = opaque(malloc(length + 1u));
    strcpy(text, long_name);
    free(opaque(text));
}

static void close_behind_the_end(void) {
    char *text = opaque(malloc(strlen(name)));
    strncpy(text, name, strlen(name));
    text[strlen(name)] = 0;
    free(opaque(text));
}

static const struct shape shapes[] = {
    {"copy_without_room_for_zero", copy_without_room_for_zero},
    {"append", append},
    {"copy_with_wrong_bound", copy_with_wrong_bound},
    {"append_with_wrong_bound", append_with_wrong_bound},
    {"copy_to_end", copy_to_end},
    {"print", print},
    {"print_with_wrong_size", print_with_wrong_size},
    {"print_with_list", print_with_list},
    {"print_piecewise", print_piecewise},
    {"size_of_pointer", size_of_pointer},
    {"length_cut_to_a_byte", length_cut_to_a_byte},
    {"close_behind_the_end", close_behind_the_end},
    {NULL, NULL},
};

int main(int argc, char **argv) {
    return run_shape(shapes, argc, argv);
}
