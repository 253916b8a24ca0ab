/* The program's handler says its word, puts the default back and sends itself the signal again, as
 * redis and many others do. */
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

static void on_fault(int number, siginfo_t *info, void *context) {
    static const char word[] = "the program's own report\n";
    struct sigaction standard = {.sa_handler = SIG_DFL};
    (void)info;
    (void)context;
    (void)!write(2, word, sizeof word - 1);
    sigaction(number, &standard, NULL);
    raise(number);
}

static int read_through(const int *pointer) {
    return *pointer;
}

int main(void) {
    struct sigaction mine = {.sa_sigaction = on_fault, .sa_flags = SA_SIGINFO | SA_NODEFER};
    int **cell = calloc(1, sizeof *cell);
    sigaction(SIGSEGV, &mine, NULL);
    return read_through(*cell + 4);
}
