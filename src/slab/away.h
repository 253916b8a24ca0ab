/* Slabs that are away: whose pages the background thread gives back (pool/background.h). Each heap
 * that needs it has a ring of entries:
 *
 *   heap --send--> | entry | entry | entry | entry | ....... |
 *                  ^ seen          ^ done  ^ taken ^ head
 *        <-collect-                <--the thread gives back, one batch after the other
 *
 *   entry   address of the SuperSlab | slab, 5 bits | pages that go, 16 bits
 *
 * A free slab that is away keeps its bit in free_slabs and serves nobody; one that serves a class,
 * with few slots in use, is in no list, and its slots in use may be freed meanwhile: with the last
 * of them the rest of its pages is sent, a second entry. Both come back when their heap collects
 * them. Their SuperSlab stays the heap's until then.
 *
 * Ownership: `seen`, `with_pages`, `head`, the entries and the SuperSlab's words are the heap's;
 * `done` is the thread's. A move of `taken` takes the entries before it: for the thread, or for the
 * heap's owner where the thread is not there any more.
 *
 * After fork, in the child: what was sent has come back, with its pages or without. In that of a
 * clone past libc it does so when the heap looks.
 *
 * No lock. For slab/ and src/background. */
#ifndef HAK_SLAB_AWAY_H
#define HAK_SLAB_AWAY_H

#include "slab/heap.h"

enum { HAK_AWAY_PLACES = 4096 };

struct hak_away {
    uint64_t seen;
    uint64_t with_pages; /* entries from here on still have their pages */
    _Atomic uint64_t head;
    _Alignas(64) _Atomic uint64_t taken;
    _Atomic uint64_t done;
    _Alignas(64) uintptr_t entries[HAK_AWAY_PLACES];
};

/* Entries that may be sent; the ring is mapped when it is first needed. 0: none, or no memory. */
HAK_HIDDEN unsigned hak_away_places(struct hak_heap *heap);

/* Sends the pages of a slab, a bit for each, to the thread, which is to be called after that. There
 * is a place. */
HAK_HIDDEN void hak_away_send(struct hak_heap *heap, struct hak_superslab *superslab,
                              unsigned index, uint32_t pages);

/* The last slot in use of a slab that is away was freed: sends the rest of its pages, too, if there
 * is a place. */
HAK_HIDDEN HAK_COLD void hak_away_send_rest(struct hak_heap *heap, struct hak_superslab *superslab,
                                            unsigned index);

/* Slabs that are away or have not been taken back, at most. */
HAK_HIDDEN unsigned hak_away_count(const struct hak_heap *heap);

/* A slab that comes back; `has_pages`: none of them went. */
struct hak_returned {
    struct hak_superslab *superslab;
    unsigned index;
    bool has_pages;
};

/* Looks whether the thread is there; where it is not, all that was sent is done. The caller owns
 * the heap, which has a ring. */
HAK_HIDDEN void hak_away_look(struct hak_heap *heap);

/* Stores the next slab that is done, for its heap to take back (collect.c), after hak_away_look.
 * False: there is none. */
HAK_HIDDEN bool hak_away_next(struct hak_heap *heap, struct hak_returned *next);

/* On the thread: gives back the pages of all that was sent, of all heaps. False: there was none. */
HAK_HIDDEN bool hak_away_work(void);

/* Whether something waits for the thread. */
HAK_HIDDEN bool hak_away_waits(void);

/* In the child of a fork, whose thread is not there: nothing waits for it. */
HAK_HIDDEN void hak_away_after_fork(void);

/* The heap's SuperSlabs are counted anew, and none of their slabs is away. */
HAK_HIDDEN void hak_away_forget(struct hak_heap *heap);

#endif
