/* The document of `layers --json`. */
#include "viewer/layers/counts.h"
#include "viewer/layers/changes.h"

#include "report/words/words.h"
#include "viewer/capture/capture.h"
#include "superslab.h"

/* Every metric that is not 0, under its name in the store, as JSON. */
static json_t *metrics_json(const uint64_t *metrics) {
    json_t *object = json_object();
    for (unsigned m = 0; m < HAK_METRICS; m++)
        if (metrics[m])
            hak_json_set(object, NUMBER(hak_metric_name(m), metrics[m]));
    return object;
}

static json_t *class_json(const struct layers *l, unsigned k) {
    json_t *object = json_object();
    bool is_class = k < HAK_CLASSES;
    return hak_json_set(
        object,
        WORD("class", hak_words_class(l->view->reader, is_class ? k : (unsigned)HAK_CLASS_NONE)),
        KNOWN("slot_bytes", is_class, hak_words_slot_bytes(l->view->reader, k)),
        NUMBER("mallocs", layers_served(l, k)), JSON("metrics", metrics_json(l->all->cells[k])));
}

static json_t *classes_json(const struct layers *l) {
    json_t *list = json_array();
    for (unsigned k = 0; k < HAK_METRIC_CLASSES; k++) {
        json_t *object = layers_shows_class(l, k) ? class_json(l, k) : NULL;
        if (object && json_object_size(json_object_get(object, "metrics")) > 0)
            json_array_append(list, object);
        json_decref(object);
    }
    return list;
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

static json_t *hits_json(const struct layers *l) {
    json_t *list = json_array();
    for (unsigned layer = 0; layer < HAK_LAYERS; layer++) {
        struct layers_hits hits = layers_hits(l, layer);
        if (hits.asked == 0)
            continue;
        hak_json_add(list, WORD("layer", layers_name(layer)), NUMBER("hits", hits.hits),
                     NUMBER("asked", hits.asked));
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

/* How many SuperSlabs were in which state at the end of the interval. */
static json_t *states_json(int64_t *in_state, const struct layers_interval *interval) {
    json_t *object = json_object();
    for (unsigned state = 0; state < SUPERSLAB_STATES; state++) {
        in_state[state] += interval->state_change[state];
        if (state != SUPERSLAB_GONE)
            hak_json_set(object, NUMBER(layers_state_name(state),
                                        in_state[state] > 0 ? (uint64_t)in_state[state] : 0));
    }
    return object;
}

static json_t *intervals_json(const struct layers *l) {
    json_t *list = json_array();
    int64_t in_state[SUPERSLAB_STATES] = {0};
    for (uint64_t i = 0; i < l->interval_count; i++) {
        if (!l->intervals[i].has_any)
            continue;
        hak_json_add(list, NUMBER("from_ns", i * l->over_ns), NUMBER("to_ns", (i + 1) * l->over_ns),
                     JSON("metrics", metrics_json(l->intervals[i].sum)),
                     JSON("superslabs", states_json(in_state, &l->intervals[i])));
    }
    return list;
}

json_t *layers_json(const struct layers *l) {
    json_t *document = view_json_document(l->view), *compared = json_object();
    bool has_both = l->log_was_read && l->with_counters > 0;
    hak_json_set(document, WORD("source", l->is_from_log ? "log" : "counters"));
    hak_json_set(compared, KNOWN("counted", l->with_counters, l->counted),
                 KNOWN("logged", has_both, l->logged), NUMBER("cut_short", l->cut_short),
                 JSON("agree", has_both ? json_boolean(!layers_disagree(l)) : json_null()),
                 NUMBER("without_last_counters", l->without_last));
    hak_json_set(
        document, JSON("mallocs", compared), JSON("classes", classes_json(l)),
        JSON("hits", hits_json(l)), JSON("stages", stages_json(l)),
        JSON("changes", l->changes ? layers_changes_json(l, l->shows_superslabs) : json_null()),
        JSON("processes", processes_json(l)));
    if (l->intervals)
        hak_json_set(document, JSON("over", intervals_json(l)));
    return hak_json_set(document, JSON("completeness", view_completeness_json(l->view)));
}
