/* Asks /proc and the kernel about a process. */
#include "collector/kernel/peer.h"

#include <dirent.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>
#include "collector/kernel/proc.h"
#include "trace/stat_line.h"
#include "trace/trust.h"

#define PEER_PIDFD 77 /* SO_PEERPIDFD of newer headers */

bool hak_peer_parse(const char *stat, struct hak_peer *out) {
    const char *state = hak_stat_at(stat, HAK_STAT_STATE);
    enum { OF_KERNEL = 0x200000 }; /* PF_KTHREAD */
    uint64_t parent, start, flags = 0, memory = 0, threads = 1;
    if (!state || !hak_stat_number(stat, HAK_STAT_PARENT, &parent) ||
        !hak_stat_number(stat, HAK_STAT_START_TIME, &start))
        return false;
    (void)hak_stat_number(stat, HAK_STAT_FLAGS, &flags);
    (void)hak_stat_number(stat, HAK_STAT_MEMORY, &memory);
    (void)hak_stat_number(stat, HAK_STAT_THREADS, &threads);
    *out = (struct hak_peer){.parent = (pid_t)parent,
                             .start_time = start,
                             .memory_bytes = memory,
                             .is_of_kernel = flags & OF_KERNEL,
                             .has_ended = *state == 'X' || (*state == 'Z' && threads <= 1),
                             .state = *state};
    return true;
}

enum hak_peer_answer hak_peer_ask(pid_t pid, struct hak_peer *out) {
    if (pid <= 0)
        return HAK_PEER_GONE;
    char *text = hak_proc_is_own() ? hak_proc_read(pid, "stat", NULL) : NULL;
    bool is_there = text && hak_peer_parse(text, out);
    free(text);
    if (is_there)
        return HAK_PEER_THERE;
    if (kill(pid, 0) != 0 && errno == ESRCH)
        return HAK_PEER_GONE;
    return hak_proc_is_held(pid) ? HAK_PEER_HELD : HAK_PEER_UNKNOWN;
}

bool hak_peer_read(pid_t pid, struct hak_peer *out) {
    return hak_peer_ask(pid, out) == HAK_PEER_THERE;
}

pid_t hak_peer_find_living(pid_t pid) {
    char path[64];
    struct hak_peer peer;
    pid_t found = 0;
    snprintf(path, sizeof path, "/proc/%d/task", (int)pid);
    DIR *threads = opendir(path);
    for (struct dirent *entry; !found && threads && (entry = readdir(threads)) != NULL;) {
        pid_t thread = atoi(entry->d_name);
        if (thread > 0 && hak_peer_read(thread, &peer) && peer.memory_bytes > 0)
            found = thread;
    }
    if (threads)
        closedir(threads);
    return found;
}

bool hak_peer_is_same(const struct hak_known_process *process) {
    struct hak_peer peer;
    enum hak_peer_answer answer = hak_peer_ask(process->pid, &peer);
    return answer == HAK_PEER_UNKNOWN ||
           (answer == HAK_PEER_THERE &&
            (process->start_time == 0 || peer.start_time == process->start_time));
}

/* Whether the process is one of `known`. Of one without a start time its id alone must do. */
static bool is_known(pid_t pid, const struct hak_peer *peer, const struct hak_known_process *known,
                     int count) {
    for (int i = 0; i < count; i++)
        if (known[i].pid == pid &&
            (known[i].start_time == 0 || (peer && known[i].start_time == peer->start_time)))
            return true;
    return false;
}

bool hak_peer_descends(pid_t pid, const struct hak_known_process *known, int count) {
    for (int depth = 0; depth < 1024 && pid > 1; depth++) {
        struct hak_peer peer;
        bool is_read = hak_peer_read(pid, &peer);
        if (is_known(pid, is_read ? &peer : NULL, known, count))
            return true;
        if (!is_read)
            return false;
        pid = peer.parent;
    }
    return false;
}

/* Whether this user namespace knows all users; asked once: neither keeper nor worker enters another
 * one. */
static bool knows_all_users(void) {
    static int known = -1;
    char text[128];
    if (known >= 0)
        return known;
    (void)hak_proc_read_text("/proc/self/uid_map", text, sizeof text);
    known = hak_trust_knows_all(text);
    return known;
}

bool hak_peer_is_own_user(const struct ucred *peer) {
    uint32_t own[3] = {0};
    if (peer->uid == HAK_TRUST_UNKNOWN_USER && !knows_all_users())
        return getresuid(&own[0], &own[1], &own[2]) == 0 && hak_trust_is_unknown(own) &&
               peer->pid > 0 && kill(peer->pid, 0) == 0;
    return peer->uid == geteuid() || peer->uid == 0;
}

bool hak_peer_has_kept_id(int socket) {
    int pidfd = -1;
    socklen_t bytes = sizeof pidfd;
    if (getsockopt(socket, SOL_SOCKET, PEER_PIDFD, &pidfd, &bytes) != 0)
        return errno == ENOPROTOOPT;
    /* It is told of a zombie, too, whose id nobody else can get. */
    bool kept = syscall(SYS_pidfd_send_signal, pidfd, 0, NULL, 0) == 0 || errno == EPERM;
    close(pidfd);
    return kept;
}
