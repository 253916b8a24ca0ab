/* Writes past the end of a block in every third of its runs, which it counts in the file `count`;
 * in all others it ends well. seldom odd: it also needs blocks at multiples of 16. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int next_number(void) {
    int number = 0;
    FILE *file = fopen("count", "r+");
    if (!file || fscanf(file, "%d", &number) != 1)
        exit(2);
    rewind(file);
    fprintf(file, "%d\n", number + 1);
    fclose(file);
    return number;
}

int main(int argc, char **argv) {
    int number = next_number();
    char *block = malloc(25);
    if (argc > 1 && strcmp(argv[1], "odd") == 0 && (uintptr_t)block % 16 != 0)
        *(volatile int *)8 = 1;
    if (number % 3 == 1)
        block[25] = 'x';
    free(block);
    return 0;
}
