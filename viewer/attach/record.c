/* `record`: records a program that runs already, for a while, and leaves it as it was. */
#include "viewer/attach/attach.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>
#include "arch.h"
#include "collector/keeper/keeper.h"
#include "entry/attach/shared.h"
#include "report/words/words.h"
#include "viewer/attach/parts.h"
#include "viewer/capture/capture.h"
#include "viewer/record/record.h"
#include HAK_ARCH_FILE(outside.h)

#define LIBRARY "hakmem-attach.so"

enum {
    MOMENT_MS = 20000,
    SCAN_MS = 200,
    POLL_MS = 50,
    COMMIT_MS = 10000,
    MODE_NOW = 2, /* RTLD_NOW */
};
#define MODE_DLOPEN 0x80000000u /* ld.so's own __RTLD_DLOPEN */

/* The program, and the library in it. */
struct recording {
    struct process process;
    struct caller caller;
    struct module library;
    char library_path[PATH_MAX];
    char store[2 * PATH_MAX];
    uint64_t shared, begin, scan, end;
    struct hak_attach_shared seen;
    uint64_t code_sum; /* when its modules were looked through last */
};

/* ---- Ctrl-C ends the recording, not the command ---------------------------------------------- */

static volatile sig_atomic_t stop_signal;

static void note_stop(int number) {
    stop_signal = number;
}

/* Has SIGINT, SIGTERM and SIGHUP end the recording instead of this command. */
static void hear_of_stop(void) {
    static const int numbers[] = {SIGINT, SIGTERM, SIGHUP};
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++)
        sigaction(numbers[i], &(struct sigaction){.sa_handler = note_stop}, NULL);
}

/* ---- calls ----------------------------------------------------------------------------------- */

/* True when the call was made; else says why not. */
static bool say_result(const struct recording *r, enum call_result result) {
    int error = errno;
    const struct process *p = &r->process;
    if (result == CALL_DONE)
        return true;
    if (process_say_gone(p))
        return false;
    switch (result) {
    case CALL_NO_MOMENT:
        view_error(
            "record: process %d (%s): for %d s no thread with a readable stack was outside of "
            "its allocator and loader. The process goes on unchanged",
            (int)p->pid, p->name, MOMENT_MS / 1000);
        return false;
    case CALL_NOT_BACK:
        view_error("record: process %d (%s) %s", (int)p->pid, p->name,
                   r->caller.has_ended ? "has ended"
                                       : "did not answer in time; its thread goes on by itself");
        return false;
    case CALL_CRASHED:
        view_error("record: process %d (%s): a call of the recorder met a fault of its own; the "
                   "program goes on",
                   (int)p->pid, p->name);
        return false;
    case CALL_DONE:
    case CALL_FAILED:
        break;
    }
    if (error == EPERM)
        process_say_forbidden(p);
    else
        view_error("record: process %d (%s) cannot be traced: %s", (int)p->pid, p->name,
                   strerror(error));
    return false;
}

static bool call(struct recording *r, uint64_t function, const uint64_t *arguments,
                 unsigned count) {
    return say_result(r, caller_call(&r->caller, function, arguments, count, MOMENT_MS));
}

static bool read_shared(struct recording *r) {
    return process_read(&r->process, r->shared, &r->seen, sizeof r->seen);
}

/* ---- the library ----------------------------------------------------------------------------- */

/* Prints why the recording is refused, or that the program is gone; always false. */
static bool refuse(const struct recording *r, const char *why) {
    if (!process_say_gone(&r->process))
        view_error("record: process %d (%s) %s", (int)r->process.pid, r->process.name, why);
    return false;
}

/* Finds hakmem's library in the program, from now or an earlier recording, and its functions.
 * False: it is not there. */
static bool find_library(struct recording *r) {
    if (!process_read_mappings(&r->process) ||
        !module_read(&r->library, &r->process, r->library_path))
        return false;
    r->shared = module_find(&r->library, "hak_attach_shared");
    r->begin = module_find(&r->library, "hak_attach_begin");
    r->scan = module_find(&r->library, "hak_attach_scan");
    r->end = module_find(&r->library, "hak_attach_end");
    return r->shared && r->begin && r->scan && r->end && read_shared(r);
}

/* Has the process load hakmem-attach.so. False, and said: it does not. */
static bool load_library(struct recording *r) {
    const struct module *libc = &r->caller.places.libc;
    uint64_t dlopen_at = module_find(libc, "dlopen"), mode = MODE_NOW, path_at;
    if (!dlopen_at) { /* before glibc 2.34 it lies in libdl, which a program may not have */
        dlopen_at = module_find(libc, "__libc_dlopen_mode");
        mode |= MODE_DLOPEN;
    }
    if (!dlopen_at)
        return refuse(r, "has a C library without dlopen");
    /* The path lies at the lower end of the stack that the call has. */
    size_t bytes = strlen(r->library_path) + 1;
    enum call_result result = caller_prepare(&r->caller, MOMENT_MS);
    if (!say_result(r, result))
        return false;
    path_at = r->caller.stack;
    if (!process_write(&r->process, path_at, r->library_path, bytes))
        return refuse(r, "cannot be written to");
    if (!call(r, dlopen_at, (uint64_t[]){path_at, mode}, 2))
        return false;
    if (find_library(r))
        return true;
    char why[PATH_MAX + 128];
    snprintf(why, sizeof why,
             "has a loader that refuses %s (not readable there, mounted noexec, or no thread-local "
             "memory left)",
             r->library_path);
    return refuse(r, why);
}

/* Finds the library in the process, or has it loaded, and waits until it is ready. False, and said:
 * not, or of another version. */
static bool open_library(struct recording *r) {
    if (!find_library(r) && !load_library(r))
        return false;
    /* Another command that was killed may have had it loaded just now. */
    for (int waited_ms = 0; atomic_load(&r->seen.version) == 0 && waited_ms < MOMENT_MS;
         waited_ms += POLL_MS) {
        nanosleep(&(struct timespec){.tv_nsec = POLL_MS * 1000000}, NULL);
        if (!read_shared(r))
            break;
    }
    if (atomic_load(&r->seen.version) == HAK_ATTACH_VERSION)
        return true;
    return refuse(r, "has " LIBRARY " of another version in it");
}

/* ---- begin and end --------------------------------------------------------------------------- */

/* Has the library record into this session; an earlier recording is ended first. False, and said.
 */
static bool begin_recording(struct recording *r, const char *session) {
    char name[sizeof r->seen.session] = "";
    strncpy(name, session, sizeof name - 1);
    /* Ends a recording whose command was killed, or a half-begun one. */
    if (!call(r, r->end, NULL, 0))
        return false;
    if (!read_shared(r) || atomic_load(&r->seen.state) != HAK_ATTACH_IDLE)
        return refuse(r, "is still in a call of another command");
    if (!process_write(&r->process, r->shared + offsetof(struct hak_attach_shared, session), name,
                       sizeof name))
        return refuse(r, "cannot be written to");
    if (!call(r, r->begin, NULL, 0))
        return false;
    if (!read_shared(r))
        return refuse(r, "cannot be read any more");
    if (atomic_load(&r->seen.state) == HAK_ATTACH_RECORDING) {
        r->code_sum = process_code_sum(&r->process);
        return true;
    }
    char why[sizeof r->seen.why + 32];
    r->seen.why[sizeof r->seen.why - 1] = 0;
    snprintf(why, sizeof why, "is not recorded: %s", r->seen.why);
    return refuse(r, why);
}

/* Modules that were loaded meanwhile. */
static void look_for_modules(struct recording *r) {
    if (!process_read_mappings(&r->process))
        return;
    uint64_t sum = process_code_sum(&r->process);
    if (sum != r->code_sum && caller_call(&r->caller, r->scan, NULL, 0, SCAN_MS) == CALL_DONE)
        r->code_sum = sum;
}

/* Waits until the time is over (0 = none), somebody ends the recording, or the program ends. */
static void wait_for_end(struct recording *r, uint64_t ns) {
    uint64_t from = view_now_ns();
    while (!stop_signal && (ns == 0 || view_now_ns() - from < ns) &&
           process_is_there(&r->process)) {
        uint64_t left = ns ? ns - (view_now_ns() - from) : UINT64_MAX;
        uint64_t slice = POLL_MS * (uint64_t)1000000;
        long nap = (long)(left < slice ? left : slice);
        nanosleep(&(struct timespec){.tv_nsec = nap}, NULL);
        look_for_modules(r);
    }
}

/* Ends the recording in the program; false, and it is printed, where that failed. True also when
 * the program has ended: there is nothing to be left. */
static bool end(struct recording *r) {
    if (!process_is_there(&r->process))
        return true;
    enum call_result result = caller_call(&r->caller, r->end, NULL, 0, MOMENT_MS);
    bool is_left = result == CALL_DONE && read_shared(r) &&
                   atomic_load(&r->seen.state) != HAK_ATTACH_RECORDING;
    if (is_left || r->caller.has_ended || !process_is_there(&r->process))
        return true;
    (void)say_result(r, result);
    view_error("record: process %d (%s) is still recorded; `hakmem-trace record -p %d --for 0s` "
               "tries again to end that",
               (int)r->process.pid, r->process.name, (int)r->process.pid);
    return false;
}

/* ---- the command ----------------------------------------------------------------------------- */

/* Reads -p. False, and said: missing or no process id. */
static bool read_pid(const struct view *view, pid_t *pid) {
    const char *text = view_value(view, "process");
    char *rest;
    long number = text ? strtol(text, &rest, 10) : 0;
    if (!text) {
        view_error("record: -p PID is missing: which process?");
        return false;
    }
    if (number <= 0 || number > INT32_MAX || *rest) {
        view_error("record: '%s' is no process id", text);
        return false;
    }
    *pid = (pid_t)number;
    return true;
}

/* Reads --for, 0 for ever: without the option; 0 is made 1 ns. False, and said. */
static bool read_time(const struct view *view, uint64_t *ns) {
    const char *text = view_value(view, "for");
    *ns = 0;
    if (!text)
        return true;
    if (!view_read_duration("for", text, ns))
        return false;
    *ns = *ns ? *ns : 1; /* 0 is for ever */
    return true;
}

/* Says how many events were recorded, and where, as JSON or a line on stderr. Opens the store for
 * that. */
static void say_end(struct view *view, const struct recording *r, bool is_open) {
    if (hak_store_open(r->store, &view->reader) != 0 ||
        hak_store_summarise(view->reader, &view->summary) != 0) {
        view_error("record: the capture cannot be read: %s", hak_store_message());
        return;
    }
    if (view->json) {
        json_t *document =
            hak_json_set(view_json_document(view), NUMBER("events", view->summary.events),
                         TEXT("store", r->store), FLAG("left", !is_open));
        (void)view_print_json(hak_json_print(document));
    } else {
        view_write(stderr, "hakmem: %s of process %d (%s), %s\n",
                   hak_words_count(view->summary.events, "event", "events"), (int)r->process.pid,
                   r->process.name, view_path_from_here(r->store));
    }
}

/* Waits until the worker has taken the last records and has seen, at its next look, that the
 * program has let go. */
static void wait_for_last(struct hak_keeper *keeper, bool is_left) {
    uint64_t from = view_now_ns();
    uint32_t live = 1;
    while (is_left && live > 0 && view_now_ns() - from < (uint64_t)COMMIT_MS * 1000000 &&
           hak_keeper_wait_committed(keeper, COMMIT_MS, &live) == 0)
        nanosleep(&(struct timespec){.tv_nsec = 5000000}, NULL);
}

/* Starts a collector, has the process recorded until the end, and lets the process be. Returns the
 * exit status. */
static int record(struct view *view, struct recording *r, const struct hak_keeper_options *options,
                  uint64_t ns) {
    struct hak_keeper *keeper = NULL;
    char error[512] = "";
    if (!caller_open(&r->caller, &r->process))
        return VIEW_USAGE;
    if (!open_library(r)) {
        caller_close(&r->caller);
        return VIEW_USAGE;
    }
    if (hak_keeper_start(options, &keeper, error, sizeof error) != 0) {
        view_error("record: %s", error);
        caller_close(&r->caller);
        return VIEW_USAGE;
    }
    bool is_begun = begin_recording(r, hak_keeper_socket_name(keeper)), is_left = true;
    if (is_begun) {
        wait_for_end(r, ns);
        is_left = end(r);
        if (process_has_executed(&r->process))
            (void)process_say_gone(&r->process);
    }
    wait_for_last(keeper, is_left);
    caller_close(&r->caller);
    bool is_whole = hak_keeper_stop(keeper, COMMIT_MS) == HAK_STORE_CLOSED;
    if (!is_begun)
        return VIEW_USAGE;
    say_end(view, r, !is_left);
    return is_left && is_whole ? VIEW_OK : VIEW_INCOMPLETE;
}

/* record -p PID: returns the exit status. */
int command_record(struct view *view) {
    static struct recording r;
    static char collect[PATH_MAX];
    uint64_t ns;
    pid_t pid;
    if (!HAK_OUTSIDE_CALLS) {
        view_error("record: -p is not for this processor yet; `hakmem-trace run` records a program "
                   "that it starts");
        return VIEW_USAGE;
    }
    if (!read_pid(view, &pid) || !read_time(view, &ns) || !process_open(&r.process, pid))
        return VIEW_USAGE;
    if (!process_check(&r.process) || !record_find_files(view, LIBRARY, r.library_path, collect) ||
        !record_settle_store_of(view, view_value(view, "store"), r.process.name, pid, r.store,
                                sizeof r.store)) {
        process_close(&r.process);
        return VIEW_USAGE;
    }
    hear_of_stop();
    struct hak_keeper_options options = {.collect_path = collect,
                                         .store_path = r.store,
                                         .color = view->color_when,
                                         .replace_store = view_given(view, "force"),
                                         .recorded = pid};
    int status = record(view, &r, &options, ns);
    module_close(&r.library);
    process_close(&r.process);
    return status;
}
