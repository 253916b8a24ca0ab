/* The blocks that were held at a moment, one by one: their sizes and classes, which the rows of the
 * stored profile do not have.
 *
 *   processes of the stored profile --+
 *                                     +--> those that hold something then --> each block
 *   blocks alive (history/alive.h) ---+
 *
 * What hak_flow_read says of that moment, without reading the events. One thread. */
#ifndef HAK_VIEWER_PROFILE_HELD_H
#define HAK_VIEWER_PROFILE_HELD_H

#include "store/history/history.h"

/* Behind event `event` (0 = at the end, each process at its own), of a process (row id, 0 = all).
 * 0, or the store's error. */
int profile_read_held(struct hak_store_reader *r, uint64_t event, uint32_t process,
                      void (*each)(void *context, uint64_t size, uint8_t class_index),
                      void *context);

#endif
