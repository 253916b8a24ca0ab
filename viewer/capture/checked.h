/* How much of a capture was checked: what "no fault" means.
 *
 *   level normal  writes beside every block, found at the next call; reads and writes by the
 *                 instruction for guarded blocks
 *   level light   guarded blocks alone
 *   level trace   nothing is checked
 *
 * The numbers are the allocator's own counters (sample), which a process writes until its end. */
#ifndef HAK_VIEWER_CAPTURE_CHECKED_H
#define HAK_VIEWER_CAPTURE_CHECKED_H

#include "viewer/capture/capture.h"

enum view_check { VIEW_CHECK_NONE, VIEW_CHECK_NORMAL, VIEW_CHECK_LIGHT, VIEW_CHECK_KEPT };

struct view_checked {
    enum view_check level;
    uint64_t calls;          /* that served a block or took one back */
    uint64_t blocks;         /* served */
    uint64_t blocks_guarded; /* of these, between closed pages */
};

/* Reads it from the open capture. 0, or an error of the store. */
int view_read_checked(struct view *view, struct view_checked *out);
/* "writes checked in all 703,269 calls, reads in 14 of 4,000 blocks"; "nothing checked: level
 * trace only records". */
void view_add_checked(struct hak_text *text, const struct view_checked *checked);
/* True when a run could check more: `hunt`, or another level. */
bool view_may_check_more(const struct view_checked *checked);
json_t *view_checked_json(const struct view_checked *checked);

#endif
