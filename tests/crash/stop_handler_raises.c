/* Frees a block twice; its handler of SIGABRT puts the default back and aborts again. */
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

static void on_abort(int number) {
    static const char word[] = "the program's own report\n";
    (void)!write(1, word, sizeof word - 1);
    signal(number, SIG_DFL);
    abort();
}

int main(void) {
    char *block = malloc(24);
    signal(SIGABRT, on_abort);
    free(block);
    free(block);
    return 0;
}
