/* Reads a freed block twice from one place and goes on. Run by addresses.sh with
 * HAKMEM_ON_FAULT=continue. */
#include <stdio.h>
#include <stdlib.h>

static char *volatile text;

int main(void) {
    int reads = 0;
    text = malloc(56);
    text[8] = 'x';
    free(text);
    for (int i = 0; i < 2; i++)
        reads += text[8] != 0;
    printf("main: the freed block was read %d times\n", reads);
    return 0;
}
