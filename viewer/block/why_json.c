/* `why --json`. */
#include "viewer/block/why.h"

#include "report/words/words.h"
#include "viewer/capture/capture.h"
#include "superslab.h"

static json_t *block_json(const struct why *why) {
    const struct hak_block_key *block = &why->story->block;
    struct hak_store_reader *r = why->view->reader;
    json_t *object = json_object();
    json_object_set_new(object, "base", hak_json_address(block->base));
    json_object_set_new(object, "user", hak_json_address(why->user));
    json_object_set_new(object, "asked_bytes",
                        why->last ? json_integer((json_int_t)why->asked_bytes) : json_null());
    json_object_set_new(object, "slot_bytes", json_integer((json_int_t)block->slot_bytes));
    json_object_set_new(object, "class",
                        block->class_index == HAK_CLASS_NONE
                            ? json_null()
                            : json_string(hak_words_class(r, block->class_index)));
    json_object_set_new(object, "process", json_integer(block->process));
    json_object_set_new(object, "state",
                        json_string(!why->last                  ? "never handed out"
                                    : why->last->end_count == 0 ? "live"
                                    : why->last->end_count == 1 ? "freed"
                                                                : "freed twice"));
    return object;
}

static json_t *fault_json(const struct why *why) {
    if (why->fault.id == 0)
        return json_null();
    const struct hak_fault_words *words = hak_words_fault(why->fault.code);
    json_t *object = json_object();
    json_object_set_new(object, "row", json_integer(why->fault.id));
    json_object_set_new(object, "code", words ? json_sprintf("HKM-%u", words->code) : json_null());
    json_object_set_new(object, "name", json_string(words ? words->name : "crash"));
    json_object_set_new(object, "event", json_integer((json_int_t)why->fault.event));
    return object;
}

static json_t *creations_json(const struct why *why) {
    struct hak_creations all;
    why_load_creations(&all, why);
    json_t *array = hak_creations_json(&all);
    hak_creations_free(&all);
    return array;
}

char *why_json(const struct why *why) {
    struct hak_store_reader *r = why->view->reader;
    const struct hak_story *story = why->story;
    bool with_frames = view_given(why->view, "stacks");
    struct hak_text unmarked = {0};
    why_add_unmarked(&unmarked, why);
    json_t *document = view_json_document(why->view, "why"), *moves = json_array();
    for (int i = 0; i < story->move_count && view_given(why->view, "moves"); i++)
        json_array_append_new(moves, hak_json_event(r, &story->moves[i], with_frames));
    json_object_set_new(document, "address", hak_json_address(why->address));
    json_object_set_new(document, "offset", json_integer((json_int_t)(why->address - why->user)));
    json_object_set_new(document, "block", block_json(why));
    json_object_set_new(document, "lives_total", json_integer((json_int_t)story->lives_total));
    json_object_set_new(document, "lives", hak_json_lives(r, story, with_frames));
    json_object_set_new(document, "moves_total", json_integer((json_int_t)story->moves_total));
    json_object_set_new(document, "moves", moves);
    json_object_set_new(document, "first_wrong",
                        story->first_wrong.id ? hak_json_event(r, &story->first_wrong, true)
                                              : json_null());
    json_object_set_new(document, "evidence",
                        why->stale            ? hak_json_text(why->stale->evidence)
                        : unmarked.length > 0 ? hak_json_text(unmarked.bytes)
                                              : json_null());
    json_object_set_new(document, "stale_event",
                        why->stale ? json_integer((json_int_t)why->stale->ends[0].id)
                                   : json_null());
    json_object_set_new(document, "asked_event",
                        why->asked_event ? json_integer((json_int_t)why->asked_event)
                                         : json_null());
    json_object_set_new(document, "threads", creations_json(why));
    json_object_set_new(document, "fault", fault_json(why));
    json_object_set_new(document, "completeness", view_completeness_json(why->view));
    json_object_set_new(json_object_get(document, "completeness"), "lost_events_of_block",
                        json_integer((json_int_t)story->lost_events));
    hak_text_free(&unmarked);
    return hak_json_print(document);
}
