/* Allocates on small stacks above a closed page: a write barrier's handler on an alternate stack
 * that has 5,000 bytes behind the kernel's frame, as SIGSTKSZ of old leaves; a coroutine of 4,096
 * bytes. Then prints how deep calls of the family went: "NAME BYTES". */
#define _GNU_SOURCE
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <ucontext.h>
#ifndef AT_MINSIGSTKSZ
#define AT_MINSIGSTKSZ 51
#endif
enum { PAGE = 4096, DEEP = 65536, FILL = 0x5a };

static char *barrier;
static volatile int hits, call;
static void *volatile block;
static char *frame;

/* `bytes` of memory that end at a page's end, a closed page at most a page in front of them. */
static char *stack_of(size_t bytes) {
    size_t whole = (bytes + PAGE - 1) / PAGE * PAGE;
    char *pages =
        mmap(NULL, PAGE + whole, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    mprotect(pages, PAGE, PROT_NONE);
    return pages + PAGE + whole - bytes;
}

static void serve(int which) {
    if (which == 0)
        block = malloc(100);
    else if (which == 1)
        block = realloc(block, 200000);
    else if (which == 2)
        free(block);
    else if (which == 3)
        block = calloc(3, 77);
    else
        free(block);
}

static void open_barrier(int number, siginfo_t *info, void *context) {
    (void)number, (void)info, (void)context;
    serve(hits++ % 5);
    mprotect(barrier, PAGE, PROT_READ | PROT_WRITE);
}

static void measure(int number) {
    (void)number;
    frame = __builtin_frame_address(0);
    serve(call);
}

static void handle(int number, void *handler, char *stack, size_t bytes) {
    stack_t alternate = {.ss_sp = stack, .ss_size = bytes};
    struct sigaction action;
    memset(&action, 0, sizeof action);
    action.sa_sigaction = (void (*)(int, siginfo_t *, void *))handler;
    action.sa_flags = SA_SIGINFO | SA_ONSTACK;
    if (sigaltstack(&alternate, NULL) != 0 || sigaction(number, &action, NULL) != 0)
        exit(2);
}

static void run_coroutine(void) {
    for (int i = 0; i < 100; i++)
        serve(i % 5);
}

int main(void) {
    size_t least = getauxval(AT_MINSIGSTKSZ), bytes = (least ? least : 2048) + 5000;
    handle(SIGSEGV, (void *)open_barrier, stack_of(bytes), bytes);
    barrier = mmap(NULL, PAGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    for (int round = 0; round < 2000; round++) {
        *(volatile char *)barrier = 1;
        mprotect(barrier, PAGE, PROT_NONE);
    }
    printf("hits %d\n", hits);

    ucontext_t back, coroutine;
    getcontext(&coroutine);
    coroutine.uc_stack.ss_sp = stack_of(PAGE);
    coroutine.uc_stack.ss_size = PAGE;
    coroutine.uc_link = &back;
    makecontext(&coroutine, run_coroutine, 0);
    swapcontext(&back, &coroutine);
    puts("came back");

    static const char *const names[] = {"malloc", "realloc", "free", "calloc", "free"};
    char *deep = stack_of(DEEP);
    handle(SIGUSR1, (void *)measure, deep, DEEP);
    for (int round = 0; round < 3; round++)
        for (call = 0; call < 5; call++) {
            size_t at = 0;
            memset(deep, FILL, DEEP);
            raise(SIGUSR1);
            while (deep[at] == FILL)
                at++;
            printf("%s %td\n", names[call], frame - (deep + at));
        }
    return 5;
}
