/* Gathers the facts of a fault, in numbers, and hands them to the tracer, which has the report made
 * outside. The words are made there from faults.def and hops.def. */
#include "guard/clean_look.h"
#include "guard/guard.h"
#include "guard/watched/watched.h"

void hak_copy_damage(struct hak_fault_facts *facts, const struct hak_damage *damage) {
    facts->damaged_bytes = damage->bytes;
    facts->damaged_span = (uint32_t)(damage->last - damage->first) + 1;
    facts->damage_is_open = damage->is_open;
    for (size_t i = 0; i < sizeof facts->damage && damage->first + i < damage->end; i++)
        facts->damage[i] = damage->first[i];
}

void hak_copy_call(struct hak_fault_facts *facts, const char *call) {
    for (size_t i = 0; i + 1 < sizeof facts->call && call[i]; i++)
        facts->call[i] = call[i];
}

/* Writes the place of the block's slot into the facts, for people. */
static void describe_slab(struct hak_fault_facts *facts, const struct hak_located *at) {
    facts->superslab = (uintptr_t)at->superslab;
    facts->slab =
        hak_slab_index_of(at->slot ? at->base : (const void *)(uintptr_t)facts->found_address);
    if (!at->slot)
        return;
    const char *slab_start = (const char *)at->superslab + facts->slab * HAK_SLAB_BYTES;
    size_t offset = (size_t)(at->base - slab_start) - hak_first_slot_offset(at->class_index);
    facts->slot = hak_slot_index(at->class_index, offset);
}

/* Fills in what the slot's state knows: bases, sizes, stacks, and how often it was recorded. */
static void describe_slot(struct hak_fault_facts *facts, const struct hak_located *at) {
    bool has_lived = (at->slot->subkind & HAK_SLOT_LIVED) != 0;
    char *user = has_lived ? hak_user_in(at) : hak_place_user(at->base, 0);
    facts->base = (uintptr_t)at->base;
    facts->user = (uintptr_t)user;
    facts->asked_bytes = hak_asked_bytes_of(at);
    facts->slot_bytes = at->slot_bytes;
    facts->place = at->slot->place;
    facts->subkind = hak_taken_by(at);
    facts->record_count = at->slot->record_count;
    facts->epoch = at->epoch;
    facts->alloc_stack = at->slot->alloc_stack;
    facts->free_stack = at->slot->free_stack;
}

void hak_describe_located(const struct hak_located *at, struct hak_fault_facts *facts) {
    facts->class_due = at->class_index;
    if (at->superslab)
        describe_slab(facts, at);
    if (at->slot)
        describe_slot(facts, at);
}

void hak_make_facts(struct hak_fault_facts *facts, const struct hak_located *at,
                    const struct hak_finding *finding) {
    *facts = (struct hak_fault_facts){
        .fault = finding->code,
        .kind = hak_kind_of(finding->kind),
        .found_address = (uintptr_t)finding->pointer,
        .offset = finding->offset_bytes,
        .class_found = finding->class_found,
        .memory = finding->memory,
        .found_by = finding->found_by,
        .more_damaged = finding->more_damaged,
        .closed_blocks =
            (uint16_t)(finding->closed_blocks < UINT16_MAX ? finding->closed_blocks : UINT16_MAX),
        .given_bytes = finding->given_bytes,
        .given_alignment = finding->given_alignment,
        .asked_alignment = finding->asked_alignment,
        .link = finding->link,
    };
    hak_describe_located(at, facts);
    facts->subkind |= (uint32_t)hak_given_of(finding->kind) << 8;
    if (finding->call)
        hak_copy_call(facts, finding->call);
    if (finding->damage) {
        hak_copy_damage(facts, finding->damage);
        hak_clean_look_add(facts, at);
    }
}

static enum hak_watched_side side_of(enum hak_fault_code code) {
    return code == HAK_FAULT_HEAP_BUFFER_UNDERFLOW ? HAK_WATCHED_IN_FRONT
           : code == HAK_FAULT_WRITE_AFTER_FREE    ? HAK_WATCHED_FREED
                                                   : HAK_WATCHED_BEHIND;
}

void hak_report_fault(const struct hak_located *at, const struct hak_finding *finding) {
    struct hak_fault_facts facts;
    hak_make_facts(&facts, at, finding);
    if (finding->damage && at->slot)
        hak_watched_suspect(at->slot->alloc_stack, side_of(finding->code));
    hak_trace_fault(&facts);
}
