/* Memory held at a moment by size class, which the rows of the stored profile do not have.
 *
 *   processes of the stored profile --+
 *                                     +--> those that hold something then --> blocks of a class
 *   their sums by class (heap.h), or -+
 *   blocks alive (history/alive.h)
 *
 * Equals the result of hak_flow_read for that moment, without reading the events. One thread. */
#ifndef HAK_VIEWER_PROFILE_HELD_H
#define HAK_VIEWER_PROFILE_HELD_H

#include "store/history/history.h"

/* Blocks of one class, together; 255: of none. */
typedef void (*profile_held_each)(void *context, uint8_t class_index, struct hak_amount held);

/* Reads the blocks held after `event` (0 = at the end, each process at its own), of a process (row
 * id, 0 = all): a class may come more than once. 0, or the store's error. */
int profile_read_held(struct hak_store_reader *r, uint64_t event, uint32_t process,
                      profile_held_each each, void *context);

#endif
