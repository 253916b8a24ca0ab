/* The command `replay`: options, the process, the play, the answer. */
#include "viewer/replay/replay.h"

#include <signal.h>
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

/* Reads --touch, --speed, --against and --process. False: printed. */
static bool read_options(struct runs *runs, uint32_t *process) {
    static const char *const speeds[] = {"full", "recorded", NULL};
    static const char *const touches[] = {"first", "pages", "all", NULL};
    int speed = read_word(runs->view, "speed", speeds, 0);
    int touch = speed < 0 ? -1 : read_word(runs->view, "touch", touches, 1);
    if (touch < 0)
        return false;
    runs->is_paced = speed == 1;
    runs->touch = (enum play_touch)(PLAY_TOUCH_FIRST + touch);
    return allocators_read(runs) && view_choose_process(runs->view, process);
}

/* Chooses the process with most events, where none is named. 0, or an exit status: printed. */
static int choose_process(struct view *view, uint32_t *process) {
    uint32_t count = view->summary.processes + 1;
    uint64_t *events = *process ? NULL : calloc(count, sizeof *events);
    int error = events ? hak_store_tally_processes(view->reader, events, count) : 0;
    if (!*process && !events)
        error = hak_store_no_memory(view->store_path);
    if (error < 0) {
        free(events);
        return view_store_error(view, error);
    }
    for (uint32_t i = 1; events && i < count; i++)
        if (events[i] > (*process ? events[*process] : 0))
            *process = i;
    free(events);
    if (view->summary.processes > 1 && !view_given(view, "process")) {
        struct hak_text text = {0};
        hak_text_add(&text, "of %s, ",
                     hak_words_count(view->summary.processes, "process", "processes"));
        view_add_process(&text, view, *process);
        hak_text_add(&text, " has the most events and is played; --process chooses another");
        view_error_text(&text);
    }
    return 0;
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
    return plan->head.calls == 0;
}

/* Plays what the capture has. An exit status: the error is printed. */
static int play(struct view *view) {
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
    status = choose_process(view, &plan.process);
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

int command_replay(struct view *view) {
    /* A limit of the size of files (ulimit -f) is an error of the write. */
    void (*before)(int) = signal(SIGXFSZ, SIG_IGN);
    int status = play(view);
    signal(SIGXFSZ, before);
    return status;
}
