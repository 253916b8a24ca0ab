/* Begins, continues and ends a recording in a running program; hakmem-trace calls these three in
 * one of the program's threads. */
#include <pthread.h>
#include <string.h>
#include "entry/attach/attach.h"
#include "entry/keep/blocks.h"
#include "entry/keep/keep.h"
#include "options.h"
#include "superslab.h"
#include "trace/trace.h"
#include "trace/wait.h"
#include "platform/objects.h"
#include "platform/platform.h"

_Atomic uint32_t hak_attach_recording;

HAK_EXPORT struct hak_attach_shared hak_attach_shared;
HAK_EXPORT void hak_attach_begin(void);
HAK_EXPORT void hak_attach_scan(void);
HAK_EXPORT void hak_attach_end(void);

static uint32_t recordings; /* so far */

/* Nobody calls anything here before ld.so is through with the library. */
__attribute__((constructor)) static void say_ready(void) {
    atomic_store(&hak_attach_shared.version, HAK_ATTACH_VERSION);
}

/* A call of somebody who was killed may still be under way, in another thread. False: it is. */
static _Atomic uint32_t is_under_way;

/* Waits until no other call of hak_attach_ is under way. False: 8 seconds passed. */
static bool enter_alone(void) {
    enum { WAIT_MS = 8000, ENTRY_NAP_MS = 2 };
    for (unsigned waited_ms = 0; waited_ms < WAIT_MS; waited_ms += ENTRY_NAP_MS) {
        uint32_t nobody = 0;
        if (atomic_compare_exchange_strong(&is_under_way, &nobody, 1))
            return true;
        hak_sleep_ms(ENTRY_NAP_MS);
    }
    return false;
}

static void leave_alone(void) {
    atomic_store(&is_under_way, 0);
}

/* Points the imports of the malloc family to hakmem, or `back`, and publishes for hakmem-trace how
 * many words changed or could not. */
static void change_imports_and_counts(bool back) {
    struct hak_imports_found found =
        hak_imports_change(hak_attach_imports, HAK_ATTACH_IMPORTS, back);
    hak_attach_shared.modules = found.modules;
    hak_attach_shared.changed = found.changed;
    hak_attach_shared.closed = found.closed;
}

/* Ends recording in a forked child, whose calls are passed on. The imports stay as they are: a
 * thread that is not here may have been changing ld.so's list of modules. */
static void after_fork_in_child(void) {
    hak_objects_after_fork();
    atomic_store(&hak_attach_recording, 0);
    atomic_store(&hak_attach_shared.state, HAK_ATTACH_IDLE);
    leave_alone();
    hak_attach_forget_threads();
    hak_trace_attach_child();
}

/* Says to the attaching process that recording is refused, and why. Returns false. */
static bool refuse(const char *why) {
    if (why)
        strncpy(hak_attach_shared.why, why, sizeof hak_attach_shared.why - 1);
    atomic_store(&hak_attach_shared.state, HAK_ATTACH_REFUSED);
    return false;
}

static bool is_hakmem(const char *module) {
    return strstr(module, "hakmem-debug.so") || strstr(module, "hakmem-record.so") ||
           strstr(module, "libhakmem.so");
}

/* Once: finds the program's allocator, makes the thread key and the fork handler. False: refused.
 */
static bool prepare(void) {
    static bool is_ready;
    if (is_ready)
        return true;
    hak_pages_counter = hak_hop_count;
    hak_objects_start();
    if (!hak_attach_find_next())
        return refuse("it has no malloc that can be found by its name");
    if (is_hakmem(hak_keep_next.module))
        return refuse("it runs under hakmem already");
    if (!hak_attach_start_threads())
        return refuse("it has used up the keys of pthread_key_create");
    (void)pthread_atfork(NULL, NULL, after_fork_in_child);
    is_ready = true;
    return true;
}

/* Reads the options of the session; the program's own HAKMEM_ variables are meant for other
 * libraries. */
static void read_options(void) {
    static char variable[sizeof "HAKMEM_SESSION=" + sizeof hak_attach_shared.session] =
        "HAKMEM_SESSION="; /* the end stays 0 */
    char *environment[] = {variable, NULL};
    memcpy(variable + sizeof "HAKMEM_SESSION=" - 1, hak_attach_shared.session,
           sizeof hak_attach_shared.session);
    hak_options_read(environment);
}

static void name_allocator(void) {
    struct hak_event_fields head = {.kind = HAK_ALLOCATOR, .class_index = HAK_CLASS_NONE};
    hak_trace_name(&head, hak_keep_next.module);
}

/* Begins a session: reads options, attaches the trace and records its begin, all before this thread
 * joins. False: it was refused, with the reason in hak_attach_shared.why. */
static bool begin(void) {
    struct hak_attach_thread *thread;
    if (atomic_load(&hak_attach_recording))
        return true;
    if (!prepare())
        return false;
    if (!hak_attach_wait_outside())
        return refuse("a thread of it stands in the recorder since the last recording");
    thread = hak_attach_thread ? hak_attach_thread : hak_attach_take_thread();
    if (!thread)
        return refuse("it has too many threads");
    read_options();
    hak_keep_forget_all();
    atomic_store(&hak_attach_shared.unseen_threads, 0);
    if (!hak_trace_attach(hak_attach_shared.why, sizeof hak_attach_shared.why)) {
        hak_options.trace = 0;
        return refuse(NULL);
    }
    hak_control.is_kept = true;
    hak_control.bell = &hak_keep_bell;
    name_allocator();
    thread->seen = ++recordings;
    atomic_store(&hak_attach_recording, recordings);
    change_imports_and_counts(false);
    atomic_store(&hak_attach_shared.state, HAK_ATTACH_RECORDING);
    return true;
}

/* hakmem-trace calls it in the program: starts recording, unless another such call is under way for
 * 8 seconds; the outcome stands in hak_attach_shared. */
void hak_attach_begin(void) {
    if (!enter_alone())
        return;
    (void)begin();
    leave_alone();
}

/* hakmem-trace calls it again and again: while recording, changes the imports of modules that were
 * loaded since. */
void hak_attach_scan(void) {
    if (!enter_alone())
        return;
    if (atomic_load(&hak_attach_recording)) {
        hak_imports_look(hak_attach_imports, HAK_ATTACH_IMPORTS);
        change_imports_and_counts(false);
    }
    leave_alone();
}

/* Ends recording: imports lead back to the program's own functions, and the trace is detached.
 * Calls that come by a word that was copied are passed on from the first store on. */
void hak_attach_end(void) {
    if (!enter_alone())
        return;
    atomic_store(&hak_attach_recording, 0);
    change_imports_and_counts(true);
    hak_trace_detach();
    atomic_store(&hak_attach_shared.state, HAK_ATTACH_IDLE);
    leave_alone();
}
