/* Small correct programs of stacks, signals and threads that meet the heap: small_threads NAME.
 * small.sh compares what each says and ends with under hakmem and without. */
#include <dlfcn.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <ucontext.h>
#include <unistd.h>
#include "../faults/corpus/shapes.h"

enum { STACK = 64 * 1024, THREADS = 4, ROUNDS = 200 };

static void say(const char *format, long value) {
    printf(format, value);
    fflush(stdout);
}

static long churn(unsigned seed) {
    static _Thread_local char *all[32];
    long wrong = 0;
    for (unsigned i = 0; i < ROUNDS; i++) {
        unsigned at = (i * 7 + seed) % 32;
        size_t bytes = (i * 131 + seed * 17) % 9000;
        free(all[at]);
        all[at] = malloc(bytes + 1);
        memset(all[at], (int)at, bytes + 1);
        wrong += all[at][bytes] != (char)at;
    }
    for (unsigned i = 0; i < 32; i++) {
        free(all[i]);
        all[i] = NULL;
    }
    return wrong;
}

/* ---- signals -----------------------------------------------------------------------------------
 */

static volatile long heard;
static sigjmp_buf back;

static void hear(int number) {
    (void)number;
    heard += 1 + churn(1);
}

static void leap(int number) {
    (void)number;
    free(malloc(100));
    siglongjmp(back, 1);
}

static stack_t set_stack(size_t bytes) {
    stack_t stack = {.ss_sp = malloc(bytes), .ss_size = bytes};
    if (sigaltstack(&stack, NULL) != 0)
        exit(2);
    return stack;
}

SHAPE(other_stack) {
    struct sigaction action = {.sa_handler = hear, .sa_flags = SA_ONSTACK};
    stack_t stack = set_stack(STACK);
    sigaction(SIGUSR1, &action, NULL);
    for (int i = 0; i < 20; i++)
        raise(SIGUSR1);
    say("heard %ld\n", heard);
    stack_t off = {.ss_flags = SS_DISABLE};
    sigaltstack(&off, NULL);
    free(stack.ss_sp);
}

/* Overflows its stack, and lives on. */
static __attribute__((noinline)) long dig(long depth) {
    volatile char here[4096];
    here[depth % 4096] = (char)depth;
    return depth < 0 ? 0 : dig(depth + 1) + here[depth % 4096];
}

SHAPE(overflow_of_stack) {
    struct sigaction action = {.sa_handler = leap, .sa_flags = SA_ONSTACK};
    stack_t stack = set_stack(STACK);
    sigaction(SIGSEGV, &action, NULL);
    for (volatile int i = 0; i < 3; i++) {
        if (sigsetjmp(back, 1) == 0)
            say("%ld\n", dig(1));
        say("back %ld\n", churn(2));
    }
    stack_t off = {.ss_flags = SS_DISABLE};
    sigaltstack(&off, NULL);
    free(stack.ss_sp);
}

SHAPE(leaps_from_faults) {
    static const int numbers[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGTRAP, SIGABRT, SIGSYS};
    for (volatile size_t i = 0; i < sizeof numbers / sizeof *numbers; i++) {
        signal(numbers[i], leap);
        if (sigsetjmp(back, 1) == 0)
            raise(numbers[i]);
        else
            say("%ld ", numbers[i]);
        signal(numbers[i], SIG_DFL);
    }
    signal(SIGSEGV, leap);
    for (volatile int i = 0; i < 10; i++)
        if (sigsetjmp(back, 1) == 0)
            say("%ld", *(volatile char *)(uintptr_t)(8 + i));
        else
            say("read %ld ", i);
    say("%ld\n", churn(3));
}

SHAPE(storm) {
    struct sigaction action = {.sa_handler = hear};
    sigaction(SIGUSR1, &action, NULL);
    sigaction(SIGUSR2, &action, NULL);
    for (int i = 0; i < 50; i++) {
        raise(i % 2 ? SIGUSR1 : SIGUSR2);
        free(malloc((size_t)i * 100));
    }
    sigset_t all, old;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &old);
    kill(getpid(), SIGUSR1);
    say("blocked %ld", churn(4));
    pthread_sigmask(SIG_SETMASK, &old, NULL);
    say(" heard %ld\n", heard);
}

/* ---- stacks of its own -------------------------------------------------------------------------
 */

static ucontext_t main_context, other_context;
static long switched;

static void of_context(void) {
    for (int i = 0; i < 10; i++) {
        switched += 1 + churn(5);
        swapcontext(&other_context, &main_context);
    }
}

SHAPE(contexts) {
    for (int round = 0; round < 5; round++) {
        char *stack = malloc(STACK);
        getcontext(&other_context);
        other_context.uc_stack.ss_sp = stack;
        other_context.uc_stack.ss_size = STACK;
        other_context.uc_link = &main_context;
        makecontext(&other_context, of_context, 0);
        for (int i = 0; i < 11; i++)
            swapcontext(&main_context, &other_context);
        free(stack);
    }
    say("switched %ld\n", switched);
}

static void *work(void *seed) {
    return (void *)churn((unsigned)(uintptr_t)seed);
}

SHAPE(stacks_of_threads) {
    pthread_attr_t attributes;
    long wrong = 0;
    pthread_attr_init(&attributes);
    for (unsigned i = 0; i < 20; i++) {
        void *stack = i % 2 ? malloc(2 * STACK) : aligned_alloc(4096, 2 * STACK), *result;
        pthread_t thread;
        pthread_attr_setstack(&attributes, stack, 2 * STACK);
        if (pthread_create(&thread, &attributes, work, (void *)(uintptr_t)i) != 0)
            exit(2);
        pthread_join(thread, &result);
        wrong += (long)result;
        free(stack);
    }
    pthread_attr_destroy(&attributes);
    pthread_attr_init(&attributes);
    pthread_attr_setstacksize(&attributes, 16384 + 16384);
    pthread_t small;
    void *result = NULL;
    if (pthread_create(&small, &attributes, work, NULL) == 0)
        pthread_join(small, &result);
    say("wrong %ld\n", wrong + (long)result);
}

/* ---- ends --------------------------------------------------------------------------------------
 */

static pthread_key_t key;

static void end_key(void *block) {
    static _Thread_local int again;
    free(block);
    if (again++ < 3)
        pthread_setspecific(key, malloc(500));
}

static void *with_key(void *unused) {
    pthread_setspecific(key, malloc(100));
    (void)churn(6);
    return unused;
}

SHAPE(keys) {
    pthread_key_create(&key, end_key);
    for (int i = 0; i < 10; i++) {
        pthread_t all[THREADS];
        for (int t = 0; t < THREADS; t++)
            pthread_create(&all[t], NULL, with_key, NULL);
        for (int t = 0; t < THREADS; t++)
            pthread_join(all[t], NULL);
    }
    say("keys %ld\n", 10 * THREADS);
}

static void clean(void *block) {
    free(block);
}

static void *endless(void *unused) {
    char *block = malloc(1000);
    pthread_cleanup_push(clean, block);
    for (;;) {
        (void)churn(7);
        pthread_testcancel();
    }
    pthread_cleanup_pop(1);
    return unused;
}

SHAPE(cancels) {
    long canceled = 0;
    for (int i = 0; i < 10; i++) {
        pthread_t thread;
        void *result;
        pthread_create(&thread, NULL, endless, NULL);
        pthread_cancel(thread);
        pthread_join(thread, &result);
        canceled += result == PTHREAD_CANCELED;
    }
    say("canceled %ld\n", canceled);
}

static char *late_block;
static void at_end(void) {
    free(late_block);
    late_block = malloc(300);
    say("at end %ld\n", churn(8));
    free(late_block);
}
static void on_end(int status, void *block) {
    say("on exit %ld\n", status);
    free(block);
}
SHAPE(ends) {
    late_block = malloc(200);
    atexit(at_end);
    on_exit(on_end, malloc(50));
    pid_t child = fork();
    if (child == 0)
        exit(3);
    int status = 0;
    waitpid(child, &status, 0);
    say("child %ld\n", status);
    exit(4);
}

static void *end_of_process(void *unused) {
    (void)unused;
    say("other %ld\n", churn(9));
    exit(5);
}

SHAPE(end_by_other) {
    pthread_t thread;
    pthread_create(&thread, NULL, end_of_process, NULL);
    pthread_exit(NULL);
}

static void before(void) {
    free(malloc(10));
}
static void after(void) {
    free(malloc(2000));
}

SHAPE(forks) {
    pthread_t threads[2];
    pthread_atfork(before, after, after);
    for (int t = 0; t < 2; t++)
        pthread_create(&threads[t], NULL, endless, NULL);
    long good = 0;
    for (int i = 0; i < 20; i++) {
        int status = -1;
        pid_t child = fork();
        if (child == 0)
            _exit(churn(10) == 0 ? 6 : 7);
        waitpid(child, &status, 0);
        good += status == W_EXITCODE(6, 0);
    }
    for (int t = 0; t < 2; t++) {
        pthread_cancel(threads[t]);
        pthread_join(threads[t], NULL);
    }
    say("forks %ld\n", good);
}

static void *load_loop(void *name) {
    long found = 0;
    for (int i = 0; i < 50; i++) {
        void *library = dlopen(name, RTLD_NOW | RTLD_LOCAL);
        found += library && dlsym(library, "no such name") == NULL && dlerror() != NULL;
        (void)churn(11);
        if (library)
            dlclose(library);
    }
    return (void *)found;
}

SHAPE(loads) {
    static char *const names[] = {"libm.so.6", "libz.so.1", "libresolv.so.2"};
    pthread_t all[3];
    long found = 0;
    for (int t = 0; t < 3; t++)
        pthread_create(&all[t], NULL, load_loop, names[t]);
    for (int t = 0; t < 3; t++) {
        void *result;
        pthread_join(all[t], &result);
        found += (long)result;
    }
    say("loads %ld\n", found);
}

/* Given to another thread as it comes, and back. */
static void *volatile handed[64];
static void *take_over(void *seed) {
    for (unsigned i = 0; i < 20000; i++) {
        unsigned at = (i * 31 + (unsigned)(uintptr_t)seed) % 64;
        size_t bytes = (i * 57) % 3000 + sizeof(size_t);
        size_t *block = malloc(bytes), *other;
        *block = bytes;
        other = __atomic_exchange_n(&handed[at], block, __ATOMIC_ACQ_REL);
        if (other && (i % 3 || !(other = realloc(other, *other + 100))))
            free(other);
        else if (other)
            free(other);
    }
    return NULL;
}

SHAPE(hand_over) {
    pthread_t all[THREADS];
    for (int t = 0; t < THREADS; t++)
        pthread_create(&all[t], NULL, take_over, (void *)(uintptr_t)t);
    for (int t = 0; t < THREADS; t++)
        pthread_join(all[t], NULL);
    for (unsigned i = 0; i < 64; i++)
        free(handed[i]);
    say("handed over %ld\n", churn(12));
}

RUN_ONE()
