/* `block --json`: written as the lives come, so that it may be longer than memory. */
#include "viewer/block/lives.h"

#include <inttypes.h>
#include <stdlib.h>
#include "report/words/words.h"
#include "viewer/capture/capture.h"
#include "superslab.h"

/* "name": value behind what is there; drops the reference. */
static void print_member(const char *name, json_t *value, bool is_last) {
    view_write(stdout, "  \"%s\": ", name);
    view_print_json(view_json_compact(value));
    view_write(stdout, "%s\n", is_last ? "" : ",");
}

static json_t *block_json(const struct block *block) {
    struct hak_store_reader *r = block->view->reader;
    const struct hak_block_key *key = &block->key;
    bool known = block->position.was_handed_out;
    json_t *object = json_object();
    json_object_set_new(object, "base", hak_json_address(key->base));
    json_object_set_new(object, "user",
                        known ? hak_json_address(block->position.user) : json_null());
    json_object_set_new(object, "asked_bytes",
                        known ? json_integer((json_int_t)block->position.asked_bytes)
                              : json_null());
    json_object_set_new(object, "slot_bytes", json_integer((json_int_t)key->slot_bytes));
    json_object_set_new(object, "class",
                        key->class_index == HAK_CLASS_NONE
                            ? json_null()
                            : json_string(hak_words_class(r, key->class_index)));
    json_object_set_new(object, "process", json_integer(key->process));
    json_object_set_new(object, "state",
                        json_string(!known           ? "never handed out"
                                    : block->is_live ? "live"
                                                     : "freed"));
    return object;
}

void block_json_head(struct block *block) {
    view_write(stdout, "{\n");
    print_member("hakmem_json", json_integer(1), false);
    print_member("command", json_string("block"), false);
    print_member("store", hak_json_text(block->view->store_path), false);
    print_member("address", hak_json_address(block->position.address), false);
    print_member("block", block_json(block), false);
    view_write(stdout, "  \"lives\": [");
}

static json_t *event_json(const struct block *block, const struct hak_event *e) {
    return e->id == 0 ? json_null()
                      : hak_json_event(block->view->reader, e, view_given(block->view, "stacks"));
}

void block_json_event(struct block *block, const struct hak_event *e) {
    if (hak_event_is_call(e))
        return;
    if (!block->moves)
        block->moves = json_array();
    if (json_array_size(block->moves) < BLOCK_MOVES_KEPT)
        json_array_append_new(block->moves, event_json(block, e));
    else
        block->moves_left_out++;
}

void block_json_life(struct block *block, const struct hak_life_row *life) {
    bool has_span = life->birth.id != 0 && life->end.id != 0;
    json_t *object = json_object();
    json_object_set_new(object, "life", json_integer((json_int_t)life->number));
    json_object_set_new(object, "birth", event_json(block, &life->birth));
    json_object_set_new(object, "end", event_json(block, &life->end));
    json_object_set_new(object, "again", event_json(block, &life->again));
    json_object_set_new(object, "lifetime_ns",
                        has_span ? json_integer((json_int_t)(life->end.ns - life->birth.ns))
                                 : json_null());
    json_object_set_new(object, "resizes", json_integer((json_int_t)life->resizes));
    json_object_set_new(object, "last_bytes", json_integer((json_int_t)life->last_size));
    json_object_set_new(object, "largest_bytes", json_integer((json_int_t)life->largest_size));
    json_object_set_new(object, "moves_before", json_integer((json_int_t)life->moves_before));
    view_write(stdout, "%s\n    ", block->told > 0 ? "," : "");
    view_print_json(view_json_compact(object));
}

static json_t *stacks_json(const struct block *block) {
    struct tally_row most[STACKS_SHOWN];
    int shown = block_tally_most(&block->totals.stacks, most, STACKS_SHOWN);
    json_t *list = json_array();
    for (int i = 0; i < shown; i++) {
        struct hak_frames frames;
        json_t *object = json_object();
        json_object_set_new(object, "stack", json_integer(most[i].key));
        json_object_set_new(object, "births", json_integer((json_int_t)most[i].births));
        hak_frames_load(&frames, block->view->reader, most[i].key);
        json_object_set_new(object, "frames", hak_json_frames(&frames));
        hak_frames_free(&frames);
        json_array_append_new(list, object);
    }
    return list;
}

static json_t *totals_json(struct block *block) {
    struct block_totals *totals = &block->totals;
    bool is_exact = true;
    uint64_t median = block_totals_median(totals, &is_exact);
    json_t *object = json_object();
    json_object_set_new(object, "lives", json_integer((json_int_t)totals->lives));
    json_object_set_new(object, "ended", json_integer((json_int_t)totals->ended));
    json_object_set_new(object, "ended_again", json_integer((json_int_t)totals->ended_again));
    json_object_set_new(object, "median_ns",
                        totals->spans ? json_integer((json_int_t)median) : json_null());
    json_object_set_new(object, "median_is_exact", json_boolean(is_exact));
    json_object_set_new(object, "shortest_ns",
                        totals->spans ? json_integer((json_int_t)totals->shortest_ns)
                                      : json_null());
    json_object_set_new(object, "longest_ns",
                        totals->spans ? json_integer((json_int_t)totals->longest_ns) : json_null());
    json_object_set_new(object, "largest_bytes", json_integer((json_int_t)totals->largest_bytes));
    json_object_set_new(object, "resizes", json_integer((json_int_t)totals->resizes));
    json_object_set_new(object, "moves", json_integer((json_int_t)totals->moves));
    json_object_set_new(object, "threads", json_integer(totals->threads.used));
    json_object_set_new(object, "stacks", json_integer(totals->stacks.used));
    json_object_set_new(object, "most_frequent_stacks", stacks_json(block));
    return object;
}

void block_json_end(struct block *block) {
    json_t *completeness = view_completeness_json(block->view);
    json_object_set_new(completeness, "lost_events_of_block",
                        json_integer((json_int_t)block->lost_events));
    view_write(stdout, "\n  ],\n");
    if (view_given(block->view, "moves")) {
        print_member("moves_left_out", json_integer((json_int_t)block->moves_left_out), false);
        print_member("moves", block->moves ? json_incref(block->moves) : json_array(), false);
    }
    print_member("totals", totals_json(block), false);
    print_member("fault", block->fault_row ? json_integer(block->fault_row) : json_null(), false);
    print_member("completeness", completeness, true);
    view_write(stdout, "}\n");
}
