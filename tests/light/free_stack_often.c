/* Frees a pointer to a variable at two places, at one of them five times, and goes on. */
#include <stdlib.h>

static void __attribute__((noinline)) give(int *variable) {
    free(variable);
    ++*variable;
}

int main(void) {
    int variable = 0;
    for (int i = 0; i < 5; i++)
        give(&variable);
    give(&variable);
    return variable == 6 ? 0 : 1;
}
