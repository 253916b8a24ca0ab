/* Checks that all data of the layers agrees: hak_verify() of hakmem.h.
 *
 *   api.c      the functions of hakmem.h
 *   verify.c   the run: locks, who is at work, lines, result
 *   index.c    all SuperSlabs in the order of their addresses, a bit for each slot that was seen
 *   slabs.c    SuperSlabs, slabs, bitmaps, the lists of heaps
 *   caches.c   blocks in threads' caches and mail boxes: each is out of its slab, and in one place
 *   states.c   debug build: the state of each slot against where it was found; counted calls
 *   large.c    the large layer: address map, BigCache, L2.5
 *   say.c      one line for each disagreement
 *
 * Reads what other threads own. While it looks it holds the locks of the heaps, the pool and the
 * chunks, so that no SuperSlab and no heap comes or goes; a thread that takes and gives blocks of
 * its own caches meanwhile is noticed by a sum over what it has (hak_verify_sum), and lines about
 * its heap are dropped. Everything is looked up in the registry before it is read, so no link that
 * is damaged, or changes meanwhile, leads out of memory that is there.
 *
 * Thread safety: one run at a time (hak_registry_lock). Not for signal handlers. Allocates by
 * hak_map.
 */
#ifndef HAK_VERIFY_VERIFY_H
#define HAK_VERIFY_VERIFY_H

#include <stdbool.h>
#include <stdint.h>
#include "hop.h"
#include "platform/line.h"
#include "slab/heap.h"
#include "verify_words.h"

#define HAK_VERIFY_LINES 100

/* A line that waits until it is known whether the heap's thread was quiet. */
struct hak_verify_line {
    hak_owner_t heap; /* HAK_OWNER_NOBODY: of no heap */
    struct hak_line line;
};

struct hak_verify_entry {
    struct hak_superslab *superslab;
    uint64_t *seen; /* bit s * HAK_SLOTS_OF_SLAB + n: slot n of slab s was found in a cache */
    hak_owner_t owner;
    bool is_listed; /* in one of its heap's two lists */
};

struct hak_verify {
    struct hak_verify_entry *entries; /* ascending */
    size_t entry_count;
    uint64_t *seen_bits; /* of all entries; NULL: no memory for them */
    uint64_t *sums;      /* of each heap by its id, at the first look */
    bool *is_at_work;    /* the same: its thread changed something since */
    bool some_at_work;
    bool large_at_work;
    bool reserve_at_work;  /* its SuperSlabs moved, and did not agree */
    bool some_wait;        /* a thread waits for the registry, perhaps in the middle of a change */
    uint64_t moves_before; /* hak_pool_moves_ended() as the look began */
    bool some_lost;        /* a fork left threads behind, which had blocks in their hands */
    size_t disagreements;
    size_t not_shown;
    struct hak_verify_line lines[HAK_VERIFY_LINES];
};

/* Verifies all heaps for hak_verify() of hakmem.h, after mending those that a fork left; returns
 * the number of disagreements, 0 also before the first call of malloc and without memory. */
HAK_HIDDEN size_t hak_verify_all(void);

/* The place of a disagreement: named at the beginning of a line. */
struct hak_verify_where {
    hak_owner_t heap;
    const struct hak_superslab *superslab; /* NULL: none */
    unsigned slab;                         /* 0: none */
    base_t block;                          /* HAK_NO_BASE: none */
    const char *cache;                     /* NULL: none */
};

/* ---- say.c ----------------------------------------------------------------------------------- */

/* Notes a disagreement: `what` was `found`, `expected` was due. It, hak_verify_wrong and
 * hak_verify_words compare nothing; they add a line to `v`. Beyond HAK_VERIFY_LINES lines they only
 * count. */
HAK_HIDDEN void hak_verify_differs(struct hak_verify *v, const struct hak_verify_where *where,
                                   const char *what, uint64_t found, uint64_t expected);

/* Notes something that is wrong without numbers. */
HAK_HIDDEN void hak_verify_wrong(struct hak_verify *v, const struct hak_verify_where *where,
                                 const char *what);

/* Notes that a word, for example the name of a place, is another than the expected one. */
HAK_HIDDEN void hak_verify_words(struct hak_verify *v, const struct hak_verify_where *where,
                                 const char *what, const char *found, const char *expected);

/* Notes nothing where found and expected agree. */
static inline void hak_verify_same(struct hak_verify *v, const struct hak_verify_where *where,
                                   const char *what, uint64_t found, uint64_t expected) {
    if (HAK_UNLIKELY(found != expected))
        hak_verify_differs(v, where, what, found, expected);
}

/* Writes the lines about heaps that were quiet; returns how many disagreements those are. */
HAK_HIDDEN size_t hak_verify_print(struct hak_verify *v);

/* Writes a line on stderr that reports no disagreement: `before`, the heap's number, `after`. */
HAK_HIDDEN void hak_verify_note(const char *before, hak_owner_t heap, const char *after);

/* ---- index.c --------------------------------------------------------------------------------- */

/* Lists all SuperSlabs and reserves a bit for each slot. False: no memory. Hold hak_registry_lock,
 * here and until drop. */
HAK_HIDDEN bool hak_verify_make_index(struct hak_verify *v);
HAK_HIDDEN void hak_verify_drop_index(struct hak_verify *v);

/* The entry of the SuperSlab that holds `p`; NULL when there is none. */
HAK_HIDDEN struct hak_verify_entry *hak_verify_find(const struct hak_verify *v, const void *p);

/* A slot's bit in `seen`, when `block` is a slot of the class that its slab serves. */
struct hak_verify_slot {
    struct hak_verify_entry *entry;
    struct hak_slab *slab;
    unsigned slab_index, class_index;
    unsigned slot; /* from the first slot of the slab */
};

/* Finds slab and slot of a block. False: the block is no slot of a slab that serves a class. */
HAK_HIDDEN bool hak_verify_locate(const struct hak_verify *v, base_t block,
                                  struct hak_verify_slot *at);

/* Notes that the slot was found in a cache. False: it was before. */
HAK_HIDDEN bool hak_verify_see(const struct hak_verify_slot *at);

/* Whether the slot was found in a cache; false, too, without memory to note that. */
HAK_HIDDEN bool hak_verify_was_seen(const struct hak_verify_slot *at);

/* ---- slabs.c, caches.c, states.c, large.c, verify.c
 * ----------------------------------------------------------------------- */

/* Compares all SuperSlabs of heaps, and their slabs. */
HAK_HIDDEN void hak_verify_slabs(struct hak_verify *v);

/* Compares a heap's lists of SuperSlabs and of slabs with the registry, and its counts with
 * them. */
HAK_HIDDEN void hak_verify_heap(struct hak_verify *v, struct hak_heap *heap);

/* Checks that the SuperSlabs in the reserve are those that the registry says are there, and wholly
 * free. No line stays where some moved since the look began. */
HAK_HIDDEN void hak_verify_reserve(struct hak_verify *v);

/* Compares all blocks in the caches of a heap with their slabs: its thread's arrays, mid's lists,
 * other caches, mail, and chunks not yet posted. */
HAK_HIDDEN void hak_verify_caches(struct hak_verify *v, struct hak_heap *heap);

/* Compares, in the debug build, the states of all slots with where they are, and the number of live
 * blocks with the calls that were counted. */
HAK_HIDDEN void hak_verify_states(struct hak_verify *v, uint64_t live_large_blocks);
/* Checks the map of large blocks and its totals; returns how many large blocks the program has. */
HAK_HIDDEN uint64_t hak_verify_large(struct hak_verify *v);

/* caches.c: the thread that has the heap now, if its memory can be read. Hold hak_heaps_lock. */
HAK_HIDDEN const struct hak_thread *hak_verify_thread_of(struct hak_heap *heap);

/* A place's name, for people. (caches.c) */
HAK_HIDDEN const char *hak_verify_place(unsigned place);

/* Computes a sum over all that a heap's thread changes when it is at work. */
HAK_HIDDEN uint64_t hak_verify_sum(const struct hak_verify *v, struct hak_heap *heap);

/* True when slot `slot` of the slab is free by its bitmap. (slabs.c) */
HAK_HIDDEN bool hak_verify_is_free(struct hak_slab *slab, unsigned slot);

#endif
