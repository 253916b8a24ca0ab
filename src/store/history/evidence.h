/* Evidence (a): finds out whether an old owner ended this life. The answer is no whenever it is not
 * sure. */
#ifndef HAK_STORE_HISTORY_EVIDENCE_H
#define HAK_STORE_HISTORY_EVIDENCE_H

#include "store/reader/reader.h"

/* Looks through the whole capture (up to event `until`, 0 = all) for another life that began with
 * stack `birth` and was ended with stack `end`, but for the end that is event `except`. Returns 0
 * when there is none, 1 when there is one or when it cannot be told for sure (`witness`: its end's
 * event id, 0 = not sure), or an error. Memory is bounded; walks only chunks whose postings hold
 * one of the two stacks. */
int hak_evidence_elsewhere(struct hak_store_reader *r, uint32_t birth, uint32_t end,
                           uint64_t except, uint64_t until, uint64_t *witness);

#endif
