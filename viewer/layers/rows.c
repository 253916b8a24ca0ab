/* Declares the rows of `layers`, by class and by time, and puts the page and the document together.
 */
#include "viewer/layers/counts.h"

#include <jansson.h>
#include "report/words/words.h"
#include "viewer/layers/changes.h"
#include "viewer/capture/capture.h"
#include "superslab.h"

/* Adds the headings of the layers that served anything in this capture, with bars between. */
static void add_layers(struct hak_text *text, const struct layers *l, uint64_t *any) {
    for (unsigned layer = 0; layer < HAK_LAYERS; layer++) {
        for (uint64_t i = 0; l->intervals && i < l->interval_count; i++)
            any[layer] |= l->intervals[i].sum[HAK_METRIC_SERVED_FIRST + layer];
        if (!l->intervals)
            any[layer] = layers_sum(l, HAK_METRIC_SERVED_FIRST + layer);
        if (any[layer])
            hak_text_add(text, "%s%s", text->length ? "|" : "", layers_name(layer));
    }
}

/* Adds what share of `served` each of these layers has. */
static void add_shares(struct hak_text *text, const uint64_t *any, const uint64_t *metrics,
                       uint64_t served) {
    const char *between = "";
    for (unsigned layer = 0; layer < HAK_LAYERS; layer++) {
        if (!any[layer])
            continue;
        hak_text_add(text, "%s%s", between,
                     layers_share(metrics[HAK_METRIC_SERVED_FIRST + layer], served));
        between = "|";
    }
}

/* The cells that rows by class and by time have. `shown`: the headings of add_layers. */
#define FIGURES(shown, any, metrics, served, moves)                                                \
    MADE(shown, add_shares, any, metrics, served),                                                 \
        FIGURE("refills", answer_count, (moves).refills),                                          \
        FIGURE("blocks", answer_count, (moves).refill_blocks),                                     \
        FIGURE("spills", answer_count, (moves).spills),                                            \
        FIGURE("blocks", answer_count, (moves).spill_blocks),                                      \
        FIGURE("remote frees", answer_count, (metrics)[HAK_METRIC_GIVEN_REMOTE])

/* Every metric that is not 0, under its name in the store, as JSON. */
static json_t *metrics_json(const uint64_t *metrics) {
    json_t *object = json_object();
    for (unsigned m = 0; m < HAK_METRICS; m++)
        if (metrics[m])
            hak_json_set(object, NUMBER(hak_metric_name(m), metrics[m]));
    return object;
}

/* ---- by class ----------------------------------------------------------------------------------
 */

/* True when none of the first `count` metrics was counted. */
static bool is_empty(const uint64_t *metrics, unsigned count) {
    for (unsigned m = 0; m < count; m++)
        if (metrics[m])
            return false;
    return true;
}

/* A row for each class in which anything was counted; in text the total, too. */
static struct answer classes_of(const struct layers *l, bool is_list) {
    struct answer answer = answer_begin(l->view, is_list);
    struct hak_text layers = {0};
    uint64_t any[HAK_LAYERS] = {0}, sums[HAK_METRICS], all = 0, unknown = 0;
    add_layers(&layers, l, any);
    for (unsigned m = 0; m < HAK_METRICS; m++)
        sums[m] = layers_sum(l, m);
    for (unsigned k = 0; k < HAK_METRIC_CLASSES; k++)
        unknown += layers_shows_class(l, k) ? l->all->unknown[k] : 0;
    for (unsigned k = 0; k < HAK_METRIC_CLASSES + (is_list ? 0u : 1u); k++) {
        bool is_sum = k == HAK_METRIC_CLASSES, is_class = k < HAK_CLASSES;
        const uint64_t *metrics = is_sum ? sums : l->all->cells[k];
        if (!is_sum &&
            (!layers_shows_class(l, k) ||
             is_empty(metrics, is_list ? HAK_METRICS : HAK_METRIC_SLAB_RELEASE_TIMES + 1)))
            continue;
        uint64_t served = is_sum ? all : layers_served(l, k);
        struct layers_moves moves = layers_moves(metrics);
        answer_row(&answer,
                   DATA(WORD("class", hak_words_class(l->view->reader,
                                                      is_class ? k : (unsigned)HAK_CLASS_NONE))),
                   CELL("class", is_sum ? "total" : layers_class_name(l, k)),
                   DATA(KNOWN("slot_bytes", is_class, hak_words_slot_bytes(l->view->reader, k))),
                   AMOUNT("mallocs", "mallocs", served),
                   CELL(unknown ? "unknown layer" : NULL,
                        layers_share(is_sum ? unknown : l->all->unknown[k], served)),
                   FIGURES(layers.bytes, any, metrics, served, moves),
                   FIGURE("slabs", answer_count, metrics[HAK_METRIC_SLAB_ACQUIRE_TIMES]),
                   DATA_OF("metrics", metrics_json(metrics)));
        all += served;
    }
    hak_text_free(&layers);
    return answer;
}

/* ---- by time -----------------------------------------------------------------------------------
 */

/* Counts the interval's changes to how many SuperSlabs are in each state; returns whether there
 * were any. */
static bool count_states(int64_t *in_state, const struct layers_interval *interval) {
    bool has_any = false;
    for (unsigned state = 0; state < SUPERSLAB_STATES; state++) {
        in_state[state] += interval->state_change[state];
        has_any |= interval->state_change[state] != 0;
    }
    return has_any;
}

static uint64_t in_state_now(const int64_t *in_state, unsigned state) {
    return in_state[state] > 0 ? (uint64_t)in_state[state] : 0;
}

static json_t *states_json(const int64_t *in_state) {
    json_t *object = json_object();
    for (unsigned state = SUPERSLAB_FREE; state < SUPERSLAB_STATES; state++)
        hak_json_set(object, NUMBER(layers_state_name(state), in_state_now(in_state, state)));
    return object;
}

/* True when something happened in the interval. */
static bool says_anything(const uint64_t *sum, uint64_t served) {
    struct layers_moves moves = layers_moves(sum);
    return served || moves.refill_blocks || moves.spill_blocks || sum[HAK_METRIC_GIVEN_REMOTE] ||
           sum[HAK_METRIC_SUPERSLAB_MAP_TIMES] || sum[HAK_METRIC_SUPERSLAB_UNMAP_TIMES];
}

/* A cell for the SuperSlabs in a state at the end of the interval, where the log has states. */
#define IN_STATE(state)                                                                            \
    FIGURE(l->has_states ? layers_state_name(state) : NULL, answer_count,                          \
           in_state_now(in_state, state))

/* A row for each interval in which something happened. */
static struct answer intervals_of(const struct layers *l, bool is_list) {
    struct answer answer = answer_begin(l->view, is_list);
    struct hak_text layers = {0};
    uint64_t any[HAK_LAYERS] = {0}, mapped = 0;
    int64_t in_state[SUPERSLAB_STATES] = {0};
    add_layers(&layers, l, any);
    for (uint64_t i = 0; i < l->interval_count; i++) {
        const uint64_t *sum = l->intervals[i].sum;
        uint64_t served = 0;
        for (unsigned layer = 0; layer < HAK_LAYERS; layer++)
            served += sum[HAK_METRIC_SERVED_FIRST + layer];
        bool has_changes = count_states(in_state, &l->intervals[i]);
        answer.has_no_row = i + 1 == l->interval_count && !answer.rows;
        if (is_list ? !l->intervals[i].has_any
                    : !says_anything(sum, served) && !has_changes && !answer.has_no_row)
            continue;
        mapped += sum[HAK_METRIC_SUPERSLAB_MAP_TIMES];
        uint64_t unmapped = sum[HAK_METRIC_SUPERSLAB_UNMAP_TIMES];
        mapped -= unmapped < mapped ? unmapped : mapped;
        struct layers_moves moves = layers_moves(sum);
        answer_row(&answer, DATA(NUMBER("from_ns", i * l->over_ns)),
                   UNIT("until", hak_words_time, "to_ns", (i + 1) * l->over_ns),
                   FIGURE("mallocs", hak_words_number, served),
                   FIGURES(layers.bytes, any, sum, served, moves),
                   CELL("SuperSlabs",
                        layers_shows_class(l, HAK_METRIC_NO_CLASS) ? hak_words_number(mapped) : ""),
                   IN_STATE(SUPERSLAB_FREE), IN_STATE(SUPERSLAB_DRAINING), IN_STATE(SUPERSLAB_HOT),
                   IN_STATE(SUPERSLAB_RESERVE), DATA_OF("metrics", metrics_json(sum)),
                   DATA_OF("superslabs", states_json(in_state)));
    }
    hak_text_free(&layers);
    return answer;
}

/* ---- the page and the document -----------------------------------------------------------------
 */

void layers_add_text(struct hak_text *text, const struct layers *l) {
    struct answer answer = l->shows_superslabs ? layers_superslabs_of(l, false)
                           : l->intervals      ? intervals_of(l, false)
                                               : classes_of(l, false);
    answer_print(text, &answer);
    if (l->intervals && !l->shows_superslabs) {
        hak_text_add(text, l->is_from_log
                               ? "Each line is what the log has of that time. "
                               : "The growth from one snapshot to the next is spread over the "
                                 "time between them. ");
        hak_text_add(text, "SuperSlabs: mapped then%s.\n",
                     l->has_states ? "; by tier and in the reserve as the log has it" : "");
    }
    hak_text_add(text, "\n");
    layers_add_lines(text, l);
    view_add_completeness(text, l->view);
    hak_text_add(text, "\n");
}

/* The processes, with both counts where they are known. */
static json_t *processes_json(const struct layers *l) {
    json_t *list = json_array();
    for (uint32_t row = 0; row < l->process_rows; row++) {
        const struct layers_process *p = &l->processes[row];
        if (!p->has_counters && p->logged == 0)
            continue;
        hak_json_add(list, NUMBER("id", row), NUMBER("pid", hak_lookup_pid(l->view->reader, row)),
                     KNOWN("counted", p->has_counters, p->counted),
                     KNOWN("logged", l->log_was_read, p->logged),
                     FLAG("has_last_counters", p->has_last));
    }
    return list;
}

/* The stages of slabs; null: not known. */
static json_t *stages_json(const struct layers *l) {
    struct layers_stages stages = layers_stages(l);
    if (!stages.is_known)
        return json_null();
    return hak_json_object(NUMBER("taken", stages.taken), NUMBER("stage_1", stages.empty),
                           NUMBER("stage_2", stages.unused), NUMBER("stage_3", stages.mapped));
}

json_t *layers_json(const struct layers *l) {
    json_t *document = view_json_document(l->view), *compared = json_object();
    bool has_both = l->log_was_read && l->with_counters > 0;
    hak_json_set(document, WORD("source", l->is_from_log ? "log" : "counters"));
    hak_json_set(compared, KNOWN("counted", l->with_counters, l->counted),
                 KNOWN("logged", has_both, l->logged), NUMBER("cut_short", l->cut_short),
                 JSON("agree", has_both ? json_boolean(!layers_disagree(l)) : json_null()),
                 NUMBER("without_last_counters", l->without_last));
    hak_json_set(document, JSON("mallocs", compared), JSON("classes", classes_of(l, true).list),
                 JSON("hits", layers_hits_of(l, true).list), JSON("stages", stages_json(l)),
                 JSON("changes", l->changes ? layers_changes_json(l) : json_null()),
                 JSON("processes", processes_json(l)));
    if (l->intervals)
        hak_json_set(document, JSON("over", intervals_of(l, true).list));
    return hak_json_set(document, JSON("completeness", view_completeness_json(l->view)));
}
