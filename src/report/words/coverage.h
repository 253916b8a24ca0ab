/* How many of a program's blocks, and of the call stacks that allocate, were guarded
 * (HAKMEM_GUARD), and why others were not.
 *
 *   counters of a process, in the session memory --+
 *   counters of a store (table sample)          ---+--hak_coverage_add--> hak_coverage --> words,
 * JSON
 */
#ifndef HAK_REPORT_WORDS_COVERAGE_H
#define HAK_REPORT_WORDS_COVERAGE_H

#include <stdbool.h>
#include <stdint.h>
#include "base/json.h"
#include "report/text/text.h"

#define HAK_COVERAGE_REASONS 7

struct hak_coverage {
    uint64_t blocks;                        /* that calls handed out */
    uint64_t guarded;                       /* of these */
    uint64_t stacks, guarded_stacks;        /* 0: they are not chosen by call stack */
    uint64_t refused[HAK_COVERAGE_REASONS]; /* by reason, as counted (coverage.c) */
};

/* Adds what a counter of this name (metrics.md) has reached; others than those above are left out.
 */
void hak_coverage_add(struct hak_coverage *coverage, const char *name, uint64_t value);

/* False: no block was to be guarded, or it is not known. */
bool hak_coverage_is_known(const struct hak_coverage *coverage);

/* "1,204 of 56,000 blocks, of 310 of 402 call stacks (the rest: too many of a call stack, cost or
 * memory limit)". `aside` comes first in the brackets; NULL = nothing does. */
void hak_words_add_coverage(struct hak_text *text, const struct hak_coverage *coverage,
                            const char *aside);
/* "1,204 blocks, of 310 of 402 call stacks; not guarded: 54,704 behind the first blocks of their
 * call stacks, 92 since the time or the memory for their stacks was used up": each reason with its
 * number. */
void hak_words_add_guarded(struct hak_text *text, const struct hak_coverage *coverage);
/* A new reference; null where it is not known. */
json_t *hak_coverage_json(const struct hak_coverage *coverage);

#endif
