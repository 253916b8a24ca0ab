/* A simulated allocator, as hakmem's own moves blocks: what it does becomes events in a lane's
 * queue.
 *
 *   array of a thread and class (LIFO) <- refill, spill: batches -> slabs of 64 KiB, 1 bit a slot
 *   blocks of another thread's slabs -> its inbox -> taken in at its next refill
 *   above 32 KiB: blocks kept whole, by size
 *
 * Every block's events are legal by hops.def and numbered by its generation. One address belongs to
 * one slab for ever; each thread has slabs of its own. For one thread of execution. */
#ifndef CAPTURE_HEAP_H
#define CAPTURE_HEAP_H

#include <stdbool.h>
#include "store/event.h"
#include "size_class.h"

/* The events of what runs on one processor, oldest first; ids are given later. */
struct lane {
    struct hak_event *queue; /* LANE_EVENTS */
    uint32_t head, tail;
    uint64_t now; /* ns, a multiple of 16 */
};
#define LANE_EVENTS 4096 /* no step of a program makes more */

/* A block: slab << 13 | slot, or LARGE | its number; 0 = none. */
typedef uint32_t block_ref;
#define LARGE 0x80000000u

struct array {
    block_ref *block;
    uint32_t count, capacity, batch;
};
struct slab_list {
    uint32_t *slab;
    uint32_t count, room;
};
#define SIZE_KINDS 24

struct thread {
    uint32_t process, row, number; /* rows of the store; number of its heap, from 0 */
    struct lane *lane;
    uint64_t last_ns; /* it ran until then */
    struct array array[HAK_CLASSES];
    struct slab_list slabs[HAK_CLASSES]; /* with free slots */
    uint32_t superslab, superslab_used;  /* number of its first slab; slabs taken of it */
    block_ref *inbox;                    /* freed by other threads */
    uint32_t inbox_count, inbox_room;
    uint64_t posted_ns;          /* when the last of them came */
    block_ref *kept[SIZE_KINDS]; /* large blocks that are free */
    uint32_t kept_count[SIZE_KINDS], kept_room[SIZE_KINDS];
};

/* Facts that a call of the program brings along. */
struct call {
    uint32_t stack;
    uint8_t subkind, flags;
};

void heap_start(void);
/* A thread whose heap is empty. */
void heap_add_thread(struct thread *thread, uint32_t process, uint32_t row);

/* The program's calls: their events, and those of all moves that they cause, go into the queue. */
block_ref heap_malloc(struct thread *thread, uint64_t size, struct call call);
void heap_free(struct thread *thread, block_ref block, struct call call);
block_ref heap_realloc(struct thread *thread, block_ref block, uint64_t size, struct call call);

/* A note (hops.def) that belongs to no block. */
void heap_note(struct thread *thread, unsigned kind, uint64_t address, uint64_t size);
/* A FREE in a forked child of a block that was the parent's, whose newest event was `last`. */
void heap_free_inherited(struct thread *child, const struct hak_event *last, struct call call);
/* The FREE event that the block would get now, for heap_free_inherited. */
struct hak_event heap_look(block_ref block);

/* Every address that was ever a block, with the number of its events. */
void heap_each_address(void (*each)(void *context, uint64_t base, uint32_t events), void *context);

#endif
