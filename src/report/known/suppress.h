/* Suppressions: leaks and faults that are known and are neither told nor counted.
 *
 *   # a line of LeakSanitizer's format, and faults by code or name
 *   leak:parse_config           a leak with "parse_config" in any frame of its allocation
 *   leak:^libfoo.so$            ^ and $ hold the pattern to the start and the end, * is anything
 *   fault:double-free:cache_*   a fault, by name or code (HKM-202, 202, * for all)
 *
 * A pattern is compared with the function, the file and the module (whole path and last part) of
 * every frame of the stack; hakmem's own frames count only where the fault is a move between its
 * layers (HKM-101 to 199). Used by the collector (HAKMEM_SUPPRESSIONS) and the viewer. For one
 * thread. */
#ifndef HAK_REPORT_KNOWN_SUPPRESS_H
#define HAK_REPORT_KNOWN_SUPPRESS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "store/reader/reader.h"

#define HAK_SUPPRESS_ALL 0xffffffffu

struct hak_suppression {
    unsigned code; /* faults.def number, HAK_SUPPRESS_ALL = every fault */
    uint32_t line; /* in the file, from 1 */
    uint64_t used; /* findings that it matched */
    char *text;    /* the line as it was written, without comment and blanks around */
    char *pattern; /* of `text`, behind the last part that names its use */
};

struct hak_suppressions {
    char *path; /* as it was given */
    struct hak_suppression *list;
    uint32_t count, capacity;
};

/* Reads `path`. Returns NULL, or with an error in `error`: "FILE:LINE: what is wrong; what was
 * expected" (cut to fit). Nothing is suppressed by a file with an error. */
struct hak_suppressions *hak_suppressions_load(const char *path, char *error, size_t error_bytes);
/* Reads suppressions from a text; `name` stands for the file in errors. NULL: `error` is written.
 */
struct hak_suppressions *hak_suppressions_parse(const char *name, const char *text, char *error,
                                                size_t error_bytes);
void hak_suppressions_free(struct hak_suppressions *suppressions);

/* The first suppression that matches a finding: `code` (HKM number; 401 for leaks; a crash, 0, is
 * never matched) with its stack `frames`, innermost first; of a leak, that of its allocation. Its
 * `used` is raised by one. NULL: none does, or `suppressions` is NULL. */
struct hak_suppression *hak_suppressions_match(struct hak_suppressions *suppressions, unsigned code,
                                               const struct hak_frame *frames, int count);

/* Whether `text` matches `pattern`, by the whole of the format above; also for tests. */
bool hak_suppress_matches(const char *pattern, const char *text);

#endif
