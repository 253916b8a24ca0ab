/* `check`: checks that the capture is intact and every block's path is legal. */
#include "viewer/info/info.h"
#include <jansson.h>
#include "viewer/capture/capture.h"

#include "report/words/words.h"

/* Findings printed; a capture that is broken all over needs no more. */
#define FINDINGS_SHOWN 100

struct findings {
    struct view *view;
    uint64_t count;
    json_t *list;
};

/* Prints or lists a problem, at most FINDINGS_SHOWN; all are counted. */
static void each_problem(void *context, const struct hak_check_finding *problem) {
    struct findings *findings = context;
    if (findings->count++ >= FINDINGS_SHOWN)
        return;
    view_start_pager(findings->view);
    struct hak_text text = {0};
    hak_words_add_check_finding(&text, problem);
    if (findings->view->json) {
        json_array_append_new(findings->list, hak_json_text(hak_text_string(&text)));
        hak_text_free(&text);
        return;
    }
    hak_text_add(&text, "\n");
    view_print(&text);
}

int command_check(struct view *view) {
    int status = view_open(view);
    if (status != 0)
        return status;
    struct findings findings = {.view = view, .list = json_array()};
    int found = hak_store_check(view->reader, each_problem, &findings);
    if (found < 0) {
        json_decref(findings.list);
        return view_store_error(view, found);
    }
    view_start_pager(view);
    if (view->json) {
        view_print_document(
            view, hak_json_set(view_json_document(view), NUMBER("events", view->summary.events),
                               NUMBER("findings_total", found), JSON("findings", findings.list)));
    } else {
        json_decref(findings.list);
        struct hak_text text = {0};
        if (findings.count > FINDINGS_SHOWN)
            hak_text_add(&text, "... and %s\n",
                         hak_words_count(findings.count - FINDINGS_SHOWN, "more", "more"));
        hak_text_add_name(&text, view->store_path);
        if (found == 0 && hak_store_is_profile_only(view->reader))
            hak_text_add(&text,
                         ": intact; only the profile is kept, so no block's path is known: %s of "
                         "%s. ",
                         hak_words_count(view->summary.events, "event", "events"),
                         hak_words_count(view->summary.processes, "process", "processes"));
        else if (found == 0)
            hak_text_add(&text, ": intact, and every block's path is legal: %s in %s of %s. ",
                         hak_words_count(view->summary.events, "event", "events"),
                         hak_words_count(view->summary.chunks, "chunk", "chunks"),
                         hak_words_count(view->summary.processes, "process", "processes"));
        else
            hak_text_add(&text, ": %s in %s. ",
                         hak_words_count((uint64_t)found, "finding", "findings"),
                         hak_words_count(view->summary.events, "event", "events"));
        view_add_completeness(&text, view);
        hak_text_add(&text, "\n");
        view_print(&text);
    }
    return found > 0 ? VIEW_FAULT : view_completeness(view);
}
