/* Records what the program takes from the allocator that it keeps, and what it gives back. */
#include "entry/keep/keep.h"

#include "entry/keep/blocks.h"
#include "superslab.h"
#include "trace/trace.h"

/* The session's first; an address counts its records for good, so there is no other. */
enum { EPOCH = 1 };

static HAK_TRACER_TEXT uint32_t stack_of(hak_call_t call, uint8_t *flags) {
    return call ? hak_stack_of_call(__builtin_frame_address(0), call, flags) : 0;
}

/* Writes one record of a block, with the stack of the call. */
static void write_record(const void *user, enum hak_record_kind kind, unsigned subkind,
                         uint64_t word, size_t bytes, const void *moved_from, hak_call_t call,
                         uint8_t flags) {
    struct hak_event_fields fields = {.address = (uintptr_t)user,
                                      .size = bytes,
                                      .old_address = (uintptr_t)moved_from,
                                      .record_count = hak_keep_count(word),
                                      .epoch = EPOCH,
                                      .kind = (uint8_t)kind,
                                      .class_index = HAK_CLASS_NONE,
                                      .place = HAK_PLACE_KEPT,
                                      .subkind = (uint8_t)subkind};
    fields.stack = stack_of(call, &fields.flags);
    fields.flags |= flags;
    hak_trace_record(&fields);
}

/* Without a malloc_usable_size that knows the block, `otherwise` stands for it. */
static size_t usable_bytes_of(void *user, size_t otherwise) {
    return HAK_LIKELY(hak_keep_next.tells_sizes) ? hak_keep_next.malloc_usable_size(user)
                                                 : otherwise;
}

/* ---- to the program -------------------------------------------------------------------------- */

/* The block at `user` was the program's, and the allocator has handed it out again: it was given
 * back past this library. */
static HAK_COLD uint64_t end_unseen(void *user, uint64_t word, size_t usable_bytes) {
    uint64_t ended = hak_keep_counted(word);
    write_record(user, HAK_FREE, HAK_GIVEN_BY_UNSEEN, ended, hak_keep_bytes(word, usable_bytes),
                 NULL, NULL, 0);
    return ended;
}

void *hak_keep_taken(void *user, const struct hak_hand_out *how) {
    hak_keep_answer_if_asked();
    if (HAK_UNLIKELY(!hak_trace_is_wanted()))
        return user;
    if (HAK_UNLIKELY(!user)) {
        hak_trace_count(HAK_COUNT_FAILED_CALL);
        return NULL;
    }
    hak_keep_word_t *place = hak_keep_find(user, true);
    if (HAK_UNLIKELY(!place)) {
        hak_hop_count(HAK_COUNTED_KEPT_UNKNOWN, HAK_CLASS_NONE, how->asked_bytes);
        return user;
    }
    size_t usable_bytes = usable_bytes_of(user, how->asked_bytes);
    uint64_t word = atomic_load_explicit(place, memory_order_relaxed);
    bool is_stopped = hak_trace_is_stopped();
    if (HAK_UNLIKELY(hak_keep_is_live(word)))
        word = is_stopped && hak_keep_is_left_out(word)
                   ? hak_keep_counted(word)
                   : end_unseen(user, word, usable_bytes_of(user, 0));
    /* tcmalloc's pvalloc gives a small block where the size overflows. */
    size_t bytes = how->asked_bytes < usable_bytes ? how->asked_bytes : usable_bytes;
    /* The high bits of a size come from malloc_usable_size. */
    size_t kept_bytes =
        hak_keep_next.tells_sizes || bytes < HAK_KEEP_BYTES_MAX ? bytes : HAK_KEEP_BYTES_MAX;
    word = hak_keep_word(hak_keep_count(hak_keep_counted(word)), kept_bytes, how->subkind);
    if (is_stopped)
        word |= HAK_KEEP_LEFT_OUT;
    atomic_store_explicit(place, word, memory_order_relaxed);
    if (is_stopped) {
        hak_hop_count(HAK_COUNTED_UNRECORDED_TAKEN, HAK_CLASS_NONE, bytes);
        return user;
    }
    if (HAK_UNLIKELY(!hak_keep_next.tells_sizes))
        hak_hop_count(HAK_COUNTED_SLACK_UNKNOWN, HAK_CLASS_NONE, bytes);
    else if (usable_bytes > bytes)
        hak_hop_count(HAK_COUNTED_SLACK_TAKEN, HAK_CLASS_NONE, usable_bytes - bytes);
    write_record(user, how->subkind == HAK_BY_REALLOC ? HAK_REALLOC : HAK_MALLOC, how->subkind,
                 word, bytes, how->moved_from.p, how->call, 0);
    return user;
}

/* ---- and back -------------------------------------------------------------------------------- */

/* Handles a free of a pointer at which no block is known: a recorded wrong call where the block's
 * life is known to have ended and no other way leads to one, else only counted. */
static HAK_COLD void give_unknown(void *pointer, uint64_t word, enum hak_record_kind kind,
                                  hak_call_t call) {
    if (hak_keep_count(word) != 0 && hak_keep_next.is_glibc)
        write_record(pointer, hak_kind_of(kind), hak_given_of(kind), word, 0, NULL, call,
                     HAK_RECORD_ILLEGAL);
    else
        hak_trace_count(HAK_COUNT_FOREIGN_FREE);
}

bool hak_keep_given(void *pointer, enum hak_record_kind kind, hak_call_t call, size_t *bytes) {
    *bytes = 0;
    hak_keep_answer_if_asked();
    if (HAK_UNLIKELY(!hak_trace_is_wanted()))
        return false;
    if (!pointer) {
        hak_trace_count(HAK_COUNT_FREE_OF_NULL);
        return false;
    }
    hak_keep_word_t *place = hak_keep_find(pointer, false);
    uint64_t word = place ? atomic_load_explicit(place, memory_order_relaxed) : 0;
    uint64_t given = hak_keep_counted(word);
    if (HAK_UNLIKELY(!hak_keep_is_live(word)) ||
        !atomic_compare_exchange_strong_explicit(place, &word, given, memory_order_relaxed,
                                                 memory_order_relaxed)) {
        give_unknown(pointer, word, kind, call);
        return false;
    }
    size_t usable_bytes = usable_bytes_of(pointer, 0);
    *bytes = hak_keep_bytes(word, usable_bytes);
    if (hak_trace_is_stopped() && hak_keep_is_left_out(word)) {
        hak_hop_count(HAK_COUNTED_UNRECORDED_GIVEN, HAK_CLASS_NONE, *bytes);
        return true;
    }
    if (usable_bytes > *bytes && !hak_keep_is_left_out(word))
        hak_hop_count(HAK_COUNTED_SLACK_GIVEN, HAK_CLASS_NONE, usable_bytes - *bytes);
    bool is_free = hak_kind_of(kind) == HAK_FREE;
    write_record(pointer, hak_kind_of(kind), is_free ? hak_given_of(kind) : hak_keep_subkind(word),
                 given, *bytes, NULL, call, 0);
    return true;
}
