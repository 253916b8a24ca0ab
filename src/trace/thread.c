/* Gives each thread an alternate signal stack, also those that never allocate: pthread_create is
 * interposed for them. */
#include "trace/thread.h"
#include <dlfcn.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include "trace/current.h"
#include "platform/raw_call.h"

enum { STACK_BYTES = 64 << 10, GUARD_BYTES = 4096, POOLED = 64, STARTS = 256 };

static _Thread_local char *own_stack __attribute__((tls_model("initial-exec")));
static _Atomic(char *) pool[POOLED];

static char *take_from_pool(void) {
    for (int i = 0; i < POOLED; i++) {
        char *stack = atomic_load_explicit(&pool[i], memory_order_relaxed);
        if (stack && atomic_compare_exchange_strong(&pool[i], &stack, NULL))
            return stack;
    }
    char *stack = hak_raw_map(STACK_BYTES + GUARD_BYTES);
    if (stack)
        (void)hak_raw_call(SYS_mprotect, (long)stack, GUARD_BYTES, PROT_NONE, 0, 0, 0);
    return stack;
}

static void put_into_pool(char *stack) {
    for (int i = 0; i < POOLED; i++) {
        char *empty = NULL;
        if (atomic_compare_exchange_strong(&pool[i], &empty, stack))
            return;
    }
    hak_raw_unmap(stack, STACK_BYTES + GUARD_BYTES);
}

void hak_thread_take_stack(void) {
    stack_t now = {0};
    if (own_stack || !hak_current.session ||
        hak_raw_call(SYS_sigaltstack, 0, (long)&now, 0, 0, 0, 0) != 0 ||
        !(now.ss_flags & SS_DISABLE))
        return;
    char *stack = take_from_pool();
    if (!stack)
        return;
    stack_t wanted = {.ss_sp = stack + GUARD_BYTES, .ss_size = STACK_BYTES};
    if (hak_raw_call(SYS_sigaltstack, (long)&wanted, 0, 0, 0, 0, 0) == 0)
        own_stack = stack;
    else
        put_into_pool(stack);
}

void hak_thread_give_stack_back(void) {
    stack_t now = {0}, none = {.ss_flags = SS_DISABLE};
    char *stack = own_stack;
    if (!stack || hak_raw_call(SYS_sigaltstack, 0, (long)&now, 0, 0, 0, 0) != 0 ||
        (now.ss_flags & SS_ONSTACK))
        return;
    own_stack = NULL;
    if (now.ss_sp == stack + GUARD_BYTES)
        (void)hak_raw_call(SYS_sigaltstack, (long)&none, 0, 0, 0, 0, 0);
    put_into_pool(stack);
}

/* A start routine on its way from pthread_create to the new thread. */
struct start {
    _Atomic uint32_t taken;
    void *(*routine)(void *);
    void *argument;
};
static struct start starts[STARTS];

static void end_of_thread(void *unused) {
    (void)unused;
    hak_thread_give_stack_back();
}

static void *run_thread(void *context) {
    struct start *start = context;
    void *(*routine)(void *) = start->routine;
    void *argument = start->argument, *result;
    atomic_store_explicit(&start->taken, 0, memory_order_release);
    hak_thread_take_stack();
    pthread_cleanup_push(end_of_thread, NULL);
    result = routine(argument);
    pthread_cleanup_pop(1);
    return result;
}

typedef int create_function(pthread_t *, const pthread_attr_t *, void *(*)(void *), void *);

HAK_EXPORT int pthread_create(pthread_t *thread, const pthread_attr_t *attributes,
                              void *(*routine)(void *), void *argument) {
    static _Atomic(create_function *) next;
    create_function *create = atomic_load(&next);
    if (!create) {
        create = (create_function *)dlsym(RTLD_NEXT, "pthread_create");
        atomic_store(&next, create);
    }
    for (int i = 0; i < STARTS; i++) {
        uint32_t free = 0;
        if (!atomic_compare_exchange_strong(&starts[i].taken, &free, 1))
            continue;
        starts[i].routine = routine;
        starts[i].argument = argument;
        int result = create(thread, attributes, run_thread, &starts[i]);
        if (result != 0)
            atomic_store(&starts[i].taken, 0);
        return result;
    }
    return create(thread, attributes, routine,
                  argument); /* it gets its stack at its first record */
}
