/* What /proc says of a process: when it started, whose child it is, whether it still runs. */
#ifndef HAK_COLLECTOR_PEER_H
#define HAK_COLLECTOR_PEER_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

struct hak_peer {
    pid_t parent;
    uint64_t start_time; /* field 22 of /proc/PID/stat, clock ticks since boot */
    char state;          /* R, S, D, Z, ... */
};

enum hak_peer_answer {
    HAK_PEER_THERE,   /* read */
    HAK_PEER_GONE,    /* no process has this id */
    HAK_PEER_UNKNOWN, /* there is one, but no /proc here or no descriptor left to look at it */
};

/* Reads /proc/PID/stat; fills in `out` when it says THERE. */
enum hak_peer_answer hak_peer_ask(pid_t pid, struct hak_peer *out);
/* The same; false when nothing was read. */
bool hak_peer_read(pid_t pid, struct hak_peer *out);

/* True when `pid` is, or descends from, one of `known`. */
bool hak_peer_descends(pid_t pid, const pid_t *known, int count);

/* Reads the stat line's text (for tests). False when it cannot be one. */
bool hak_peer_parse(const char *stat, struct hak_peer *out);

#endif
