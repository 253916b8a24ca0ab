/* Translates pids of other namespaces by what /proc says. */
#include "collector/kernel/pid_namespace.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include "collector/kernel/peer.h"
#include "collector/kernel/proc.h"
#include "collector/kernel/time.h"

#define LOOKS_NS 200000000 /* of processor time, one look after the other; it fills up again */

/* The numbers of `pid` from /proc's namespace on inwards: how many, and the last. */
static int read_numbers(pid_t pid, pid_t *innermost) {
    char path[64];
    int count = 0;
    snprintf(path, sizeof path, "/proc/%d/status", (int)pid);
    char *text = hak_proc_is_own() ? hak_proc_read_whole(path, NULL) : NULL;
    char *at = text ? strstr(text, "\nNSpid:") : NULL;
    long last = 0;
    at = at ? at + 7 : (char *)"";
    for (char *end = at; *at && *at != '\n'; at = end) {
        long number = strtol(at, &end, 10);
        if (end == at)
            break;
        last = number;
        count++;
        while (*end == '\t' || *end == ' ')
            end++;
    }
    free(text);
    *innermost = (pid_t)last;
    return count;
}

pid_t hak_pid_innermost(pid_t pid) {
    pid_t innermost;
    (void)read_numbers(pid, &innermost);
    return innermost;
}

uint64_t hak_pid_namespace_own(void) {
    static struct stat about;
    if (!about.st_ino)
        (void)stat("/proc/self/ns/pid", &about);
    return about.st_ino;
}

uint64_t hak_pid_namespace_of(pid_t pid) {
    pid_t innermost;
    uint64_t space = hak_proc_inode(pid, "ns/pid");
    /* Of a process that may not be looked at its numbers can be read. */
    return space || read_numbers(pid, &innermost) != 1 ? space : hak_pid_namespace_own();
}

bool hak_pid_can_be(pid_t pid, const struct hak_inner_pid *inner) {
    struct hak_peer peer;
    pid_t innermost = hak_pid_innermost(pid);
    uint64_t space = inner->space ? hak_pid_namespace_of(pid) : 0;
    bool is_older = hak_peer_read(pid, &peer) && peer.start_time < inner->not_before;
    return !is_older && (innermost == 0 || innermost == inner->pid) &&
           (space == 0 || space == inner->space);
}

uint64_t hak_pid_time_used(void) {
    return hak_time_kernel_ns(CLOCK_THREAD_CPUTIME_ID);
}

static bool is_over(const struct hak_children_look *look) {
    return look->until_ns && hak_pid_time_used() >= look->until_ns;
}

/* Looks at the children of one thread, from where `look` is; the child that was taken. */
static pid_t look_at_thread(const char *path, bool (*take)(void *context, pid_t child),
                            void *context, struct hak_children_look *look) {
    char *text = hak_proc_read_whole(path, NULL), *at = text, *end = text;
    pid_t found = 0;
    uint32_t seen = 0;
    for (long child; at && !found && !look->is_cut && (child = strtol(at, &end, 10)) > 0;
         at = end) {
        if (seen++ < look->children)
            continue;
        look->children = seen;
        if (take(context, (pid_t)child))
            found = (pid_t)child;
        look->is_cut = is_over(look);
    }
    free(text);
    return found;
}

pid_t hak_pid_find_child(pid_t parent, bool (*take)(void *context, pid_t child), void *context,
                         struct hak_children_look *look) {
    char path[300];
    pid_t found = 0;
    look->is_cut = false;
    if (!hak_proc_is_own())
        return 0;
    snprintf(path, sizeof path, "/proc/%d/task", (int)parent);
    DIR *threads = opendir(path);
    if (threads && look->thread)
        seekdir(threads, look->thread);
    struct dirent *thread;
    while (!found && !look->is_cut && threads && (thread = readdir(threads))) {
        if (thread->d_name[0] != '.') {
            snprintf(path, sizeof path, "/proc/%d/task/%s/children", (int)parent, thread->d_name);
            found = look_at_thread(path, take, context, look);
            if (look->is_cut)
                break; /* the next one goes on with the same thread */
            look->is_cut = is_over(look);
        }
        look->children = 0;
        look->thread = telldir(threads);
    }
    if (!look->is_cut) {
        look->thread = 0;
        look->children = 0;
    }
    if (threads)
        closedir(threads);
    return found;
}

static bool is_inner(void *context, pid_t child) {
    const struct hak_inner_pid *inner = context;
    return hak_pid_innermost(child) == inner->pid && hak_pid_can_be(child, inner);
}

pid_t hak_pid_of_child(pid_t parent, const struct hak_inner_pid *inner) {
    static int64_t left_ns = LOOKS_NS; /* below 0: the last look took more than there was */
    static uint64_t filled_ns;
    struct hak_inner_pid copy = *inner;
    uint64_t now = hak_time_kernel_ns(CLOCK_MONOTONIC), begun = hak_pid_time_used();
    left_ns += filled_ns ? (int64_t)((now - filled_ns) / 2) : 0;
    left_ns = left_ns < LOOKS_NS ? left_ns : LOOKS_NS;
    filled_ns = now;
    if (left_ns <= 0)
        return 0;
    struct hak_children_look look = {.until_ns = begun + (uint64_t)left_ns};
    pid_t found = hak_pid_find_child(parent, is_inner, &copy, &look);
    left_ns -= (int64_t)(hak_pid_time_used() - begun);
    return found;
}
