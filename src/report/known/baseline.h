/* Baselines: the findings that were there when a project began to look, in a file beside its tests.
 *
 *   {"hakmem_baseline": 1,
 *    "findings": [{"fingerprint": "HKM-202:...", "name": "double-free", "place": "close server.c",
 *                  "program": "server", "note": "ticket 17", "first_seen": "2026-11-20"},
 *                 {"fingerprint": "HKM-401:...", ..., "blocks": 266, "bytes": 26600}, ...]}
 *
 * Ordered by fingerprint, one member to a line, so that changes read well in a diff. Members that
 * people or later versions add to an entry stay when the file is written again. Written by
 * `hakmem-trace faults --write-baseline`; read by the collector (HAKMEM_BASELINE) and the viewer.
 * For one thread. */
#ifndef HAK_REPORT_KNOWN_BASELINE_H
#define HAK_REPORT_KNOWN_BASELINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "report/text/text.h"

#define HAK_BASELINE_VERSION 1
#define HAK_LEAK_GROWTH      20 /* percent, where nothing else is known */

struct hak_baseline_entry {
    const char *fingerprint, *name, *place, *program, *note, *first_seen; /* "" = not given */
    uint64_t blocks, bytes; /* of a leak, the most that are known; 0 = none is */
    size_t line;            /* its place in the file, or among the added ones */
    bool seen;              /* for the caller: the finding is there now */
    struct json_t *object;  /* owned by the baseline */
};

struct hak_baseline {
    char *path; /* as it was given */
    struct hak_baseline_entry *list;
    uint32_t count, capacity;
    uint32_t sorted; /* so many of the first entries are ordered by fingerprint */
    bool is_missing; /* there was no such file */
};

/* Reads `path`. Returns NULL, or with one line in `error`: file, line where JSON is broken, what
 * was expected. `may_be_missing`: a file that is not there is an empty baseline. */
struct hak_baseline *hak_baseline_load(const char *path, bool may_be_missing, char *error,
                                       size_t error_bytes);
void hak_baseline_free(struct hak_baseline *baseline);

/* The entry with this fingerprint, NULL = none (also for a NULL baseline). */
struct hak_baseline_entry *hak_baseline_find(const struct hak_baseline *baseline,
                                             const char *fingerprint);
/* Adds a finding that is not in it, seen; strings are copied. False when memory ran out. */
bool hak_baseline_add(struct hak_baseline *baseline, const char *fingerprint, const char *name,
                      const char *place, const char *program, const char *first_seen);
/* Notes how much a leak of one process has lost through the fingerprint's stacks. */
void hak_baseline_set_leak(struct hak_baseline_entry *entry, uint64_t blocks, uint64_t bytes);
/* Whether a leak lost more than `percent` percent more blocks or bytes than the entry knows of it;
 * never where the entry has no figures. */
bool hak_baseline_has_grown(const struct hak_baseline_entry *entry, uint64_t blocks, uint64_t bytes,
                            uint64_t percent);
/* Appends "grew from 266 blocks (26,600 bytes) to 666 blocks (66,600 bytes)". */
void hak_baseline_add_growth(struct hak_text *text, uint64_t old_blocks, uint64_t old_bytes,
                             uint64_t blocks, uint64_t bytes);
/* Takes the entries away that were not seen now, of programs that `ran` says of that they ran.
 * Returns how many went. */
size_t hak_baseline_prune(struct hak_baseline *baseline,
                          bool (*ran)(void *context, const char *program), void *context);
/* Writes the file anew, whole or not at all. False: one line in `error`. */
bool hak_baseline_write(struct hak_baseline *baseline, char *error, size_t error_bytes);

#endif
