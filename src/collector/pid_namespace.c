/* Translates pids of other namespaces by what /proc says. */
#include "collector/pid_namespace.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "collector/peer.h"

uint64_t hak_pid_namespace_of(pid_t pid) {
    char path[64] = "/proc/self/ns/pid";
    struct stat about;
    if (pid > 0)
        snprintf(path, sizeof path, "/proc/%d/ns/pid", (int)pid);
    return stat(path, &about) == 0 ? about.st_ino : 0;
}

uint64_t hak_pid_namespace_own(void) {
    static uint64_t own;
    if (!own)
        own = hak_pid_namespace_of(0);
    return own;
}

/* Asked once: neither keeper nor worker enters another namespace. */
bool hak_pid_proc_is_own(void) {
    static int known = -1;
    char self[32];
    if (known < 0) {
        ssize_t length = readlink("/proc/self", self, sizeof self - 1);
        self[length > 0 ? length : 0] = 0;
        known = atoi(self) == getpid();
    }
    return known;
}

pid_t hak_pid_innermost(pid_t pid) {
    char path[64], text[4096];
    snprintf(path, sizeof path, "/proc/%d/status", (int)pid);
    const char *line =
        hak_peer_read_text(path, text, sizeof text) ? strstr(text, "\nNSpid:") : NULL;
    long last = 0;
    if (!line)
        return 0;
    char *at = (char *)line + 7;
    for (char *end = at; *at && *at != '\n'; at = end) {
        long number = strtol(at, &end, 10);
        if (end == at)
            break;
        last = number;
        while (*end == '\t' || *end == ' ')
            end++;
    }
    return (pid_t)last;
}

bool hak_pid_can_be(pid_t pid, const struct hak_inner_pid *inner) {
    struct hak_peer peer;
    pid_t innermost = hak_pid_innermost(pid);
    uint64_t space = inner->space ? hak_pid_namespace_of(pid) : 0;
    bool is_older = hak_peer_read(pid, &peer) && peer.start_time < inner->not_before;
    return !is_older && (innermost == 0 || innermost == inner->pid) &&
           (space == 0 || space == inner->space);
}

pid_t hak_pid_find_child(pid_t parent, bool (*take)(void *context, pid_t child), void *context) {
    char path[300], text[4096];
    pid_t found = 0;
    if (!hak_pid_proc_is_own())
        return 0;
    snprintf(path, sizeof path, "/proc/%d/task", (int)parent);
    DIR *threads = opendir(path);
    for (struct dirent *thread; !found && threads && (thread = readdir(threads));) {
        if (thread->d_name[0] == '.')
            continue;
        snprintf(path, sizeof path, "/proc/%d/task/%s/children", (int)parent, thread->d_name);
        if (!hak_peer_read_text(path, text, sizeof text))
            continue;
        char *at = text, *end = text;
        for (long child; !found && (child = strtol(at, &end, 10)) > 0; at = end)
            if (take(context, (pid_t)child))
                found = (pid_t)child;
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
    struct hak_inner_pid copy = *inner;
    return hak_pid_find_child(parent, is_inner, &copy);
}
