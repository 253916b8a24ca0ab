/* Keeps the pointer to a block that realloc moved away, and writes through it. */
#include <stdlib.h>
#include <string.h>

int main(void) {
    char *line[100];
    for (int i = 0; i < 100; i++)
        line[i] = strdup("a line of some length, as all the others are");
    char *old = line[50];
    line[50] = realloc(line[50], 5000);
    old[0] = 'A';
    return line[50] == NULL;
}
