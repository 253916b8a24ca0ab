/* A part of a run of states as bytes: at most HAK_LIVE_PART_STATES of them by (process, base), in
 * columns, packed, with a checksum. Byte by byte in docs/specs/store.md. */
#ifndef HAK_STORE_LIVE_PART_H
#define HAK_STORE_LIVE_PART_H

#include "base/bytes.h"
#include "store/live/table.h"

#define HAK_LIVE_PART_FORMAT 2
#define HAK_LIVE_PART_STATES 4096

/* Appends the coded states, which stay as they are, to `out`. False when memory is out. */
bool hak_live_part_encode(struct hak_live_state *states, uint32_t count, struct hak_buffer *out);
/* Fills `states` (room for HAK_LIVE_PART_STATES). NULL, or what is wrong. Nothing of the blob is
 * used unchecked. */
const char *hak_live_part_decode(const uint8_t *blob, size_t blob_bytes,
                                 struct hak_live_state *states, uint32_t *count);

#endif
