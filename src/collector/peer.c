/* Reads /proc/PID/stat. */
#include "collector/peer.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

bool hak_peer_parse(const char *stat, struct hak_peer *out) {
    /* The name stands in brackets and may hold brackets and blanks itself: the last ) ends it. */
    const char *behind = strrchr(stat, ')');
    int parent = 0;
    unsigned long long start = 0;
    char state = 0;
    if (!behind || sscanf(behind + 1,
                          " %c %d %*d %*d %*d %*d %*u %*u %*u %*u %*u %*u %*u %*d %*d %*d %*d %*d "
                          "%*d %llu",
                          &state, &parent, &start) != 3)
        return false;
    *out = (struct hak_peer){.parent = parent, .start_time = start, .state = state};
    return true;
}

enum hak_peer_answer hak_peer_ask(pid_t pid, struct hak_peer *out) {
    char path[64], text[1024];
    if (pid <= 0)
        return HAK_PEER_GONE;
    snprintf(path, sizeof path, "/proc/%d/stat", (int)pid);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t got = fd < 0 ? -1 : read(fd, text, sizeof text - 1);
    if (fd >= 0)
        close(fd);
    text[got > 0 ? got : 0] = 0;
    if (got > 0 && hak_peer_parse(text, out))
        return HAK_PEER_THERE;
    return kill(pid, 0) == 0 || errno != ESRCH ? HAK_PEER_UNKNOWN : HAK_PEER_GONE;
}

bool hak_peer_read(pid_t pid, struct hak_peer *out) {
    return hak_peer_ask(pid, out) == HAK_PEER_THERE;
}

bool hak_peer_descends(pid_t pid, const pid_t *known, int count) {
    for (int depth = 0; depth < 1024 && pid > 1; depth++) {
        for (int i = 0; i < count; i++)
            if (known[i] == pid)
                return true;
        struct hak_peer peer;
        if (!hak_peer_read(pid, &peer))
            return false;
        pid = peer.parent;
    }
    return false;
}
