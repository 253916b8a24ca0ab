/* The frame of every JSON document that a command prints. */
#include "viewer/capture/capture.h"

#include "report/words/words.h"

json_t *view_json_document(const struct view *view, const char *command) {
    json_t *document = json_object();
    json_object_set_new(document, "hakmem_json", json_integer(1));
    json_object_set_new(document, "command", json_string(command));
    if (view->store_path)
        json_object_set_new(document, "store", hak_json_text(view->store_path));
    return document;
}

json_t *view_completeness_json(const struct view *view) {
    const struct hak_store_summary *summary = &view->summary;
    struct hak_text sentence = {0};
    json_t *object = json_object();
    view_add_completeness(&sentence, view);
    if (view_failure()) {
        hak_text_free(&sentence);
        hak_text_add(&sentence, "The answer is partial: the capture could not be read to the end.");
    }
    json_object_set_new(object, "sentence", hak_json_text(sentence.bytes));
    json_object_set_new(object, "lost_events", json_integer((json_int_t)summary->lost_events));
    json_object_set_new(object, "trimmed_events",
                        json_integer((json_int_t)summary->trimmed_events));
    if (summary->unrecorded > 0)
        json_object_set_new(object, "unrecorded_programs", json_integer(summary->unrecorded));
    if (summary->unseen > 0)
        json_object_set_new(object, "unseen_ends", json_integer(summary->unseen));
    json_object_set_new(object, "being_written", json_boolean(summary->being_written));
    json_object_set_new(object, "ended_early", json_boolean(summary->ended_early));
    if (view_failure())
        json_object_set_new(object, "error", hak_json_text(view_failure()));
    if (view_answer_is_cut())
        json_object_set_new(object, "interrupted", json_true());
    hak_text_free(&sentence);
    return object;
}

char *view_json_compact(json_t *value) {
    char *text = value ? hak_json_dump(value, JSON_COMPACT | JSON_ENCODE_ANY) : NULL;
    json_decref(value);
    return text;
}
