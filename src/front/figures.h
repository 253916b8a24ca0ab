/* Counts memory by its place, on demand: for mallinfo, malloc_stats and malloc_info.
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
#include "size_class.h"

struct hak_figures {
    size_t superslab_bytes;             /* mapped, those in reserve with them */
    size_t unused_bytes;                /* of these: free slabs, reserve */
    size_t cached_bytes, cached_blocks; /* free blocks in threads' caches */
    size_t live_bytes;                  /* slots that the program has */
    size_t free_blocks[HAK_CLASSES];    /* free slots of each class that were used before */
};

/* Fills `figures`. Any thread; takes the registry's lock and that of the heaps. */
HAK_HIDDEN void hak_figures_take(struct hak_figures *figures);

#endif
