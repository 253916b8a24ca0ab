/* A heap: the memory of one thread. Its SuperSlabs, its slabs with free slots, its mail box.
 *
 *   heap -- room ----> SuperSlab <-> SuperSlab    those with a free slab
 *        -- full ----> SuperSlab                  those without
 *        -- cooled --> SuperSlab                  those whose tier is DRAINING
 *        -- classes[c].lists[l] --> slab <-> slab slabs of class c with a free slot (slab/slab.h)
 *        -- posted --> chunk -> chunk             frees by other threads (front/mailbox.h)
 *        -- mail[c] --> chunk -> chunk            the same, sorted (front/mail.c)
 *
 * Life: a thread that starts takes an idle heap, as it is, with all its SuperSlabs, or a new one;
 * when the thread ends its heap becomes idle again. Ids are reused with their heaps and never run
 * out in practice (65,532); threads beyond share heap 1 under a lock, as do threads whose end has
 * come already and that still allocate.
 *
 *   IDLE --acquire--> OWNED --release--> IDLE
 *   IDLE --help (another thread drains it)--> OWNED --> IDLE
 *   OWNED --fork, in the child--> IDLE and `is_left`: its thread is not there, and was perhaps in
 *                                 the middle of a change; whoever takes it mends it first
 *
 * Ownership: only the owner's thread touches a heap, but for `posted` (atomic) and `state` (written
 * under hak_heaps_lock). The shared heap belongs to whoever holds hak_shared_heap_lock.
 *
 * May call: pool, platform. */
#ifndef HAK_SLAB_HEAP_H
#define HAK_SLAB_HEAP_H

#include <stdatomic.h>
#include "platform/lock.h"
#include "platform/registry.h"
#include "size_class.h"
#include "superslab.h"

enum hak_heap_state { HAK_HEAP_IDLE, HAK_HEAP_OWNED };

/* Slabs of one class with a free slot: ready, scarce, cooled (enum hak_slab_list). */
enum { HAK_SLAB_LISTS = HAK_LISTED_COOLED };
struct hak_class_slabs {
    struct hak_slab *lists[HAK_SLAB_LISTS];
};

/* Chunks of blocks of one class that other threads freed, taken from `posted` and waiting for a
 * refill of the class (front/mail.c). */
struct hak_mail {
    void *chunks;
    uint32_t blocks;
};

/* Slabs that wait to be thinned, at most. */
enum { HAK_FEW_SLABS = 64 };

/* A slab waits until so many others have come before it is thinned. */
enum { HAK_FEW_STAY = 16 };

struct hak_away; /* slab/away.h */

#define HAK_SHARED_HEAP_ID HAK_OWNER_SHARED
#define HAK_HEAP_ID_MAX    0xfffd

struct hak_heap {
    hak_owner_t id;
    _Atomic uint8_t state; /* enum hak_heap_state */
    bool is_left;          /* by a thread that a fork left behind */
    bool was_left;         /* is_left was set once: blocks on their way then are lost */
    bool is_closing;       /* without a thread, or its thread ends: no empty slab stays */
    bool has_empty;        /* a slab that serves a class may be empty: there is work for a trim */
    struct hak_superslab *room;
    struct hak_superslab *full;
    struct hak_superslab *cooled;
    struct hak_class_slabs classes[HAK_CLASSES];
    unsigned active_slabs;      /* that serve a class */
    unsigned cooled_superslabs; /* SuperSlabs in `cooled` */
    bool had_burst;             /* many of them were in it (slab/tier.c) */
    unsigned dirty_slabs;       /* free slabs of its SuperSlabs that still have their pages */
    unsigned dirty_slabs_low;   /* the fewest there were since the last decay */
    uint64_t decayed_at;        /* ticks of that */
    uint32_t purged_at_bound;   /* slabs, by the last purge that did not wait (slab/acquire.c) */
    uint8_t regret;             /* such purges did not pay: how often the bound was doubled */
    bool was_at_bound;          /* since the last decay */
    bool is_purging;            /* pages go back, a few slabs in each call (slab/give_back.c), */
    bool is_purge_of_age;       /* since nobody needed them, not since there are too many, */
    unsigned purge_keep;        /* until so many dirty slabs are left, */
    unsigned purge_most;        /* or so many more have gone; */
    uint64_t purged_before;     /* slabs_purged when it began */
    uint64_t retouched_before;  /* slabs_retouched when that purge was done */
    uint64_t slabs_purged;      /* free slabs whose pages were given back, since the start */
    uint64_t slabs_retouched; /* of these, how many were taken again while their SuperSlab stayed */
    struct hak_slab *few[HAK_FEW_SLABS]; /* with one slot in use, that wait to be thinned */
    unsigned next_few;                   /* the place of the next, */
    unsigned next_thinned;               /* and of the one that waits longest */
    uint32_t slabs_thinned;     /* since it was last looked whether that pays (slab/thin.c), */
    uint32_t slabs_thick_again; /* and how many of these served again */
    uint8_t swings;             /* purge delays for which no burst's end is believed */
    _Atomic(void *) thread;     /* its thread's struct hak_thread, NULL between two threads */
    void *draining;             /* chunks that were taken from `posted` and not sorted yet */
    struct hak_mail mail[HAK_CLASSES];
    size_t mail_bytes;        /* of the blocks in them */
    uint64_t mail_decayed_at; /* ticks when it was looked at for what nobody needs */
    uint32_t tended;          /* slow paths, for what is done every now and then */
    void *remote;             /* frees of its thread for others (front/remote.h), or NULL */
    void *front_block;        /* the front's memory, kept here for the heap's next thread */
    struct hak_heap *next_idle;
    struct hak_heap *prev_idle;
    _Atomic(struct hak_away *) away;     /* slabs whose pages a thread gives back, or NULL */
    _Alignas(64) _Atomic(void *) posted; /* the only line that other threads write */
};

/* By id; hak_heap_of. */
HAK_HIDDEN extern _Atomic(struct hak_heap *) hak_heaps[HAK_HEAP_ID_MAX + 1];

HAK_HIDDEN extern struct hak_lock hak_heaps_lock;
HAK_HIDDEN extern struct hak_lock hak_shared_heap_lock;

/* A heap for the calling thread: an idle one (to be mended first where it is_left) or a new one.
 * NULL when no id or no memory is left; the thread then uses the shared heap. */
HAK_HIDDEN struct hak_heap *hak_heap_acquire(void);

/* Makes a heap idle at its thread's end, when its caches are empty: it waits for its next thread.
 */
HAK_HIDDEN void hak_heap_release(struct hak_heap *heap);

/* Takes heap `id` out of the idle ones so that the caller may work on it, once it is mended where
 * it is_left; NULL when it is not idle. To be given back with hak_heap_release. */
HAK_HIDDEN struct hak_heap *hak_heap_help(hak_owner_t id);

/* The heap with this id; NULL when there was none yet. Any thread. */
HAK_HIDDEN struct hak_heap *hak_heap_of(hak_owner_t id);

/* The shared heap (to be mended first where it is_left), made at its first use; NULL without
 * memory. Hold hak_shared_heap_lock. */
HAK_HIDDEN struct hak_heap *hak_shared_heap(void);

/* Makes, in the child after fork, on its only thread, heaps owned by threads that are gone idle
 * ones that are left; `before_idle` is called for each. `own` may be NULL. The shared heap is left
 * where such a thread was at work in it. */
HAK_HIDDEN void hak_heaps_after_fork(struct hak_heap *own, void (*before_idle)(struct hak_heap *));

/* Records, in the debug build, that a heap's SuperSlabs have a new thread. */
HAK_HIDDEN void hak_heap_note_adoption(const struct hak_heap *heap);

/* Lowers the number of ids that are handed out (tests of what happens when they run out). */
HAK_HIDDEN void hak_heap_limit_ids(unsigned ids);

#endif
