/* rows N: keeps 1,000 blocks of 1,000 bytes, and takes and gives back N more; 0: no block at all.
 * With one more argument a child takes 2,000 blocks of the same size, while those are held. */
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

enum { ROWS = 1000, ROW_BYTES = 1000 };

static void keep_rows(void **rows, int count) {
    for (int i = 0; i < count; i++)
        rows[i] = malloc(ROW_BYTES);
}

static void use_words(long count) {
    for (long i = 0; i < count; i++)
        free(malloc(24));
}

int main(int count, char **arguments) {
    static void *rows[ROWS], *more[2 * ROWS];
    long words = count > 1 ? atol(arguments[1]) : 0;
    if (words == 0)
        return 0;
    keep_rows(rows, ROWS);
    use_words(words);
    if (count > 2) {
        pid_t child = fork();
        if (child == 0) {
            keep_rows(more, 2 * ROWS);
            _exit(0);
        }
        waitpid(child, NULL, 0);
    }
    for (int i = 0; i < ROWS; i++)
        free(rows[i]);
    return 0;
}
