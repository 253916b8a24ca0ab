/* Counts memory by its place, on demand: for hakmem.h, mallinfo, malloc_stats and malloc_info.
 *
 *   | SuperSlabs ....................................................................... | large |
 *   | heads, free slabs, untouched and free slots | in threads' caches | with the program |
 *
 * Nothing is counted on the fast paths: this walks all SuperSlabs and all threads' caches. Changes
 * by other threads meanwhile may be seen or not, so the figures are exact only while they rest;
 * blocks that one thread gave back for another and that wait in its mail box still count as the
 * program's. */
#ifndef HAK_FRONT_FIGURES_H
#define HAK_FRONT_FIGURES_H

#include <stddef.h>
#include <stdint.h>
#include "size_class.h"

struct hak_figures {
    size_t superslab_bytes;               /* mapped, those in reserve with them */
    size_t unused_bytes;                  /* of these: free slabs, reserve */
    size_t cached_bytes, cached_blocks;   /* free blocks in threads' caches */
    size_t live_bytes;                    /* slots that the program has */
    size_t free_blocks[HAK_CLASSES];      /* free slots of each class that were used before */
    size_t dirty_bytes, clean_bytes;      /* unused_bytes with their pages, and without */
    size_t head_bytes;                    /* of the pages that the heads of SuperSlabs have */
    size_t slabs[HAK_CLASSES];            /* that serve the class */
    size_t slab_free_blocks[HAK_CLASSES]; /* the free slots of them, used before */
    size_t out_blocks[HAK_CLASSES];       /* slots that are not free in their slabs, and */
    size_t cached_of_class[HAK_CLASSES];  /* those of them that lie in threads' caches */
    uint64_t slow_paths;                  /* that threads with a heap took so far */
    uint64_t posted_blocks;               /* that they freed for other threads, and have posted */
};

/* Fills `figures`. Any thread; takes the registry's lock and that of the heaps. */
HAK_HIDDEN void hak_figures_take(struct hak_figures *figures);

/* Adds up how much larger than what was asked for the slots are that the program has of a class:
 * what the states say, which the debug build alone keeps. Any thread; takes the registry's lock. */
HAK_HIDDEN size_t hak_figures_slack(unsigned class_index);

#endif
