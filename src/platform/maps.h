/* Reads /proc/self/maps line by line: what the kernel has mapped, lowest address first.
 *
 * Thread and signal safety: any; raw system calls, nothing is allocated, errno is kept. */
#ifndef HAK_PLATFORM_MAPS_H
#define HAK_PLATFORM_MAPS_H

#include "platform/platform.h"

#define HAK_MAPPING_PATH   232
#define HAK_MAPPING_SHARED 16u /* beside PROT_READ and the others */

struct hak_mapping {
    uintptr_t start, end;
    uint32_t protection;
    char path[HAK_MAPPING_PATH]; /* or [stack], [heap]; "" = none; cut to fit */
};

struct hak_maps {
    long file;
    size_t at, length;
    char buffer[1024];
};

/* False when the file cannot be opened; else hak_maps_end must follow. */
HAK_HIDDEN bool hak_maps_begin(struct hak_maps *maps);
/* False at the end; `mapping` is empty then. */
HAK_HIDDEN bool hak_maps_next(struct hak_maps *maps, struct hak_mapping *mapping);
HAK_HIDDEN void hak_maps_end(struct hak_maps *maps);

/* True for the mapping that the kernel calls [`name`]. */
HAK_HIDDEN bool hak_mapping_is(const struct hak_mapping *mapping, const char *name);

#endif
