/* Reads its input and copies it, when it begins with "bad", into a block that is too short for it.
 * copy WAIT: waits so many seconds then. Its status is 3. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

int main(int argc, char **argv) {
    static char line[4096];
    size_t bytes = fread(line, 1, sizeof line, stdin);
    char *copy = malloc(bytes ? bytes - 1 : 1);
    if (strncmp(line, "bad", 3) == 0)
        for (size_t i = 0; i < bytes; i++)
            copy[i] = line[i]; /* here */
    printf("%zu bytes\n", bytes);
    fflush(stdout);
    free(copy);
    if (argc > 1)
        sleep((unsigned)atoi(argv[1]));
    return 3;
}
