/* The kernel's facts of a process: its user; its start, its parent, and whether it still runs
 * (/proc). */
#ifndef HAK_COLLECTOR_KERNEL_PEER_H
#define HAK_COLLECTOR_KERNEL_PEER_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>
#include <sys/types.h>

struct hak_peer {
    pid_t parent;
    uint64_t start_time;   /* field 22 of /proc/PID/stat, clock ticks since boot */
    uint64_t memory_bytes; /* that it has mapped; 0: it has let go of all, or is of the kernel */
    bool is_of_kernel;     /* no program */
    bool has_ended;        /* all of its threads; a zombie may be the first one alone */
    char state;            /* of its first thread: R, S, D, Z, ... */
};

enum hak_peer_answer {
    HAK_PEER_THERE,   /* read */
    HAK_PEER_GONE,    /* no process has this id */
    HAK_PEER_HELD,    /* there is one, which keeps others from looking at it (proc.h) */
    HAK_PEER_UNKNOWN, /* there is one, but no /proc here or no descriptor left to look at it */
};

/* Reads /proc/PID/stat; fills in `out` when it says THERE. */
enum hak_peer_answer hak_peer_ask(pid_t pid, struct hak_peer *out);
/* The same; false when nothing was read. */
bool hak_peer_read(pid_t pid, struct hak_peer *out);
/* A thread of process `pid` that lives, and so shows the memory and the files of the process: the
 * first one may have ended before the others (pthread_exit). 0: none does. */
pid_t hak_peer_find_living(pid_t pid);

#define HAK_PEER_NOBODY UINT64_MAX /* no process starts then */

/* A process whose id another one may have by now. */
struct hak_known_process {
    pid_t pid;
    uint64_t start_time; /* 0 = could not be read */
};
/* Does `process` still have its id? True also when that cannot be known. */
bool hak_peer_is_same(const struct hak_known_process *process);
/* True when `pid` is, or descends from, one of `known`. */
bool hak_peer_descends(pid_t pid, const struct hak_known_process *known, int count);

/* True when the process at the other end of a socket is of our own user or root (trace/trust.h). A
 * user that this user namespace does not know is accepted when the kernel lets us signal the
 * process. */
bool hak_peer_is_own_user(const struct ucred *peer);

/* True when the process at the other end of `socket` still has the id that SO_PEERCRED told, or
 * where the kernel (before 6.5) cannot say. */
bool hak_peer_has_kept_id(int socket);

/* Reads the stat line's text (for tests). False when it cannot be one. */
bool hak_peer_parse(const char *stat, struct hak_peer *out);

#endif
