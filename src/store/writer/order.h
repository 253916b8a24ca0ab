/* Watches the order of the written events: those of a block (process, base) come in the order of
 * their generations (docs/specs/event-log.md, Order). One out of order is written as it is, and
 * counted in the store (meta key `disordered_events`), as `check` and `info` show.
 *
 * Only the blocks that were met last are known, in a table of fixed size: an event that comes too
 * late does so within the next commits. For the writer's thread. */
#ifndef HAK_STORE_WRITER_ORDER_H
#define HAK_STORE_WRITER_ORDER_H

#include "store/codec/codec.h"

struct hak_order_watch;

/* The next chunk, which begins with event `first_id`; its column BASE is numbered. Makes `*watch`
 * when it is NULL. False when memory is out. `*count`: events out of order; `*first`: the id of the
 * first one. */
bool hak_order_watch_chunk(struct hak_order_watch **watch, const struct hak_columns *c,
                           uint64_t first_id, uint64_t *count, uint64_t *first);
void hak_order_watch_free(struct hak_order_watch *watch);

#endif
