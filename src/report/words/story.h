/* Sentences on a block's story that the report and `why` both say. */
#ifndef HAK_REPORT_WORDS_STORY_H
#define HAK_REPORT_WORDS_STORY_H

#include "report/text/text.h"
#include "store/history/history.h"

/* Appends the error of an illegal move, told from its record and the one before it: "SLL_PUSH took
 * a user pointer where the base was due". `base` and `user` are the block's, 0 = not known. */
void hak_words_add_illegal(struct hak_text *text, struct hak_store_reader *r,
                           const struct hak_story *story, const struct hak_event *wrong,
                           uint64_t base, uint64_t user);

/* Appends what a fault of this code tells of its author, beyond the record: damage in quarantine,
 * or an access after the free, can be due to the last owner alone. False, and nothing is appended,
 * for all other codes. */
bool hak_words_add_evidence(struct hak_text *text, unsigned code, const struct hak_life *last);

/* Appends why the first ending of this life is marked STALE. */
void hak_words_add_stale(struct hak_text *text, struct hak_store_reader *r,
                         const struct hak_life *life);

/* Whether the story is of no block, only of an address that a call or a move was given. */
bool hak_story_is_outside(const struct hak_story *story);
/* The life with this owner number, NULL when the story does not hold it. */
const struct hak_life *hak_story_life(const struct hak_story *story, uint32_t number);
/* The newest life whose first ending is marked STALE, NULL = none. */
const struct hak_life *hak_story_stale(const struct hak_story *story);
/* Bytes that the program may use in this life at its end: those of the last resize, else asked. */
uint64_t hak_life_bytes(const struct hak_life *life);

#endif
