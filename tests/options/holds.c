/* Holds 100 blocks of 1,000 bytes and a large one at its end, after giving ten of 64 bytes back:
 * `holds [chdir|fork|use]` goes elsewhere before, or has a child that ends in the same way, or
 * takes and gives back 100,000 blocks. */
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum { BLOCKS = 100, GIVEN = 10 };

static void *held[BLOCKS + 1];

int main(int count, char **arguments) {
    const char *what = count > 1 ? arguments[1] : "";
    void *given[GIVEN];
    for (int i = 0; i < BLOCKS; i++)
        held[i] = malloc(1000);
    held[BLOCKS] = malloc(10 << 20);
    for (int i = 0; i < GIVEN; i++)
        given[i] = malloc(64);
    for (int i = 0; i < GIVEN; i++)
        free(given[i]);
    if (strcmp(what, "chdir") == 0 && chdir("/") != 0)
        return 1;
    for (int i = 0; strcmp(what, "use") == 0 && i < 1000; i++) {
        static void *used[100];
        for (int j = 0; j < 100; j++)
            used[j] = malloc(200);
        for (int j = 0; j < 100; j++)
            free(used[j]);
    }
    if (strcmp(what, "fork") == 0) {
        pid_t child = fork();
        int ended;
        if (child != 0 && (waitpid(child, &ended, 0) != child || ended != 0))
            return 1;
    }
    return 0;
}
