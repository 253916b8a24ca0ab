/* The lines below the tables of `layers`: do counters and log agree, hits, moves, stages, page
 * calls.
 */
#include "viewer/layers/counts.h"
#include "viewer/layers/changes.h"

#include "metrics/step.h"
#include "report/words/words.h"
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

/* The mallocs counted, compared with the log. */
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

static const char *share_or_zero(uint64_t part, uint64_t whole) {
    const char *share = layers_share(part, whole);
    return share[0] ? share : "0 %";
}

struct answer layers_hits_of(const struct layers *l, bool is_list) {
    struct answer answer = answer_begin(l->view, is_list);
    for (unsigned layer = 0; layer < HAK_LAYERS; layer++) {
        struct layers_hits hits = layers_hits(l, layer);
        if (hits.asked > 0)
            answer_row(&answer, DATA(WORD("layer", layers_name(layer))),
                       DATA(NUMBER("hits", hits.hits)), DATA(NUMBER("asked", hits.asked)),
                       MADE("hits", hak_text_add, "%s %s of %s (%s)", layers_name(layer),
                            hak_words_number(hits.hits), hak_words_number(hits.asked),
                            share_or_zero(hits.hits, hits.asked)));
    }
    return answer;
}

/* Adds how many freed blocks went where: "1,047 to front, 3 to remote". */
static void add_given(struct hak_text *text, const struct layers *l) {
    const char *between = "Freed  ";
    for (unsigned place = 0; place < HAK_PLACE_COUNT; place++) {
        uint64_t blocks = layers_sum(l, HAK_METRIC_GIVEN_FIRST + place);
        if (blocks == 0)
            continue;
        hak_text_add(text, "%s%s to %s", between, hak_words_number(blocks), hak_words_place(place));
        between = ", ";
    }
    uint64_t resized = layers_sum(l, HAK_METRIC_RESIZED);
    if (resized > 0)
        hak_text_add(text, "%s%s resized where they were", between[0] == ',' ? "; " : between,
                     hak_words_number(resized));
    if (between[0] == ',' || resized > 0)
        hak_text_add(text, ".\n");
}

/* The blocks moved by each kind. */
static void add_moves(struct hak_text *text, const struct layers *l) {
    const char *between = "Moves  ";
    for (unsigned kind = HAK_REALLOC_FROM + 1; kind < HAK_SLAB_ACQUIRE; kind++) {
        unsigned metric = hak_metric_of_kind[kind];
        uint64_t blocks = metric ? layers_sum(l, metric) : 0;
        if (blocks == 0)
            continue;
        hak_text_add(text, "%s%s %s in %s", between, hak_words_kind(kind), hak_words_number(blocks),
                     hak_words_count(layers_sum(l, metric + 1), "go", "gos"));
        between = ", ";
    }
    if (between[0] == ',')
        hak_text_add(text, ".\n");
}

/* Adds the shares of slabs that SuperSlabs tell, each of which gives at least one: a log holds no
 * stages. */
static void add_superslab_shares(struct hak_text *text, const struct layers *l, uint64_t taken) {
    uint64_t reserve = layers_sum(l, HAK_METRIC_SUPERSLAB_TAKE_TIMES);
    uint64_t mapped = layers_sum(l, HAK_METRIC_SUPERSLAB_MAP_TIMES);
    if (!layers_shows_all(l) || reserve + mapped > taken)
        return;
    hak_text_add(text,
                 ": of the thread's own SuperSlabs %s, of one out of the reserve %s, of one "
                 "mapped for it %s",
                 share_or_zero(taken - reserve - mapped, taken), share_or_zero(reserve, taken),
                 share_or_zero(mapped, taken));
}

/* How many slabs and SuperSlabs were looked at. */
static void add_looks(struct hak_text *text, const struct layers *l, uint64_t taken) {
    uint64_t refills = layers_sum(l, HAK_METRIC_SLAB_LOOK_TIMES);
    uint64_t superslabs = layers_sum(l, HAK_METRIC_SUPERSLAB_LOOK_AMOUNT);
    const char *between = "Looked at  ";
    if (refills > 0) {
        hak_text_add(text, "%s%.2f slabs for each refill", between,
                     (double)layers_sum(l, HAK_METRIC_SLAB_LOOK_AMOUNT) / (double)refills);
        between = ", ";
    }
    if (superslabs > 0 && taken > 0) {
        hak_text_add(text, "%s%.2f SuperSlabs for each slab taken", between,
                     (double)superslabs / (double)taken);
        between = ", ";
    }
    if (between[0] == ',')
        hak_text_add(text, ".\n");
}

/* The slabs taken, by stage. */
static void add_slabs(struct hak_text *text, const struct layers *l) {
    struct layers_stages stages = layers_stages(l);
    if (stages.taken > 0) {
        hak_text_add(text, "Slabs  %s taken, %s given back", hak_words_number(stages.taken),
                     hak_words_number(layers_sum(l, HAK_METRIC_SLAB_RELEASE_TIMES)));
        if (stages.is_known)
            hak_text_add(text,
                         ": stage 1 (an empty one again) %s, stage 2 (an unused one) %s, "
                         "stage 3 (a SuperSlab mapped) %s",
                         share_or_zero(stages.empty, stages.taken),
                         share_or_zero(stages.unused, stages.taken),
                         share_or_zero(stages.mapped, stages.taken));
        else
            add_superslab_shares(text, l, stages.taken);
        hak_text_add(text, ".\n");
    }
    add_looks(text, l, stages.taken);
}

/* Says what became of SuperSlabs. */
static void add_superslabs(struct hak_text *text, const struct layers *l) {
    static const struct {
        unsigned metric;
        const char *words;
    } counts[] = {{HAK_METRIC_SUPERSLAB_MAP_TIMES, "mapped"},
                  {HAK_METRIC_SUPERSLAB_TAKE_TIMES, "taken out of the reserve"},
                  {HAK_METRIC_SUPERSLAB_KEEP_TIMES, "kept in it"},
                  {HAK_METRIC_SUPERSLAB_ADOPT_TIMES, "adopted"},
                  {HAK_METRIC_SUPERSLAB_UNMAP_TIMES, "unmapped"}};
    uint64_t any = 0;
    for (unsigned i = 0; i < sizeof counts / sizeof counts[0]; i++)
        any |= layers_sum(l, counts[i].metric);
    if (any == 0 || !layers_shows_all(l))
        return;
    for (unsigned i = 0; i < sizeof counts / sizeof counts[0]; i++)
        hak_text_add(text, "%s%s %s", i ? ", " : "SuperSlabs  ",
                     hak_words_number(layers_sum(l, counts[i].metric)), counts[i].words);
    hak_text_add(text, ".\n");
}

/* Adds the blocks that one thread freed for another, and how they came to their owners. */
static void add_remote(struct hak_text *text, const struct layers *l) {
    uint64_t freed = layers_sum(l, HAK_METRIC_GIVEN_REMOTE);
    uint64_t posts = layers_sum(l, HAK_METRIC_REMOTE_POST_TIMES);
    uint64_t drains = layers_sum(l, HAK_METRIC_REMOTE_DRAIN_TIMES);
    uint64_t tension = layers_sum(l, HAK_METRIC_TENSION_DRAIN_TIMES);
    if (freed == 0 && posts == 0 && drains == 0)
        return;
    hak_text_add(text, "Remote  %s for other threads", hak_words_count(freed, "free", "frees"));
    if (posts > 0)
        hak_text_add(
            text, ", %s (%s)", hak_words_count(posts, "post", "posts"),
            hak_words_count(layers_sum(l, HAK_METRIC_REMOTE_POST_AMOUNT), "block", "blocks"));
    if (drains > 0)
        hak_text_add(
            text, ", taken in %s (%s)", hak_words_count(drains, "time", "times"),
            hak_words_count(layers_sum(l, HAK_METRIC_REMOTE_DRAIN_AMOUNT), "block", "blocks"));
    if (tension > 0)
        hak_text_add(text, ", of these %s because many had come",
                     hak_words_count(tension, "time", "times"));
    hak_text_add(text, ".\n");
}

/* The large blocks' mappings and caches. */
static void add_large(struct hak_text *text, const struct layers *l) {
    const uint64_t *none = l->all->cells[HAK_METRIC_NO_CLASS];
    uint64_t missed = none[HAK_METRIC_BIGCACHE_MISS_TIMES];
    uint64_t found = none[HAK_METRIC_BIGCACHE_TAKE_BLOCKS];
    uint64_t busy = none[HAK_METRIC_SHARD_BUSY_TIMES];
    if (l->is_from_log || !layers_shows_class(l, HAK_METRIC_NO_CLASS) ||
        (none[HAK_METRIC_LARGE_MAP_TIMES] | none[HAK_METRIC_LARGE_UNMAP_TIMES] | missed | found |
         busy) == 0)
        return;
    hak_text_add(text, "Large  %s mapped (%s), %s unmapped",
                 hak_words_number(none[HAK_METRIC_LARGE_MAP_TIMES]),
                 hak_words_size(none[HAK_METRIC_LARGE_MAP_AMOUNT]),
                 hak_words_number(none[HAK_METRIC_LARGE_UNMAP_TIMES]));
    if (found + missed > 0)
        hak_text_add(text, "; BigCache: %s kept, %s missed (%s)",
                     hak_words_number(none[HAK_METRIC_BIGCACHE_PUT_BLOCKS]),
                     hak_words_number(missed),
                     hak_words_size(none[HAK_METRIC_BIGCACHE_MISS_AMOUNT]));
    if (busy > 0)
        hak_text_add(text, "; a shard of L2.5 was busy %s", hak_words_count(busy, "time", "times"));
    hak_text_add(text, ".\n");
}

/* Adds the slack of a kept allocator's blocks: the bytes beyond those asked for. */
static void add_slack(struct hak_text *text, const struct layers *l) {
    uint64_t taken = layers_sum(l, HAK_METRIC_SLACK_TAKEN_AMOUNT);
    uint64_t given = layers_sum(l, HAK_METRIC_SLACK_GIVEN_AMOUNT);
    uint64_t not_told = layers_sum(l, HAK_METRIC_SLACK_UNKNOWN_TIMES);
    if (l->is_from_log)
        return;
    if (taken > 0)
        hak_text_add(text, "Slack  %s beyond the bytes asked for, %s of it freed.\n",
                     hak_words_size(taken), hak_words_size(given));
    if (not_told > 0)
        hak_text_add(text, "Slack  not known of %s: their allocator gives no sizes.\n",
                     hak_words_count(not_told, "block", "blocks"));
}

/* Adds how many of the blocks that HAKMEM_GUARD wanted alone between closed pages were so, and why
 * others were not. */
static void add_guarded(struct hak_text *text, const struct layers *l) {
    static const struct {
        unsigned metric;
        const char *words;
    } reasons[] = {{HAK_METRIC_GUARD_MEMORY_TIMES, "for memory"},
                   {HAK_METRIC_GUARD_MAPPINGS_TIMES, "for mappings"},
                   {HAK_METRIC_GUARD_SIZE_TIMES, "for their size"},
                   {HAK_METRIC_GUARD_ALIGNMENT_TIMES, "for their alignment"},
                   {HAK_METRIC_GUARD_REFUSED_TIMES, "since the kernel gave no pages"}};
    uint64_t guarded = layers_sum(l, HAK_METRIC_SERVED_GUARDED);
    const char *between = "; not guarded: ";
    if (l->is_from_log || !layers_shows_class(l, HAK_METRIC_NO_CLASS))
        return;
    struct hak_text line = {0};
    for (unsigned i = 0; i < sizeof reasons / sizeof reasons[0]; i++) {
        uint64_t times = layers_sum(l, reasons[i].metric);
        if (times == 0)
            continue;
        hak_text_add(&line, "%s%s %s", between, hak_words_number(times), reasons[i].words);
        between = ", ";
    }
    if (guarded > 0 || between[0] == ',')
        hak_text_add(text, "Guarded  %s%s.\n", hak_words_count(guarded, "block", "blocks"),
                     hak_text_string(&line));
    hak_text_free(&line);
}

/* Prewarmed blocks, learning, other allocators' blocks. */
static void add_rest(struct hak_text *text, const struct layers *l) {
    uint64_t warmed = layers_sum(l, HAK_METRIC_PREWARM_AMOUNT);
    uint64_t foreign = layers_sum(l, HAK_METRIC_FOREIGN_FREE_TIMES);
    uint64_t windows = layers_sum(l, HAK_METRIC_LEARN_WINDOW_TIMES);
    if (warmed > 0)
        hak_text_add(text, "Prewarm  %s put into fronts at their start.\n",
                     hak_words_count(warmed, "block", "blocks"));
    if (windows > 0)
        hak_text_add(
            text, "Learning  %s looked at, %s made.\n",
            hak_words_count(windows, "window", "windows"),
            hak_words_count(layers_sum(l, HAK_METRIC_LEARN_WINDOW_AMOUNT), "change", "changes"));
    if (foreign > 0)
        hak_text_add(text, "Foreign  %s of another allocator's blocks.\n",
                     hak_words_count(foreign, "free", "frees"));
}

/* The calls of the kernel for pages. */
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
    hak_text_add(text, ".\n");
}

void layers_add_lines(struct hak_text *text, const struct layers *l) {
    add_total(text, l);
    if (!l->intervals && !l->shows_superslabs) {
        struct answer hits = layers_hits_of(l, false);
        answer_print_line(text, &hits, "Hits   ");
        add_given(text, l);
        add_moves(text, l);
        add_slabs(text, l);
        add_superslabs(text, l);
        layers_add_change_lines(text, l);
        add_remote(text, l);
        add_large(text, l);
        add_slack(text, l);
        add_guarded(text, l);
        add_rest(text, l);
        add_pages(text, l);
    }
}
