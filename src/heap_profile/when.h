/* Tells when the heap profile is due in a file: HAKMEM_HEAP_PROFILE_DUMP.
 *
 *   DIR,every=10m     when so much time is over since the last one
 *   DIR,peak          when more bytes live, as estimated, than in any file: a tenth more, and at
 *                     least 1 MiB
 *   DIR,signal=USR2   when the signal comes; `signal` alone is USR2
 *
 * They may stand together, behind the first comma. Asked whenever a sample comes or goes: nothing
 * changes between two of them.
 *
 * Thread and signal safety: all of it, but for reading and starting. */
#ifndef HAK_HEAP_PROFILE_WHEN_H
#define HAK_HEAP_PROFILE_WHEN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "block.h"

struct hak_heap_when {
    size_t directory_bytes; /* at the begin of the text */
    uint64_t every_ns;      /* 0 = it is not asked for */
    bool at_peaks;
    char signal[16]; /* "" = none */
};

/* Reads the variable's text. False: it is not as above. */
HAK_HIDDEN bool hak_heap_when_read(const char *text, struct hak_heap_when *when);

/* Begins at `now_ns` (CLOCK_MONOTONIC), also in a forked child, whose time begins then. */
HAK_HIDDEN void hak_heap_when_start(const struct hak_heap_when *when, uint64_t now_ns);

/* Whether it is due, while `live` bytes live. */
HAK_HIDDEN bool hak_heap_when_is_due(uint64_t now_ns, int64_t live);

/* It was written, or could not be. */
HAK_HIDDEN void hak_heap_when_done(uint64_t now_ns, int64_t live);

#endif
