/* The tables of `layers`, by class or by time. */
#include "layers.h"

#include <stdlib.h>
#include <string.h>
#include "report/words.h"
#include "superslab.h"

#define COLUMNS_MAX (HAK_LAYERS + 12)

/* Columns that fit their widest cell; numbers stand at the right, the first column at the left. */
struct table {
    char **cell;
    size_t count, capacity;
    int columns;
    bool failed;
};

static void add_cell(struct table *t, const char *text) {
    if (t->count == t->capacity) {
        size_t wanted = t->capacity ? 2 * t->capacity : 256;
        char **more = realloc((void *)t->cell, wanted * sizeof *more);
        if (!more) {
            t->failed = true;
            return;
        }
        t->cell = more;
        t->capacity = wanted;
    }
    t->cell[t->count] = strdup(text);
    t->failed |= !t->cell[t->count++];
}

static void add_heading(struct table *t, const char *text) {
    add_cell(t, text);
    t->columns++;
}

/* How many blanks stand before a cell, so that numbers end where their column does; blanks at the
 * end of a line are kept until something follows. */
static void add_line(struct hak_text *text, const struct table *t, size_t first,
                     const size_t *width) {
    int column_end = 0;
    for (size_t i = 0; i < (size_t)t->columns; i++) {
        const char *cell = t->cell[first + i];
        column_end += (int)width[i] + (i > 0 ? 2 : 0);
        if (cell[0] && i > 0)
            hak_text_tab(text, column_end - (int)strlen(cell));
        hak_text_add(text, "%s", cell);
    }
}

static void print_table(struct hak_text *text, struct table *t, const struct view *view) {
    size_t width[COLUMNS_MAX] = {0};
    for (size_t i = 0; i < t->count && !t->failed; i++) {
        size_t *w = &width[i % (size_t)t->columns], length = strlen(t->cell[i]);
        *w = length > *w ? length : *w;
    }
    for (size_t i = 0; i < t->count && !t->failed; i += (size_t)t->columns) {
        hak_text_add(text, "%s", i == 0 ? view_style(view, VIEW_BOLD) : "");
        add_line(text, t, i, width);
        hak_text_add(text, "%s\n", i == 0 ? view_style(view, VIEW_PLAIN) : "");
    }
    text->failed |= t->failed;
    for (size_t i = 0; i < t->count; i++)
        free(t->cell[i]);
    free((void *)t->cell);
}

static const char *count_or_nothing(uint64_t value) {
    return value ? hak_words_number(value) : "";
}

/* ---- by class ----------------------------------------------------------------------------------
 */

/* Layers that served nothing in this capture have no column. */
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

static void add_headings(struct table *t, const unsigned *shown, unsigned layers) {
    for (unsigned i = 0; i < layers; i++)
        add_heading(t, layers_name(shown[i]));
    static const char *const others[] = {"refills", "blocks", "spills", "blocks", "remote frees"};
    for (unsigned i = 0; i < sizeof others / sizeof others[0]; i++)
        add_heading(t, others[i]);
}

static void add_figures(struct table *t, const uint64_t *metrics, const unsigned *shown,
                        unsigned layers, uint64_t served) {
    struct layers_moves moves = layers_moves(metrics);
    for (unsigned i = 0; i < layers; i++)
        add_cell(t, layers_share(metrics[HAK_METRIC_SERVED_FIRST + shown[i]], served));
    add_cell(t, count_or_nothing(moves.refills));
    add_cell(t, count_or_nothing(moves.refill_blocks));
    add_cell(t, count_or_nothing(moves.spills));
    add_cell(t, count_or_nothing(moves.spill_blocks));
    add_cell(t, count_or_nothing(metrics[HAK_METRIC_GIVEN_REMOTE]));
}

static bool is_empty(const struct layers *l, unsigned k) {
    for (unsigned m = 0; m <= HAK_METRIC_SLAB_RELEASE_TIMES; m++)
        if (l->all->cells[k][m])
            return false;
    return true;
}

static void add_class_name(struct table *t, const struct layers *l, unsigned k) {
    char name[64];
    if (k == HAK_METRIC_NO_CLASS)
        snprintf(name, sizeof name, "large");
    else
        snprintf(name, sizeof name, "%s %s B", hak_words_class(l->view->reader, k),
                 hak_words_number(hak_words_slot_bytes(l->view->reader, k)));
    add_cell(t, name);
}

static void add_classes(struct hak_text *text, const struct layers *l) {
    struct table t = {0};
    unsigned shown[HAK_LAYERS], layers = shown_layers(l, shown);
    uint64_t sums[HAK_METRICS], served = 0;
    add_heading(&t, "class");
    add_heading(&t, "mallocs");
    add_headings(&t, shown, layers);
    add_heading(&t, "slabs");
    for (unsigned k = 0; k < HAK_METRIC_CLASSES; k++) {
        if (!layers_shows_class(l, k) || is_empty(l, k))
            continue;
        uint64_t here = layers_served(l, k);
        add_class_name(&t, l, k);
        add_cell(&t, hak_words_number(here));
        add_figures(&t, l->all->cells[k], shown, layers, here);
        add_cell(&t, count_or_nothing(l->all->cells[k][HAK_METRIC_SLAB_ACQUIRE_TIMES]));
        served += here;
    }
    for (unsigned m = 0; m < HAK_METRICS; m++)
        sums[m] = layers_sum(l, m);
    add_cell(&t, "total");
    add_cell(&t, hak_words_number(served));
    add_figures(&t, sums, shown, layers, served);
    add_cell(&t, count_or_nothing(sums[HAK_METRIC_SLAB_ACQUIRE_TIMES]));
    print_table(text, &t, l->view);
}

/* ---- by time -----------------------------------------------------------------------------------
 */

static bool says_anything(const uint64_t *sum, uint64_t served) {
    struct layers_moves moves = layers_moves(sum);
    return served || moves.refill_blocks || moves.spill_blocks || sum[HAK_METRIC_GIVEN_REMOTE] ||
           sum[HAK_METRIC_SUPERSLAB_MAP_TIMES] || sum[HAK_METRIC_SUPERSLAB_UNMAP_TIMES];
}

static void add_intervals(struct hak_text *text, const struct layers *l) {
    struct table t = {0};
    unsigned shown[HAK_LAYERS], layers = shown_layers(l, shown);
    add_heading(&t, "until");
    add_heading(&t, "mallocs");
    add_headings(&t, shown, layers);
    add_heading(&t, "SuperSlabs");
    uint64_t mapped = 0;
    for (uint64_t i = 0; i < l->interval_count; i++) {
        const uint64_t *sum = l->intervals[i].sum;
        uint64_t served = 0;
        for (unsigned layer = 0; layer < HAK_LAYERS; layer++)
            served += sum[HAK_METRIC_SERVED_FIRST + layer];
        if (!says_anything(sum, served))
            continue;
        mapped += sum[HAK_METRIC_SUPERSLAB_MAP_TIMES];
        uint64_t unmapped = sum[HAK_METRIC_SUPERSLAB_UNMAP_TIMES];
        mapped -= unmapped < mapped ? unmapped : mapped;
        add_cell(&t, hak_words_time((i + 1) * l->over_ns));
        add_cell(&t, hak_words_number(served));
        add_figures(&t, sum, shown, layers, served);
        add_cell(&t, layers_shows_class(l, HAK_METRIC_NO_CLASS) ? hak_words_number(mapped) : "");
    }
    print_table(text, &t, l->view);
    hak_text_add(text, l->is_from_log
                           ? "Each line is what the log has of that time. "
                           : "What a snapshot has more than the one before it is spread over the "
                             "time between them. ");
    hak_text_add(text, "SuperSlabs: mapped then.\n");
}

void layers_add_text(struct hak_text *text, const struct layers *l) {
    if (l->intervals)
        add_intervals(text, l);
    else
        add_classes(text, l);
    hak_text_add(text, "\n");
    layers_add_lines(text, l);
    view_add_completeness(text, l->view);
    hak_text_add(text, "\n");
}
