/* The blocks nearest to an address that lies in none. */
#ifndef HAK_VIEWER_BLOCK_BESIDE_H
#define HAK_VIEWER_BLOCK_BESIDE_H

#include "base/json.h"
#include "viewer/capture/capture.h"
#include "store/history/history.h"

/* Adds the block below and the one above `address` in process `process` (row id, 0 = any), as far
 * as there are some within 1 MiB, as lines with what to type next. */
void beside_add(struct hak_text *text, struct view *view, uint32_t process, uint64_t address);
/* The nearest blocks below and above `address` as a JSON array of at most two. */
json_t *beside_json(struct view *view, uint32_t process, uint64_t address);

#endif
