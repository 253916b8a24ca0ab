/* Start-up, the end of a thread, and fork, of hakmem-record.so: as in ../start.c, without a heap.
 *
 * The library is linked with -z initfirst: only ld.so's own calls come before the constructor, or
 * one of another library's runs it (hak_entry_is_overtaken). Until then there is no session, and
 * nothing is recorded of them. */
#include <pthread.h>
#include <stdatomic.h>
#include "entry/environment/environment.h"
#include "entry/keep/keep.h"
#include "options.h"
#include "platform/lock.h"
#include "platform/platform.h"
#include "superslab.h"
#include "trace/trace.h"
#include "platform/objects.h"
#include "platform/thread_key.h"

/* pthreads calls destructors in up to 4 rounds as long as values are set anew. */
enum { END_ROUND = 3 };

enum { NEW, SEARCHING, STARTED };

static struct hak_lock start_lock;
static _Atomic int state;
static _Atomic bool is_constructed;
static struct hak_thread_key thread_key;
static char **constructor_environment;

_Thread_local bool hak_keep_has_begun __attribute__((tls_model("initial-exec")));
static _Thread_local unsigned end_rounds __attribute__((tls_model("initial-exec")));

/* ---- the process, and a thread --------------------------------------------------------------- */

/* Reads the options and finds the next allocator; without one the program ends. On the first call
 * of the family. */
static HAK_COLD void start_process(void) {
    atomic_store(&state, SEARCHING);
    hak_pages_counter = hak_hop_count;
    hak_entry_read_options(constructor_environment);
    if (!hak_keep_find_next())
        hak_die("hakmem-record.so", NULL, "finds no malloc behind it");
    atomic_store_explicit(&state, STARTED, memory_order_release);
    hak_keep_ask_first_size();
}

static void construct_once(void);

bool hak_keep_begin_slowly(void) {
    if (!atomic_load_explicit(&is_constructed, memory_order_relaxed) && hak_entry_is_overtaken())
        construct_once();
    if (atomic_load_explicit(&state, memory_order_acquire) != STARTED) {
        if (hak_lock_is_mine(&start_lock))
            return false;
        hak_lock(&start_lock);
        if (atomic_load_explicit(&state, memory_order_relaxed) != STARTED)
            start_process();
        hak_unlock(&start_lock);
    }
    hak_keep_has_begun = true;
    (void)hak_thread_key_set(&thread_key, &end_rounds);
    return true;
}

/* Ends this thread's recording, in the last round of destructors, so that what others give back
 * before is recorded by it. */
static void end_thread(void *value) {
    if (++end_rounds < END_ROUND && hak_thread_key_set(&thread_key, value))
        return;
    hak_trace_thread_end();
}

/* ---- the constructor ------------------------------------------------------------------------- */

/* Records which module serves malloc, if there is a recording. */
static void name_allocator(void) {
    struct hak_event_fields head = {.kind = HAK_ALLOCATOR, .class_index = HAK_CLASS_NONE};
    if (hak_trace_is_wanted())
        hak_trace_name(&head, hak_keep_next.module);
}

/* Brings objects and recording into order in a forked child, and names the allocator in its
 * recording. */
static void after_fork_in_child(void) {
    hak_objects_after_fork();
    hak_trace_fork_child();
    name_allocator();
}

/* At load: thread key, fork handlers, stacks, and the start of the recording. Not in a sanitized
 * program. */
static void construct_once(void) {
    if (atomic_exchange(&is_constructed, true))
        return;
    if (hak_entry_is_sanitized())
        return;
    hak_objects_start();
    (void)hak_keep_begin();
    (void)hak_thread_key_make(&thread_key, end_thread);
    /* glibc keeps the first 48 handlers without allocating. */
    (void)pthread_atfork(hak_trace_fork_prepare, hak_trace_fork_parent, after_fork_in_child);
    hak_keep_find_text();
    hak_trace_start();
    hak_control.is_kept = true;
    hak_control.bell = &hak_keep_bell;
    name_allocator();
    (void)hak_thread_key_set(&thread_key, &end_rounds);
}

/* Starts the recorder before other constructors run, with the program's environment. */
__attribute__((constructor(101))) static void construct(int count, char **arguments,
                                                        char **environment) {
    (void)count;
    (void)arguments;
    constructor_environment = environment;
    construct_once();
}

/* ---- hakmem-trace ctl ------------------------------------------------------------------------ */

_Atomic uint8_t hak_keep_bell;

void hak_keep_answer(void) {
    if (atomic_exchange(&hak_keep_bell, 0))
        hak_trace_serve_asked();
}

/* ---- hakmem.h: what a program may ask of a recorder --------------------------------------------
 */

HAK_EXPORT void hak_mark(const char *name);
HAK_EXPORT void hak_mark(const char *name) {
    if (name && hak_keep_begin())
        hak_trace_mark(name);
}
