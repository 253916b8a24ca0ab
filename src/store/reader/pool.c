/* Threads that decode chunks for a reader: each takes the oldest queued slot; none of them touches
 * SQLite, which belongs to the reader's thread. */
#include "store/reader/slot.h"
#include "store/pack.h"

#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>
#include "store/reader/inner.h"

struct hak_scan_pool {
    pthread_mutex_t lock;
    pthread_cond_t has_work, has_done;
    struct hak_scan_slot *first, *last; /* queued */
    bool is_ending;
    unsigned threads;
    pthread_t thread[HAK_SCAN_THREADS_MAX];
};

/* Decodes a slot that was taken out of the queue; the lock is held before and after. */
static void work_on(struct hak_scan_pool *p, struct hak_scan_slot *slot) {
    slot->state = HAK_SLOT_TAKEN;
    pthread_mutex_unlock(&p->lock);
    hak_scan_decode(slot);
    pthread_mutex_lock(&p->lock);
    slot->state = HAK_SLOT_DONE;
    pthread_cond_broadcast(&p->has_done);
}

/* Takes the slot, NULL = the oldest one, out of the queue. */
static struct hak_scan_slot *dequeue(struct hak_scan_pool *p, struct hak_scan_slot *slot) {
    struct hak_scan_slot **link = &p->first, *before = NULL;
    while (*link && slot && *link != slot) {
        before = *link;
        link = &before->next_queued;
    }
    struct hak_scan_slot *taken = *link;
    if (taken) {
        *link = taken->next_queued;
        if (p->last == taken)
            p->last = before;
    }
    return taken;
}

/* A thread that decodes queued slots until the pool ends. */
static void *run_thread(void *context) {
    struct hak_scan_pool *p = context;
    pthread_mutex_lock(&p->lock);
    while (!p->is_ending) {
        struct hak_scan_slot *slot = dequeue(p, NULL);
        if (slot)
            work_on(p, slot);
        else
            pthread_cond_wait(&p->has_work, &p->lock);
    }
    pthread_mutex_unlock(&p->lock);
    hak_pack_release();
    return NULL;
}

/* Signals go to the threads of the program that reads, not to these. */
static void start_threads(struct hak_scan_pool *p, unsigned count) {
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    while (p->threads < count && pthread_create(&p->thread[p->threads], NULL, run_thread, p) == 0)
        p->threads++;
    pthread_sigmask(SIG_SETMASK, &before, NULL);
}

struct hak_scan_pool *hak_scan_pool_of(struct hak_store_reader *r) {
    if (r->pool || !r->may_keep_chunks)
        return r->pool;
    long processors = sysconf(_SC_NPROCESSORS_ONLN); /* reads a file of /sys */
    if (processors < 2)
        return NULL;
    struct hak_scan_pool *p = calloc(1, sizeof *p);
    if (!p)
        return NULL;
    pthread_mutex_init(&p->lock, NULL);
    pthread_cond_init(&p->has_work, NULL);
    pthread_cond_init(&p->has_done, NULL);
    start_threads(p, processors < HAK_SCAN_THREADS_MAX ? (unsigned)processors - 1
                                                       : HAK_SCAN_THREADS_MAX - 1);
    return r->pool = p;
}

unsigned hak_scan_pool_threads(const struct hak_scan_pool *p) {
    return p ? p->threads + 1 : 1;
}

void hak_scan_pool_put(struct hak_scan_pool *p, struct hak_scan_slot *slot) {
    pthread_mutex_lock(&p->lock);
    slot->state = HAK_SLOT_QUEUED;
    slot->next_queued = NULL;
    if (p->first)
        p->last->next_queued = slot;
    else
        p->first = slot;
    p->last = slot;
    pthread_cond_signal(&p->has_work);
    pthread_mutex_unlock(&p->lock);
}

void hak_scan_pool_wait(struct hak_scan_pool *p, struct hak_scan_slot *slot) {
    pthread_mutex_lock(&p->lock);
    while (slot->state != HAK_SLOT_DONE) {
        struct hak_scan_slot *taken =
            slot->state == HAK_SLOT_QUEUED ? dequeue(p, slot) : dequeue(p, NULL);
        if (taken)
            work_on(p, taken);
        else
            pthread_cond_wait(&p->has_done, &p->lock);
    }
    pthread_mutex_unlock(&p->lock);
}

void hak_scan_pool_cancel(struct hak_scan_pool *p, struct hak_scan_slot *slot) {
    pthread_mutex_lock(&p->lock);
    if (slot->state == HAK_SLOT_QUEUED) {
        dequeue(p, slot);
        slot->chunk_id = 0; /* what is in its columns is another chunk's */
    }
    while (slot->state == HAK_SLOT_TAKEN)
        pthread_cond_wait(&p->has_done, &p->lock);
    slot->state = HAK_SLOT_IDLE;
    pthread_mutex_unlock(&p->lock);
}

void hak_scan_pool_free(struct hak_scan_pool *p) {
    if (!p)
        return;
    pthread_mutex_lock(&p->lock);
    p->is_ending = true;
    pthread_cond_broadcast(&p->has_work);
    pthread_mutex_unlock(&p->lock);
    for (unsigned i = 0; i < p->threads; i++)
        pthread_join(p->thread[i], NULL);
    pthread_mutex_destroy(&p->lock);
    pthread_cond_destroy(&p->has_work);
    pthread_cond_destroy(&p->has_done);
    free(p);
}
