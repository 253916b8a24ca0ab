/* The way of a block in hakmem-record.so: the allocator of the program serves it (keep.h). */
#ifndef HAK_ENTRY_KEEP_WAY_H
#define HAK_ENTRY_KEEP_WAY_H

#include "entry/entry.h"
#include "entry/keep/keep.h"

static inline void *hak_entry_take_fast(size_t bytes) {
    (void)bytes;
    return NULL;
}

HAK_IN_PLACE void *hak_entry_allocate(const struct hak_hand_out *how) {
    return hak_keep_allocate(how);
}
HAK_IN_PLACE void *hak_entry_serve(const struct hak_hand_out *how) {
    return hak_keep_allocate(how);
}
HAK_IN_PLACE void *hak_entry_serve_counted(const struct hak_hand_out *how) {
    return hak_keep_allocate(how);
}

/* Nothing: only the debug build checks what a sized delete says. */
static inline void hak_entry_claim(user_t user, enum hak_given by, size_t bytes, size_t alignment) {
    (void)user;
    (void)by;
    (void)bytes;
    (void)alignment;
}

HAK_IN_PLACE void hak_entry_free(void *pointer, enum hak_given by) {
    hak_keep_free(pointer, by, HAK_CALL);
}

static inline void *hak_entry_later(void *pointer) {
    return pointer;
}

#endif
