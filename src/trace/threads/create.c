/* Begins the thread's life with us before its own function runs, also for a thread that never
 * allocates, and hands over where it was created: pthread_create and thrd_create are interposed. */
#include "trace/threads/threads.h"
#include <pthread.h>
#include <stdatomic.h>
#include <string.h>
#include <threads.h>
#include "block.h"
#include "options.h"
#include "trace/memory/memory.h"
#include "trace/signals/signals.h"
#include "trace/stacks/stacks.h"
#include "trace/trace.h"
#include "platform/symbols.h"

enum { STARTS = 256 };

/* A start routine on its way to the new thread. */
struct start {
    _Atomic uint32_t taken;
    union {
        void *(*routine)(void *);
        thrd_start_t c11_routine;
    };
    void *argument;
    bool blocks_traps; /* its creator does */
    struct hak_thread_origin origin[HAK_ORIGINS];
};
static struct start starts[STARTS];
static void (*at_start)(void);

void hak_trace_at_thread_start(void (*call)(void)) {
    at_start = call;
}

_Thread_local struct hak_thread_origin hak_thread_origin[HAK_ORIGINS]
    __attribute__((tls_model("initial-exec")));

_Thread_local uint32_t hak_thread_number __attribute__((tls_model("initial-exec")));

/* Numbers of threads that no process of a session counts. */
static _Atomic uint32_t unrecorded_threads;

uint32_t hak_trace_thread(void) {
    if (HAK_UNLIKELY(hak_thread_number == 0)) {
        /* A session for a report alone comes after threads that have their numbers. */
        bool is_counted = hak_options.trace && hak_current_ready() && hak_current.process;
        _Atomic uint32_t *last =
            is_counted ? &hak_current.process->next_thread : &unrecorded_threads;
        if (hak_thread_number == 0) /* a process that is new writes of itself, and draws one */
            hak_thread_number = 1 + atomic_fetch_add(last, 1);
    }
    return hak_thread_number;
}

void hak_thread_enter_child(void) {
    memset(hak_thread_origin, 0, sizeof hak_thread_origin);
    hak_thread_number = 0;
    atomic_store(&unrecorded_threads, 0);
}

/* The calling thread creates the one that `start` is for. In a frame of its own, so that the stack
 * begins with who called pthread_create. */
static __attribute__((noinline)) void note_origin(struct start *start) {
    struct hak_thread_origin *to = &start->origin[HAK_ORIGIN_OF_SELF];
    /* A fork that no handler saw is noticed here, before the one thread of the child has company:
     * until then it has a number of its parent, which another thread of the child may draw. Where
     * calls are recorded, no number is drawn before there is a process that counts. */
    bool is_ready = hak_current_ready();
    bool has_number = hak_thread_number != 0 || !hak_options.trace || is_ready;
    to->creator = has_number ? hak_trace_thread() : 0;
    to->flags = 0;
    to->stack = hak_stack_of_call(__builtin_frame_address(0), NULL, &to->flags);
    start->origin[HAK_ORIGIN_OF_CREATOR] = hak_thread_origin[HAK_ORIGIN_OF_SELF];
}

/* A place for a start routine, NULL when all are on their way; such a thread gets its stack at its
 * first record. */
static struct start *claim_start(void *argument) {
    for (int i = 0; i < STARTS; i++) {
        uint32_t free = 0;
        if (atomic_compare_exchange_strong(&starts[i].taken, &free, 1)) {
            starts[i].argument = argument;
            starts[i].blocks_traps = hak_mask_blocks_traps();
            note_origin(&starts[i]);
            return &starts[i];
        }
    }
    return NULL;
}

void hak_thread_each_argument(void (*visit)(void *context, const void *argument), void *context) {
    for (int i = 0; i < STARTS; i++)
        if (atomic_load(&starts[i].taken) && starts[i].argument)
            visit(context, starts[i].argument);
}

/* Takes over, in a new thread, what its creator has left, makes that place free, and sets up the
 * thread's mask and signal stack. */
static void begin_thread(struct start *start) {
    memcpy(hak_thread_origin, start->origin, sizeof hak_thread_origin);
    hak_mask_begin_thread(start->blocks_traps);
    start->argument = NULL;
    atomic_store_explicit(&start->taken, 0, memory_order_release);
    if (!hak_options.trace)
        (void)hak_trace_thread(); /* in the order in which they begin, as recorded ones are */
    hak_thread_take_stack();
    if (at_start)
        at_start();
}

/* The thread's own function is jumped to: no frame of ours is on its stack. */
static void *run_thread(void *context) {
    struct start *start = context;
    void *(*routine)(void *) = start->routine;
    void *argument = start->argument;
    begin_thread(start);
    return routine(argument);
}

/* Begins the thread's recording, then runs its routine. */
static int run_c11_thread(void *context) {
    struct start *start = context;
    thrd_start_t routine = start->c11_routine;
    void *argument = start->argument;
    begin_thread(start);
    return routine(argument);
}

typedef int create_function(pthread_t *, const pthread_attr_t *, void *(*)(void *), void *);
typedef int c11_create_function(thrd_t *, thrd_start_t, void *);

/* The program's pthread_create: has the thread begin with its creator noted; without room for the
 * note, as without hakmem. */
HAK_EXPORT int pthread_create(pthread_t *thread, const pthread_attr_t *attributes,
                              void *(*routine)(void *), void *argument) {
    static _Atomic(create_function *) next;
    create_function *create = atomic_load(&next);
    if (!create) {
        create = (create_function *)hak_symbol_next_quietly("pthread_create");
        atomic_store(&next, create);
    }
    struct start *start = claim_start(argument);
    if (!start)
        return create(thread, attributes, routine, argument);
    start->routine = routine;
    int result = create(thread, attributes, run_thread, start);
    if (result != 0)
        atomic_store(&start->taken, 0);
    return result;
}

/* The program's thrd_create: as pthread_create, the thread begins with its creator noted, without
 * room for that as without hakmem. */
HAK_EXPORT int thrd_create(thrd_t *thread, thrd_start_t routine, void *argument) {
    static _Atomic(c11_create_function *) next;
    c11_create_function *create = atomic_load(&next);
    if (!create) {
        create = (c11_create_function *)hak_symbol_next_quietly("thrd_create");
        atomic_store(&next, create);
    }
    struct start *start = claim_start(argument);
    if (!start)
        return create(thread, routine, argument);
    start->c11_routine = routine;
    int result = create(thread, run_c11_thread, start);
    if (result != thrd_success)
        atomic_store(&start->taken, 0);
    return result;
}
