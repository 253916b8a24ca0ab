/* The pieces of the program's own pools that held an address. */
#ifndef HAK_VIEWER_BLOCK_PIECE_H
#define HAK_VIEWER_BLOCK_PIECE_H

#include "store/history/history.h"
#include "viewer/capture/capture.h"

/* Reads the pieces that held `address` in `process` (row id, 0 = any) up to the event `until` (0 =
 * all). 1, 0 where there is none, or an error of the store. */
int piece_read(struct view *view, uint64_t address, uint32_t process, uint64_t until,
               struct hak_piece_story *out);
/* Appends where in the last one the address lies, and the calls at both ends of each life. Nothing
 * of an empty story. */
void piece_add(struct hak_text *text, struct view *view, uint64_t address,
               const struct hak_piece_story *story);
/* The last piece, and the lives, as an object; null of an empty story. */
json_t *piece_json(struct view *view, uint64_t address, const struct hak_piece_story *story);

#endif
