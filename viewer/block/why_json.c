/* `why --json`. */
#include "viewer/block/why.h"
#include <jansson.h>
#include "viewer/block/mapping.h"
#include "viewer/block/piece.h"

#include "report/words/words.h"
#include "viewer/capture/capture.h"

static json_t *fault_json(const struct why *why) {
    if (why->fault.id == 0)
        return json_null();
    const struct hak_fault_words *words = hak_words_fault(why->fault.code);
    return hak_json_object(NUMBER("row", why->fault.id),
                           JSON("code", words ? json_sprintf("HKM-%u", words->code) : json_null()),
                           WORD("name", words ? words->name : "crash"),
                           NUMBER("event", why->fault.event));
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
    hak_json_set(document, ADDRESS("address", why->position.address));
    if (hak_story_is_outside(story)) {
        struct hak_mapped_place mapping;
        (void)mapping_read(why->view, why->position.address, story->block.process,
                           why->position.until_id, &mapping);
        hak_json_set(document,
                     JSON("mapping", mapping_json(why->view, why->position.address, &mapping)));
        hak_mapped_place_free(&mapping);
    }
    struct hak_piece_story pieces;
    (void)piece_read(why->view, why->position.address, story->block.process, why->position.until_id,
                     &pieces);
    if (pieces.lives_total)
        hak_json_set(document,
                     JSON("piece", piece_json(why->view, why->position.address, &pieces)));
    hak_json_set(
        document, KNOWN("offset", why->position.state, why->position.address - why->position.user),
        JSON("block", view_block_json(why->view, &why->position)),
        NUMBER("lives_total", story->lives_total),
        JSON("lives", hak_json_lives(r, story, with_frames)),
        NUMBER("moves_total", story->moves_total), JSON("moves", moves),
        JSON("first_wrong", hak_json_event(r, &story->first_wrong, true)),
        JSON("evidence", evidence.length > 0 ? hak_json_text(evidence.bytes) : json_null()),
        KNOWN("stale_event", why->stale, why->stale ? why->stale->ends[0].id : 0),
        KNOWN("asked_event", why->asked_event, why->asked_event),
        JSON("threads", creations_json(why)), JSON("fault", fault_json(why)),
        JSON("completeness", view_completeness_json(why->view)));
    hak_json_set(json_object_get(document, "completeness"),
                 NUMBER("lost_events_of_block", story->lost_events));
    hak_text_free(&evidence);
    return hak_json_print(document);
}
