/* `block --json`: written as the lives come, so that it may be longer than memory. */
#include "viewer/block/lives.h"

#include <jansson.h>
#include "report/words/words.h"
#include "viewer/capture/capture.h"

void block_write_json_head(struct block *block) {
    view_write_document(block->view);
    view_write_member("address", hak_json_address(block->position.address), false);
    view_write_member("block", view_block_json(block->view, &block->position), false);
    view_write(stdout, "  \"lives\": [");
}

static json_t *event_json(const struct block *block, const struct hak_event *e) {
    return hak_json_event(block->view->reader, e, view_given(block->view, "stacks"));
}

/* Keeps a move, no call, for the end of the document, at most BLOCK_MOVES_KEPT; others are
 * counted. */
void block_write_json_event(struct block *block, const struct hak_event *e) {
    if (hak_event_is_call(e))
        return;
    if (!block->moves)
        block->moves = json_array();
    if (json_array_size(block->moves) < BLOCK_MOVES_KEPT)
        json_array_append_new(block->moves, event_json(block, e));
    else
        block->moves_left_out++;
}

void block_write_json_life(struct block *block, const struct hak_life_row *row) {
    bool has_span = row->life.birth.id != 0 && row->end.id != 0;
    json_t *object = hak_json_object(
        NUMBER("life", row->life.number), JSON("birth", event_json(block, &row->life.birth)),
        JSON("end", event_json(block, &row->end)), JSON("again", event_json(block, &row->again)),
        KNOWN("lifetime_ns", has_span, row->end.ns - row->life.birth.ns),
        NUMBER("resizes", row->life.resizes), NUMBER("last_bytes", row->life.last_size),
        NUMBER("largest_bytes", row->life.largest_size), NUMBER("moves_before", row->moves_before));
    view_write(stdout, "%s\n    ", block->told > 0 ? "," : "");
    view_write_json(object);
}

/* The stacks with the most births. */
static json_t *stacks_json(const struct block *block) {
    struct tally_row most[STACKS_SHOWN];
    int shown = block_tally_most(&block->totals.stacks, most, STACKS_SHOWN);
    json_t *list = json_array();
    for (int i = 0; i < shown; i++) {
        hak_json_add(list, NUMBER("stack", most[i].key), NUMBER("births", most[i].births),
                     JSON("frames", hak_json_stack(block->view->reader, most[i].key)));
    }
    return list;
}

static json_t *totals_json(struct block *block) {
    struct block_totals *totals = &block->totals;
    bool is_exact = true;
    uint64_t median = block_totals_median(totals, &is_exact);
    return hak_json_object(
        NUMBER("lives", totals->lives), NUMBER("ended", totals->ended),
        NUMBER("ended_again", totals->ended_again), KNOWN("median_ns", totals->spans, median),
        FLAG("median_is_exact", is_exact), KNOWN("shortest_ns", totals->spans, totals->shortest_ns),
        KNOWN("longest_ns", totals->spans, totals->longest_ns),
        NUMBER("largest_bytes", totals->largest_bytes), NUMBER("resizes", totals->resizes),
        NUMBER("moves", totals->moves), NUMBER("threads", totals->threads.used),
        NUMBER("stacks", totals->stacks.used), JSON("most_frequent_stacks", stacks_json(block)));
}

void block_write_json_end(struct block *block) {
    json_t *completeness = view_completeness_json(block->view);
    hak_json_set(completeness, NUMBER("lost_events_of_block", block->position.lost_events));
    view_write(stdout, "\n  ],\n");
    if (view_given(block->view, "moves")) {
        view_write_member("moves_left_out", json_integer((json_int_t)block->moves_left_out), false);
        view_write_member("moves", block->moves ? json_incref(block->moves) : json_array(), false);
    }
    view_write_member("totals", totals_json(block), false);
    view_write_member("fault",
                      block->fault_row.id ? json_integer(block->fault_row.id) : json_null(), false);
    view_write_member("completeness", completeness, true);
    view_write(stdout, "}\n");
}
