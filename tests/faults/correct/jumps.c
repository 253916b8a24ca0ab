/* longjmp and siglongjmp leave functions; what they had is freed by who jumped for them. */
#include <setjmp.h>
#include <signal.h>
#include "../corpus/shapes.h"

static jmp_buf back;
static sigjmp_buf back_from_signal;

static void fail(int depth, char *held) {
    char text[200];
    memset(text, depth, sizeof text);
    held[depth] = text[depth];
    if (depth == 40)
        longjmp(back, 1);
    fail(depth + 1, held);
}

SHAPE(out_of_depth) {
    char *volatile held = opaque(malloc(50));
    if (setjmp(back) == 0)
        fail(0, held);
    free(held);
}

static void jump(int number) {
    siglongjmp(back_from_signal, number);
}

SHAPE(out_of_a_signal) {
    char *volatile held = opaque(malloc(60));
    signal(SIGUSR1, jump);
    if (sigsetjmp(back_from_signal, 1) == 0)
        raise(SIGUSR1);
    free(held);
    signal(SIGUSR1, SIG_DFL);
}

/* Programs use the signal of a bad access on purpose, too. */
SHAPE(out_of_a_bad_access) {
    char *volatile held = opaque(malloc(70));
    signal(SIGSEGV, jump);
    for (int i = 0; i < 3; i++)
        if (sigsetjmp(back_from_signal, 1) == 0)
            *(volatile char *)opaque((char *)16) = 1;
    signal(SIGSEGV, SIG_DFL);
    free(held);
}

RUN_ALL()
