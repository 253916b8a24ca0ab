/* The lines below the tables of `layers`: do counters and log agree, hits, moves, stages, page
 * calls.
 */
#include "layers.h"

#include "report/words.h"
#include "superslab.h"

const char *layers_share(uint64_t part, uint64_t whole) {
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

/* Of the mallocs that a front could have had. */
static void add_hits(struct hak_text *text, const struct layers *l) {
    uint64_t hits =
        layers_sum(l, HAK_METRIC_SERVED_FRONT) + layers_sum(l, HAK_METRIC_SERVED_MAGAZINE);
    uint64_t all = 0;
    for (unsigned layer = 0; layer < HAK_LAYERS; layer++)
        all += layer == HAK_LAYER_LARGE ? 0 : layers_sum(l, HAK_METRIC_SERVED_FIRST + layer);
    if (all > 0)
        hak_text_add(text, "Front  %s (%s), %s.\n", hak_words_count(hits, "hit", "hits"),
                     hits ? layers_share(hits, all) : "0 %",
                     hak_words_count(all - hits, "miss", "misses"));
}

/* Blocks by where they went: "1,047 to front, 3 to remote". */
static void add_given(struct hak_text *text, const struct layers *l) {
    static const char *const places[HAK_PLACE_COUNT] = {
#define PLACE(name, number, place_text, sentence) [number] = place_text,
#include "hops.def"
    };
    const char *between = "Freed  ";
    for (unsigned place = 0; place < HAK_PLACE_COUNT; place++) {
        uint64_t blocks = layers_sum(l, HAK_METRIC_GIVEN_FIRST + place);
        if (blocks == 0)
            continue;
        hak_text_add(text, "%s%s to %s", between, hak_words_number(blocks), places[place]);
        between = ", ";
    }
    uint64_t resized = layers_sum(l, HAK_METRIC_RESIZED);
    if (resized > 0)
        hak_text_add(text, "%s%s resized where they were", between[0] == ',' ? "; " : between,
                     hak_words_number(resized));
    if (between[0] == ',' || resized > 0)
        hak_text_add(text, ".\n");
}

static void add_moves(struct hak_text *text, const struct layers *l) {
    static const struct {
        const char *name;
        unsigned blocks;
    } moves[] = {
#define CALL(name, number, from, to, sentence)
#define HOP(name, number, from, to, sentence) {#name, HAK_METRIC_##name##_BLOCKS},
#include "hops.def"
    };
    const char *between = "Moves  ";
    for (size_t i = 0; i < sizeof moves / sizeof moves[0]; i++) {
        uint64_t blocks = layers_sum(l, moves[i].blocks);
        if (blocks == 0)
            continue;
        hak_text_add(text, "%s%s %s in %s", between, moves[i].name, hak_words_number(blocks),
                     hak_words_count(layers_sum(l, moves[i].blocks + 1), "go", "gos"));
        between = ", ";
    }
    if (between[0] == ',')
        hak_text_add(text, ".\n");
}

static void add_stage_shares(struct hak_text *text, const struct layers *l, uint64_t taken,
                             uint64_t reserve, uint64_t mapped) {
    const char *own = layers_share(taken - reserve - mapped, taken),
               *new = layers_share(mapped, taken);
    if (l->is_from_log) {
        hak_text_add(text,
                     ". Stages: free slab of an own SuperSlab or SuperSlab of the reserve %s, "
                     "SuperSlab mapped %s",
                     own[0] ? own : "0 %", new[0] ? new : "0 %");
        return;
    }
    const char *kept = layers_share(reserve, taken);
    hak_text_add(text,
                 ". Stages: free slab of an own SuperSlab %s, SuperSlab of the reserve %s, "
                 "SuperSlab mapped %s",
                 own[0] ? own : "0 %", kept[0] ? kept : "0 %", new[0] ? new : "0 %");
}

static void add_stages(struct hak_text *text, const struct layers *l) {
    uint64_t taken = layers_sum(l, HAK_METRIC_SLAB_ACQUIRE_TIMES);
    uint64_t reserve = layers_sum(l, HAK_METRIC_SUPERSLAB_TAKE_TIMES);
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
                     hak_words_number(layers_sum(l, HAK_METRIC_SUPERSLAB_KEEP_TIMES)),
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

void layers_add_lines(struct hak_text *text, const struct layers *l) {
    add_total(text, l);
    if (!l->intervals) {
        add_hits(text, l);
        add_given(text, l);
        add_moves(text, l);
        add_stages(text, l);
        add_pages(text, l);
    }
}
