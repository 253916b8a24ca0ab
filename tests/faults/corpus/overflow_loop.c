/* A loop writes more elements than the block holds. */
#include "shapes.h"

static void fill(char *buffer, size_t count) {
    for (size_t i = 0; i < count; i++)
        buffer[i] = 'A';
}

static void byte(void) {
    char *buffer = opaque(malloc(24));
    fill(buffer, 25);
    free(opaque(buffer));
}

static void word(void) {
    char *buffer = opaque(malloc(40));
    fill(buffer, 48);
    free(opaque(buffer));
}

static void sixteen(void) {
    char *buffer = opaque(malloc(64));
    fill(buffer, 80);
    free(opaque(buffer));
}

static void page(void) {
    char *buffer = opaque(malloc(200));
    fill(buffer, 200 + 4096);
    free(opaque(buffer));
}

static void page_behind_mid(void) {
    char *buffer = opaque(malloc(5000));
    fill(buffer, 5000 + 4096);
    free(opaque(buffer));
}

static void byte_behind_large(void) {
    char *buffer = opaque(malloc(100001));
    fill(buffer, 100002);
    free(opaque(buffer));
}

static void sum_up_to_and_with(void) {
    int *number = opaque(malloc(10 * sizeof *number));
    for (int i = 0; i <= 10; i++)
        number[i] = i;
    free(opaque(number));
}

static void doubles(void) {
    double *number = opaque(malloc(7 * sizeof *number));
    for (int i = 0; i < 9; i++)
        number[i] = 0.5;
    free(opaque(number));
}

static void downwards(void) {
    short *number = opaque(malloc(11 * sizeof *number));
    for (int i = 11; i >= 0; i--)
        number[i] = (short)i;
    free(opaque(number));
}

static const struct shape shapes[] = {
    {"byte", byte},
    {"word", word},
    {"sixteen", sixteen},
    {"page", page},
    {"page_behind_mid", page_behind_mid},
    {"byte_behind_large", byte_behind_large},
    {"sum_up_to_and_with", sum_up_to_and_with},
    {"doubles", doubles},
    {"downwards", downwards},
    {NULL, NULL},
};

int main(int argc, char **argv) {
    return run_shape(shapes, argc, argv);
}
