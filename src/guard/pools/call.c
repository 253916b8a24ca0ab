/* Fills in what is known of a pool and a piece in the facts of a fault, and records the calls. */
#include "guard/pools/call.h"

#include "hop.h"

enum { REACH_BYTES = 4096 }; /* a piece is looked for in front of a wrong pointer */

bool hak_pool_begin(void) {
    if (hak_pieces_lock())
        return true;
    hak_hop_count(HAK_COUNTED_POOL_CALL_MISSED, HAK_CLASS_NONE, 0);
    return false;
}

struct hak_pool *hak_pool_of_call(const struct hak_pool_call *call) {
    struct hak_pool *pool = hak_pieces_pool(call->pool);
    if (!pool && hak_pieces_misses_pool(call->pool))
        hak_hop_count(HAK_COUNTED_POOL_CALL_MISSED, HAK_CLASS_NONE, 0);
    return pool;
}

void hak_pool_copy_name(char *to, size_t bytes, const char *name) {
    size_t i = 0;
    for (; name && i + 1 < bytes && name[i]; i++)
        to[i] = name[i];
    for (; i < bytes; i++)
        to[i] = 0;
}

/* ---- facts ----------------------------------------------------------------------------------- */

void hak_pool_add_facts(struct hak_fault_facts *facts, const struct hak_pool *pool,
                        const struct hak_piece *piece) {
    facts->pool.number = pool->number;
    hak_pool_copy_name(facts->pool.name, sizeof facts->pool.name, pool->name);
    if (!piece)
        return;
    const struct hak_pool *of = hak_pieces_pool_of(piece);
    facts->base = facts->user = piece->address;
    facts->asked_bytes = facts->slot_bytes = piece->bytes;
    facts->alloc_stack = piece->alloc_stack;
    facts->free_stack = piece->free_stack;
    facts->subkind = piece->is_guarded ? HAK_BY_POOL : HAK_BY_MALLOC;
    if (piece->pool_number == pool->number)
        return;
    facts->pool.other_number = piece->pool_number;
    if (of)
        hak_pool_copy_name(facts->pool.other_name, sizeof facts->pool.other_name, of->name);
}

struct hak_fault_facts hak_pool_facts_of(enum hak_fault_code code, const struct hak_pool_call *call,
                                         const struct hak_pool *pool,
                                         const struct hak_piece *piece) {
    struct hak_fault_facts facts = {
        .fault = code,
        .kind = call->kind,
        .found_address = call->piece ? call->piece : call->pool,
        .class_found = HAK_CLASS_NONE,
        .class_due = HAK_CLASS_NONE,
    };
    hak_pool_copy_name(facts.call, sizeof facts.call, call->name);
    hak_pool_add_facts(&facts, pool, piece);
    return facts;
}

struct hak_fault_facts hak_pool_facts_of_end(const struct hak_pool_call *call,
                                             const struct hak_pool *pool,
                                             const struct hak_piece *piece) {
    struct hak_fault_facts facts =
        hak_pool_facts_of(HAK_FAULT_POOL_USE_AFTER_RESET, call, pool, piece);
    if (!piece)
        facts.alloc_stack = pool->create_stack;
    facts.free_stack = pool->end_stack;
    facts.pool.end = pool->is_destroyed ? HAK_POOL_WAS_DESTROYED : HAK_POOL_WAS_RESET;
    return facts;
}

const struct hak_piece *hak_pool_piece_around(uintptr_t address, uint32_t number, bool is_live) {
    const struct hak_piece *other = NULL;
    for (uintptr_t from = address; address - from < REACH_BYTES && from > 0; from--) {
        const struct hak_piece *piece = hak_pieces_find(from, number);
        if (!piece || address - from >= piece->bytes ||
            !(is_live ? hak_pieces_lives(piece) : hak_pieces_is_current(piece)))
            continue;
        if (piece->pool_number == number)
            return piece;
        if (!other)
            other = piece;
    }
    return other;
}

/* ---- the end of a call ----------------------------------------------------------------------- */

void hak_pool_tell_fault(const struct hak_fault_facts *facts) {
    if (facts->fault && !hak_pieces_missed())
        hak_trace_fault(facts);
}

bool hak_pool_leaves_out(const struct hak_piece *ended) {
    return hak_trace_is_stopped() && !(ended && !ended->is_left_out);
}

void hak_pool_note(enum hak_record_kind kind, const struct hak_pool_call *call, uint32_t number,
                   uintptr_t address, uint64_t value, const char *name) {
    struct hak_event_fields fields = {
        .kind = (uint8_t)kind,
        .address = address,
        .size = value,
        .stack = call->stack,
        .flags = call->flags,
        .record_count = number,
        .class_index = HAK_CLASS_NONE,
    };
    if (!number)
        return;
    if (!name) {
        hak_trace_record(&fields);
        return;
    }
    fields.epoch = (uint32_t)value; /* its size is that of the name */
    hak_trace_name(&fields, name);
}
