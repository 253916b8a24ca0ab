/* A block leaves the program: its state, and one record. In a header, since hak_check_freed and
 * hak_check_quarantine both do it, and a frame more would be walked for the stack of each free. */
#ifndef HAK_GUARD_GIVE_BACK_H
#define HAK_GUARD_GIVE_BACK_H

#include "guard/guard.h"
#include "guard/tags/tags.h"
#include "trace/pattern.h"
#include "trace/threads/threads.h"

/* A record of a call of the program on a block; count, size, place and stack are filled in later. A
 * pointer in no block has neither generation nor class. */
static inline struct hak_event_fields
hak_begin_record(const struct hak_located *at, enum hak_record_kind kind, const void *pointer) {
    struct hak_event_fields fields = {.kind = (uint8_t)kind,
                                      .address = (uintptr_t)pointer,
                                      .class_index = (uint8_t)at->class_index};
    if (at->slot) {
        fields.delta_bytes = (uintptr_t)pointer - (uintptr_t)at->base;
        fields.epoch = at->epoch;
        fields.subkind = (uint8_t)hak_taken_by(at);
    }
    if (hak_kind_of(kind) == HAK_FREE)
        fields.subkind = (uint8_t)hak_given_of(kind);
    return fields;
}

/* border.c: a call on a pointer that is not a live block's. */
HAK_HIDDEN HAK_COLD void hak_report_bad_pointer(struct hak_located at, enum hak_record_kind kind,
                                                const void *pointer, enum hak_memory memory);

/* Moves the live block to the place `to`, and records that; kind is FREE, by hak_free_by, or
 * REALLOC_FROM. False: another thread gave it back in the meantime (reported). */
HAK_IN_PLACE bool hak_take_from_program(struct hak_located at, enum hak_record_kind kind,
                                        enum hak_place to) {
    char *user = hak_user_in(&at);
    if (HAK_UNLIKELY(!hak_take_live(at.slot, to))) {
        hak_report_bad_pointer(at, kind == HAK_REALLOC_FROM ? HAK_REALLOC : kind, user,
                               HAK_MEMORY_SLOT_START);
        return false;
    }
    at.slot->lives = hak_pattern_next_life(at.slot->lives);
    hak_tags_give_located(&at);
    if (HAK_UNLIKELY((at.slot->subkind & HAK_SLOT_WATCHED) != 0))
        hak_thread_leave_stack(user, hak_asked_bytes_of(&at));
    uint8_t flags = 0;
    at.slot->free_stack = hak_take_call_stack(NULL, &flags);
    at.slot->record_count++;
    if (HAK_UNLIKELY(hak_is_left_out(at.slot))) {
        hak_hop_count(HAK_COUNTED_UNRECORDED_GIVEN, at.class_index, hak_asked_bytes_of(&at));
    } else if (HAK_UNLIKELY(hak_trace_is_wanted())) {
        struct hak_event_fields fields = hak_begin_record(&at, kind, user);
        fields.size = hak_asked_bytes_of(&at);
        fields.place = (uint8_t)to;
        fields.flags = flags;
        fields.stack = at.slot->free_stack;
        fields.record_count = at.slot->record_count;
        hak_trace_record(&fields);
    }
    return true;
}

#endif
