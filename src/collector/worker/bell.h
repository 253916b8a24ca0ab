/* Wakes the worker: it sleeps on the sessions' doorbells and its descriptors (link, pidfds) at
 * once.
 *
 *   doorbell words of sessions --+
 *                                +--> FUTEX_WAITV --> the worker's loop
 *   epoll --thread--> own word --+
 *
 * Without FUTEX_WAITV (before Linux 5.16), or with more than 120 sessions, it sleeps in short
 * slices. */
#ifndef HAK_COLLECTOR_WORKER_BELL_H
#define HAK_COLLECTOR_WORKER_BELL_H

#include <pthread.h>
#include <semaphore.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include "collector/session/session.h"

struct hak_bell {
    int epoll;             /* descriptors to be added by their owners */
    _Atomic uint32_t word; /* grows when a descriptor is ready */
    _Atomic bool waiting;  /* the thread told of one and waits for hak_bell_heard */
    sem_t heard;
    pthread_t thread;
    bool no_waitv;
};

/* Starts the thread that watches the descriptors. 0 or -1. It lives as long as the process. */
int hak_bell_start(struct hak_bell *bell);

/* Call before looking at rings: remembers the doorbells, so that a ring in between is not missed.
 */
void hak_bell_prepare(struct hak_bell *bell, struct hak_client **clients, uint32_t count,
                      uint32_t *seen);

/* Sleeps until a bell rings, a descriptor is ready, or the time is over. `seen`: count + 1 words as
 * hak_bell_prepare left them. */
void hak_bell_wait(struct hak_bell *bell, struct hak_client **clients, uint32_t count,
                   const uint32_t *seen, int timeout_ms);

/* Descriptors have been served: the thread may look again. */
void hak_bell_heard(struct hak_bell *bell);

#endif
