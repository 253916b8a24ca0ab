/* The tables of `layers`, by class or by time. */
#include "viewer/layers/counts.h"

#include "report/words/words.h"
#include "viewer/layers/changes.h"
#include "viewer/capture/capture.h"
#include "superslab.h"

/* ---- by class ----------------------------------------------------------------------------------
 */

/* Lists in `shown` the layers that get a column, those that served anything in this capture;
 * returns how many. */
static unsigned shown_layers(const struct layers *l, unsigned *shown) {
    unsigned count = 0;
    for (unsigned layer = 0; layer < HAK_LAYERS; layer++) {
        uint64_t any = 0;
        if (l->intervals)
            for (uint64_t i = 0; i < l->interval_count; i++)
                any |= l->intervals[i].sum[HAK_METRIC_SERVED_FIRST + layer];
        else
            any = layers_sum(l, HAK_METRIC_SERVED_FIRST + layer);
        if (any)
            shown[count++] = layer;
    }
    return count;
}

/* The headings of add_figures. */
static void add_headings(struct table *t, const unsigned *shown, unsigned layers) {
    for (unsigned i = 0; i < layers; i++)
        table_add_heading(t, layers_name(shown[i]));
    table_add_headings(t, "refills|blocks|spills|blocks|remote frees");
}

/* The cells of a row: each layer's share, refills, spills, remote frees. */
static void add_figures(struct table *t, const uint64_t *metrics, const unsigned *shown,
                        unsigned layers, uint64_t served) {
    struct layers_moves moves = layers_moves(metrics);
    for (unsigned i = 0; i < layers; i++)
        table_add_cell(t, layers_share(metrics[HAK_METRIC_SERVED_FIRST + shown[i]], served));
    table_add_count(t, moves.refills);
    table_add_count(t, moves.refill_blocks);
    table_add_count(t, moves.spills);
    table_add_count(t, moves.spill_blocks);
    table_add_count(t, metrics[HAK_METRIC_GIVEN_REMOTE]);
}

/* True when nothing was counted in the class. */
static bool is_empty(const struct layers *l, unsigned k) {
    for (unsigned m = 0; m <= HAK_METRIC_SLAB_RELEASE_TIMES; m++)
        if (l->all->cells[k][m])
            return false;
    return true;
}

/* Mallocs that layers served which this build does not know. */
static uint64_t served_by_unknown(const struct layers *l) {
    uint64_t sum = 0;
    for (unsigned k = 0; k < HAK_METRIC_CLASSES; k++)
        sum += layers_shows_class(l, k) ? l->all->unknown[k] : 0;
    return sum;
}

/* The table by class. */
static void add_classes(struct hak_text *text, const struct layers *l) {
    struct table t = {0};
    unsigned shown[HAK_LAYERS], layers = shown_layers(l, shown);
    uint64_t sums[HAK_METRICS], served = 0, unknown = served_by_unknown(l);
    table_add_headings(&t, "class|mallocs");
    if (unknown)
        table_add_heading(&t, "unknown layer");
    add_headings(&t, shown, layers);
    table_add_heading(&t, "slabs");
    for (unsigned k = 0; k < HAK_METRIC_CLASSES; k++) {
        if (!layers_shows_class(l, k) || is_empty(l, k))
            continue;
        uint64_t here = layers_served(l, k);
        table_add_cell(&t, layers_class_name(l, k));
        table_add_cell(&t, hak_words_number(here));
        if (unknown)
            table_add_cell(&t, layers_share(l->all->unknown[k], here));
        add_figures(&t, l->all->cells[k], shown, layers, here);
        table_add_count(&t, l->all->cells[k][HAK_METRIC_SLAB_ACQUIRE_TIMES]);
        served += here;
    }
    for (unsigned m = 0; m < HAK_METRICS; m++)
        sums[m] = layers_sum(l, m);
    table_add_cell(&t, "total");
    table_add_cell(&t, hak_words_number(served));
    if (unknown)
        table_add_cell(&t, layers_share(unknown, served));
    add_figures(&t, sums, shown, layers, served);
    table_add_count(&t, sums[HAK_METRIC_SLAB_ACQUIRE_TIMES]);
    table_append(text, &t, l->view);
}

/* ---- by time -----------------------------------------------------------------------------------
 */

/* True when something happened in the interval. */
static bool says_anything(const uint64_t *sum, uint64_t served) {
    struct layers_moves moves = layers_moves(sum);
    return served || moves.refill_blocks || moves.spill_blocks || sum[HAK_METRIC_GIVEN_REMOTE] ||
           sum[HAK_METRIC_SUPERSLAB_MAP_TIMES] || sum[HAK_METRIC_SUPERSLAB_UNMAP_TIMES];
}

/* Adds the interval's changes to how many SuperSlabs are in each state; returns whether there were
 * any. */
static bool add_states(int64_t *in_state, const struct layers_interval *interval) {
    bool has_any = false;
    for (unsigned state = 0; state < SUPERSLAB_STATES; state++) {
        in_state[state] += interval->state_change[state];
        has_any |= interval->state_change[state] != 0;
    }
    return has_any;
}

/* The table by interval; empty ones are left out. */
static void add_intervals(struct hak_text *text, const struct layers *l) {
    struct table t = {0};
    unsigned shown[HAK_LAYERS], layers = shown_layers(l, shown);
    table_add_headings(&t, "until|mallocs");
    add_headings(&t, shown, layers);
    table_add_heading(&t, "SuperSlabs");
    for (unsigned state = SUPERSLAB_FREE; l->has_states && state < SUPERSLAB_STATES; state++)
        table_add_heading(&t, layers_state_name(state));
    uint64_t mapped = 0;
    int64_t in_state[SUPERSLAB_STATES] = {0};
    for (uint64_t i = 0; i < l->interval_count; i++) {
        const uint64_t *sum = l->intervals[i].sum;
        uint64_t served = 0;
        for (unsigned layer = 0; layer < HAK_LAYERS; layer++)
            served += sum[HAK_METRIC_SERVED_FIRST + layer];
        bool has_changes = add_states(in_state, &l->intervals[i]);
        if (!says_anything(sum, served) && !has_changes)
            continue;
        mapped += sum[HAK_METRIC_SUPERSLAB_MAP_TIMES];
        uint64_t unmapped = sum[HAK_METRIC_SUPERSLAB_UNMAP_TIMES];
        mapped -= unmapped < mapped ? unmapped : mapped;
        table_add_cell(&t, hak_words_time((i + 1) * l->over_ns));
        table_add_cell(&t, hak_words_number(served));
        add_figures(&t, sum, shown, layers, served);
        table_add_cell(&t,
                       layers_shows_class(l, HAK_METRIC_NO_CLASS) ? hak_words_number(mapped) : "");
        for (unsigned state = SUPERSLAB_FREE; l->has_states && state < SUPERSLAB_STATES; state++)
            table_add_count(&t, in_state[state] > 0 ? (uint64_t)in_state[state] : 0);
    }
    table_append(text, &t, l->view);
    hak_text_add(text, l->is_from_log
                           ? "Each line is what the log has of that time. "
                           : "The growth from one snapshot to the next is spread over the "
                             "time between them. ");
    hak_text_add(text, "SuperSlabs: mapped then%s.\n",
                 l->has_states ? "; by tier and in the reserve as the log has it" : "");
}

void layers_add_text(struct hak_text *text, const struct layers *l) {
    if (l->shows_superslabs)
        layers_add_superslabs(text, l);
    else if (l->intervals)
        add_intervals(text, l);
    else
        add_classes(text, l);
    hak_text_add(text, "\n");
    layers_add_lines(text, l);
    view_add_completeness(text, l->view);
    hak_text_add(text, "\n");
}
