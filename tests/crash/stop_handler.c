/* Frees a block twice; its handler of SIGABRT allocates, says its word, and returns. */
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void on_abort(int number) {
    (void)number;
    for (int i = 0; i < 1000; i++)
        free(malloc((size_t)i));
    char *word = strdup("the program's own report\n");
    (void)!write(1, word, strlen(word));
    free(word);
}

int main(void) {
    char *block = malloc(24);
    signal(SIGABRT, on_abort);
    free(block);
    free(block);
    return 0;
}
