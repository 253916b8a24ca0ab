/* The words between keeper and worker: one SOCK_SEQPACKET socketpair, one fixed message, at most
 * one descriptor with it.
 *
 *   keeper -> worker                              worker -> keeper
 *   CONFIG   socket name, paths; the listening    STORE     the path that is really written, or
 *            socket, so that it survives a keeper           the one at which it is being made
 *   SESSION  number, hello, peer; the memfd       DONE      nobody maps session `number` any more
 *   SYNC     commit what ended processes left     SYNCED    all of ended processes is committed
 *   FINISH   no client is left: close the store   FINISHED  the store is one closed file
 *   UNRECORDED  a process of the tree is not recorded: peer, and why
 *
 * When the worker dies the keeper starts another and says CONFIG, every SESSION and every
 * UNRECORDED again; when the keeper dies the worker says CONFIG and SESSION to a new keeper. Both
 * are ours and trust each other. */
#ifndef HAK_COLLECTOR_LINK_LINK_H
#define HAK_COLLECTOR_LINK_LINK_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>
#include "collector/link/say.h"
#include "trace/protocol.h"
#include "trace/session.h"

#define HAK_LINK_SOCKET 3 /* of a worker, or of a keeper that a worker starts */

enum hak_link_type {
    HAK_LINK_CONFIG = 1,
    HAK_LINK_SESSION,
    HAK_LINK_SYNC,
    HAK_LINK_FINISH,
    HAK_LINK_STORE,
    HAK_LINK_DONE,
    HAK_LINK_SYNCED,
    HAK_LINK_FINISHED,
    HAK_LINK_UNRECORDED,
    HAK_LINK_READING,    /* worker -> keeper, first of all: its page of what it reads, its pid */
    HAK_LINK_UNREADABLE, /* keeper -> worker: a file not to be read, and why */
};

struct hak_link_message {
    uint32_t type;          /* enum hak_link_type */
    uint32_t number;        /* of the session; SYNC and SYNCED: serial; FINISHED: 1 = all is well;
                               FINISH: 1 = end the sessions that live, too;
                               UNRECORDED: pid of the parent, 0 = not known */
    uint32_t live;          /* SYNCED: processes that still live */
    uint32_t replace_store; /* CONFIG: an existing store is overwritten */
    uint32_t resume_store;  /* CONFIG: `store_path` was written by a worker before */
    uint32_t next_number;   /* CONFIG: of the next session */
    uint32_t hold;          /* CONFIG: do not finish when no client lives (`run` says when) */
    uint32_t has_path;      /* CONFIG: the keeper listens at a path, too */
    uint32_t wants_offers;  /* CONFIG: some program may come to be where no socket leads */
    uint32_t color;         /* CONFIG: enum hak_color, for reports that go to stderr */
    int32_t peer_pid;       /* SESSION: of the first process, as the keeper sees it; 0 = hidden.
                               UNRECORDED: of the process; READING: of the worker */
    uint64_t heard_ns;      /* UNRECORDED: when, by CLOCK_MONOTONIC; the same when told again */
    struct hak_hello hello; /* SESSION, UNRECORDED; UNREADABLE: `text` says why */
    char socket_name[108];  /* CONFIG */
    char log_path[HAK_PATH_BYTES];   /* CONFIG: "" = as the session says; SESSION: as in its
                                        memory when it was taken; UNREADABLE: build-id */
    char store_path[HAK_PATH_BYTES]; /* CONFIG: "" = as the first session says; STORE; UNREADABLE:
                                        the file, "" = all */
    /* STORE: a worker makes its store here now, where no file was before; CONFIG: that was the last
     * that was heard of it, so the file there is its half-made store. "" = none. */
    char making_path[HAK_PATH_BYTES];
};

/* Fills in a SESSION. */
void hak_link_describe_session(struct hak_link_message *message, uint32_t number, pid_t peer,
                               const struct hak_hello *hello, const char *log_path);

/* Sends a message, with `descriptor` unless it is -1. 0 sent, 1 not now (too many are on their
 * way), -1 the other side is gone. Does not block. */
int hak_link_send(int link, const struct hak_link_message *message, int descriptor);
/* The same, but waits until it is sent: 0, or -1. For the worker only. */
int hak_link_send_wait(int link, const struct hak_link_message *message, int descriptor);

/* A worker's report: those fields of a message that are not empty. */
struct hak_link_report {
    enum hak_link_type type;
    uint32_t number, live;
    const char *store_path, *making_path;
};
/* Sends it, unless `link` is -1; the end of the link is seen soon. */
void hak_link_report(int link, const struct hak_link_report *report);

/* Descriptors that came with some bytes. */
#define HAK_LINK_FILES_MAX 253 /* in one message, says the kernel */
struct hak_link_files {
    int count, file[HAK_LINK_FILES_MAX];
};
/* Takes at most `bytes` from any socket, with all the descriptors, which are the caller's: the
 * kernel would close here those that found no room. How many there were, 0 = none yet, -1 = the
 * other side is gone. Does not block; makes system calls alone. */
ssize_t hak_link_take(int socket, void *to, size_t bytes, struct hak_link_files *files);

/* Takes a message if there is one: 1 taken (`descriptor` is the caller's then, or -1), 0 none yet,
 * -1 the other side is gone. Does not block. */
int hak_link_receive(int link, struct hak_link_message *message, int *descriptor);

/* Starts `path` with `arguments` (NULL-terminated), `link` as its descriptor 3, descriptors 0 and 1
 * on /dev/null, no other but 2, default signals, in a session of its own. Returns its pid or -1. */
pid_t hak_link_spawn(const char *path, char *const arguments[], int link);

/* A socketpair for the above, close-on-exec. 0 or -1. */
int hak_link_pair(int pair[2]);

/* A pidfd of the process at the other end: of `started`, or, 0, of the maker of the pair. Its death
 * does not end the link where somebody else has a copy of its end: a child that has not come back
 * from a system call yet. -1 = there is none; then the link's end alone tells. */
int hak_link_open_process(int link, pid_t started);
/* False for -1. */
bool hak_link_process_is_over(int process);

#endif
