/* The threads of a running program: whether each is at a record, and their ends. */
#include "entry/attach/attach.h"
#include "platform/raw_call.h"
#include "trace/trace.h"
#include "trace/wait.h"
#include "platform/thread_key.h"

enum {
    THREADS = 4096,
    END_ROUND = 3, /* pthreads calls destructors in up to 4 rounds */
    OUTSIDE_MS = 5000,
    OUTSIDE_NAP_MS = 1,
    BARRIER_NAP_MS = 20,
};

_Thread_local struct hak_attach_thread *hak_attach_thread
    __attribute__((tls_model("initial-exec")));

static _Thread_local unsigned end_rounds __attribute__((tls_model("initial-exec")));
static struct hak_attach_thread threads[THREADS];
static _Atomic uint32_t high; /* places below it were taken once */
static struct hak_thread_key key;

struct hak_attach_thread *hak_attach_take_thread(void) {
    if (end_rounds >= END_ROUND)
        return NULL;
    for (uint32_t i = 0; i < THREADS; i++) {
        uint32_t free = 0;
        if (atomic_load_explicit(&threads[i].is_taken, memory_order_relaxed) ||
            !atomic_compare_exchange_strong(&threads[i].is_taken, &free, 1))
            continue;
        uint32_t seen = atomic_load(&high);
        while (seen <= i && !atomic_compare_exchange_weak(&high, &seen, i + 1))
            continue;
        threads[i].seen = 0;
        hak_attach_thread = &threads[i];
        /* May allocate, which comes here again and finds the place. */
        (void)hak_thread_key_set(&key, &end_rounds);
        return &threads[i];
    }
    atomic_fetch_add(&hak_attach_shared.unseen_threads, 1);
    end_rounds = END_ROUND;
    return NULL;
}

void hak_attach_join(struct hak_attach_thread *thread, uint32_t recording) {
    thread->seen = recording;
    hak_trace_attach_thread();
}

/* Ends this thread's recording, in the last round of destructors, so that blocks that others give
 * back before are recorded by it. Later ones are not. */
static void end_thread(void *value) {
    if (++end_rounds < END_ROUND && hak_thread_key_set(&key, value))
        return;
    end_rounds = END_ROUND;
    if (hak_attach_enter()) {
        hak_trace_thread_end();
        hak_attach_leave();
    } else {
        hak_trace_thread_leave();
    }
    struct hak_attach_thread *thread = hak_attach_thread;
    hak_attach_thread = NULL;
    if (thread)
        atomic_store(&thread->is_taken, 0);
}

bool hak_attach_start_threads(void) {
    return hak_thread_key_make(&key, end_thread);
}

/* Makes a full barrier on all threads of this process (Linux 4.14), or waits a moment where it
 * cannot. */
static void barrier_everywhere(void) {
    enum { EXPEDITED = 1 << 3, REGISTER_EXPEDITED = 1 << 4 };
    (void)hak_raw_call(SYS_membarrier, REGISTER_EXPEDITED);
    if (hak_raw_call(SYS_membarrier, EXPEDITED) != 0)
        hak_sleep_ms(BARRIER_NAP_MS);
}

/* True when no thread is inside one of hakmem's functions. */
static bool is_outside(void) {
    for (uint32_t i = 0; i < atomic_load(&high); i++)
        if (__atomic_load_n(&threads[i].inside, __ATOMIC_ACQUIRE) != 0)
            return false;
    return true;
}

bool hak_attach_wait_outside(void) {
    uint64_t deadline = hak_monotonic_ns() + OUTSIDE_MS * HAK_MILLISECOND_NS;
    barrier_everywhere();
    while (!is_outside()) {
        if (hak_monotonic_ns() > deadline)
            return false;
        hak_sleep_ms(OUTSIDE_NAP_MS);
    }
    return true;
}

void hak_attach_forget_threads(void) {
    for (uint32_t i = 0; i < atomic_load(&high); i++) {
        threads[i].inside = 0;
        if (&threads[i] != hak_attach_thread)
            atomic_store(&threads[i].is_taken, 0);
    }
}
