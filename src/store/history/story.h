/* The story of one block: its lives, their owners, the first wrong step, and the culprit by
 * evidence. Made from a store by rules (design: a life that was ended twice marks its first ending
 * only under the conditions of evidence (a)). The words are report/words/story.h. */
#ifndef HAK_STORE_HISTORY_STORY_H
#define HAK_STORE_HISTORY_STORY_H

#include "store/reader/reader.h"
#include "store/history/lives.h"

struct hak_life {
    uint32_t number;           /* owner number in the capture, from 1 */
    struct hak_event birth;    /* MALLOC or REALLOC; id 0 when it lies before the capture */
    struct hak_event *resizes; /* REALLOC in place */
    int resize_count;
    struct hak_event ends[2]; /* FREE or REALLOC_FROM; [1]: the same life was ended a second time */
    int end_count;
    bool stale_end;       /* ends[0] is marked by evidence (a) */
    uint32_t stale_owner; /* number of the life whose ending has the same stack */
};

struct hak_story {
    struct hak_block_key block;
    uint64_t address;       /* as asked */
    int64_t offset;         /* address - user of the last life */
    struct hak_life *lives; /* oldest first; at most the newest `max_lives` */
    int life_count;         /* in `lives` */
    uint64_t lives_total;
    struct hak_event *moves; /* every event of the block, oldest first, newest kept */
    int move_count;
    uint64_t moves_total;
    struct hak_event first_wrong; /* id 0 = none */
    struct hak_event fault;       /* FAULT event on this block, id 0 = none */
    uint32_t fault_row;           /* row in `fault`, 0 = none */
    uint64_t lost_events;         /* in this process while the block was seen */
    uint64_t stops; /* recording of this process was stopped since it was first seen: how often */
    char pool[204]; /* as the program named the last life's memory; "" = not at all */
};

/* Loads the story of the block at `address` in `process` (0 = the one where it was seen last).
 * `until` limits to events up to that id (0 = all). Returns 1 loaded, 0 nothing known, or an error.
 */
int hak_story_load(struct hak_store_reader *r, uint64_t address, uint32_t process, uint64_t until,
                   struct hak_story **out);
/* Loads the story of a block that was found at `address` (hak_lives_find), up to event `until` (0 =
 * all). 1 loaded, 0 nothing known, or an error. */
int hak_story_of(struct hak_store_reader *r, uint64_t address, const struct hak_block_key *block,
                 const struct hak_lineage *lineage, uint64_t until, struct hak_story **out);
void hak_story_free(struct hak_story *story);

/* The row in `fault` of a FAULT event, 0 = none (also for an event with id 0): the row names the
 * call that the fault stopped, where there is one, and the time of the fault's own record. Returns
 * below 0 on an error. */
int hak_story_fault_row(const struct hak_store_reader *r, const struct hak_event *fault,
                        uint32_t *row);

#endif
