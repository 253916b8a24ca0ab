/* Begins, runs and ends the thread that gives memory back. */
#include "background/background.h"

#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <sys/prctl.h>
#include "platform/block_signals.h"
#include "platform/discard.h"
#include "platform/lock.h"
#include "platform/objects.h"
#include "platform/symbols.h"
#include "pool/pool.h"
#include "slab/away.h"
#include "slab/tune.h"

#define STACK_BYTES ((size_t)256 << 10)
#define NAP_NS      UINT64_C(1000000)
#define DECAY_NS    UINT64_C(100000000)

/* Signals 32 and 33 are glibc's: the end of a thread, and setuid on all of them. */
#define SIGNALS_OF_LIBC (UINT64_C(3) << 31)

/* Functions of libc, which may have them in another library before glibc 2.34. */
static struct {
    int (*create)(pthread_t *, const pthread_attr_t *, void *(*)(void *), void *);
    int (*join)(pthread_t, void **);
    int (*detach)(pthread_t);
    int (*kill)(pthread_t, int);
    int (*init)(pthread_attr_t *);
    int (*set_stack)(pthread_attr_t *, size_t);
} pthreads;

static pthread_t thread;
static _Atomic bool has_thread, is_ending, is_wanted, first_has_ended;
static long own_process;

/* Held by whoever begins or ends the thread, until that is over. */
static struct hak_lock begin_or_end;

/* ---- the thread ------------------------------------------------------------------------------ */

static bool work(void) {
    uint64_t delay = atomic_load_explicit(&hak_purge_delay_ticks, memory_order_relaxed);
    bool is_some = hak_away_work();
    hak_pool_decay(hak_ticks(), delay);
    size_t bytes = hak_pool_unmap_left();
    atomic_fetch_add_explicit(&hak_background_bytes, bytes, memory_order_relaxed);
    return is_some || bytes > 0;
}

static bool has_work(void) {
    return atomic_load(&hak_pool_has_left) || hak_away_waits() || atomic_load(&is_ending);
}

/* A thread of a real-time program would take the processor from its others. */
static void leave_real_time(void) {
    const struct sched_param none = {0};
    long policy = hak_raw_call(SYS_sched_getscheduler, 0);
    if (policy == SCHED_FIFO || policy == SCHED_RR)
        (void)hak_raw_call(SYS_sched_setscheduler, 0, SCHED_OTHER, &none);
}

static uint64_t rest_ns(void) {
    return hak_pool_has_aging() ? DECAY_NS : 0;
}

static void *run(void *nothing) {
    (void)hak_raw_call(SYS_prctl, PR_SET_NAME, "hakmem-back");
    leave_real_time();
    while (!atomic_load(&is_ending)) {
        if (work())
            hak_futex_wait_for(&hak_background_word, HAK_BACKGROUND_AWAKE, NAP_NS);
        else
            hak_background_rest(has_work, rest_ns);
    }
    (void)work();
    atomic_store(&hak_background_word, HAK_BACKGROUND_ABSENT);
    return nothing;
}

/* ---- begin ----------------------------------------------------------------------------------- */

static long process_id(void) {
    return hak_raw_call(SYS_getpid);
}

static bool find_functions(void) {
    if (!pthreads.create) {
        pthreads.init = hak_symbol_of_libc("pthread_attr_init");
        pthreads.set_stack = hak_symbol_of_libc("pthread_attr_setstacksize");
        pthreads.join = hak_symbol_of_libc("pthread_join");
        pthreads.detach = hak_symbol_of_libc("pthread_detach");
        pthreads.kill = hak_symbol_of_libc("pthread_kill");
        pthreads.create = hak_symbol_of_libc("pthread_create");
    }
    return pthreads.create && pthreads.join && pthreads.detach && pthreads.kill && pthreads.init &&
           pthreads.set_stack;
}

static bool contains(const struct hak_object *object, const void *address) {
    return (uintptr_t)address - object->start < object->end - object->start;
}

/* Whether the code there could create a thread at this moment. Code without a module is generated
 * by the program. */
static bool may_create(const void *caller) {
    static const char of_libc[][20] = {"__libc_start_main", "__tls_get_addr"};
    struct hak_object object;
    if (!hak_object_find((uintptr_t)caller, &object))
        return true;
    (void)find_functions(); /* create says where libpthread is */
    if (contains(&object, (void *)(uintptr_t)run) ||
        contains(&object, (void *)(uintptr_t)pthreads.create))
        return false;
    for (unsigned i = 0; i < sizeof of_libc / sizeof *of_libc; i++)
        if (contains(&object, hak_symbol_first(of_libc[i])))
            return false;
    return true;
}

/* libhakmem.so: whether the program is in a sandbox of its own, or tries to be. */
static bool is_in_sandbox(void) {
    return &hak_sandboxes_entered &&
           atomic_load_explicit(&hak_sandboxes_entered, memory_order_relaxed) > 0;
}

/* A stack of `stack_bytes`; 0: of the usual size. */
static int create_with(size_t stack_bytes) {
    pthread_attr_t attributes;
    int error = pthreads.init(&attributes);
    if (error == 0 && stack_bytes > 0)
        error = pthreads.set_stack(&attributes, stack_bytes);
    return error == 0 ? pthreads.create(&thread, &attributes, run, NULL) : error;
}

/* A program may have more thread-local data than a small stack takes. */
static bool create(void) {
    uint64_t signals;
    if (!find_functions())
        return false;
    hak_block_signals_but(SIGNALS_OF_LIBC, &signals);
    int error = create_with(STACK_BYTES);
    if (error == EINVAL)
        error = create_with(0);
    hak_restore_signals(&signals);
    return error == 0;
}

/* A page that is empty in the child of any clone with memory of its own. Before Linux 4.14 only
 * forks through libc are noticed. */
static bool note_alive(void) {
    static _Atomic uint32_t *alive;
    if (!alive) {
        alive = hak_map(HAK_PAGE_BYTES);
        if (!alive)
            return false;
        (void)hak_raw_call(SYS_madvise, alive, HAK_PAGE_BYTES, MADV_WIPEONFORK);
        hak_background_alive = alive;
    }
    atomic_store(alive, 1);
    return true;
}

static void begin(void) {
    bool is_noted = note_alive();
    /* From here on it is left to the thread, however long that takes to get a processor. */
    if (is_noted)
        atomic_store(&hak_background_word, HAK_BACKGROUND_AWAKE);
    if (is_noted && create()) {
        atomic_store(&has_thread, true);
    } else {
        atomic_store(&hak_background_word, HAK_BACKGROUND_ABSENT);
        atomic_store(&is_wanted, false);
        atomic_fetch_add(&hak_background_failures, 1);
    }
}

void hak_background_begin_for(const void *caller) {
    uint32_t now = HAK_BACKGROUND_NOW;
    int saved_errno = errno;
    if (process_id() != own_process || is_in_sandbox() || !may_create(caller) ||
        !hak_try_lock(&begin_or_end))
        return;
    if (atomic_compare_exchange_strong(&hak_background_begin, &now, HAK_BACKGROUND_NEVER))
        begin();
    hak_unlock(&begin_or_end);
    errno = saved_errno;
}

void hak_background_prepare(void) {
    own_process = process_id();
    atomic_store(&is_wanted, true);
    atomic_store(&hak_background_begin, HAK_BACKGROUND_LATER);
}

/* ---- end ------------------------------------------------------------------------------------- */

static bool may_begin(void) {
    return atomic_load(&is_wanted) && !atomic_load(&first_has_ended);
}

static void set_begin(void) {
    atomic_store(&hak_background_begin, may_begin() ? HAK_BACKGROUND_LATER : HAK_BACKGROUND_NEVER);
}

/* Tells the thread to end, if there is one: true then. */
static bool tell_to_end(void) {
    uint32_t asleep = HAK_BACKGROUND_ASLEEP;
    atomic_store(&hak_background_begin, HAK_BACKGROUND_NEVER);
    atomic_store(&is_ending, true);
    if (atomic_compare_exchange_strong(&hak_background_word, &asleep, HAK_BACKGROUND_AWAKE))
        hak_futex_wake(&hak_background_word, 1);
    return atomic_exchange(&has_thread, false);
}

/* The child of a bare clone may have its parent's process id, in a namespace of its own, but not
 * its threads. */
static bool is_thread_here(void) {
    return pthreads.kill(thread, 0) == 0;
}

void hak_background_thread_ends(void) {
    if (!atomic_load_explicit(&is_wanted, memory_order_relaxed) || hak_thread_id() != own_process)
        return;
    atomic_store(&first_has_ended, true);
    hak_lock(&begin_or_end);
    if (tell_to_end())
        (void)pthreads.detach(thread);
    hak_unlock(&begin_or_end);
}

/* In libhakmem.so it may begin again where the program gets into no sandbox after all. */
void hak_background_end(void) {
    if (!may_begin() || process_id() != own_process || hak_lock_is_mine(&begin_or_end))
        return;
    hak_lock(&begin_or_end);
    if (may_begin()) {
        bool is_told = tell_to_end();
        if (is_told && is_thread_here())
            (void)pthreads.join(thread, NULL);
        else if (is_told)
            atomic_store(&hak_background_word, HAK_BACKGROUND_ABSENT);
        if (hak_is_light_build)
            atomic_store(&is_wanted, false);
        atomic_store(&is_ending, false);
        set_begin();
    }
    hak_unlock(&begin_or_end);
}

void hak_background_after_fork(void) {
    own_process = process_id();
    begin_or_end = (struct hak_lock){0};
    atomic_store(&hak_background_word, HAK_BACKGROUND_ABSENT);
    atomic_store(&has_thread, false);
    atomic_store(&first_has_ended, false);
    atomic_store(&is_ending, false);
    set_begin();
    hak_away_after_fork();
}
