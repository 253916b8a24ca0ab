/* Finds the block that ADDR means; says the position of the address in it, and of the block, in
 * words: the head of `why` and `block`. */
#ifndef HAK_VIEWER_BLOCK_POSITION_H
#define HAK_VIEWER_BLOCK_POSITION_H

#include "report/words/words.h"
#include "store/history/history.h"
#include "viewer/capture/capture.h"

struct view_position {
    uint64_t address;
    uint64_t until_id, until_ns; /* events up to these; 0 = all */
    struct hak_block_key block;
    struct hak_lineage lineage;
    uint64_t user, asked_bytes;  /* of the last life */
    const char *state;           /* of it: "live", "freed"; NULL: the block was never handed out */
    uint64_t lost_events, stops; /* in its processes while it was seen; of recording, since */
    uint32_t fault_row; /* that was found at the address, in a page beside the block; 0 = none */
};

/* Reads the command's ADDR, --process and --at, finds the block that was used last there up to the
 * event and time of `p`, and says which process was taken. `asked` (NULL: nobody wants it) gets the
 * event of p:N. False: an error is printed, or the answer that nothing is known; `*status` is the
 * exit status. */
bool view_find_position(struct view *view, struct view_position *p, uint64_t *asked, int *status);
/* The head of a page: "0x5581a8c31054 is 20 bytes into a block of 56 asked, 64 in its slot (C3),
 * live" and `owners`, the slot, `pool`, the process, the completeness. */
void view_add_head(struct hak_text *text, struct view *view, const struct view_position *p,
                   const char *owners, const char *pool);
/* "It lies in server+0x100: static data or code, no heap." and a newline, if it lies in a module.
 */
void view_add_module(struct hak_text *text, struct view *view, uint64_t address);
/* Adds which events were lost while the block was in use, and a blank line. */
void view_add_block_completeness(struct hak_text *text, const struct view *view,
                                 const struct view_position *p);
/* "FAULT     HKM-202 double-free, event 7; `hakmem-trace faults 1` is the report", if there is one;
 * `name` in the place of a code that there is not. */
void view_add_block_fault(struct hak_text *text, struct view *view,
                          const struct hak_fault_words_row *fault, const char *name);
/* The row of the newest fault whose access was to a page that is closed around the block: its
 * record lies outside of the block. 0 = none. */
uint32_t view_fault_beside(struct view *view, const struct view_position *p);
/* The exit status where nothing is wrong with the block: VIEW_INCOMPLETE if events were lost while
 * it was seen, or the capture was trimmed, or ended early. */
int view_block_completeness(const struct view *view, const struct view_position *p);
/* The block in JSON, with its state in words. */
json_t *view_block_json(struct view *view, const struct view_position *p);

#endif
