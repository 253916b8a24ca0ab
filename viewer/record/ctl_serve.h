/* The endpoint of a heap profile: `ctl PID profile --serve ADDRESS`.
 *
 *   ctl_door.c    the address and the token: who may come in, and from where
 *   ctl_serve.c   listens; a process for each connection, until Ctrl-C or the program's end
 *   ctl_http.c    what one request asks, or why it is refused
 *   ctl_profile.c the answer: ctl_write_pprof
 *
 * The program has no part in it. A request is data of anybody who reaches the address: its size,
 * its time and the number of requests at once are bounded. For one thread. */
#ifndef HAK_VIEWER_RECORD_CTL_SERVE_H
#define HAK_VIEWER_RECORD_CTL_SERVE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>
#include "viewer/record/ctl.h"

enum {
    CTL_TOKEN_MIN = 16,
    CTL_TOKEN_MAX = 256,
    CTL_REQUEST_BYTES = 8192,
    CTL_REQUEST_SECONDS = 3600, /* of ?seconds= */
};

struct ctl_door {
    int listener;           /* a socket; -1 = none yet */
    const char *path;       /* of a Unix socket; NULL = an address of TCP */
    dev_t device;           /* where the Unix socket lies, */
    ino_t inode;            /* which is removed at the end if it is still this one; 0 = not known */
    char address[108 + 16]; /* as clients name it: "http://127.0.0.1:6060", "unix:/run/heap" */
    bool is_loopback;       /* TCP of this machine alone: names of other hosts are refused */
    char token[CTL_TOKEN_MAX + 1]; /* "" = none is asked for */
};

/* Reads --serve, --anywhere and --token into `door`. False: the error is printed. */
bool ctl_read_door(const struct view *view, struct ctl_door *door);
/* Opens the door of ctl_read_door: from now on clients connect. False: the error is printed. */
bool ctl_open_door(const struct view *view, struct ctl_door *door);
void ctl_close_door(struct ctl_door *door);

/* A request: the question, or why it is refused. */
struct ctl_request {
    int status;       /* 200 = it is answered; else the status of HTTP to answer with */
    char why[160];    /* for people; "" where it is answered */
    uint64_t seconds; /* 0 = the live blocks; else what changes in so many seconds */
};

/* Reads the head of a request: `bytes` bytes up to its empty line, which stay as they are. */
void ctl_read_request(const struct ctl_door *door, const char *head, size_t bytes,
                      struct ctl_request *request);

/* Serves the process's heap profile until Ctrl-C, SIGTERM or the program's end. Returns the exit
 * status. */
int ctl_serve(const struct view *view, struct ctl_target *t);

#endif
