/* Sends the documents of the queue, in a process of its own: whatever libpq, the server or the
 * network does, it ends in time. */
#ifndef HAK_VIEWER_FLEET_SENDING_H
#define HAK_VIEWER_FLEET_SENDING_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>
#include "viewer/fleet/queue.h"

struct sending {
    /* Input: the documents for `url`, NULL = all; `first` before all others, "" = none. */
    const char *url;
    char first[QUEUE_NAME];
    const char *document; /* one that could not be put into the queue; NULL = none */
    unsigned seconds;     /* at most; of a whole sending, or of each document */
    bool is_each;
    bool is_profile; /* the first one is a heap profile */

    /* Results. */
    uint32_t documents, runs, findings; /* that the server had not yet */
    uint32_t known_runs;                /* that it had */
    uint32_t pulls, known_pulls, stacks;
    uint64_t joined;        /* stacks that were sent as one */
    uint32_t waiting;       /* documents that stay in the queue */
    uint32_t busy, broken;  /* that another process sends; that were set aside */
    uint64_t left_out, cut; /* of what the documents have */
    bool is_first_sent, is_late;
    bool is_first_of_other;           /* another process has sent it */
    int error;                        /* of store/error.h; 0 = none */
    char why[640];                    /* of it */
    char set_aside[QUEUE_NAME + 128]; /* the last one of `broken`, and why */

    /* sending.c's own. */
    bool has_queue;         /* the early process may read it */
    int go;                 /* a socket that tells it to begin; open while `shared` is there */
    pid_t child;            /* it */
    struct sending *shared; /* with it; NULL = none was begun */
};

/* Begins the process before it is known what will be sent to `url`: it loads libpq and connects
 * meanwhile. Without a process or memory for it nothing happens: sending_run does all then. */
void sending_begin(struct sending *s);
/* Ends a process that was begun, where nothing is to be sent after all. */
void sending_cancel(struct sending *s);
/* Sends, and waits for the end; then s->waiting says how many documents wait. */
void sending_run(struct queue *queue, struct sending *s);

#endif
