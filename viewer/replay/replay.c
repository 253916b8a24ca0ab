/* The command `replay`: options, the process, the play, the answer. */
#include "viewer/replay/replay.h"

#include <stdlib.h>
#include <string.h>
#include "report/words/words.h"
#include "store/history/history.h"
#include "viewer/capture/capture.h"
#include "viewer/replay/runs.h"

/* Reads a word of a list; the first one where the option is not given. -1: none of them, printed.
 */
static int read_word(const struct view *view, const char *option, const char *const *words,
                     int standard) {
    const char *value = view_value(view, option);
    struct nearest nearest = {.typed = value};
    for (int i = 0; value && words[i]; i++) {
        if (strcmp(words[i], value) == 0)
            return i;
        nearest_offer(&nearest, words[i]);
    }
    if (!value)
        return standard;
    struct hak_text text = {0};
    hak_text_add(&text, "replay --%s %s: ", option, value);
    for (int i = 0; words[i]; i++)
        hak_text_add(&text, "%s%s", i == 0 ? "" : words[i + 1] ? ", " : " or ", words[i]);
    hak_text_add(&text, " was expected%s", nearest_words(&nearest, ""));
    view_error_text(&text);
    return -1;
}

/* Reads --touch, --speed, --html, --against and --process. False: printed. */
static bool read_options(struct runs *runs, uint32_t *process) {
    static const char *const speeds[] = {"full", "recorded", NULL};
    static const char *const touches[] = {"first", "pages", "all", NULL};
    int speed = read_word(runs->view, "speed", speeds, 0);
    int touch = speed < 0 ? -1 : read_word(runs->view, "touch", touches, 1);
    if (touch < 0)
        return false;
    if (view_given(runs->view, "html") && !view_value(runs->view, "html")[0]) {
        view_error("replay --html '': the name of a file was expected");
        return false;
    }
    runs->is_paced = speed == 1;
    runs->touch = (enum play_touch)(PLAY_TOUCH_FIRST + touch);
    return allocators_read(runs) && view_choose_process(runs->view, process);
}

/* True when there is nothing to play: printed. */
static bool is_refused(struct runs *runs, const struct plan *plan) {
    if (view_is_light(runs->view)) {
        view_error("replay: %s was recorded in level light, which records watched blocks alone",
                   runs->view->store_path);
        return true;
    }
    if (plan->head.calls == 0)
        view_say_none(runs->view, "call", plan->process);
    if (plan->head.calls == 0 && plan->pieces)
        view_error("replay: %s left out",
                   hak_words_count(plan->pieces, "guarded piece of the program's own pools is",
                                   "guarded pieces of the program's own pools are"));
    return plan->head.calls == 0;
}

int command_replay(struct view *view) {
    static struct runs runs; /* paths of sixteen allocators */
    struct plan plan = {.view = view, .streams.file = -1};
    runs.view = view;
    runs.plan = &plan;
    int status = view_open(view);
    if (status != 0)
        return status;
    if (!read_options(&runs, &plan.process))
        return view_question_status();
    if (view_given(view, "html") && !view_sink_check(view_value(view, "html")))
        return VIEW_UNREADABLE; /* before the plays, which take long */
    if (view_is_light(view)) {
        is_refused(&runs, &plan);
        return VIEW_UNREADABLE;
    }
    status = view_choose_busiest(view, "is played", &plan.process);
    if (status == 0)
        status = plan_make(&plan);
    if (status == 0 && is_refused(&runs, &plan))
        status = VIEW_UNREADABLE;
    else if (status == 0)
        status = runs_make(&runs);
    if (status == 0)
        status = replay_print(&runs);
    if (status == 0)
        status = view_completeness(view);
    if (status == 0)
        status = runs_completeness(&runs);
    runs_free(&runs);
    plan_free(&plan);
    return status;
}
