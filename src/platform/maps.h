/* Reads /proc/self/maps line by line: the kernel's mappings, lowest address first. It is the first
 * thread's and shows nothing once that has ended: then the calling thread's is read. The other way
 * round, qemu-user would show the mappings of its host.
 *
 * Thread and signal safety: any; raw system calls, nothing is allocated, errno is kept. */
#ifndef HAK_PLATFORM_MAPS_H
#define HAK_PLATFORM_MAPS_H

#include "platform/platform.h"

#define HAK_MAPPING_PATH   232
#define HAK_MAPPING_SHARED 16u /* beside PROT_READ and the others */

struct hak_mapping {
    uintptr_t start, end;
    uint32_t protection;         /* PROT_READ and the others, HAK_MAPPING_SHARED */
    char path[HAK_MAPPING_PATH]; /* or [stack], [heap]; "" = none; cut to fit */
};

struct hak_maps {
    long file;
    size_t at, length;
    char buffer[1024];
};

/* Opens the map, for hak_maps_begin_at; negative: it cannot be opened. */
HAK_HIDDEN long hak_maps_open(void);
/* False when the file cannot be opened; else hak_maps_end must follow. */
HAK_HIDDEN bool hak_maps_begin(struct hak_maps *maps);
/* The same with that file, which the caller has opened and closes. */
HAK_HIDDEN void hak_maps_begin_at(struct hak_maps *maps, long file);
/* False at the end; `mapping` is empty then. */
HAK_HIDDEN bool hak_maps_next(struct hak_maps *maps, struct hak_mapping *mapping);
HAK_HIDDEN void hak_maps_end(struct hak_maps *maps);

/* True for the mapping that the kernel calls [`name`]. */
HAK_HIDDEN bool hak_mapping_is(const struct hak_mapping *mapping, const char *name);

#endif
