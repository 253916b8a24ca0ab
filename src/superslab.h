/* The SuperSlab: 2 MiB of address space, aligned, cut into 32 slabs of 64 KiB. Data only.
 *
 *   0          64 KiB                                                        2 MiB
 *   | slab 0    | slab 1        | slab 2        | ...            | slab 31    |
 *   | this head | slot slot ... | slot slot ... |
 *
 * Slab 0 holds this struct and no blocks (only the pages touched count). A slab serves one size
 * class at a time; slot i of a slab starts at slab start + hak_first_slot_offset(class) + i * slot
 * bytes. A slab's free slots are a bitmap, so that nothing is ever written into a free block by the
 * slab layer: classes of 64 B and more keep it in the slab's `free_bits`, smaller ones at the
 * slab's own start (first_slot_offset bytes; the debug build out of line, behind the states).
 *
 *   slab state   UNUSED: no class, never had pages or has given them back   free_slabs
 *                ACTIVE: serves a class                                     class_of_slab
 *                EMPTY:  no class, its pages and its last class are there   free_slabs, dirty_slabs
 *
 * Owner: one heap (thread) owns all slabs of a SuperSlab; `owner` is the same id as the registry's
 * entry for this address. Only the owner writes `slabs` and the words of the head; the pool writes
 * `owner` when it hands the SuperSlab out. */
#ifndef HAK_SUPERSLAB_H
#define HAK_SUPERSLAB_H

#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include "block.h"
#include "hop.h"

#define HAK_SUPERSLAB_BYTES    ((size_t)2 << 20)
#define HAK_SLAB_BYTES         ((size_t)64 << 10)
#define HAK_SLABS              32
#define HAK_PAGES_OF_SLAB      16   /* at most, of 4 KiB */
#define HAK_SMALL_BITMAP_BYTES 1024 /* at the start of slabs whose slots are below 64 bytes */
#define HAK_SLOTS_OF_SLAB      8192 /* slot states kept for each slab: what 8-byte slots need */

#define HAK_CLASS_NONE     0xff
#define HAK_ALL_SLABS_FREE 0xfffffffeu /* slab 0 is the head */

/* The bits of all pages of a slab. */
#define HAK_ALL_PAGES ((1u << HAK_SLAB_BYTES / HAK_PAGE_BYTES) - 1)

/* A slot's state for the checks of the debug build; 20 bytes, out of line, in private memory. */
struct hak_slot {
    uint32_t record_count;   /* n of the generation: records of this slot so far, moves included */
    uint32_t alloc_stack;    /* stack id of the last allocation, 0 = none */
    uint32_t free_stack;     /* stack id of the last free, 0 = none */
    uint16_t asked_bytes;    /* as the program asked, of the last life */
    uint16_t user_delta;     /* user - base in units of 8 bytes, of the last life */
    uint8_t place;           /* enum hak_place */
    uint8_t subkind;         /* enum hak_subkind, the call that allocated it */
    uint8_t alignment : 6;   /* that call asked for 1 << alignment; 0 = nothing special */
    uint8_t is_changing : 1; /* while the bytes around the block are written in its life */
    uint8_t is_left_out : 1; /* the last life began while recording was stopped */
    uint8_t lives;           /* frees so far: whose pattern it holds (pattern.h has its form) */
};

/* Set in hak_slot.subkind once the slot was handed out in its present epoch, so that a second free
 * and the free of a block that never was can be told apart. */
#define HAK_SLOT_LIVED 0x80
/* Of a slot that is free or in quarantine: its bytes hold poison (HAKMEM_POISON), and nobody reads
 * or writes them; and a list's link was written over it since (poison.c). */
#define HAK_SLOT_POISONED 0x40
#define HAK_SLOT_LINKED   0x20
/* A sweep has reported damage in or around the block: the next check repairs it without a word. */
#define HAK_SLOT_TOLD 0x10
/* A debug register was put beside or into the block (watched.h), or signal handlers run in it
 * (hak_thread_leave_stack). */
#define HAK_SLOT_WATCHED 0x08
#define HAK_SLOT_TAKEN   0x07 /* the call that took it, enum hak_subkind */

/* The place of `is_changing` in it, which has no offset of its own. */
enum {
    HAK_SLOT_CHANGING_BYTE = offsetof(struct hak_slot, subkind) + 1,
    HAK_SLOT_CHANGING_BIT = 0x40
};

/* The list of its owner's heap in which a slab stands (slab/lists.h). */
enum hak_slab_list {
    HAK_UNLISTED,      /* none of its slots is free, or it serves no class */
    HAK_LISTED_READY,  /* a useful part of a batch is free */
    HAK_LISTED_SCARCE, /* less than that */
    HAK_LISTED_COOLED, /* its SuperSlab is DRAINING: taken from last */
};

struct hak_slab {
    uint32_t used;                 /* slots that are not free in this slab (in caches or live) */
    uint32_t carved;               /* slots handed out at least once; the rest is untouched */
    uint32_t capacity;             /* slots in this slab */
    uint32_t epoch;                /* debug: drawn when the slab was acquired for its class */
    struct hak_slab *next_in_list; /* the owner's list of slabs of this class with free slots */
    struct hak_slab *prev_in_list;
    uint16_t first_free_word; /* hint: no set bit in the bitmap below this word */
    uint8_t class_index;      /* the class it serves, or served last */
    uint8_t list;             /* enum hak_slab_list */
    uint32_t ready_below;     /* a useful part of a batch is free when `used` is below this */
    uint64_t *bits;           /* the bitmap: free_bits, or hak_small_bits_of */
    uint32_t first_slot;      /* how many slots would fit before slot 0 */
    uint32_t slot_bytes;
    uint64_t free_bits[16]; /* 1 = free; up to 1,024 slots; smaller classes: hak_small_bits_of;
                             * words that hold no carved slot have no meaning */
};

/* Tiers, as a TIER record tells them. */
enum hak_tier { HAK_TIER_FREE, HAK_TIER_DRAINING, HAK_TIER_HOT };

struct hak_superslab {
    uint8_t class_of_slab[HAK_SLABS]; /* the first line: all that a free needs; HAK_CLASS_NONE */
    _Atomic uint32_t owner;           /* heap id, as in the registry */
    struct hak_slot *slots;           /* debug: 31 * 8,192 slot states, mapped with the SuperSlab */
    /* Apart from the first line, which other threads read for each block that they free here. */
    _Alignas(64) uint32_t free_slabs; /* bit i = slab i serves no class; bit 0 is never set */
    uint32_t dirty_slabs;             /* those of the free slabs that still have their pages */
    uint32_t purged_slabs;            /* those whose pages went back while it had an owner */
    uint8_t tier;                     /* enum hak_tier; FREE until it was HOT for the first time */
    uint8_t home_class;               /* HAKMEM_TINY_SS_COMPACT=0: the one class it serves */
    bool waits;                       /* in the reserve, beyond its places, and with pages */
    uint32_t used_bytes;              /* in slots that are not free */
    uint32_t hot_from;                /* used_bytes at which the tier rises to HOT */
    uint32_t draining_below;          /* used_bytes below which it falls to DRAINING */
    uint32_t thin_slabs;              /* those that serve a class and have only some pages */
    uint32_t away_slabs;              /* those whose pages a thread gives back (slab/away.h), */
    uint32_t away_twice_slabs;        /* and of these, those that were sent a second time */
    struct hak_superslab *next;       /* the owner's list: with free slabs, without, or DRAINING */
    struct hak_superslab *prev;
    struct hak_slab slabs[HAK_SLABS];
    /* debug: bit p = page p of the slab is inaccessible */
    _Atomic uint16_t closed_pages[HAK_SLABS];
    /* debug: when each page was opened last, in ticks, 0 = never; untouched until then */
    _Atomic uint64_t opened_ticks[HAK_SLABS][HAK_PAGES_OF_SLAB];
};

/* Slots whose states are kept, and behind the states, in the debug build, the bitmaps of slabs of
 * small classes: their own pages can be made inaccessible then. */
#define HAK_SLOTS_OF_SUPERSLAB ((HAK_SLABS - 1) * (size_t)HAK_SLOTS_OF_SLAB)
#define HAK_SLOT_STATES_BYTES                                                                      \
    (HAK_SLOTS_OF_SUPERSLAB * sizeof(struct hak_slot) + (HAK_SLABS - 1) * HAK_SMALL_BITMAP_BYTES)

static inline struct hak_superslab *hak_superslab_of(const void *p) {
    return (struct hak_superslab *)((uintptr_t)p & ~(uintptr_t)(HAK_SUPERSLAB_BYTES - 1));
}

static inline unsigned hak_slab_index_of(const void *p) {
    return (unsigned)(((uintptr_t)p & (HAK_SUPERSLAB_BYTES - 1)) / HAK_SLAB_BYTES);
}

/* The bitmap of a slab whose slots are below 64 bytes: behind the states of all the SuperSlab's
 * slots in the debug build, at the slab's start in the plain one. */
static inline uint64_t *hak_small_bits_of(struct hak_superslab *superslab, unsigned slab_index) {
    if (hak_is_debug_build)
        return (uint64_t *)(void *)(superslab->slots + HAK_SLOTS_OF_SUPERSLAB) +
               (slab_index - 1) * (HAK_SMALL_BITMAP_BYTES / sizeof(uint64_t));
    return (uint64_t *)(void *)((char *)superslab + slab_index * HAK_SLAB_BYTES);
}

/* Start of the slab that `slab` describes. */
static inline char *hak_slab_start(const struct hak_slab *slab) {
    struct hak_superslab *superslab = hak_superslab_of(slab);
    return (char *)superslab + (size_t)(slab - superslab->slabs) * HAK_SLAB_BYTES;
}

#endif
