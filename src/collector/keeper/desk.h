/* The desk between a keeper's thread and its owner: the owner's requests, and their results. */
#ifndef HAK_COLLECTOR_KEEPER_DESK_H
#define HAK_COLLECTOR_KEEPER_DESK_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include "trace/session.h"

struct hak_desk {
    int wake; /* eventfd: wakes the thread */
    pthread_mutex_t lock;
    pthread_cond_t changed; /* by the thread */
    /* The owner's. */
    uint32_t sync_wanted;
    bool hold, leave;
    bool hand_over; /* leaves when its worker has all: that starts another keeper */
    bool is_cut;    /* the store is closed though processes still live */
    /* The thread's. */
    uint32_t sync_done, sync_live;
    uint32_t sessions;
    uint64_t steps; /* the most that a worker has noted: one that repeats another's adds none */
    bool ended, finished;
    char store_path[HAK_PATH_BYTES];
};

/* Makes a desk with its lock, and an eventfd to wake the keeper. False: errno says why. */
bool hak_desk_make(struct hak_desk *desk);
void hak_desk_free(struct hak_desk *desk);

#endif
