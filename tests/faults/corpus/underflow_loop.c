/* A loop writes in front of the block. */
#include "shapes.h"

static void byte(void) {
    char *buffer = opaque(malloc(24));
    for (int i = 23; i >= -1; i--)
        buffer[i] = 'u';
    free(opaque(buffer));
}

static void word(void) {
    char *buffer = opaque(malloc(40));
    for (int i = -8; i < 0; i++)
        buffer[i] = 'u';
    free(opaque(buffer));
}

static void sixteen(void) {
    char *buffer = opaque(malloc(100));
    for (int i = -16; i < 20; i++)
        buffer[i] = 'u';
    free(opaque(buffer));
}

static void ints(void) {
    int *number = opaque(malloc(12 * sizeof *number));
    for (int i = 11; i >= -2; i--)
        number[i] = 0x7777;
    free(opaque(number));
}

static void pointer_walks_back(void) {
    char *text = opaque(strdup("no blank in it")), *end = text + strlen(text);
    while (end-- >= text)
        *end = '-';
    free(opaque(text));
}

static void mid(void) {
    char *buffer = opaque(malloc(6000));
    for (int i = 10; i >= -4; i--)
        buffer[i] = 'u';
    free(opaque(buffer));
}

static void large(void) {
    char *buffer = opaque(malloc(200000));
    for (int i = 10; i >= -4; i--)
        buffer[i] = 'u';
    free(opaque(buffer));
}

static const struct shape shapes[] = {
    {"byte", byte},
    {"word", word},
    {"sixteen", sixteen},
    {"ints", ints},
    {"pointer_walks_back", pointer_walks_back},
    {"mid", mid},
    {"large", large},
    {NULL, NULL},
};

int main(int argc, char **argv) {
    return run_shape(shapes, argc, argv);
}
