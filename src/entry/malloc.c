/* malloc, free and calloc: the fast paths, and the long way of the debug build. */
#include <stdlib.h>
#include <string.h>
#include "entry/entry.h"

static HAK_COLD void *allocate_slowly(size_t bytes) {
    struct hak_hand_out how = {.asked_bytes = bytes, .subkind = HAK_BY_MALLOC};
    return hak_entry_allocate(&how);
}

HAK_EXPORT void *malloc(size_t bytes) {
    if (hak_is_debug_build) {
        struct hak_hand_out how = {.asked_bytes = bytes, .subkind = HAK_BY_MALLOC};
        return hak_entry_allocate(&how);
    }
    if (HAK_UNLIKELY(bytes > HAK_CLASS_MAX_BYTES))
        return allocate_slowly(bytes);
    base_t block = hak_array_pop(hak_class_of_bytes(bytes));
    if (HAK_UNLIKELY(!block.p))
        return allocate_slowly(bytes);
    return block.p;
}

static inline void give_back(user_t user) {
    /* Not for what is none of ours: the memory of a new heap could come to lie just there. */
    if (hak_registry_owner(user.p) != HAK_OWNER_NOBODY)
        hak_entry_begin();
    base_t base;
    switch (check_take_back(user, HAK_FREE, &base)) {
    case HAK_TAKE:
        hak_entry_give(base, user, HAK_FREE);
        break;
    case HAK_REFUSE:
        break;
    case HAK_FOREIGN:
        hak_entry_free_foreign(user);
        break;
    }
}

static HAK_COLD void give_back_slowly(void *pointer) {
    give_back(user_from(pointer));
}

HAK_EXPORT void free(void *pointer) {
    if (hak_is_debug_build) {
        if (pointer)
            give_back(user_from(pointer));
        else
            check_call_without_record(0, false);
        return;
    }
    base_t block = base_from(pointer);
    if (HAK_UNLIKELY(!hak_front_is_mine(block))) {
        give_back_slowly(pointer);
        return;
    }
    unsigned class_index = hak_front_class_of(block);
    if (HAK_UNLIKELY(!hak_is_slot_start(pointer, class_index)) ||
        HAK_UNLIKELY(hak_array_is_full(class_index)) ||
        HAK_UNLIKELY(hak_array_has_on_top(class_index, block))) {
        give_back_slowly(pointer);
        return;
    }
    hak_array_push(class_index, block);
}

HAK_EXPORT void *calloc(size_t count, size_t bytes) {
    size_t all_bytes;
    if (HAK_UNLIKELY(__builtin_mul_overflow(count, bytes, &all_bytes)))
        all_bytes = SIZE_MAX; /* refused below */
    struct hak_hand_out how = {.asked_bytes = all_bytes, .subkind = HAK_BY_CALLOC};
    void *user = hak_entry_allocate(&how);
    bool is_large = how.class_index == HAK_CLASS_NONE;
    if (user && !(is_large && hak_large_is_fresh(base_of(user_from(user)))))
        memset(user, 0, all_bytes);
    return user;
}

HAK_EXPORT void cfree(void *pointer);
HAK_EXPORT void cfree(void *pointer) {
    free(pointer);
}
