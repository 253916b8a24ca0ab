/* `why --json`. */
#include "viewer/block/why.h"
#include "viewer/block/mapping.h"

#include "report/words/words.h"
#include "viewer/capture/capture.h"
#include "superslab.h"

static json_t *fault_json(const struct why *why) {
    if (why->fault.id == 0)
        return json_null();
    const struct hak_fault_words *words = hak_words_fault(why->fault.code);
    json_t *object = json_object();
    hak_json_set_number(object, "row", why->fault.id);
    json_object_set_new(object, "code", words ? json_sprintf("HKM-%u", words->code) : json_null());
    json_object_set_new(object, "name", json_string(words ? words->name : "crash"));
    hak_json_set_number(object, "event", why->fault.event);
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
    struct hak_text evidence = {0};
    why_add_evidence(&evidence, why);
    json_t *document = view_json_document(why->view), *moves = json_array();
    for (int i = 0; i < story->move_count && view_given(why->view, "moves"); i++)
        json_array_append_new(moves, hak_json_event(r, &story->moves[i], with_frames));
    hak_json_set_address(document, "address", why->position.address);
    if (hak_story_is_outside(story)) {
        struct hak_mapped_place mapping;
        (void)mapping_read(why->view, why->position.address, story->block.process, why->until,
                           &mapping);
        json_object_set_new(document, "mapping",
                            mapping_json(why->view, why->position.address, &mapping));
        hak_mapped_place_free(&mapping);
    }
    hak_json_set_known(document, "offset", why->position.was_handed_out,
                       why->position.address - why->position.user);
    json_object_set_new(document, "block",
                        view_block_json(why->view, &why->position, why_state(why)));
    hak_json_set_number(document, "lives_total", story->lives_total);
    json_object_set_new(document, "lives", hak_json_lives(r, story, with_frames));
    hak_json_set_number(document, "moves_total", story->moves_total);
    json_object_set_new(document, "moves", moves);
    json_object_set_new(document, "first_wrong", hak_json_event(r, &story->first_wrong, true));
    json_object_set_new(document, "evidence",
                        evidence.length > 0 ? hak_json_text(evidence.bytes) : json_null());
    hak_json_set_known(document, "stale_event", why->stale,
                       why->stale ? why->stale->ends[0].id : 0);
    hak_json_set_known(document, "asked_event", why->asked_event, why->asked_event);
    json_object_set_new(document, "threads", creations_json(why));
    json_object_set_new(document, "fault", fault_json(why));
    json_object_set_new(document, "completeness", view_completeness_json(why->view));
    hak_json_set_number(json_object_get(document, "completeness"), "lost_events_of_block",
                        story->lost_events);
    hak_text_free(&evidence);
    return hak_json_print(document);
}
