/* Slots of guarded blocks: addresses between closed pages, with their structs (guarded.h has the
 * picture). */
#ifndef HAK_GUARDED_SLOTS_H
#define HAK_GUARDED_SLOTS_H

#include <stdbool.h>
#include <stddef.h>
#include "large_map/large_map.h"

enum { HAK_GUARDED_PAGES_MAX = 1024 }; /* of a slot */

/* A slot of `bytes`, whole pages: closed, KEPT, and in the address map. NULL: there is none. */
HAK_HIDDEN struct hak_large *hak_guarded_slot_take(size_t bytes);

/* Opens its pages. False: the kernel does not; some may be open. */
HAK_HIDDEN bool hak_guarded_slot_open(const struct hak_large *large);

/* Closes its pages, which are open or were not opened whole, and drops their memory. False: the
 * kernel does not. */
HAK_HIDDEN bool hak_guarded_slot_close(struct hak_large *large, bool is_open);

/* The slot waits until it is used again; no lock. */
HAK_HIDDEN void hak_guarded_slot_give(struct hak_large *large);

HAK_HIDDEN void hak_guarded_slots_after_fork(void);

#endif
