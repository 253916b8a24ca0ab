/* A block's way to the program and back, of every block and whatever is wrong with it: state,
 * header, canary, one record for each call. Most calls take path.c's instead.
 *
 * The registry and the slot's state, which lie out of the program's reach, decide what a pointer
 * is; only then are the bytes around the block compared. Of two threads that give back the same
 * block one wins the compare-and-swap in hak_check_freed, the other is told of a double free.
 *
 * Afterwards its kind is compared with the call (kinds.c). */
#include "guard/around.h"
#include "guard/choose/choose.h"
#include "guard/give_back.h"
#include "guard/pages.h"
#include "guard/slot_bytes.h"
#include "guard/tags/tags.h"
#include "guard/touch.h"
#include "guard/watched/watched.h"
#include "guard/word.h"
#include "guarded/guarded.h"
#include "platform/address.h"

/* The located slot is passed by value here: as long as nobody takes its address, the three calls
 * that every malloc and free make keep it in registers. */

/* Header and canary of a block that has just come to its size. */
static void write_border(struct hak_located at) {
    hak_write_header(&at);
    hak_write_canary(&at);
}
static bool is_border_whole(struct hak_located at) {
    if (HAK_UNLIKELY(at.large != NULL))
        hak_open_border(&at, false);
    return hak_header_damage(&at).bytes == 0 && hak_canary_damage(&at).bytes == 0;
}

/* By value, as the others. */
static void tag(struct hak_located at, struct hak_tags_how how) {
    hak_tags_take_located(&at, how);
}
static void tag_resized(struct hak_located at, size_t old_bytes) {
    hak_tags_resize_located(&at, old_bytes);
}

enum { LAST_WORDS_BYTES = 16 }; /* slot_bytes.h writes a canary by 32 bytes */

/* ---- to the program ----------------------------------------------------------------------------
 */

/* Reports a block that a layer hands out although it is of another class or not free. */
static HAK_COLD void report_wrong_hand_out(struct hak_located at, enum hak_record_kind kind,
                                           base_t base, unsigned class_index) {
    struct hak_finding finding = {
        .code = at.slot && !at.large && at.class_index != class_index ? HAK_FAULT_CLASS_MISMATCH
                                                                      : HAK_FAULT_WRONG_LAYER_MOVE,
        .kind = kind,
        .pointer = base.p,
        .offset_bytes = at.slot ? base.p - at.base : 0,
        .class_found = class_index,
    };
    hak_report_fault(&at, &finding);
}

/* True when `base` is a block that may be handed out: in every level, since past this point the
 * program writes into it. */
static inline bool may_hand_out(const struct hak_located *at, enum hak_record_kind kind,
                                base_t base, unsigned class_index) {
    return at->slot && base.p == at->base && at->class_index == class_index &&
           at->slot->place != HAK_PLACE_LIVE && hak_move_is_allowed(kind, at->slot->place);
}

/* Fills bytes of a guarded block, whose pages are zero, with words of memory that was never
 * written, where the program finds them in other blocks: in what realloc adds, and in the last
 * words that malloc gives, also of a text of a few bytes: no 0 ends one that was never written. */
static HAK_COLD void fill_guarded(struct hak_located at, const struct hak_hand_out *how) {
    struct hak_located old;
    size_t to = how->asked_bytes, from = to;
    if (!how->moved_from.p) {
        from &= ~(sizeof(uint64_t) - 1);
        from = from < LAST_WORDS_BYTES ? 0 : from - LAST_WORDS_BYTES;
    } else if (hak_locate(how->moved_from.p, &old)) {
        from = hak_asked_bytes_of(&old);
    }
    hak_fill_unwritten(&at, from, to);
}

static HAK_COLD void offer_to_watch(struct hak_located at) {
    hak_watched_offer(&at);
}

HAK_TRACER_TEXT user_t hak_check_hand_out(base_t base, const struct hak_hand_out *how) {
    enum hak_record_kind kind = how->subkind == HAK_BY_REALLOC ? HAK_REALLOC : HAK_MALLOC;
    struct hak_located at;
    hak_locate(base.p, &at);
    if (HAK_UNLIKELY(!may_hand_out(&at, kind, base, how->class_index))) {
        report_wrong_hand_out(at, kind, base, how->class_index);
        if (!at.slot)
            return user_from(base.p);
    }
    struct hak_slot *slot = at.slot;
    if (HAK_UNLIKELY(at.large && at.epoch == 0))
        at.epoch = at.large->epoch = hak_trace_epoch();
    hak_slot_begin_change(slot);
    hak_watched_leave(slot);
    if (HAK_UNLIKELY(hak_closed_pages_of(&at) != 0) && !hak_pages_open(&at)) {
        slot->is_changing = 0;
        return HAK_NO_USER;
    }
    hak_check_poison(&at, kind);
    uint8_t from = slot->place, flags = 0;
    slot->alloc_stack = HAK_UNLIKELY(hak_guards_by_stack)
                            ? hak_take_stack_at_hand(how->call, &flags)
                            : hak_take_call_stack(how->call, &flags);
    char *user = hak_is_guarded(&at) ? hak_place_guarded(at.large, how->asked_bytes, how->alignment)
                                     : hak_place_user(at.base, how->alignment);
    hak_set_asked_bytes(&at, how->asked_bytes);
    hak_set_delta_bytes(&at, (size_t)(user - at.base));
    bool has_lived = (slot->subkind & HAK_SLOT_LIVED) != 0;
    slot->subkind = (uint8_t)(how->subkind | HAK_SLOT_LIVED);
    slot->alignment = (how->alignment ? (unsigned)__builtin_ctzl(how->alignment) : 0) & 63;
    slot->is_left_out = hak_trace_is_stopped();
    slot->free_stack = 0;
    slot->record_count++;
    if (hak_has_border(&at))
        write_border(at);
    tag(at, (struct hak_tags_how){has_lived, how->subkind == HAK_BY_CALLOC});
    if (HAK_UNLIKELY(hak_options.junk) && how->subkind != HAK_BY_CALLOC)
        hak_fill_unwritten(&at, 0, how->asked_bytes);
    else if (hak_is_guarded(&at) && hak_guarded_have_border() && how->subkind != HAK_BY_CALLOC)
        fill_guarded(at, how);
    /* A sweep on another thread may look at it from now on. */
    __atomic_store_n(&slot->place, (uint8_t)HAK_PLACE_LIVE, __ATOMIC_RELEASE);
    hak_slot_end_change(slot);
    if (HAK_UNLIKELY(slot->is_left_out)) {
        hak_hop_count(HAK_COUNTED_UNRECORDED_TAKEN, at.class_index, how->asked_bytes);
    } else if (HAK_UNLIKELY(hak_trace_is_wanted())) {
        struct hak_event_fields fields = hak_begin_record(&at, kind, user);
        fields.size = how->asked_bytes;
        fields.old_address = user_address(how->moved_from);
        fields.place = from;
        fields.flags = flags;
        fields.stack = slot->alloc_stack;
        fields.record_count = slot->record_count;
        hak_trace_record(&fields);
    }
    if (HAK_UNLIKELY(hak_watched_is_on) && !hak_watched_skips(slot->alloc_stack))
        offer_to_watch(at);
    return user_from(user);
}

/* ---- and back ----------------------------------------------------------------------------------
 */

/* Whether `pointer` is the word that a freed block is filled with, so that it was read from there;
 * then the finding is a use after free of that block, which `at` gets. */
static bool is_read_from_freed(struct hak_located *at, const void *pointer,
                               struct hak_finding *finding) {
    struct hak_named named[2];
    if (hak_find_named((uintptr_t)pointer, named, 2) != 1 || named->as != HAK_NAMED_FREED ||
        !hak_locate((const void *)(uintptr_t)named->facts.user, at) || !at->slot)
        return false;
    finding->code = HAK_FAULT_USE_AFTER_FREE;
    finding->pointer = hak_user_in(at);
    finding->memory = HAK_MEMORY_INSIDE_FREE;
    return true;
}

/* Records and reports a call on a pointer that is not a live block's. It gets its record like any
 * other call, flagged, so that the story of the block shows it. */
void hak_report_bad_pointer(struct hak_located at, enum hak_record_kind kind, const void *pointer,
                            enum hak_memory memory) {
    struct hak_event_fields fields = hak_begin_record(&at, kind, pointer);
    fields.flags = HAK_RECORD_ILLEGAL;
    fields.stack = hak_take_stack(false, &fields.flags);
    struct hak_finding finding = {
        .code = HAK_FAULT_BAD_FREE,
        .kind = kind,
        .pointer = pointer,
        .class_found = HAK_CLASS_NONE,
        .memory = memory,
    };
    if (memory == HAK_MEMORY_UNMAPPED && is_read_from_freed(&at, pointer, &finding)) {
        fields.size = hak_asked_bytes_of(&at);
    } else if (at.slot) {
        bool has_lived = (at.slot->subkind & HAK_SLOT_LIVED) != 0;
        if (memory == HAK_MEMORY_SLOT_START && has_lived)
            finding.code = HAK_FAULT_DOUBLE_FREE;
        else if (hak_kinds_explain(&at, kind, pointer))
            finding.code = HAK_FAULT_ALLOC_DEALLOC_MISMATCH;
        if (has_lived)
            finding.offset_bytes = (const char *)pointer - hak_user_in(&at);
        else
            finding.offset_bytes = (const char *)pointer - at.base;
        /* Another thread may own this slot; its count must not be lost between two of its own. */
        fields.record_count = __atomic_add_fetch(&at.slot->record_count, 1, __ATOMIC_RELAXED);
        fields.size = hak_asked_bytes_of(&at);
        fields.place = at.slot->place;
    }
    hak_trace_record(&fields);
    hak_report_fault(&at, &finding);
}

/* The kind of memory at a pointer into one of our slots that is not a live block's first byte. */
static enum hak_memory memory_in_slot(const struct hak_located *at, const void *pointer) {
    if (at->slot->place == HAK_PLACE_LIVE)
        return HAK_MEMORY_INSIDE_LIVE;
    const char *start =
        at->slot->subkind & HAK_SLOT_LIVED ? hak_user_in(at) : hak_place_user(at->base, 0);
    return pointer == start ? HAK_MEMORY_SLOT_START : HAK_MEMORY_INSIDE_FREE;
}

/* The kind of memory at a pointer in no slot and no large block of ours. Only sure mistakes of the
 * program are reported as bad-free: any other mapping may be another allocator's. */
static enum hak_memory memory_outside(const void *pointer) {
    switch (hak_address_kind_of(pointer)) {
    case HAK_ADDRESS_UNMAPPED:
        return HAK_MEMORY_UNMAPPED;
    case HAK_ADDRESS_STACK:
        return HAK_MEMORY_STACK;
    case HAK_ADDRESS_CODE:
        return HAK_MEMORY_CODE;
    case HAK_ADDRESS_STATIC:
        return HAK_MEMORY_STATIC;
    case HAK_ADDRESS_C_HEAP:
    case HAK_ADDRESS_UNKNOWN:
    case HAK_ADDRESS_MAPPED:
        break;
    }
    return HAK_MEMORY_OTHER;
}

void hak_check_mapped(const void *pointer, enum hak_record_kind kind) {
    struct hak_located at;
    (void)hak_locate(pointer, &at);
    hak_report_bad_pointer(at, kind, pointer, HAK_MEMORY_MAPPED);
}

enum { PAGE_GAP_BYTES = 16 }; /* as many lie, at most, between a guarded block and a closed page */

/* Whether a live block lies at `there`, and `pointer` just behind its end or in front of its
 * start. */
static bool is_beside(const char *there, const char *pointer, struct hak_located *at) {
    if (!hak_locate(there, at) || at->slot->place != HAK_PLACE_LIVE)
        return false;
    const char *start = hak_user_in(at), *end = start + hak_asked_bytes_of(at);
    return pointer < start ? start - pointer <= PAGE_GAP_BYTES
                           : pointer >= end && pointer - end < PAGE_GAP_BYTES;
}

/* Finds the guarded block whose closed pages hold the pointer: the one that ends before it, or
 * begins behind it. */
static bool find_guarded_beside(const char *pointer, struct hak_located *at) {
    struct hak_located beside;
    if (!is_beside(pointer - 1, pointer, &beside) &&
        !is_beside(pointer + PAGE_GAP_BYTES, pointer, &beside))
        return false;
    *at = beside;
    return true;
}

/* A pointer that is no live block's: HAK_FOREIGN if it lies in memory that is not ours, which is
 * counted; else reported and HAK_REFUSE. */
static HAK_COLD enum hak_verdict refuse_or_pass_on(struct hak_located at, enum hak_record_kind kind,
                                                   const void *pointer) {
    enum hak_memory memory;
    struct hak_large former;
    if (at.slot || (at.superslab && hak_locate_former_slot(pointer, &at)))
        memory = memory_in_slot(&at, pointer);
    else if (at.superslab)
        memory = HAK_MEMORY_HEAP_INTERNAL;
    else
        memory = memory_outside(pointer);
    /* Memory that the large layer keeps for its next blocks counts as unmapped. */
    bool is_kept =
        memory == HAK_MEMORY_OTHER && (hak_is_kept(pointer) || hak_guarded_covers(pointer));
    if (memory == HAK_MEMORY_OTHER && !is_kept) {
        hak_trace_count(HAK_COUNT_FOREIGN_FREE);
        return HAK_FOREIGN;
    }
    if (is_kept)
        memory = HAK_MEMORY_HEAP_INTERNAL;
    if ((is_kept || memory == HAK_MEMORY_UNMAPPED) && hak_recall_large(pointer, &former)) {
        at = hak_located_as_large(&former);
        memory = HAK_MEMORY_SLOT_START;
    } else if (hak_guarded_covers(pointer) && find_guarded_beside(pointer, &at)) {
        memory = HAK_MEMORY_INSIDE_LIVE;
    }
    hak_report_bad_pointer(at, kind, pointer, memory);
    return HAK_REFUSE;
}

user_t hak_check_tag(user_t user, enum hak_record_kind kind) {
    struct hak_located at;
    user_t plain = user_from(hak_untagged(user.p));
    switch (hak_tags_judge(user.p, &at)) {
    case HAK_TAG_FITS:
        return plain;
    case HAK_TAG_FOREIGN:
        return user;
    case HAK_TAG_WRONG:
        break;
    }
    hak_report_bad_pointer(at, kind, plain.p, HAK_MEMORY_SLOT_START);
    return HAK_NO_USER;
}

/* Finds what is known of a large block that was freed and whose memory nobody has taken since. */
static bool find_former_large(const void *pointer, struct hak_large *former,
                              struct hak_located *at) {
    if (!hak_recall_large(pointer, former))
        return false;
    *at = hak_located_as_large(former);
    return hak_is_kept(pointer) || hak_guarded_covers(pointer) ||
           memory_outside(pointer) == HAK_MEMORY_UNMAPPED;
}

/* Reports malloc_usable_size of a freed block, once; another pointer is let pass. */
static HAK_COLD void tell_asked_about(struct hak_located at, const void *pointer) {
    struct hak_large former;
    bool is_known = at.slot || (at.superslab ? hak_locate_former_slot(pointer, &at)
                                             : find_former_large(pointer, &former, &at));
    struct hak_touch touch = {
        .pointer = pointer, .call = "malloc_usable_size", .is_question = true};
    if (is_known && !at.slot->is_changing && (at.slot->subkind & HAK_SLOT_LIVED) &&
        at.slot->place != HAK_PLACE_LIVE && pointer == hak_user_in(&at))
        hak_touch_tell(&touch, &at, HAK_FAULT_USE_AFTER_FREE);
}

/* Looks at a pointer that malloc_usable_size got, and reports a freed block. */
HAK_TRACER_TEXT void hak_check_asked_about(user_t user) {
    struct hak_located at;
    if (HAK_UNLIKELY(!hak_locate(user.p, &at) || at.slot->place != HAK_PLACE_LIVE))
        tell_asked_about(at, user.p);
}

/* Bytes of padding that a block of `alignment` may need behind a base that is 16-aligned. */
static size_t padding_bytes(size_t alignment) {
    return alignment > HAK_HEADER_BYTES ? alignment - HAK_HEADER_BYTES : 0;
}

size_t hak_check_slot_bytes(size_t asked_bytes, size_t alignment) {
    hak_answer_if_asked();
    if (!hak_layout_has_header())
        return asked_bytes;
    size_t slot_bytes, padding = padding_bytes(alignment);
    size_t around =
        HAK_HEADER_BYTES + hak_check_behind_bytes(HAK_HEADER_BYTES + padding + asked_bytes);
    if (__builtin_add_overflow(around, padding, &around) ||
        __builtin_add_overflow(asked_bytes, around, &slot_bytes))
        return SIZE_MAX;
    return slot_bytes;
}

static HAK_COLD bool is_still_live(const struct hak_slot *slot, uint32_t record_count) {
    return __atomic_load_n(&slot->place, __ATOMIC_ACQUIRE) == HAK_PLACE_LIVE &&
           __atomic_load_n(&slot->record_count, __ATOMIC_RELAXED) == record_count;
}

/* By value, so that nobody takes the address of what hak_check_pointer located. */
static HAK_COLD void tell_damage(struct hak_located at, enum hak_record_kind kind) {
    hak_tell_damage(&at, kind);
}
static HAK_COLD void report_kinds(struct hak_located at, enum hak_record_kind kind) {
    hak_report_kinds(&at, kind);
}
/* The pool that handed the block out has to hear of its end. */
static HAK_COLD enum hak_verdict refuse_of_pool(struct hak_located at, enum hak_record_kind kind) {
    hak_report_kinds(&at, kind);
    return HAK_REFUSE;
}

HAK_TRACER_TEXT enum hak_verdict hak_check_pointer(user_t user, enum hak_record_kind kind,
                                                   base_t *base) {
    struct hak_located at;
    hak_answer_if_asked();
    bool is_ours = hak_locate(user.p, &at);
    if (HAK_UNLIKELY(!is_ours || at.slot->place != HAK_PLACE_LIVE || user.p != hak_user_in(&at)))
        return refuse_or_pass_on(at, kind, user.p);
    if (HAK_UNLIKELY(at.large != NULL) && HAK_UNLIKELY(!hak_kinds_agree_of_pool(&at, kind)))
        return refuse_of_pool(at, kind);
    hak_watched_leave(at.slot);
    uint32_t count = at.slot->record_count;
    if (hak_has_border(&at) && HAK_UNLIKELY(!is_border_whole(at))) {
        if (!is_still_live(at.slot, count)) /* another thread has given it back meanwhile */
            return refuse_or_pass_on(at, kind, user.p);
        tell_damage(at, kind);
    }
    if (HAK_UNLIKELY(!hak_kinds_agree(kind, at.slot->subkind)))
        report_kinds(at, kind);
    *base = base_from(at.base);
    return HAK_TAKE;
}

/* A block is freed or leaves quarantine: checked, recorded, its state changed. False: refused, or
 * guard keeps it, in quarantine or as a guarded block; the layer must not have it. */
HAK_TRACER_TEXT bool hak_check_freed(base_t base, enum hak_record_kind kind, enum hak_place to) {
    struct hak_located at;
    if (kind == HAK_QUARANTINE_LEAVE)
        return hak_leave_quarantine(base, to);
    if (!hak_locate(base.p, &at))
        return false;
    bool is_guarded = hak_is_guarded(&at);
    if (!hak_take_from_program(at, kind, is_guarded ? HAK_PLACE_GUARDED : to))
        return false;
    if (is_guarded) {
        hak_guard_give(at.large);
        return false;
    }
    if (hak_stops_at_illegal_hop() && to != HAK_PLACE_REMOTE)
        hak_poison(&at);
    (void)hak_enter_list(&at);
    if (at.large)
        hak_remember_large(at.large);
    return true;
}

/* ---- while it lives ----------------------------------------------------------------------------
 */

/* Notes that a block's resize begins or ends; a guarded block keeps its pages, and what is read or
 * written there is told at any moment. */
void hak_check_resizing(user_t user, bool begins) {
    struct hak_located at;
    if (!hak_locate(user.p, &at) || hak_is_guarded(&at))
        return;
    __atomic_thread_fence(__ATOMIC_SEQ_CST);
    at.slot->is_changing = begins;
    __atomic_thread_fence(__ATOMIC_SEQ_CST);
}

/* By value, as above. */
static HAK_COLD void open_to_write(struct hak_located at) {
    hak_open_border(&at, true);
}

HAK_TRACER_TEXT void hak_check_resize(user_t user, size_t asked_bytes) {
    struct hak_located at;
    if (!hak_locate(user.p, &at))
        return;
    struct hak_event_fields fields = hak_begin_record(&at, HAK_REALLOC, user.p);
    fields.size = asked_bytes;
    fields.place = HAK_PLACE_LIVE;
    fields.stack = hak_take_call_stack(NULL, &fields.flags);
    fields.record_count = ++at.slot->record_count;
    size_t old_bytes = hak_asked_bytes_of(&at);
    at.slot->is_changing = 1;
    __atomic_thread_fence(__ATOMIC_SEQ_CST);
    hak_set_asked_bytes(&at, asked_bytes);
    if (HAK_UNLIKELY(at.large != NULL) && hak_has_border(&at))
        open_to_write(at);
    if (hak_layout_has_header() || HAK_UNLIKELY(hak_options.junk))
        hak_fill_unwritten(&at, old_bytes, asked_bytes);
    if (hak_layout_has_header())
        write_border(at);
    tag_resized(at, old_bytes);
    hak_slot_end_change(at.slot);
    if (!hak_is_left_out(at.slot))
        hak_trace_record(&fields);
    if (HAK_UNLIKELY((at.slot->subkind & HAK_SLOT_WATCHED) != 0))
        hak_watched_offer_resized(&at);
}

bool hak_check_may_move_pages(const void *to, const void *from) {
    return !hak_tags_are_given() && !hak_guarded_covers(to) && !hak_guarded_covers(from);
}

/* The bytes asked for, of a live block at its user pointer, in layout header. False: not that; ask
 * otherwise. */
bool hak_check_asked_bytes(user_t user, size_t *bytes) {
    struct hak_near_slot at;
    if (!hak_layout_has_header() ||
        !hak_locate_near(user.p, hak_registry_owner_fast(user.p), &at) ||
        HAK_UNLIKELY(at.slot->place != HAK_PLACE_LIVE ||
                     user.p != at.base + at.slot->user_delta * 8))
        return false;
    *bytes = at.slot->asked_bytes;
    return true;
}

/* The bytes the program may use: those asked for where guard knows them, else `slot_bytes`; 0: no
 * block of ours. */
size_t hak_check_usable(user_t user, size_t slot_bytes) {
    struct hak_located at;
    if (!hak_layout_has_header() && !hak_check_guards)
        return slot_bytes;
    bool is_ours = hak_locate(user.p, &at);
    if (!hak_layout_has_header() && !hak_is_guarded(&at))
        return slot_bytes;
    return is_ours ? hak_asked_bytes_of(&at) : 0;
}

void hak_check_call_without_record(size_t asked_bytes, bool failed) {
    (void)asked_bytes;
    hak_trace_count(failed ? HAK_COUNT_FAILED_CALL : HAK_COUNT_FREE_OF_NULL);
}
