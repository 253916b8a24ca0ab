/* Frees a block twice; its handler of SIGABRT frees it once more. */
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

static char *block;

static void on_abort(int number) {
    static const char word[] = "the program's own report\n";
    (void)number;
    (void)!write(1, word, sizeof word - 1);
    free(block);
}

int main(void) {
    block = malloc(24);
    signal(SIGABRT, on_abort);
    free(block);
    free(block);
    return 0;
}
