/* The text of `layers`: tables by class or by time, and the lines below them. */
#include "layers.h"

#include <stdlib.h>
#include <string.h>
#include "collector/words.h"
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

/* "98.91 %"; nothing where nothing is: a zero would be read as a little. */
static const char *share(uint64_t part, uint64_t whole) {
    static char text[4][32];
    static unsigned at;
    char *out = text[at++ % 4];
    if (part == 0 || whole == 0)
        return "";
    double percent = 100.0 * (double)part / (double)whole;
    if (percent < 0.005)
        snprintf(out, 32, "<0.01 %%");
    else
        snprintf(out, 32, "%.2f %%", percent > 99.994 && part < whole ? 99.99 : percent);
    return out;
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
        add_cell(t, share(metrics[HAK_METRIC_SERVED_FIRST + shown[i]], served));
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
        mapped -= sum[HAK_METRIC_SUPERSLAB_UNMAP_TIMES];
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

/* ---- the lines below ---------------------------------------------------------------------------
 */

static void add_total(struct hak_text *text, const struct layers *l) {
    uint64_t served = 0;
    for (unsigned k = 0; k < HAK_METRIC_CLASSES; k++)
        served += layers_served(l, k);
    if (l->is_from_log) {
        hak_text_add(text, "total  %s malloc, counted from the log%s.\n", hak_words_number(served),
                     l->with_counters ? "" : ": this capture has no counters");
        return;
    }
    if (!l->log_was_read || l->with_counters == l->without_last) {
        hak_text_add(text, "total  %s malloc counted; not compared with the log.\n",
                     hak_words_number(served));
    } else {
        hak_text_add(text, "total  %s malloc in the log %s %s counted", hak_words_number(l->logged),
                     layers_disagree(l) ? "is not" : "=",
                     hak_words_number(l->counted - l->cut_short));
        if (l->cut_short > 0)
            hak_text_add(text, ", beside %s that the end of its process cut short",
                         hak_words_number(l->cut_short));
        hak_text_add(text, "%s.\n",
                     !layers_disagree(l)                   ? ""
                     : l->view->summary.lost_events > 0    ? "; events were lost"
                     : l->view->summary.trimmed_events > 0 ? "; the oldest events were dropped"
                                                           : ": one of the two is wrong");
    }
    if (l->without_last > 0)
        hak_text_add(text,
                     "       %s without counters of %s end: what the last snapshot before it says "
                     "is shown, and not compared.\n",
                     hak_words_count(l->without_last, "process", "processes"),
                     l->without_last == 1 ? "its" : "their");
}

static void add_stage_shares(struct hak_text *text, const struct layers *l, uint64_t taken,
                             uint64_t reserve, uint64_t mapped) {
    const char *own = share(taken - reserve - mapped, taken), *new = share(mapped, taken);
    if (l->is_from_log) {
        hak_text_add(text,
                     ". Stages: free slab of an own SuperSlab or SuperSlab of the reserve %s, "
                     "SuperSlab mapped %s",
                     own[0] ? own : "0 %", new[0] ? new : "0 %");
        return;
    }
    const char *kept = share(reserve, taken);
    hak_text_add(text,
                 ". Stages: free slab of an own SuperSlab %s, SuperSlab of the reserve %s, "
                 "SuperSlab mapped %s",
                 own[0] ? own : "0 %", kept[0] ? kept : "0 %", new[0] ? new : "0 %");
}

static void add_stages(struct hak_text *text, const struct layers *l) {
    uint64_t taken = layers_sum(l, HAK_METRIC_SLAB_ACQUIRE_TIMES);
    uint64_t reserve = layers_sum(l, HAK_METRIC_RESERVE_TAKE_TIMES);
    uint64_t mapped = layers_sum(l, HAK_METRIC_SUPERSLAB_MAP_TIMES);
    uint64_t unmapped = layers_sum(l, HAK_METRIC_SUPERSLAB_UNMAP_TIMES);
    uint64_t fetched = reserve + mapped;
    if (taken == 0 || !layers_shows_class(l, HAK_METRIC_NO_CLASS) || l->filter.band >= 0)
        return;
    hak_text_add(text, "Slabs  %s taken, %s given back", hak_words_number(taken),
                 hak_words_number(layers_sum(l, HAK_METRIC_SLAB_RELEASE_TIMES)));
    if (taken >= fetched)
        add_stage_shares(text, l, taken, reserve, mapped);
    hak_text_add(text, ".\nSuperSlabs  %s mapped, %s unmapped, %s adopted",
                 hak_words_number(mapped), hak_words_number(unmapped),
                 hak_words_number(layers_sum(l, HAK_METRIC_SUPERSLAB_ADOPT_TIMES)));
    if (!l->is_from_log)
        hak_text_add(text, "; reserve: %s in, %s out",
                     hak_words_number(layers_sum(l, HAK_METRIC_RESERVE_KEEP_TIMES)),
                     hak_words_number(reserve));
    hak_text_add(text, ".\n");
    uint64_t looks = layers_sum(l, HAK_METRIC_SLAB_LOOK_TIMES);
    if (looks > 0)
        hak_text_add(text, "Refill  %.2f slabs looked at for each.\n",
                     (double)layers_sum(l, HAK_METRIC_SLAB_LOOK_AMOUNT) / (double)looks);
}

static void add_pages(struct hak_text *text, const struct layers *l) {
    static const struct {
        const char *name;
        unsigned metric;
    } calls[] = {{"mmap", HAK_METRIC_PAGES_MAP_TIMES},
                 {"munmap", HAK_METRIC_PAGES_UNMAP_TIMES},
                 {"madvise", HAK_METRIC_PAGES_ADVISE_TIMES},
                 {"mremap", HAK_METRIC_PAGES_REMAP_TIMES}};
    const uint64_t *none = l->all->cells[HAK_METRIC_NO_CLASS];
    if (l->is_from_log || !layers_shows_class(l, HAK_METRIC_NO_CLASS))
        return;
    hak_text_add(text, "Pages ");
    for (unsigned i = 0; i < sizeof calls / sizeof calls[0]; i++)
        hak_text_add(text, "%s %s %s (%s)", i ? "," : "", hak_words_number(none[calls[i].metric]),
                     calls[i].name, hak_words_size(none[calls[i].metric + 1]));
    hak_text_add(text, "; large blocks: %s mapped, %s unmapped.\n",
                 hak_words_number(none[HAK_METRIC_LARGE_MAP_TIMES]),
                 hak_words_number(none[HAK_METRIC_LARGE_UNMAP_TIMES]));
}

void layers_add_text(struct hak_text *text, const struct layers *l) {
    if (l->intervals)
        add_intervals(text, l);
    else
        add_classes(text, l);
    hak_text_add(text, "\n");
    add_total(text, l);
    if (!l->intervals) {
        add_stages(text, l);
        add_pages(text, l);
    }
    view_add_completeness(text, l->view);
    hak_text_add(text, "\n");
}
