/* The frame of every JSON document that a command prints. */
#include "viewer/capture/capture.h"

#include <jansson.h>
#include "report/words/words.h"

json_t *view_json_document(const struct view *view) {
    json_t *document =
        hak_json_object(NUMBER("hakmem_json", 1), WORD("command", view->command->name));
    if (view->title)
        hak_json_set(document, JSON("store", json_null()));
    else if (view->store_path)
        hak_json_set(document, TEXT("store", view->store_path));
    return document;
}

json_t *view_completeness_json(const struct view *view) {
    const struct hak_store_summary *summary = &view->summary;
    struct hak_text sentence = {0};
    json_t *object = json_object();
    view_add_completeness(&sentence, view);
    if (view_failure() && !view->end_event) {
        hak_text_free(&sentence);
        hak_text_add(&sentence, "The answer is partial: the capture could not be read to the end.");
    }
    hak_json_set(object, TEXT("sentence", sentence.bytes),
                 NUMBER("lost_events", summary->lost_events),
                 NUMBER("trimmed_events", summary->trimmed_events));
    if (summary->stops > 0)
        hak_json_set(object, NUMBER("stops", summary->stops));
    if (summary->unrecorded > 0)
        hak_json_set(object, NUMBER("unrecorded_programs", summary->unrecorded));
    if (summary->unseen > 0)
        hak_json_set(object, NUMBER("unseen_ends", summary->unseen));
    hak_json_set_missed(object, &summary->missed);
    if (view_sampled_rate(view))
        hak_json_set(object, NUMBER("sampled_rate", view_sampled_rate(view)));
    hak_json_set(object, FLAG("being_written", summary->being_written),
                 FLAG("ended_early", summary->ended_early));
    if (view_failure())
        hak_json_set(object, TEXT("error", view_failure()));
    if (view_answer_is_cut())
        hak_json_set(object, JSON("interrupted", json_true()));
    hak_text_free(&sentence);
    return object;
}

bool view_print_document(const struct view *view, json_t *document) {
    return view_print_json(
        hak_json_print(hak_json_set(document, JSON("completeness", view_completeness_json(view)))));
}

void view_write_json(json_t *value) {
    view_print_json(value ? hak_json_dump(value, JSON_COMPACT | JSON_ENCODE_ANY) : NULL);
    json_decref(value);
}

void view_write_member(const char *name, json_t *value, bool is_last) {
    view_write(stdout, "  \"%s\": ", name);
    view_write_json(value);
    view_write(stdout, "%s\n", is_last ? "" : ",");
}

void view_write_document(const struct view *view) {
    view_write(stdout, "{\n");
    view_write_member("hakmem_json", json_integer(1), false);
    view_write_member("command", json_string(view->command->name), false);
    view_write_member("store", hak_json_text(view->store_path), false);
}
