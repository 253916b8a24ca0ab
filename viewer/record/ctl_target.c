/* Finds hakmem in a process that runs, and reads and writes its memory from outside. */
#include "viewer/record/ctl.h"
#include "viewer/capture/capture.h"

#include <dirent.h>
#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/uio.h>
#include <unistd.h>
#include "base/maps.h"
#include "collector/kernel/kernel.h"
#include "heap_profile/table.h"
#include "options.h"

#define CHUNK_BYTES ((size_t)1 << 20)
#define LIBRARIES   "hakmem-debug.so or hakmem-record.so"

/* ---- its memory -------------------------------------------------------------------------------
 */

bool ctl_read(const struct ctl_target *t, uint64_t address, void *to, size_t bytes) {
    struct iovec here = {to, bytes}, there = {(void *)(uintptr_t)address, bytes};
    return process_vm_readv(t->shown, &here, 1, &there, 1, 0) == (ssize_t)bytes;
}

bool ctl_write(const struct ctl_target *t, uint64_t address, const void *from, size_t bytes) {
    struct iovec here = {(void *)(uintptr_t)from, bytes};
    struct iovec there = {(void *)(uintptr_t)address, bytes};
    return process_vm_writev(t->shown, &here, 1, &there, 1, 0) == (ssize_t)bytes;
}

static bool is_control(const struct hak_control *c) {
    static const char magic[sizeof c->magic] = HAK_CONTROL_MAGIC;
    return memcmp(c->magic, magic, sizeof magic) == 0 && c->version == HAK_CONTROL_VERSION;
}

/* Looks for hak_control between `start` and `end`, which is data of a file. False: it is not
 * there. */
static bool find_in(struct ctl_target *t, uint64_t start, uint64_t end) {
    static char chunk[CHUNK_BYTES];
    for (uint64_t at = start; at < end; at += CHUNK_BYTES - sizeof t->control) {
        size_t bytes = end - at < CHUNK_BYTES ? end - at : CHUNK_BYTES;
        if (!ctl_read(t, at, chunk, bytes))
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

struct control_search {
    struct ctl_target *target;
    bool has_memory;
    int error; /* of the last mapping that could not be read; 0 = none */
};

/* Looks for hak_control in a mapping, if that is writable private data of a file. False ends the
 * search: it was found. */
static bool look_at_mapping(void *context, struct hak_map_line *m) {
    struct control_search *s = context;
    s->has_memory = true;
    if (!strchr(m->path, '/') || !m->is_readable || !m->is_writable || m->is_executable ||
        m->is_shared)
        return true;
    errno = 0;
    if (!find_in(s->target, m->start, m->end) && errno)
        s->error = errno;
    return !s->target->address;
}

/* Reads where the process's session lies, 0 = none, and the path of its store, or of the last
 * one. */
static void read_store(struct ctl_target *t) {
    uint8_t is_left = 0;
    t->session = 0;
    (void)ctl_read(t, (uintptr_t)t->control.session_slot, &t->session, sizeof t->session);
    (void)ctl_read(t, (uintptr_t)t->control.is_left, &is_left, sizeof is_left);
    if (is_left)
        t->session = 0;
    uint64_t path =
        t->session ? t->session + t->control.store_offset : (uintptr_t)t->control.last_store;
    if (!path || !ctl_read(t, path, t->store, sizeof t->store))
        t->store[0] = 0;
    t->store[sizeof t->store - 1] = 0;
}

/* ---- the process ------------------------------------------------------------------------------
 */

static void read_name(struct ctl_target *t) {
    char path[64];
    snprintf(path, sizeof path, "/proc/%d/comm", (int)t->pid);
    if (!hak_proc_read_text(path, t->name, sizeof t->name))
        snprintf(t->name, sizeof t->name, "?");
    t->name[strcspn(t->name, "\n")] = 0;
}

/* A thread that lives shows what the process has. False: none does. */
static bool find_shown(struct ctl_target *t) {
    pid_t found = hak_peer_find_living(t->pid);
    t->shown = found ? found : t->pid;
    return found > 0;
}

/* Whether all of its threads wait in system calls, or have ended. */
static bool all_sleep(const struct ctl_target *t) {
    char path[64];
    bool sleep = true;
    snprintf(path, sizeof path, "/proc/%d/task", (int)t->pid);
    DIR *tasks = opendir(path);
    const struct dirent *entry;
    while (tasks && sleep && (entry = readdir(tasks)) != NULL) {
        struct hak_peer thread;
        if (entry->d_name[0] != '.' && hak_peer_read(atoi(entry->d_name), &thread))
            sleep = strchr("SDIZX", thread.state) != NULL;
    }
    if (tasks)
        closedir(tasks);
    return sleep && tasks;
}

const char *ctl_silence(const struct ctl_target *t) {
    struct hak_peer peer;
    if (hak_peer_read(t->shown, &peer) && (peer.state == 'T' || peer.state == 't'))
        return "it is stopped (SIGSTOP, or a debugger)";
    if (all_sleep(t))
        return "all its threads wait in system calls";
    return ctl_is_light(t) ? "it allocates nothing, or little (a thread looks at one of its "
                             "allocations in 256)"
                           : "it runs, but calls nothing of the malloc family";
}

/* Prints why the process cannot be asked: rights, no such process, no memory, or no hakmem in
 * it. */
static void say_unreachable(const struct ctl_target *t, int error, bool has_memory) {
    if (error == EPERM || error == EACCES)
        view_error("ctl: process %d cannot be asked: %s. Its user may, where kernel.yama."
                   "ptrace_scope is 0; root always",
                   (int)t->pid, strerror(error));
    else if ((error == ENOENT || error == ESRCH) && access("/proc/self", F_OK) != 0)
        view_error("ctl: there is no /proc here, by which processes are found");
    else if (error == ENOENT || error == ESRCH)
        view_error("ctl: there is no process %d", (int)t->pid);
    else if (error)
        view_error("ctl: process %d cannot be read: %s", (int)t->pid, strerror(error));
    else if (!has_memory)
        view_error("ctl: process %d (%s) has no memory: it has ended, and its parent has not taken "
                   "note of it, or it is one of the kernel's",
                   (int)t->pid, t->name);
    else
        view_error("ctl: process %d (%s) does not run under " LIBRARIES
                   " of this version; start it with `hakmem-trace run`, or with one in LD_PRELOAD",
                   (int)t->pid, t->name);
}

/* Finds the process of the typed pid, and its words if it has any. False: it is none, and that was
 * said. */
static bool find_process(struct ctl_target *t, const char *typed, struct control_search *search) {
    char *end;
    long pid = strtol(typed, &end, 10);
    if (typed[0] < '0' || typed[0] > '9' || pid <= 0 || pid > INT32_MAX || *end) {
        view_error("ctl: '%s' is no process id", typed);
        return false;
    }
    *t = (struct ctl_target){.pid = (pid_t)pid, .shown = (pid_t)pid, .lock = -1};
    read_name(t);
    struct hak_peer peer;
    *search = (struct control_search){.target = t};
    if (hak_peer_read(t->pid, &peer))
        t->start_time = peer.start_time;
    (void)find_shown(t);
    if (!hak_maps_each(t->shown, look_at_mapping, search) && !search->has_memory)
        search->error = errno;
    if (t->address)
        read_store(t);
    return true;
}

bool ctl_find(struct ctl_target *t, const char *typed) {
    struct control_search search;
    if (!find_process(t, typed, &search))
        return false;
    if (!t->address)
        say_unreachable(t, search.error, search.has_memory);
    return t->address != 0;
}

bool ctl_find_any(struct ctl_target *t, const char *typed) {
    struct control_search search;
    if (!find_process(t, typed, &search))
        return false;
    if (!t->address && (search.error || !search.has_memory)) {
        say_unreachable(t, search.error, search.has_memory);
        return false;
    }
    return true;
}

static bool read_words(struct ctl_target *t) {
    return ctl_read(t, t->address, &t->control, sizeof t->control) && is_control(&t->control);
}

/* ---- its heap profile --------------------------------------------------------------------------
 */

/* Whether the table of a heap profile that has a rate lies there. */
static bool is_profile(const struct ctl_target *t, uint64_t address) {
    static const char magic[] = HAK_HEAP_PROFILE_MAGIC;
    struct hak_heap_profile head = {.rate = 0};
    return address && ctl_read(t, address, &head, sizeof head) &&
           memcmp(head.magic, magic, sizeof magic) == 0 && head.rate != 0;
}

bool ctl_find_profile(struct ctl_target *t, uint64_t address) {
    t->profile = is_profile(t, address) ? address : 0;
    return t->profile != 0;
}

uint64_t ctl_profile_table(const struct ctl_target *t) {
    return t->address ? (uintptr_t)t->control.heap_profile : t->profile;
}

/* Reads its words again, or looks whether its profile is still there. */
static bool read_again(struct ctl_target *t) {
    return t->address ? read_words(t) : is_profile(t, t->profile);
}

bool ctl_look(struct ctl_target *t) {
    struct hak_peer peer;
    enum hak_peer_answer answer = hak_peer_ask(t->pid, &peer);
    if (answer == HAK_PEER_GONE ||
        (answer == HAK_PEER_THERE && (peer.has_ended || peer.start_time != t->start_time)) ||
        !(read_again(t) || (find_shown(t) && read_again(t))))
        return false;
    if (t->address)
        read_store(t);
    return true;
}

bool ctl_is_light(const struct ctl_target *t) {
    return t->control.level == HAK_CHECK_LIGHT + 1;
}

bool ctl_is_recorded(const struct ctl_target *t) {
    return t->session != 0 && !ctl_is_light(t);
}

/* ---- its rings --------------------------------------------------------------------------------
 */

static bool is_session(const struct hak_session *s) {
    return s->magic == HAK_SESSION_MAGIC && s->version == HAK_SESSION_VERSION &&
           s->rings_high <= HAK_RINGS && s->ring_offset < s->total_bytes &&
           s->total_bytes - s->ring_offset >= HAK_RINGS * sizeof(struct hak_ring_entry);
}

bool ctl_look_at_rings(struct ctl_target *t, struct ctl_rings *rings) {
    static struct hak_session session;
    static struct hak_ring_entry entries[HAK_RINGS];
    if (!t->session || !ctl_read(t, t->session, &session, sizeof session) || !is_session(&session))
        return false;
    uint32_t count = session.rings_high;
    if (!ctl_read(t, t->session + session.ring_offset, entries, count * sizeof *entries))
        return false;
    uint64_t keeper = session.keeper_heartbeat_ns, worker = session.worker_heartbeat_ns;
    uint64_t now = view_now_ns(), last = keeper > worker ? keeper : worker;
    *rings = (struct ctl_rings){.count = count,
                                .is_file = session.overwrites != 0,
                                .silent_ns = now > last ? now - last : 0};
    for (uint32_t i = 0; i < count; i++) {
        rings->head[i] = entries[i].head;
        rings->tail[i] = entries[i].tail;
        rings->written += entries[i].head;
        if (entries[i].head > entries[i].tail)
            rings->waiting += entries[i].head - entries[i].tail;
    }
    return true;
}
