/* growing LIVES: takes and gives back a block that often, prints "begun" after the first quarter,
 * and waits for a line at the end. */
#include <stdio.h>
#include <stdlib.h>

int main(int count, char **arguments) {
    long lives = count == 2 ? atol(arguments[1]) : 0;
    char line[8];
    for (long i = 0; i < lives; i++) {
        void *volatile block = malloc(24);
        free(block);
        if (i == lives / 4) {
            puts("begun");
            fflush(stdout);
        }
    }
    return fgets(line, sizeof line, stdin) == NULL;
}
