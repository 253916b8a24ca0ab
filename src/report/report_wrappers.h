/* Wrappers of the allocator by their place in stacks; report_wrappers.c says how they are known. */
#ifndef HAK_REPORT_REPORT_WRAPPERS_H
#define HAK_REPORT_REPORT_WRAPPERS_H

#include "report/lookup.h"

#define HAK_WRAPPERS_STACKS 16 /* of one call; more are left as they are */

/* Marks the frames of the stacks that called the allocator, or another such frame, and are called
 * from many places of the program (`is_called_from_many`). `r` may be NULL: none is. */
void hak_report_mark_wrappers(struct hak_store_reader *r, struct hak_frames *const *stacks,
                              int stack_count);

#endif
