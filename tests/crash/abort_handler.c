/* The program's handler of SIGABRT returns; abort ends it all the same. */
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

static void on_abort(int number) {
    static const char word[] = "last words\n";
    (void)number;
    (void)!write(1, word, sizeof word - 1);
}

static void give_up(void) {
    abort();
}

int main(void) {
    signal(SIGABRT, on_abort);
    raise(SIGABRT);
    give_up();
    return 0;
}
