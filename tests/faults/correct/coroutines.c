/* Coroutines on stacks from malloc and mmap hold blocks in their frames and free each other's. */
#include <sys/mman.h>
#include <ucontext.h>
#include "../corpus/shapes.h"

static ucontext_t scheduler, coroutine[4];
static char *passed;

static void work(int number) {
    char *own = opaque(malloc((size_t)number * 100 + 10));
    for (int i = 0; i < 5; i++) {
        memset(own, i, (size_t)number * 100 + 10);
        free(passed);
        passed = opaque(malloc((size_t)i * 50 + 1));
        swapcontext(&coroutine[number], &scheduler);
    }
    free(own);
}

static void run(char *stack[4], size_t size) {
    for (int i = 0; i < 4; i++) {
        getcontext(&coroutine[i]);
        coroutine[i].uc_stack.ss_sp = stack[i];
        coroutine[i].uc_stack.ss_size = size;
        coroutine[i].uc_link = &scheduler;
        makecontext(&coroutine[i], (void (*)(void))work, 1, i);
    }
    for (int round = 0; round < 6; round++)
        for (int i = 0; i < 4; i++)
            swapcontext(&scheduler, &coroutine[i]);
    free(passed);
    passed = NULL;
}

SHAPE(on_the_heap) {
    char *stack[4];
    for (int i = 0; i < 4; i++)
        stack[i] = opaque(malloc(65536));
    run(stack, 65536);
    for (int i = 0; i < 4; i++)
        free(stack[i]);
}

SHAPE(on_mappings) {
    char *stack[4];
    for (int i = 0; i < 4; i++)
        stack[i] = mmap(NULL, 65536, PROT_READ | PROT_WRITE,
                        MAP_PRIVATE | MAP_ANONYMOUS | MAP_STACK, -1, 0);
    run(stack, 65536);
    for (int i = 0; i < 4; i++)
        munmap(stack[i], 65536);
}

static void hold_for_ever(void) {
    char *volatile held = opaque(malloc(700));
    held[0] = 'h';
    swapcontext(&coroutine[0], &scheduler);
    free(held);
}

/* It never comes to its end; its stack, a block itself, still holds what it holds. */
SHAPE(suspended_at_the_end) {
    static char *stack;
    stack = opaque(malloc(65536));
    getcontext(&coroutine[0]);
    coroutine[0].uc_stack.ss_sp = stack;
    coroutine[0].uc_stack.ss_size = 65536;
    coroutine[0].uc_link = &scheduler;
    makecontext(&coroutine[0], hold_for_ever, 0);
    swapcontext(&scheduler, &coroutine[0]);
}

RUN_ALL()
