/* Start-up, the end of a thread, and fork.
 *
 *   first call of the process   options, registry, brk's start
 *   constructor                 the same if no call came before; thread key, fork handlers, the
 *                               checks (check_start); calls of ld.so may come before
 *   first call of a thread      a heap (front), its end noted with the thread key
 *   end of a thread             in the last round of key destructors, so that others' frees before
 *                               it still find the caches
 *   fork                        no lock is held over it; the child makes anew what was locked by
 *                               threads that are not there
 *
 * In level light (light.h) the checks' half reads the options and starts the checks, and has no
 * heap; the constructor of the plain one comes after its own.
 *
 * The library is linked with -z initfirst: only ld.so's own calls come before the constructor,
 * which therefore cannot rely on libc's constructors: `environ` may not be set yet. */
#include <pthread.h>
#include <unistd.h>
#include "entry/allocators.h"
#include "entry/entry.h"
#include "entry/summary.h"
#include "front/remote.h"
#include "learn/learn.h"
#include "light.h"
#include "platform/address.h"
#include "platform/own.h"
#include "pool/pool.h"

/* pthreads calls destructors in up to 4 rounds as long as values are set anew. */
enum { END_ROUND = 3 };

static struct hak_lock start_lock;
static _Atomic bool is_started;
static bool has_thread_key;
static pthread_key_t thread_key;
static char **constructor_environment;

/* ---- the process ----------------------------------------------------------------------------- */

/* The environment before libc has it: as the kernel gave it. */
static char **read_environment(char *text, size_t text_bytes, char **variables, size_t count) {
    long file = hak_open("/proc/self/environ");
    size_t length = 0, found = 0;
    long got = file < 0 ? 0 : 1;
    while (got > 0 && length < text_bytes - 1) {
        got = hak_read(file, text + length, text_bytes - 1 - length);
        length += got > 0 ? (size_t)got : 0;
    }
    if (file >= 0)
        hak_close(file);
    text[length] = 0;
    for (size_t at = 0; at < length && found + 1 < count; at++) {
        variables[found++] = text + at;
        while (text[at])
            at++;
    }
    variables[found] = NULL;
    return variables;
}

static void read_options(void) {
    enum { TEXT_BYTES = 4 << 20, VARIABLES = 64 << 10 };
    char **environment = constructor_environment ? constructor_environment : environ;
    if (environment) {
        hak_options_read(environment);
        return;
    }
    size_t bytes = TEXT_BYTES + VARIABLES * sizeof(char *);
    char *memory = hak_reserve(bytes);
    char **variables = memory ? read_environment(memory, TEXT_BYTES,
                                                 (char **)(void *)(memory + TEXT_BYTES), VARIABLES)
                              : NULL;
    hak_options_read(variables);
    if (memory)
        hak_unmap(memory, bytes);
}

static HAK_COLD void start_process(void) {
    hak_lock(&start_lock);
    if (!atomic_load_explicit(&is_started, memory_order_relaxed)) {
        if (!hak_is_light_build) /* they are the other half's */
            read_options();
        if (hak_light_serves()) {
            hak_own_stop(); /* what the leak scan asks about */
        } else {
            hak_bench_fast_start();
            hak_learn_start();
        }
        hak_address_start();
        hak_registry_start(true);
        if (!hak_light_serves())
            hak_route_start();
        atomic_store_explicit(&is_started, true, memory_order_release);
    }
    hak_unlock(&start_lock);
}

/* ---- a thread -------------------------------------------------------------------------------- */

void hak_entry_start_thread(void) {
    if (!atomic_load_explicit(&is_started, memory_order_acquire))
        start_process();
    if (hak_light_serves())
        return;
    if (hak_is_light_build)
        hak_thread.until_look = hak_light_first_look();
    hak_front_start();
    hak_bench_fast_begin();
    if (has_thread_key)
        (void)pthread_setspecific(thread_key, &hak_thread);
}

static void end_thread(void *value) {
    if (++hak_thread.end_rounds < END_ROUND && pthread_setspecific(thread_key, value) == 0)
        return;
    hak_bench_fast_end();
    (void)hak_entry_let_leave(true);
    hak_front_end();
    hak_large_thread_end();
    check_thread_end();
    if (hak_is_light_build)
        hak_light_thread_end();
}

/* ---- fork ------------------------------------------------------------------------------------ */

/* No lock is taken here: fork goes on to take locks of libc's, whose holders may wait for ours. */
static void before_fork(void) {
    check_fork_prepare();
}

static void after_fork_in_parent(void) {
    check_fork_parent();
}

static void after_fork_in_child(void) {
    check_fork_child();
    hak_pool_after_fork();
    hak_front_after_fork();
    hak_large_after_fork();
    hak_allocators_after_fork();
}

/* ---- constructor ----------------------------------------------------------------------------- */

/* A sanitizer's start, where the loader sees one: it stands in front of libc's functions, and they
 * crash or wait for ever until it has run, which is after us. */
extern void __asan_init(void) __attribute__((weak));   /* NOLINT(bugprone-reserved-identifier) */
extern void __tsan_init(void) __attribute__((weak));   /* NOLINT(bugprone-reserved-identifier) */
extern void __msan_init(void) __attribute__((weak));   /* NOLINT(bugprone-reserved-identifier) */
extern void __hwasan_init(void) __attribute__((weak)); /* NOLINT(bugprone-reserved-identifier) */

static bool is_sanitized(void) {
    return __asan_init || __tsan_init || __msan_init || __hwasan_init;
}

__attribute__((constructor(101))) static void construct(int count, char **arguments,
                                                        char **environment) {
    (void)count;
    (void)arguments;
    constructor_environment = environment;
    /* Its own malloc serves such a program, which is not recorded. */
    if (is_sanitized() || (hak_is_light_build && hak_light_is_other_half()))
        return;
    if (!atomic_load_explicit(&is_started, memory_order_acquire))
        start_process();
    has_thread_key = !hak_light_serves() && pthread_key_create(&thread_key, end_thread) == 0;
    /* glibc keeps the first 48 handlers without allocating. */
    (void)pthread_atfork(before_fork, after_fork_in_parent, after_fork_in_child);
    hak_summary_start();
    if (hak_is_debug_build)
        check_kinds_start(hak_entry_operators_are_replaced());
    check_start();
    if (!hak_light_serves())
        hak_pool_prewarm();
    /* A call of ld.so came before there was a key. */
    if (has_thread_key && hak_thread.state != HAK_THREAD_NEW)
        (void)pthread_setspecific(thread_key, &hak_thread);
}
