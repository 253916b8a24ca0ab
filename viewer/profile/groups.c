/* Adds items up by their common key. */
#include "viewer/profile/groups.h"

#include <stdlib.h>
#include <string.h>
#include "base/growing.h"
#include "report/words/words.h"

#define STEPS_OF_DOUBLING 32u
#define OPEN_LIFETIME     62 /* keys behind those of times */
#define UNKNOWN_LIFETIME  63
#define STACK_FRAMES      3 /* of a line */

/* Lifetimes below, each ten times the one before: 1 us to 100 s. */
static const char *const lifetime_names[] = {
    "under 1 us",   "1 to 10 us", "10 to 100 us", "0.1 to 1 ms", "1 to 10 ms",
    "10 to 100 ms", "0.1 to 1 s", "1 to 10 s",    "10 to 100 s", "100 s and more"};

bool profile_has_callees(const struct profile_query *q) {
    return q->per < PROFILE_KEYS;
}

/* ---- keys --------------------------------------------------------------------------------------
 */

/* 0 of 0 and 1, n of sizes above 2^(n-1) up to 2^n. */
static uint64_t key_of_size(uint64_t size) {
    return size < 2 ? 0 : 64 - (uint64_t)__builtin_clzll(size - 1);
}

/* The group of a block's lifetime: a power of ten, open, or unknown. */
static uint64_t key_of_lifetime(const struct profile_item *item) {
    uint64_t limit = 1000, key = 0;
    if (!item->has_lifetime)
        return item->is_open ? OPEN_LIFETIME : UNKNOWN_LIFETIME;
    for (; key + 1 < sizeof lifetime_names / sizeof *lifetime_names && item->lifetime_ns >= limit;
         key++)
        limit *= 10;
    return key;
}

/* The step of a time: 32 to each doubling, exact below 64 ns. */
static uint32_t span_of(uint64_t ns) {
    if (ns < 2 * STEPS_OF_DOUBLING)
        return (uint32_t)ns;
    unsigned shift = 58 - (unsigned)__builtin_clzll(ns);
    return (uint32_t)((shift + 1) * STEPS_OF_DOUBLING + ((ns >> shift) - STEPS_OF_DOUBLING));
}

/* The longest lifetime in one of the spans that span_of() numbers. */
static uint64_t end_of_span(uint32_t span) {
    if (span < 2 * STEPS_OF_DOUBLING)
        return span;
    unsigned shift = span / STEPS_OF_DOUBLING - 1;
    return (((uint64_t)STEPS_OF_DOUBLING + span % STEPS_OF_DOUBLING + 1) << shift) - 1;
}

uint64_t profile_lifetime_within(const struct profile_groups *g, unsigned percent) {
    uint64_t wanted = (uint64_t)(((unsigned __int128)g->lives * percent + 99) / 100), seen = 0;
    for (uint32_t i = 0; i < PROFILE_SPANS; i++)
        if ((seen += g->lifetimes[i]) >= wanted)
            return end_of_span(i);
    return 0;
}

uint64_t profile_item_key(const struct profile_item *item, enum profile_key per) {
    switch (per) {
    case PROFILE_STACK:
        return item->stack;
    case PROFILE_CLASS:
        return item->class_index;
    case PROFILE_SIZE:
        return key_of_size(item->size);
    case PROFILE_LIFETIME:
        return key_of_lifetime(item);
    case PROFILE_THREAD:
        return item->thread;
    case PROFILE_POOL:
        return item->pool;
    default:
        return item->process;
    }
}

/* Pieces of one place and of several pools are a group for each pool. */
static uint64_t key_in_pool(const struct profile_groups *g, const struct profile_item *item,
                            uint64_t key) {
    return g->query->per == PROFILE_POOL ? key : key | (uint64_t)item->pool << 32;
}

/* The group of an item; by lifetime, it is counted for the percentiles too. */
static uint64_t key_of_item(struct profile_groups *g, const struct profile_item *item) {
    enum profile_key per = g->query->per;
    if (per == PROFILE_LIFETIME && item->has_lifetime) {
        g->lives++;
        g->lifetimes[span_of(item->lifetime_ns)]++;
    }
    return key_in_pool(g, item,
                       per < PROFILE_KEYS ? g->places->place[g->path.place[0]].label[per]
                                          : profile_item_key(item, per));
}

/* ---- groups ------------------------------------------------------------------------------------
 */

/* The group with this key, which is made if there is none; NULL, and g->failed, where memory ends.
 */
static struct profile_group *find_or_add_group(struct profile_groups *g, uint64_t key) {
    uint64_t at = 0;
    uint32_t row = hak_index_find(&g->by_key, key, &at);
    if (row)
        return &g->group[row - 1];
    if (!hak_growing_make_room(&g->group, g->groups, &g->room, sizeof *g->group) ||
        !hak_index_add(&g->by_key, key, g->groups + 1)) {
        g->failed = true;
        return NULL;
    }
    g->group[g->groups] = (struct profile_group){.key = key};
    return &g->group[g->groups++];
}

/* Adds the sums to each function of the path once, also where it calls itself. */
static void add_to_callers(struct profile_groups *g, const struct profile_item *item) {
    g->stamp++;
    for (uint32_t i = 0; i < g->path.count && !g->failed; i++) {
        const struct profile_place *place = &g->places->place[g->path.place[i]];
        uint64_t key = key_in_pool(g, item, place->label[g->query->per]);
        struct profile_group *group = find_or_add_group(g, key);
        if (!group || group->stamp == g->stamp)
            continue;
        group->stamp = g->stamp;
        profile_add_sums(&group->total, &item->sums);
    }
}

void profile_groups_take(void *context, const struct profile_item *item) {
    struct profile_groups *g = context;
    bool has_path = profile_has_callees(g->query) || g->query->has_focus || g->query->has_ignore;
    if (g->failed || g->places->failed || g->places->error)
        return;
    if (has_path && (!profile_read_path(g->places, item->stack, &g->path) || g->path.is_left_out))
        return;
    struct profile_group *group = find_or_add_group(g, key_of_item(g, item));
    if (!group)
        return;
    profile_add_sums(&g->all, &item->sums);
    profile_add_sums(&group->self, &item->sums);
    if (profile_has_callees(g->query))
        add_to_callers(g, item);
}

/* ---- what grows --------------------------------------------------------------------------------
 */

void profile_groups_take_growth(struct profile_groups *g, const struct growth *growth) {
    const struct hak_flow *flow = &growth->timeline.flow;
    struct timeline_sums *sums = calloc((size_t)flow->rows + 1, sizeof *sums);
    g->failed |= !sums;
    if (!sums)
        return;
    timeline_add_up(&growth->timeline, (uint32_t)(growth->from + 1), growth->to, sums);
    for (uint32_t i = 0; i < flow->rows; i++) {
        const struct timeline_sums *s = &sums[i];
        struct hak_amount inherited = s->inherited_before, before = s->live;
        hak_amount_add(&before, timeline_own(s->before, inherited));
        hak_amount_add(&inherited, s->inherited);
        hak_amount_take(&before, timeline_own(s->live, inherited)); /* live - before is growth */
        const struct profile_item item = {.process = flow->row[i].process,
                                          .stack = flow->row[i].stack,
                                          .class_index = 255,
                                          .sums = {s->live, s->came, s->went, s->brief, before}};
        if (s->live.blocks || s->came.blocks || s->went.blocks || s->before.blocks)
            profile_groups_take(g, &item);
    }
    free(sums);
}

/* The group of a row of a timeline, UINT32_MAX where it is in none. */
static uint32_t group_of_row(struct profile_groups *g, const struct hak_flow_row *row) {
    const struct profile_item item = {.process = row->process, .stack = row->stack};
    bool has_path = profile_has_callees(g->query) || g->query->has_focus || g->query->has_ignore;
    uint64_t at = 0;
    if (has_path && (!profile_read_path(g->places, item.stack, &g->path) || g->path.is_left_out))
        return UINT32_MAX;
    return hak_index_find(&g->by_key, key_of_item(g, &item), &at) - 1;
}

void profile_groups_mark_growth(struct profile_groups *g, const struct growth *growth) {
    const struct hak_flow *flow = &growth->timeline.flow;
    enum profile_key per = g->query->per;
    if (per >= PROFILE_CLASS && per <= PROFILE_THREAD)
        return;
    uint32_t *group = calloc((size_t)flow->rows + 1, sizeof *group);
    bool *goes_on = calloc((size_t)g->groups + 1, sizeof *goes_on);
    for (uint32_t i = 0; i < flow->rows && group; i++)
        group[i] = group_of_row(g, &flow->row[i]);
    g->failed |= !group || !goes_on || !growth_find_going_on(growth, group, g->groups, goes_on);
    for (uint32_t i = 0; i < g->groups && goes_on && !g->failed; i++)
        g->group[i].goes_on = goes_on[i];
    free(group);
    free(goes_on);
}

/* Orders groups that still grow first, then by the measure, then by label; classes and sizes in
 * their scale's order. */
static int compare_groups(const void *a, const void *b, void *context) {
    const struct profile_group *x = a, *y = b;
    const struct profile_groups *g = context;
    const struct profile_query *q = g->query;
    int64_t x_self = profile_value(q, &x->self, q->by), y_self = profile_value(q, &y->self, q->by);
    int64_t x_all = profile_value(q, &x->total, q->by), y_all = profile_value(q, &y->total, q->by);
    bool is_scale = q->per >= PROFILE_CLASS && q->per <= PROFILE_LIFETIME;
    if (x->goes_on != y->goes_on)
        return x->goes_on ? -1 : 1;
    if (!is_scale && x_self != y_self)
        return x_self < y_self ? 1 : -1;
    if (!is_scale && x_all != y_all)
        return x_all < y_all ? 1 : -1;
    int order = profile_has_callees(q)
                    ? profile_compare_labels(&g->places->label[profile_group_key(x)],
                                             &g->places->label[profile_group_key(y)])
                    : 0;
    return order ? order : x->key < y->key ? -1 : x->key > y->key;
}

static bool is_empty(const struct profile_sums *s) {
    return !s->live.blocks && !s->live.bytes && !s->came.blocks && !s->came.bytes &&
           !s->went.blocks && !s->went.bytes && !s->before.blocks;
}

void profile_groups_sort(struct profile_groups *g) {
    uint32_t kept = 0;
    for (uint32_t i = 0; i < g->groups; i++)
        if (!is_empty(&g->group[i].self))
            g->group[kept++] = g->group[i];
    g->groups = kept; /* without those that only call others */
    if (g->groups)
        qsort_r(g->group, g->groups, sizeof *g->group, compare_groups, g);
    hak_index_free(&g->by_key);
}

void profile_free_groups(struct profile_groups *g) {
    free(g->group);
    hak_index_free(&g->by_key);
    profile_free_path(&g->path);
    g->group = NULL;
}

/* ---- names -------------------------------------------------------------------------------------
 */

/* Adds a size class's name and how large its slots are. */
static void add_class(struct hak_text *text, const struct profile_groups *g, unsigned class_index) {
    uint64_t slot = hak_words_slot_bytes(g->query->view->reader, class_index);
    if (hak_store_is_kept(g->query->view->reader))
        hak_text_add(text, "not known");
    else
        hak_text_add(text, "%s", hak_words_class(g->query->view->reader, class_index));
    if (slot)
        hak_text_add(text, ", %s", hak_words_bytes(slot));
}

/* Adds the sizes, as "33 to 64 bytes", that a power of two stands for. */
static void add_size(struct hak_text *text, uint64_t key) {
    if (key == 0)
        hak_text_add(text, "0 to 1 byte");
    else if (key == 1)
        hak_text_add(text, "2 bytes");
    else
        hak_text_add(text, "%s to %s", hak_words_number(((uint64_t)1 << (key - 1)) + 1),
                     key < 64 ? hak_words_bytes((uint64_t)1 << key) : "more bytes");
}

static void add_lifetime(struct hak_text *text, uint32_t key) {
    hak_text_add(text, "%s",
                 key == OPEN_LIFETIME      ? "still live"
                 : key == UNKNOWN_LIFETIME ? "not known"
                                           : lifetime_names[key]);
}

/* Adds who allocated, and its callers: "parse_row app/parse.c:210 < main". */
static void add_stack(struct hak_text *text, struct profile_groups *g, uint32_t stack) {
    if (!profile_read_path(g->places, stack, &g->path))
        return;
    for (uint32_t i = 0; i < g->path.count && i < STACK_FRAMES; i++) {
        const struct profile_place *place = &g->places->place[g->path.place[i]];
        const struct profile_label *label = &g->places->label[place->label[PROFILE_LINE]];
        hak_text_add(text, i ? " < " : "");
        profile_add_name(text, label, PROFILE_LINE);
        hak_text_add(text, label->is_none ? "" : " ");
        profile_add_where(text, label, PROFILE_LINE);
    }
}

void profile_add_group_name(struct hak_text *text, struct profile_groups *g,
                            const struct profile_group *group) {
    struct view *view = g->query->view;
    switch (g->query->per) {
    case PROFILE_STACK:
        add_stack(text, g, profile_group_key(group));
        return;
    case PROFILE_CLASS:
        add_class(text, g, (unsigned)group->key);
        return;
    case PROFILE_SIZE:
        add_size(text, profile_group_key(group));
        return;
    case PROFILE_LIFETIME:
        add_lifetime(text, profile_group_key(group));
        return;
    case PROFILE_THREAD:
        hak_text_add(text, "%s",
                     profile_group_key(group) ? view_thread_label(view, profile_group_key(group))
                                              : "?");
        return;
    case PROFILE_POOL:
        profile_add_pool(text, &g->query->pools, profile_group_key(group));
        return;
    case PROFILE_PROCESS:
        view_add_process(text, view, profile_group_key(group));
        return;
    default:
        profile_add_name(text, &g->places->label[profile_group_key(group)], g->query->per);
    }
}

void profile_add_group_where(struct hak_text *text, const struct profile_groups *g,
                             const struct profile_group *group) {
    if (profile_has_callees(g->query))
        profile_add_where(text, &g->places->label[profile_group_key(group)], g->query->per);
    struct hak_thread_words thread;
    if (g->query->per == PROFILE_THREAD && g->query->view->summary.processes > 1 &&
        hak_lookup_thread(g->query->view->reader, profile_group_key(group), &thread))
        view_add_process(text, g->query->view, thread.process);
}

void profile_add_group(struct hak_text *text, struct profile_groups *g,
                       const struct profile_group *group) {
    struct hak_text where = {0};
    profile_add_group_name(text, g, group);
    profile_add_group_where(&where, g, group);
    if (where.length)
        hak_text_add(text, " (%s)", hak_text_string(&where));
    hak_text_free(&where);
}
