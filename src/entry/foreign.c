/* Passes on a pointer that none of our layers knows, leaves it alone, or ends the program. */
#include "entry/way.h"

#include <string.h>
#include "entry/external_guard.h"
#include "platform/address.h"
#include "platform/raw_call.h"

/* In our memory, but no block: what others have there is not asked about. */
static bool is_in_ours(const void *pointer) {
    return hak_registry_owner(pointer) != HAK_OWNER_NOBODY || hak_large_containing(pointer);
}

/* Says why the pointer cannot be any allocator's block; NULL: it may be one. */
static const char *why_bad(const void *pointer) {
    if (is_in_ours(pointer))
        return "is inside a block or in no block; free what malloc returned";
    switch (hak_address_kind_of(pointer)) {
    case HAK_ADDRESS_UNMAPPED:
        return "is no memory; free what malloc returned";
    case HAK_ADDRESS_STACK:
        return "is on the stack; free what malloc returned";
    case HAK_ADDRESS_CODE:
    case HAK_ADDRESS_STATIC:
        return "is code or static data; free what malloc returned";
    case HAK_ADDRESS_MAPPED:
        return hak_allocators_are_known() ? "is no allocator's; free what malloc returned" : NULL;
    case HAK_ADDRESS_C_HEAP:
    case HAK_ADDRESS_UNKNOWN:
        break;
    }
    return NULL;
}

/* Reports a pointer of which the checks have only found that hakmem did not hand it out. */
static void report_mapped(const void *pointer, enum hak_record_kind kind) {
    if (hak_allocators_are_known() && hak_address_kind_of(pointer) == HAK_ADDRESS_MAPPED)
        hak_check_mapped(pointer, kind);
}

/* Ends the program, or reports the fault, if the pointer is a large block that is free already, or
 * surely a mistake. */
static void blame(const void *pointer, enum hak_record_kind kind) {
    const char *why = NULL;
    if (hak_large_keeps(pointer))
        hak_blame("double-free", pointer, "is free already; some code freed it twice");
    else if (hak_is_debug_build)
        report_mapped(pointer, kind);
    else if ((why = why_bad(pointer)) != NULL)
        hak_blame("bad-free", pointer, why);
}

static enum hak_external_owner find_owner(const void *pointer) {
    return is_in_ours(pointer) || hak_large_keeps(pointer) ? HAK_EXTERNAL_UNKNOWN
                                                           : hak_allocators_owner(pointer);
}

/* The allocator that owns the pointer; if none does, the program ends or the fault is reported. */
static enum hak_external_owner find_owner_or_blame(const void *pointer, enum hak_record_kind kind) {
    enum hak_external_owner owner = find_owner(pointer);
    if (owner == HAK_EXTERNAL_UNKNOWN)
        blame(pointer, kind);
    return owner;
}

static void give_foreign(void *pointer, enum hak_external_owner owner, const void *caller) {
    hak_external_guard_note(pointer, caller, owner);
    hak_allocators_free(owner, pointer);
}

void hak_entry_free_foreign(user_t user, enum hak_record_kind kind, const void *caller) {
    if (hak_is_light_build && hak_light_covers(user.p)) {
        hak_light_give(user.p);
        return;
    }
    give_foreign(user.p, find_owner_or_blame(user.p, kind), caller);
}

/* Copies up to `bytes`, page by page, as far as they can be read. */
static void copy_readable(char *to, const char *from, size_t bytes) {
    while (bytes > 0 && hak_raw_readable((uintptr_t)from & ~(uintptr_t)7)) {
        size_t part = HAK_PAGE_BYTES - (uintptr_t)from % HAK_PAGE_BYTES;
        if (part > bytes)
            part = bytes;
        memcpy(to, from, part);
        to += part;
        from += part;
        bytes -= part;
    }
}

/* realloc of a guarded block of level light: moves it. NULL with ENOMEM: no memory, or it was freed
 * already. */
static HAK_COLD void *move_guarded(user_t user, size_t bytes, hak_call_t call) {
    struct hak_hand_out how = {
        .asked_bytes = bytes, .subkind = HAK_BY_REALLOC, .moved_from = user, .call = call};
    size_t old_bytes;
    if (!hak_light_resizes(user.p, &old_bytes)) {
        errno = ENOMEM;
        return NULL;
    }
    void *moved = hak_entry_move_guarded(&how, old_bytes);
    if (moved) {
        memcpy(moved, user.p, old_bytes < bytes ? old_bytes : bytes);
        hak_light_give(user.p);
    }
    return moved;
}

void *hak_entry_move_foreign(user_t user, size_t bytes, hak_call_t call) {
    if (hak_is_light_build && hak_light_covers(user.p))
        return move_guarded(user, bytes, call);
    struct hak_hand_out how = {.asked_bytes = bytes, .subkind = HAK_BY_REALLOC, .call = call};
    enum hak_external_owner owner = find_owner_or_blame(user.p, HAK_REALLOC);
    size_t old_bytes = hak_allocators_bytes(owner, user.p);
    void *moved = hak_entry_allocate_inside(&how);
    if (!moved)
        return NULL;
    if (owner == HAK_EXTERNAL_UNKNOWN)
        copy_readable(moved, user.p, bytes);
    else
        memcpy(moved, user.p, old_bytes < bytes ? old_bytes : bytes);
    give_foreign(user.p, owner, *call);
    return moved;
}

size_t hak_entry_foreign_bytes(void *pointer) {
    if (hak_is_light_build && hak_light_covers(pointer))
        return hak_light_usable(pointer);
    return hak_allocators_bytes(find_owner(pointer), pointer);
}
