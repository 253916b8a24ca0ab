/* Finds the processes that outlive PROGRAM, waits for them, ends them.
 *
 *   this process, their subreaper
 *     |-- hakmem's own: by name; they and what they make are left alone
 *     +-- a process whose parent has ended, and its children, and theirs
 *
 * Neither a group nor a session of processes is made: PROGRAM stays in the terminal's foreground,
 * and what leaves its group or session is found as well. A process that belongs to another user
 * now, or that nobody can end, goes on. */
#include <ctype.h>
#include <dirent.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>
#include "base/growing.h"
#include "collector/kernel/kernel.h"
#include "report/words/words.h"
#include "viewer/record/record.h"
#include "viewer/record/run.h"

enum {
    NAME_BYTES = 16, /* of a process, as the kernel keeps it */
    LOOK_MS = 20,
    TERM_MS = 2000, /* from SIGTERM to SIGKILL */
    KILL_MS = 2000,
    PROCESSES_NAMED = 4,
};

struct one {
    pid_t pid, parent;
    char name[NAME_BYTES];
    bool is_own; /* hakmem's, or made by it */
    bool is_left;
    bool has_ended; /* and its parent has not heard of it */
};

struct all {
    struct one *list;
    uint32_t count, capacity;
};

void record_adopt_left(void) {
    prctl(PR_SET_CHILD_SUBREAPER, 1);
}

/* ---- who there is ------------------------------------------------------------------------------
 */

/* Reads name, parent and state of a process. False: it is gone. */
static bool read_process(pid_t pid, struct one *one) {
    char path[64], name[NAME_BYTES + 1];
    struct hak_peer peer;
    snprintf(path, sizeof path, "/proc/%d/comm", (int)pid);
    if (!hak_proc_read_text(path, name, sizeof name) || !hak_peer_read(pid, &peer))
        return false;
    *one = (struct one){.pid = pid, .parent = peer.parent, .has_ended = peer.has_ended};
    memcpy(one->name, name, strlen(name) - 1); /* without the newline at its end */
    return true;
}

/* Reads all processes that /proc shows. */
static void read_all(struct all *all) {
    DIR *folder = opendir("/proc");
    struct one one;
    all->count = 0;
    for (struct dirent *entry; folder && (entry = readdir(folder)) != NULL;) {
        if (!isdigit((unsigned char)entry->d_name[0]) ||
            !read_process((pid_t)atoi(entry->d_name), &one) ||
            !hak_growing_make_room(&all->list, all->count, &all->capacity, sizeof *all->list))
            continue;
        all->list[all->count++] = one;
    }
    if (folder)
        closedir(folder);
}

/* The name that a process has once it has executed `path`. */
static bool is_name_of(const char *name, const char *path) {
    const char *slash = strrchr(path, '/');
    return strncmp(name, slash ? slash + 1 : path, NAME_BYTES - 1) == 0;
}

static struct one *find(const struct all *all, pid_t pid) {
    for (uint32_t i = 0; i < all->count; i++)
        if (all->list[i].pid == pid)
            return &all->list[i];
    return NULL;
}

/* True for one that has ended; it is heard of here, where its own parent cannot hear it. */
static bool reap_if_ended(struct one *one, bool is_child) {
    if (one->has_ended && is_child)
        waitpid(one->pid, NULL, WNOHANG);
    return one->has_ended;
}

/* Marks the descendants of this process: those of its own (this command's and the collector's), and
 * those left behind. Returns how many of the second still run. */
static uint32_t mark(struct all *all, const char *collect) {
    const struct one *self = find(all, getpid());
    uint32_t count = 0;
    bool is_changed = self != NULL;
    while (is_changed) {
        is_changed = false;
        for (uint32_t i = 0; i < all->count; i++) {
            struct one *one = &all->list[i];
            const struct one *parent = find(all, one->parent);
            bool is_child = parent == self;
            if (one->is_own || one->is_left || one == self || !parent ||
                (!is_child && !parent->is_own && !parent->is_left))
                continue;
            one->is_own = is_child
                              ? strcmp(one->name, self->name) == 0 || is_name_of(one->name, collect)
                              : parent->is_own;
            one->is_left = !one->is_own;
            count += one->is_left && !reap_if_ended(one, is_child);
            is_changed = true;
        }
    }
    return count;
}

static uint32_t count_left(struct all *all, const char *collect) {
    read_all(all);
    return mark(all, collect);
}

/* ---- waiting and ending ------------------------------------------------------------------------
 */

static bool is_hurried(const struct record_left *left) {
    return left->is_over || *run_child_stop_signal() != 0;
}

/* Waits until none is left; returns how many are. `patience_ms` 0: until somebody hurries. */
static uint32_t wait_for_left(struct all *all, const struct record_left *left,
                              const char *collect) {
    uint64_t end = hak_time_ms() + left->patience_ms;
    uint32_t count;
    while ((count = count_left(all, collect)) > 0 && !is_hurried(left) &&
           (left->patience_ms == 0 || hak_time_ms() < end))
        usleep(LOOK_MS * 1000);
    return count;
}

/* Notes the names of the first PROCESSES_NAMED processes that are left. */
static void name_left(struct record_left *left, const struct all *all) {
    size_t length = 0;
    uint32_t named = 0;
    for (uint32_t i = 0; i < all->count && named <= PROCESSES_NAMED; i++) {
        const struct one *one = &all->list[i];
        if (!one->is_left || one->has_ended)
            continue;
        length += (size_t)snprintf(left->names + length, sizeof left->names - length, "%s%s",
                                   named ? ", " : "", named == PROCESSES_NAMED ? "..." : one->name);
        named++;
    }
}

/* Signals all that are left, and SIGKILL also those that they make meanwhile, for `for_ms`. Returns
 * how many are left. */
static uint32_t signal_left(struct all *all, const char *collect, int signal, uint64_t for_ms) {
    uint64_t end = hak_time_ms() + for_ms;
    uint32_t count;
    bool is_first = true;
    while ((count = count_left(all, collect)) > 0 && (is_first || hak_time_ms() < end)) {
        for (uint32_t i = 0; i < all->count && (is_first || signal == SIGKILL); i++) {
            if (!all->list[i].is_left)
                continue;
            kill(all->list[i].pid, signal);
            kill(all->list[i].pid, SIGCONT); /* one that is stopped hears it, too */
        }
        is_first = false;
        usleep(LOOK_MS * 1000);
    }
    return count;
}

void run_left_end(struct record_left *left, const char *collect) {
    struct all all = {0};
    left->ended = wait_for_left(&all, left, collect);
    if (left->ended > 0) {
        name_left(left, &all);
        left->running = signal_left(&all, collect, SIGTERM, TERM_MS);
        if (left->running > 0)
            left->running = signal_left(&all, collect, SIGKILL, KILL_MS);
        left->ended -= left->running < left->ended ? left->running : left->ended;
    }
    free(all.list);
}
