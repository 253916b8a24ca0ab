/* `layers`: what each layer served, by the program's counters, compared with the log. */
#include "viewer/layers/layers.h"
#include "viewer/layers/counts.h"
#include "viewer/layers/changes.h"

#include <stdlib.h>
#include <string.h>
#include "report/words/words.h"
#include "viewer/capture/capture.h"

/* The highest row of a process; not more than the summary counts. */
static uint32_t highest_process(struct view *view) {
    uint64_t highest =
        hak_database_number(hak_store_database(view->reader), "SELECT max(id) FROM process", 0);
    /* Ids count from 1 without gaps. */
    return highest > 0 && highest <= view->summary.processes ? (uint32_t)highest
                                                             : view->summary.processes;
}

/* Reads --over. False, and said. */
static bool read_over(struct layers *l) {
    const char *value = view_value(l->view, "over");
    if (!value)
        return true;
    if (!view_read_duration("over", value, &l->over_ns))
        return false;
    if (l->over_ns == 0) {
        view_error("--over %s: a time above 0 was expected (1s, 200ms)", value);
        return false;
    }
    l->interval_count = l->view->summary.last_ns / l->over_ns + 2;
    if (l->interval_count > LAYERS_INTERVALS_MAX) {
        view_error("--over %s: that would be %s lines; at most %s are shown", value,
                   hak_words_number(l->interval_count), hak_words_number(LAYERS_INTERVALS_MAX));
        return false;
    }
    return true;
}

/* Reads all options. False, and said: one is wrong, or they do not go together. */
static bool read_options(struct layers *l) {
    const char *class_text = view_value(l->view, "class");
    l->filter = (struct event_filter){.band = -1, .layer = -1, .store.class_index = -1};
    l->shows_superslabs = view_given(l->view, "superslabs");
    if (l->shows_superslabs && (class_text || view_given(l->view, "over"))) {
        view_error("--superslabs covers all classes and the whole time; it cannot be combined with "
                   "--class or --over");
        return false;
    }
    if (l->shows_superslabs && view_given(l->view, "quick")) {
        view_error(
            "--quick does not read the log, --superslabs shows what is in it: use one of them");
        return false;
    }
    l->is_from_log = view_given(l->view, "from-log");
    if (l->is_from_log && view_given(l->view, "quick")) {
        view_error("--quick does not read the log, --from-log counts it: use one of them");
        return false;
    }
    return view_choose_process(l->view, &l->process) &&
           (!class_text || event_filter_read_class(l->view, class_text, &l->filter)) &&
           read_over(l);
}

/* Allocates the sums. False, and said. */
static bool allocate_tallies(struct layers *l) {
    l->process_rows = highest_process(l->view) + 1;
    l->all = calloc(1, sizeof *l->all);
    l->processes = calloc(l->process_rows, sizeof *l->processes);
    if (l->over_ns)
        l->intervals = calloc(l->interval_count, sizeof *l->intervals);
    bool has_room = l->all && l->processes && (l->intervals || !l->over_ns);
    if (!has_room)
        view_error("out of memory");
    return has_room;
}

/* True when nothing was found. */
static bool is_nothing(const struct layers *l) {
    if (l->shows_superslabs)
        return l->changes->count == 0;
    for (unsigned m = 0; m < HAK_METRICS; m++)
        if (layers_sum(l, m))
            return false;
    return true;
}

/* Says that no layer did anything (or no SuperSlab came or went) in what the filter lets pass. */
static void say_nothing_found(const struct layers *l) {
    struct hak_text text = {0};
    hak_text_add(&text, l->shows_superslabs ? "no SuperSlab was mapped or unmapped"
                                            : "no layer did anything");
    event_filter_add_words(&text, l->view);
    hak_text_add(&text, " in ");
    view_add_extent(&text, l->view);
    view_error_text(&text);
}

/* Prints the answer. Returns a status. */
static int print(struct layers *l) {
    struct hak_text text = {0};
    if (is_nothing(l) && !l->view->json)
        say_nothing_found(l);
    if (l->view->json)
        return view_print_json(hak_json_print(layers_json(l))) ? 0 : VIEW_UNREADABLE;
    layers_add_text(&text, l);
    return view_print(&text) ? 0 : VIEW_UNREADABLE;
}

/* The exit status: lost events first, then counters that disagree with the log. */
static int answer_status(const struct layers *l) {
    int complete = view_completeness(l->view);
    if (complete != VIEW_OK)
        return complete;
    if (layers_disagree(l))
        return VIEW_FAULT;
    return l->without_last > 0 ? VIEW_INCOMPLETE : VIEW_OK;
}

static void free_layers(struct layers *l) {
    free(l->all);
    free(l->processes);
    free(l->intervals);
    free(l->snapshots);
    layers_free_changes(l->changes);
}

int layers_over_time(struct view *view, uint32_t process, uint64_t over_ns, json_t **out) {
    struct layers l = {.view = view,
                       .process = process,
                       .filter = {.band = -1, .layer = -1, .store.class_index = -1},
                       .over_ns = over_ns,
                       .interval_count = view->summary.last_ns / over_ns + 2,
                       .shows_superslabs = true,
                       .compares_nothing = true};
    int status = allocate_tallies(&l) ? layers_gather(&l) : VIEW_UNREADABLE;
    *out = status == 0 ? layers_json(&l) : NULL;
    free_layers(&l);
    return status;
}

int command_layers(struct view *view) {
    static struct layers l; /* its 40 KiB are too much for a stack of 64 */
    l.view = view;
    int status = view_open(view);
    if (status != 0)
        return status;
    if (!read_options(&l))
        return view_question_status();
    if (!allocate_tallies(&l))
        status = VIEW_UNREADABLE;
    if (status == 0)
        status = layers_gather(&l);
    if (status == 0) {
        view_start_pager(view);
        status = print(&l);
    }
    if (status == 0)
        status = answer_status(&l);
    free_layers(&l);
    return status;
}
