/* `why`: the story of one block as rows of a table, and the sentences around it.
 *
 *   why.c        asks the store, decides what is said, exit status
 *   why_rows.c   lives and moves as rows
 *   why_text.c   the page; mapping.h where the program mapped the address itself
 *   why_json.c   the document */
#ifndef HAK_VIEWER_BLOCK_WHY_H
#define HAK_VIEWER_BLOCK_WHY_H

#include "report/words/words.h"
#include "store/history/history.h"
#include "viewer/block/position.h"
#include "viewer/capture/capture.h"

struct why_row {
    struct hak_event event;
    uint32_t owner; /* shown on the first row of a life, else 0 */
    bool wrong;     /* marked with > */
    bool gap;       /* "... N owners": no event */
    uint64_t count; /* of a gap */
    char note[160];
};

struct why {
    struct view *view;
    struct view_position position; /* of the last life, up to --at */
    uint64_t asked_event; /* p:N: the event of that allocation; 0 = another way of asking */
    struct hak_story *story;
    const struct hak_life *last;      /* NULL = the block was never handed out in this capture */
    const struct hak_life *stale;     /* NULL = nobody is marked */
    struct hak_fault_words_row fault; /* id 0 = none */
    struct why_row *row;
    int rows;
};

/* Fills why->row. False when memory ran out. */
bool why_make_rows(struct why *why);

/* Appends the page of `why`: the block's head, the table of its owners, and below it threads,
 * evidence and fault. */
void why_add_page(struct hak_text *text, const struct why *why);

/* The page of `why` as a JSON text, to be freed; NULL without memory. */
char *why_json(const struct why *why);
/* "writer unknown; owners 1 and 2 held this address before", or "" where nothing is to be said. */
void why_add_evidence(struct hak_text *text, const struct why *why);
/* Loads where the threads of the rows were created, as far as it is known. */
void why_load_creations(struct hak_creations *all, const struct why *why);
/* Appends "front 3 io -> (spill) slab -> (refill) front 3 io": the moves, at most 6, between the
 * last life and the one before it, whose numbers `to` and `from` get. False when there are none. */
bool why_add_path(struct hak_text *text, const struct why *why, uint32_t *from, uint32_t *to);

#endif
