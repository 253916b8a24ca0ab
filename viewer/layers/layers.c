/* `layers`: what each layer served, by the program's counters, compared with the log. */
#include "viewer/layers/layers.h"
#include "viewer/layers/counts.h"
#include "viewer/layers/changes.h"

#include <sqlite3.h>
#include <stdlib.h>
#include <string.h>
#include "report/words/words.h"
#include "viewer/capture/capture.h"
#include "superslab.h"

static const char *const layer_names[HAK_LAYERS] = {
#define LAYER(name, number, text, sentence) [number] = text,
#include "hops.def"
};

const char *layers_name(unsigned layer) {
    return layer < HAK_LAYERS ? layer_names[layer] : "";
}

bool layers_shows_class(const struct layers *l, unsigned metric_class) {
    uint64_t slot_bytes;
    unsigned band;
    bool is_class = metric_class < HAK_CLASSES;
    if (l->filter.store.class_index >= 0)
        return is_class ? l->filter.store.class_index == (int)metric_class
                        : l->filter.store.class_index == HAK_CLASS_NONE;
    return l->filter.band < 0 ||
           (is_class && hak_store_class(l->view->reader, metric_class, &slot_bytes, &band) &&
            (int)band == l->filter.band);
}

bool layers_shows_all(const struct layers *l) {
    return l->filter.store.class_index < 0 && l->filter.band < 0;
}

const char *layers_class_name(const struct layers *l, unsigned metric_class) {
    static char name[64];
    if (metric_class == HAK_METRIC_NO_CLASS)
        return "large";
    snprintf(name, sizeof name, "%s %s B", hak_words_class(l->view->reader, metric_class),
             hak_words_number(hak_words_slot_bytes(l->view->reader, metric_class)));
    return name;
}

uint64_t layers_sum(const struct layers *l, unsigned metric) {
    uint64_t sum = 0;
    for (unsigned k = 0; k < HAK_METRIC_CLASSES; k++)
        if (layers_shows_class(l, k))
            sum += l->all->cells[k][metric];
    return sum;
}

uint64_t layers_served(const struct layers *l, unsigned metric_class) {
    uint64_t sum = l->all->unknown[metric_class];
    for (unsigned layer = 0; layer < HAK_LAYERS; layer++)
        sum += l->all->cells[metric_class][HAK_METRIC_SERVED_FIRST + layer];
    return sum;
}

#define IN(place) (1u << HAK_PLACE_##place)
static const struct {
    unsigned from, to, blocks;
} moves[] = {
#define CALL(name, number, from_set, to_set, sentence)
#define HOP(name, number, from_set, to_set, sentence)                                              \
    {from_set, to_set, HAK_METRIC_##name##_BLOCKS},
#include "hops.def"
};

struct layers_moves layers_moves(const uint64_t *metrics) {
    struct layers_moves sum = {0};
    for (size_t i = 0; i < sizeof moves / sizeof moves[0]; i++) {
        uint64_t blocks = metrics[moves[i].blocks], runs = metrics[moves[i].blocks + 1];
        bool is_drain = moves[i].from == IN(REMOTE);
        bool is_spill = moves[i].to == IN(SLAB) && !is_drain;
        bool is_refill = (moves[i].from & IN(SLAB)) && moves[i].to != IN(SLAB);
        sum.refills += is_refill ? runs : 0;
        sum.refill_blocks += is_refill ? blocks : 0;
        sum.spills += is_spill ? runs : 0;
        sum.spill_blocks += is_spill ? blocks : 0;
    }
    return sum;
}
#undef IN

bool layers_disagree(const struct layers *l) {
    return l->log_was_read && l->differing > 0;
}

/* ---- the command -------------------------------------------------------------------------------
 */

static uint32_t highest_process(struct view *view) {
    sqlite3_stmt *query = NULL;
    sqlite3_int64 highest = 0;
    if (sqlite3_prepare_v2(hak_store_database(view->reader), "SELECT max(id) FROM process", -1,
                           &query, NULL) == SQLITE_OK &&
        sqlite3_step(query) == SQLITE_ROW)
        highest = sqlite3_column_int64(query, 0);
    sqlite3_finalize(query);
    /* Ids count from 1 without gaps. */
    return highest > 0 && highest <= (sqlite3_int64)view->summary.processes
               ? (uint32_t)highest
               : view->summary.processes;
}

static bool read_over(struct layers *l) {
    const char *value = view_value(l->view, "over");
    uint64_t id = 0;
    if (!value)
        return true;
    if (!view_when("over", value, &l->over_ns, &id))
        return false;
    if (id || l->over_ns == 0) {
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
    return view_process(l->view, &l->process) &&
           (!class_text || event_filter_read_class(l->view, class_text, &l->filter)) &&
           read_over(l);
}

static bool make_room(struct layers *l) {
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

static bool is_nothing(const struct layers *l) {
    if (l->shows_superslabs)
        return l->changes->count == 0;
    for (unsigned m = 0; m < HAK_METRICS; m++)
        if (layers_sum(l, m))
            return false;
    return true;
}

static void say_nothing_found(const struct layers *l) {
    struct hak_text text = {0};
    hak_text_add(&text,
                 l->shows_superslabs ? "no SuperSlab came or went" : "no layer did anything");
    event_filter_words(&text, l->view);
    hak_text_add(&text, " in ");
    view_add_extent(&text, l->view);
    view_error("%s", text.bytes ? text.bytes : "");
    hak_text_free(&text);
}

static int print(struct layers *l) {
    struct hak_text text = {0};
    if (is_nothing(l) && !l->view->json)
        say_nothing_found(l);
    if (l->view->json)
        return view_print_json(hak_json_print(layers_json(l))) ? 0 : VIEW_UNREADABLE;
    layers_add_text(&text, l);
    return view_print(&text) ? 0 : VIEW_UNREADABLE;
}

static int answer_status(const struct layers *l) {
    int complete = view_completeness(l->view);
    if (complete != VIEW_OK)
        return complete;
    if (layers_disagree(l))
        return VIEW_FAULT;
    return l->without_last > 0 ? VIEW_INCOMPLETE : VIEW_OK;
}

int command_layers(struct view *view) {
    struct layers l = {.view = view};
    int status = view_open(view);
    if (status != 0)
        return status;
    if (!read_options(&l))
        return VIEW_USAGE;
    if (!make_room(&l))
        status = VIEW_UNREADABLE;
    if (status == 0)
        status = layers_gather(&l);
    if (status == 0) {
        view_start_pager(view);
        status = print(&l);
    }
    if (status == 0)
        status = answer_status(&l);
    free(l.all);
    free(l.processes);
    free(l.intervals);
    free(l.snapshots);
    layers_free_changes(l.changes);
    return status;
}
