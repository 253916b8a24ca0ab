/* `ctl`: reads in a program that runs what hakmem does there, and asks it for a store
 * (trace/control.h). The program's memory is read and written from outside. */
#include "viewer/record/record.h"
#include "viewer/capture/capture.h"

#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/uio.h>
#include <unistd.h>
#include "collector/kernel/kernel.h"
#include "options.h"
#include "report/words/words.h"
#include "trace/control.h"

#define CHUNK_BYTES  ((size_t)1 << 20)
#define LIBRARY      "hakmem-debug.so"
#define POLL_US      20000
#define WAIT_SECONDS 10

struct target {
    pid_t pid;
    char name[64];
    uint64_t address; /* of its hak_control */
    struct hak_control control;
    char store[HAK_CONTROL_PATH]; /* where it is recorded, or was last; "" = nowhere */
    bool has_collector;
};

/* ---- its memory ------------------------------------------------------------------------------ */

static bool read_at(const struct target *t, uint64_t address, void *to, size_t bytes) {
    struct iovec here = {to, bytes}, there = {(void *)(uintptr_t)address, bytes};
    return process_vm_readv(t->pid, &here, 1, &there, 1, 0) == (ssize_t)bytes;
}

static bool write_request(const struct target *t, uint32_t number) {
    struct iovec here = {&number, sizeof number};
    struct iovec there = {(void *)(uintptr_t)(t->address + offsetof(struct hak_control, request)),
                          sizeof number};
    return process_vm_writev(t->pid, &here, 1, &there, 1, 0) == (ssize_t)sizeof number;
}

static bool is_control(const struct hak_control *c) {
    static const char magic[sizeof c->magic] = HAK_CONTROL_MAGIC;
    return memcmp(c->magic, magic, sizeof magic) == 0 && c->version == HAK_CONTROL_VERSION;
}

/* Looks for it from `start` to `end`, which is data of a file. */
static bool find_in(struct target *t, uint64_t start, uint64_t end) {
    static char chunk[CHUNK_BYTES];
    for (uint64_t at = start; at < end; at += CHUNK_BYTES - sizeof t->control) {
        size_t bytes = end - at < CHUNK_BYTES ? end - at : CHUNK_BYTES;
        if (!read_at(t, at, chunk, bytes))
            return false;
        for (size_t i = 0; i + sizeof t->control <= bytes; i += _Alignof(struct hak_control)) {
            memcpy(&t->control, chunk + i, sizeof t->control);
            if (is_control(&t->control)) {
                t->address = at + i;
                return true;
            }
        }
    }
    return false;
}

/* False: errno says why, 0 = there is no hakmem. */
static bool find_control(struct target *t) {
    char path[64], *line = NULL;
    size_t room = 0;
    int error = 0;
    snprintf(path, sizeof path, "/proc/%d/maps", (int)t->pid);
    FILE *maps = fopen(path, "re");
    if (!maps)
        return false;
    while (!t->address && getline(&line, &room, maps) > 0) {
        unsigned long long start, end;
        const char *file = strchr(line, '/');
        if (!file || sscanf(line, "%llx-%llx rw-p", &start, &end) != 2 || !strstr(line, " rw-p "))
            continue;
        errno = 0;
        if (!find_in(t, start, end) && errno)
            error = errno;
    }
    free(line);
    fclose(maps);
    errno = error;
    return t->address != 0;
}

static void read_store(struct target *t) {
    uint64_t session = 0;
    uint8_t is_left = 0;
    (void)read_at(t, (uintptr_t)t->control.session_slot, &session, sizeof session);
    (void)read_at(t, (uintptr_t)t->control.is_left, &is_left, sizeof is_left);
    t->has_collector = session != 0 && !is_left;
    uint64_t path =
        t->has_collector ? session + t->control.store_offset : (uintptr_t)t->control.last_store;
    if (!path || !read_at(t, path, t->store, sizeof t->store))
        t->store[0] = 0;
    t->store[sizeof t->store - 1] = 0;
}

static void read_name(struct target *t) {
    char path[64];
    snprintf(path, sizeof path, "/proc/%d/comm", (int)t->pid);
    if (!hak_proc_read_text(path, t->name, sizeof t->name))
        snprintf(t->name, sizeof t->name, "?");
    t->name[strcspn(t->name, "\n")] = 0;
}

static void say_unreachable(const struct target *t, int error) {
    if (error == EPERM || error == EACCES)
        view_error("ctl: process %d cannot be asked: %s. Its user may, where kernel.yama."
                   "ptrace_scope is 0; root always",
                   (int)t->pid, strerror(error));
    else if (error == ENOENT || error == ESRCH)
        view_error("ctl: there is no process %d", (int)t->pid);
    else if (error)
        view_error("ctl: process %d cannot be read: %s", (int)t->pid, strerror(error));
    else
        view_error("ctl: process %d (%s) does not run under " LIBRARY
                   " of this version; start it with `hakmem-trace run`, or with it in LD_PRELOAD",
                   (int)t->pid, t->name);
}

static bool open_target(const struct view *view, struct target *t) {
    char *end;
    long pid = strtol(view->argument[0], &end, 10);
    if (pid <= 0 || pid > INT32_MAX || *end) {
        view_error("ctl: '%s' is no process id", view->argument[0]);
        return false;
    }
    *t = (struct target){.pid = (pid_t)pid};
    read_name(t);
    if (!find_control(t)) {
        say_unreachable(t, errno);
        return false;
    }
    read_store(t);
    return true;
}

/* ---- status ---------------------------------------------------------------------------------- */

static const char *level_of(const struct target *t) {
    static const char *const levels[] = {"none", "trace", "normal", "light"};
    return t->control.level < sizeof levels / sizeof *levels ? levels[t->control.level] : "?";
}

static bool is_light(const struct target *t) {
    return t->control.level == HAK_CHECK_LIGHT + 1;
}

static void add_light(struct hak_text *text, const struct target *t) {
    const struct hak_control *c = &t->control;
    hak_text_add(text, "watched    %s: %s so far, ", hak_words_watched(c->blocks, c->calls),
                 hak_words_number(c->blocks));
    hak_text_add(text, "%s live now\n", hak_words_number(c->live > 0 ? (uint64_t)c->live : 0));
    hak_text_add(text, "reports    %s\n", hak_words_number(c->reports));
    if (!c->stores_faults)
        hak_text_add(text, "store      none: HAKMEM_TRACE=off\n");
    else if (!t->store[0])
        hak_text_add(text, "store      none yet: there was no report\n");
    else
        hak_text_add(text, "store      %s\n", t->store);
    hak_text_add(text, "collector  %s\n",
                 t->has_collector ? "runs" : "none; the next report starts one");
}

static bool print_status(const struct target *t) {
    struct hak_text text = {0};
    hak_text_add(&text, "process    %d %s\n", (int)t->pid, t->name);
    hak_text_add(&text, "level      %s\n", level_of(t));
    if (is_light(t))
        add_light(&text, t);
    else
        hak_text_add(&text, "store      %s\n",
                     t->store[0] ? t->store : "none: the program is not recorded");
    return view_print(&text);
}

static bool print_json(const struct view *view, const struct target *t) {
    json_t *document = view_json_document(view), *object = json_object();
    hak_json_set_number(object, "pid", (uint64_t)t->pid);
    json_object_set_new(object, "name", json_string(t->name));
    json_object_set_new(object, "level", json_string(level_of(t)));
    json_object_set_new(object, "store", t->store[0] ? json_string(t->store) : json_null());
    hak_json_set_flag(object, "collector", t->has_collector);
    if (is_light(t)) {
        hak_json_set_number(object, "calls", t->control.calls);
        hak_json_set_number(object, "watched_blocks", t->control.blocks);
        hak_json_set_number(object, "live_blocks",
                            t->control.live > 0 ? (uint64_t)t->control.live : 0);
        hak_json_set_number(object, "reports", t->control.reports);
    }
    json_object_set_new(document, "program", object);
    return view_print_json(hak_json_print(document));
}

static int show_status(const struct view *view, const struct target *t) {
    return (view->json ? print_json(view, t) : print_status(t)) ? VIEW_OK : VIEW_UNREADABLE;
}

/* ---- store ----------------------------------------------------------------------------------- */

/* Waits until the request is served. False: it is taken back. */
static bool await_done(struct target *t, uint32_t number, uint64_t seconds) {
    for (uint64_t waited = 0; waited <= seconds * 1000000; waited += POLL_US) {
        if (!read_at(t, t->address, &t->control, sizeof t->control))
            return false;
        if (t->control.done == number)
            return true;
        usleep(POLL_US);
    }
    (void)write_request(t, t->control.done);
    return false;
}

static int store_now(const struct view *view, struct target *t) {
    uint64_t seconds = WAIT_SECONDS;
    uint32_t number = t->control.done + 1;
    if (!view_number(view, "timeout", &seconds))
        return VIEW_USAGE;
    if (!is_light(t)) {
        view_error("ctl: process %d runs at level %s, and %s%s; store is for level light",
                   (int)t->pid, level_of(t), t->store[0] ? "is stored while it runs, in " : "",
                   t->store[0] ? t->store : "is not recorded");
        return VIEW_USAGE;
    }
    if (!t->control.stores_faults) {
        view_error("ctl: process %d was started with HAKMEM_TRACE=off: it stores nothing",
                   (int)t->pid);
        return VIEW_USAGE;
    }
    if (!write_request(t, number)) {
        say_unreachable(t, errno);
        return VIEW_USAGE;
    }
    if (!await_done(t, number, seconds)) {
        view_error("ctl: process %d has not answered within %s: it allocates nothing, or stands "
                   "still (a thread looks at one of its allocations in 256)",
                   (int)t->pid, hak_words_count(seconds, "second", "seconds"));
        return VIEW_INCOMPLETE;
    }
    if (t->control.result != HAK_CONTROL_STORED) {
        view_error("ctl: process %d could start no collector that stores", (int)t->pid);
        return VIEW_INCOMPLETE;
    }
    read_store(t);
    return show_status(view, t);
}

/* ---- the command ----------------------------------------------------------------------------- */

/* What people look for here, and where it is. */
static void say_unknown(const char *what) {
    static const struct {
        const char *word, *way;
    } others[] = {
        {"leaks", "HAKMEM_LEAKS_SIGNAL and hak_find_leaks() look for leaks while a program runs, "
                  "at level normal or trace"},
        {"sweep", "HAKMEM_SWEEP_SIGNAL checks all blocks while a program runs, at level normal"},
        {"mark", "hak_mark() of hakmem.h puts a mark into the record"},
        {"start", "what is recorded is settled when a program starts: `hakmem-trace run`"},
        {"record", "what is recorded is settled when a program starts: `hakmem-trace run`"},
        {"stop", "what is recorded is settled when a program starts: `hakmem-trace run`"},
    };
    for (size_t i = 0; i < sizeof others / sizeof *others; i++)
        if (strcmp(what, others[i].word) == 0) {
            view_error("ctl: '%s' cannot be asked of a program that runs; %s", what, others[i].way);
            return;
        }
    view_error("ctl: '%s' is neither status nor store", what);
}

int command_ctl(struct view *view) {
    static struct target target;
    const char *what = view->argument_count > 1 ? view->argument[1] : "status";
    bool is_store = strcmp(what, "store") == 0;
    if (!is_store && strcmp(what, "status") != 0) {
        say_unknown(what);
        return VIEW_USAGE;
    }
    if (!open_target(view, &target))
        return VIEW_USAGE;
    return is_store ? store_now(view, &target) : show_status(view, &target);
}
