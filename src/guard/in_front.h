/* Filled bytes in front of the first blocks of a class; in_front.c has the picture. */
#ifndef HAK_GUARD_IN_FRONT_H
#define HAK_GUARD_IN_FRONT_H

#include "guard/guard.h"

/* The slot is one of those: filled, and never handed out. */
static inline bool hak_is_filled_in_front(const struct hak_slot *slot) {
    return (slot->subkind & (HAK_SLOT_POISONED | HAK_SLOT_LIVED)) == HAK_SLOT_POISONED;
}

/* The block `at` is about to be handed out for the first time, in a page that was closed until now:
 * fills the slots in front of it that are nobody's. On the thread that owns them. */
HAK_HIDDEN void hak_fill_in_front(const struct hak_located *at);

/* The slot `at`, which is_changing, is about to be handed out and has closed pages: opens them, and
 * fills the bytes in front where it is the first time. False: the kernel does not. */
HAK_HIDDEN bool hak_open_to_hand_out(const struct hak_located *at);

/* Fills them again: what was written there was told with the header behind it. */
HAK_HIDDEN void hak_mend_in_front(const struct hak_located *at);

/* The block in front of whose start the filled slot `at` lies; false: there is none any more. */
HAK_HIDDEN bool hak_find_behind(const struct hak_located *at, struct hak_located *behind);

#endif
