/* A block is read after it was freed. */
#include <unistd.h>
#include "shapes.h"

static char *make(size_t size) {
    char *block = opaque(malloc(size));
    memset(block, 'r', size - 1);
    block[size - 1] = 0;
    return block;
}

SHAPE(byte) {
    char *block = make(51);
    free(block);
    printf("%d\n", *(char *)opaque(block) == 'r');
}

SHAPE(last_byte) {
    char *block = make(52);
    free(block);
    printf("%d\n", *(char *)opaque(block + 51) == 0);
}

SHAPE(length) {
    char *block = make(53);
    free(block);
    printf("%d\n", strlen(opaque(block)) == 52);
}

SHAPE(printed) {
    char *block = make(54);
    free(block);
    printf("%s\n", (char *)opaque(block));
}

SHAPE(copied) {
    char copy[55], *block = make(55);
    free(block);
    memcpy(copy, opaque(block), 55);
    printf("%d\n", copy[0] == 'r');
}

SHAPE(compared) {
    char *block = make(56);
    free(block);
    printf("%d\n", strcmp(opaque(block), "r") > 0);
}

SHAPE(summed) {
    int sum = 0, *number = opaque(calloc(14, sizeof *number));
    free(number);
    for (int i = 0; i < 14; i++)
        sum += ((int *)opaque(number))[i];
    printf("%d\n", sum == 0);
}

SHAPE(mid) {
    char *block = make(6000);
    free(block);
    printf("%d\n", *(char *)opaque(block + 3000) == 'r');
}

SHAPE(large) {
    char *block = make(150000);
    free(block);
    printf("%d\n", *(char *)opaque(block + 70000) == 'r');
}

SHAPE(huge) {
    char *block = make(9000000);
    free(block);
    printf("%d\n", *(char *)opaque(block + 5000000) == 'r');
}

SHAPE(all_of_many_are_free) {
    char *block[500];
    for (int i = 0; i < 500; i++)
        block[i] = make(57);
    for (int i = 0; i < 500; i++)
        free(block[i]);
    printf("%d\n", *(char *)opaque(block[250]) == 'r');
}

/* Other blocks of its page live. */
SHAPE(neighbours_live) {
    char *block[21];
    for (int i = 0; i < 21; i++)
        block[i] = make(58);
    free(block[10]);
    printf("%d\n", *(char *)opaque(block[10]) == 'r');
    for (int i = 0; i < 21; i++)
        if (i != 10)
            free(block[i]);
}

SHAPE(handed_to_the_system) {
    char *block = make(59);
    free(block);
    if (write(STDOUT_FILENO, opaque(block), 58) < 0)
        puts("the system refused");
}

RUN_ONE()
