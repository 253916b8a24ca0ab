/* `diff`: two captures, or two moments of one, beside each other: what grew, what is new. */
#include "viewer/profile/profile.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include "base/growing.h"
#include "report/words/words.h"
#include "viewer/profile/columns.h"
#include "viewer/profile/groups.h"
#include "viewer/profile/memory.h"

enum side_name { OLD, NEW, SIDES };

/* One of the two: a capture of its own, with its own stacks. */
struct side {
    struct view view;
    struct profile_query query;
    struct profile_facts facts;
    struct profile_places places;
    struct profile_groups groups;
    struct profile_memory_totals memory; /* as `heap` has it */
};

/* The groups of both sides that have one signature. */
struct pair {
    char *signature; /* what is the same in both, over rebuilt programs and moved modules */
    enum side_name shown;
    uint32_t group; /* of that side: its name is shown */
    struct profile_sums sums[SIDES];
};

struct diff {
    struct view *view;
    struct side side[SIDES];
    struct pair *pair;
    uint32_t pairs, room;
    struct hak_index by_signature;
};

/* ---- what is the same --------------------------------------------------------------------------
 */

static const char *base_name(const char *path) {
    const char *slash = strrchr(path, '/');
    return slash ? slash + 1 : path;
}

/* Adds a function by its name and its file's, without the folders of either build; by the place in
 * its module where it has no name. */
static void add_label(struct hak_text *text, const struct profile_label *l, enum profile_key key) {
    if (key == PROFILE_FILE && l->file[0])
        hak_text_add(text, "%s", hak_words_path(l->file, 2, false));
    else if (key == PROFILE_MODULE || key == PROFILE_FILE)
        hak_text_add(text, "%s", base_name(l->module));
    else if (l->function[0] || l->line)
        hak_text_add(text, "%s %s", l->function, base_name(l->file[0] ? l->file : l->module));
    else
        hak_text_add(text, "%s+%llx", base_name(l->module), (unsigned long long)l->offset);
    if ((key == PROFILE_LINE || key == PROFILE_STACK) && l->line)
        hak_text_add(text, ":%u", l->line);
    hak_text_add(text, l->is_none ? "none\n" : "\n");
}

/* Appends the text by which a group is paired with one of the other capture: its label, or those of
 * its whole stack. */
static void add_signature(struct hak_text *text, struct side *s,
                          const struct profile_group *group) {
    enum profile_key per = s->query.per;
    struct profile_path *path = &s->groups.path;
    hak_text_add(text, "%s", "");
    if (per < PROFILE_KEYS) {
        add_label(text, &s->places.label[group->key], per);
        return;
    }
    if (per != PROFILE_STACK) {
        profile_add_group_name(text, &s->groups, group);
        return;
    }
    if (!profile_read_path(&s->places, profile_group_key(group), path))
        return; /* what failed is said of the places */
    for (uint32_t i = 0; i < path->count; i++) {
        const struct profile_place *place = &s->places.place[path->place[i]];
        add_label(text, &s->places.label[place->label[PROFILE_LINE]], PROFILE_STACK);
    }
}

/* The pair with this signature, which is its own from now on; NULL without memory. */
static struct pair *find_or_add_pair(struct diff *d, char *signature) {
    uint64_t key = hak_index_hash(signature, strlen(signature)), at = 0;
    for (uint32_t row; (row = hak_index_find(&d->by_signature, key, &at)) != 0;)
        if (strcmp(d->pair[row - 1].signature, signature) == 0) {
            free(signature);
            return &d->pair[row - 1];
        }
    if (!hak_growing_make_room(&d->pair, d->pairs, &d->room, sizeof *d->pair) ||
        !hak_index_add(&d->by_signature, key, d->pairs + 1)) {
        free(signature);
        return NULL;
    }
    d->pair[d->pairs] = (struct pair){.signature = signature};
    return &d->pair[d->pairs++];
}

/* Adds a capture's groups to the pairs, by their signatures; false where memory ends. */
static bool add_side(struct diff *d, enum side_name name) {
    struct side *s = &d->side[name];
    for (uint32_t i = 0; i < s->groups.groups; i++) {
        struct hak_text text = {0};
        add_signature(&text, s, &s->groups.group[i]);
        char *signature = hak_text_take(&text);
        struct pair *pair = signature ? find_or_add_pair(d, signature) : NULL;
        if (!pair)
            return false;
        pair->shown = name; /* the newer one, where both have it */
        pair->group = i;
        profile_add_sums(&pair->sums[name], &s->groups.group[i].self);
    }
    return true;
}

/* ---- order -------------------------------------------------------------------------------------
 */

static int64_t value_of_sums(const struct diff *d, const struct profile_sums *sums) {
    return profile_value(&d->side[NEW].query, sums, d->side[NEW].query.by);
}

static int64_t change_of(const struct diff *d, const struct pair *pair) {
    return value_of_sums(d, &pair->sums[NEW]) - value_of_sums(d, &pair->sums[OLD]);
}

/* Sorts by the size of the change, the largest first; of equal ones growth, then the larger new
 * value. */
static int compare_pairs(const void *a, const void *b, void *context) {
    const struct pair *x = a, *y = b;
    const struct diff *d = context;
    int64_t x_change = change_of(d, x), y_change = change_of(d, y);
    uint64_t x_size = x_change < 0 ? -(uint64_t)x_change : (uint64_t)x_change;
    uint64_t y_size = y_change < 0 ? -(uint64_t)y_change : (uint64_t)y_change;
    if (x_size != y_size)
        return x_size < y_size ? 1 : -1;
    if (x_change != y_change)
        return x_change < y_change ? 1 : -1;
    int64_t x_new = value_of_sums(d, &x->sums[NEW]), y_new = value_of_sums(d, &y->sums[NEW]);
    if (x_new != y_new)
        return x_new < y_new ? 1 : -1;
    return strcmp(x->signature, y->signature);
}

/* ---- the rows ----------------------------------------------------------------------------------
 */

static const struct profile_group *group_of(const struct diff *d, const struct pair *pair) {
    return &d->side[pair->shown].groups.group[pair->group];
}

static bool has_no_blocks(const struct profile_sums *s) {
    return !s->live.blocks && !s->came.blocks && !s->went.blocks;
}

/* The heading of the second column, which is the measure that the rows are not sorted by. */
static const char *second_heading(const struct diff *d) {
    return d->side[NEW].query.is_span               ? "allocated"
           : d->side[NEW].query.by == PROFILE_BYTES ? "blocks"
                                                    : "bytes";
}

/* The change of what the line is not sorted by: blocks beside bytes, bytes beside all else. */
static int64_t second_change(const struct diff *d, const struct profile_sums *old,
                             const struct profile_sums *now) {
    const struct profile_query *q = &d->side[NEW].query;
    enum profile_measure second =
        !q->is_span && q->by == PROFILE_BYTES ? PROFILE_BLOCKS : PROFILE_BYTES;
    return profile_value(q, now, second) - profile_value(q, old, second);
}

/* Adds a change with its sign, 16 columns wide. */
static void add_wide_change(struct hak_text *text, int64_t change) {
    struct hak_text number = {0};
    profile_add_number(&number, change, true);
    hak_text_add(text, "%16s", hak_text_string(&number));
    hak_text_free(&number);
}

static void add_pair_place(struct hak_text *text, struct diff *d, const struct pair *pair) {
    if (pair)
        profile_add_group_where(text, &d->side[pair->shown].groups, group_of(d, pair));
}

static uint32_t shown_pairs(const struct diff *d) {
    uint64_t limit = d->side[NEW].query.limit;
    return limit && limit < d->pairs ? (uint32_t)limit : d->pairs;
}

/* Sums up, for each side, the pairs that are not shown. */
static void sum_rest(const struct diff *d, struct profile_sums rest[SIDES]) {
    rest[OLD] = rest[NEW] = (struct profile_sums){0};
    for (uint32_t i = shown_pairs(d); i < d->pairs; i++)
        for (int k = 0; k < SIDES; k++)
            profile_add_sums(&rest[k], &d->pair[i].sums[k]);
}

/* Adds a pair as a row: both sides, their change, name and place; `pair` NULL: the row of the
 * others, in text. */
static void add_pair_row(struct answer *rows, struct diff *d, const struct profile_sums *sums,
                         const struct pair *pair) {
    static const struct profile_label none;
    const struct profile_sums *old = &sums[OLD], *now = &sums[NEW];
    const struct profile_query *q = &d->side[NEW].query;
    struct side *s = &d->side[pair ? pair->shown : NEW];
    bool is_label = pair && profile_has_callees(q);
    const struct profile_label *l = is_label ? &s->places.label[group_of(d, pair)->key] : &none;
    struct hak_text name = {0};
    char by[32], per[32];
    if (pair)
        profile_add_group_name(&name, &s->groups, group_of(d, pair));
    else
        hak_text_add(&name, "... %s more", hak_words_number(d->pairs - shown_pairs(d)));
    snprintf(by, sizeof by, "%16s", profile_measure_name(q->by));
    snprintf(per, sizeof per, "<%s", q->per == PROFILE_STACK ? "where" : profile_key_name(q->per));
    answer_row(rows, DATA(TEXT("name", hak_text_string(&name))),
               DATA(TEXT(is_label ? "function" : NULL, l->function)),
               DATA(TEXT(is_label ? "file" : NULL, l->file)),
               DATA(KNOWN(is_label ? "line" : NULL, l->line, l->line)),
               DATA(TEXT(is_label ? "module" : NULL, l->module)),
               DATA(KNOWN(is_label ? "module_offset" : NULL, l->offset, l->offset)),
               DATA_OF("old", profile_sums_json(&d->side[OLD].query, old)),
               DATA_OF("new", profile_sums_json(q, now)),
               DATA(NUMBER("change", value_of_sums(d, now) - value_of_sums(d, old))),
               MADE(by, add_wide_change, value_of_sums(d, now) - value_of_sums(d, old)),
               MADE("old", profile_add_number, value_of_sums(d, old), false),
               MADE("new", profile_add_number, value_of_sums(d, now), false),
               MADE(second_heading(d), profile_add_number, second_change(d, old, now), true),
               CELL("<", !pair                ? ""
                         : has_no_blocks(old) ? "new"
                         : has_no_blocks(now) ? "gone"
                                              : ""),
               CELL(per, hak_text_string(&name)),
               MADE(q->per <= PROFILE_LINE ? "<where" : "<", add_pair_place, d, pair));
    rows->table.failed |= name.failed;
    hak_text_free(&name);
}

/* The shown pairs as rows; a table has the sum of the rest as last row. */
static struct answer rows_answer(struct diff *d) {
    struct answer rows = answer_begin(d->view, d->view->json);
    struct profile_sums rest[SIDES];
    for (uint32_t i = 0; i < shown_pairs(d); i++)
        add_pair_row(&rows, d, d->pair[i].sums, &d->pair[i]);
    sum_rest(d, rest);
    if (!rows.list && shown_pairs(d) < d->pairs)
        add_pair_row(&rows, d, rest, NULL);
    return rows;
}

/* ---- for people --------------------------------------------------------------------------------
 */

/* Adds the shown pairs as a table. */
static void add_table(struct hak_text *text, struct diff *d) {
    struct answer rows = rows_answer(d);
    answer_print(text, &rows);
    if (d->pairs)
        hak_text_add(text, "\n");
}

static bool has_superslabs(const struct side *s) {
    return !hak_store_is_kept(s->view.reader) && !hak_store_is_profile_only(s->view.reader);
}

/* Adds a side's live, mapped and resident bytes as a row. */
static void add_memory_row(struct answer *rows, const struct side *s, const char *name) {
    const struct profile_memory_totals *m = &s->memory;
    bool is_known = m->kernel_ns != 0;
    answer_row(rows, CELL("<", name), FIGURE("live", hak_words_number, s->groups.all.live.bytes),
               CELL("mapped for slots",
                    has_superslabs(s) ? hak_words_number(m->bytes[MEMORY_SUPERSLABS]) : ""),
               CELL("resident", is_known ? hak_words_number(profile_resident(m)) : ""),
               CELL("most resident so far",
                    is_known ? hak_words_number(m->bytes[MEMORY_MOST_RESIDENT]) : ""),
               CELL("<as the kernel said", is_known ? hak_words_time(m->kernel_ns) : ""));
}

/* Adds the table of both captures' memory, which is that of whole processes: beside a part of their
 * blocks it would say nothing. */
static void add_memory_table(struct hak_text *text, const struct diff *d) {
    struct answer rows = answer_begin(d->view, false);
    if (view_given(d->view, "thread") || view_given(d->view, "focus") ||
        view_given(d->view, "ignore"))
        return;
    add_memory_row(&rows, &d->side[OLD], "old");
    add_memory_row(&rows, &d->side[NEW], "new");
    answer_print(text, &rows);
    hak_text_add(text, "\n");
}

/* Adds a sentence of a side: its total, the moment, the process and how complete its capture is. */
static void add_side_words(struct hak_text *text, struct side *s, const char *name) {
    hak_text_add(text, "%s  ", name);
    profile_add_total(text, &s->query, &s->groups.all);
    hak_text_add(text, " ");
    profile_add_when(text, &s->query);
    hak_text_add(text, " in ");
    view_add_extent_of(text, &s->view, s->query.process);
    hak_text_add(text, ". ");
    view_add_completeness(text, &s->view);
    hak_text_add(text, "\n");
}

/* Prints the pairs, the memory of both and a sentence for each side. */
static void print_diff_text(struct diff *d) {
    struct hak_text text = {0};
    add_table(&text, d);
    add_memory_table(&text, d);
    add_side_words(&text, &d->side[OLD], "old");
    add_side_words(&text, &d->side[NEW], "new");
    view_start_pager(d->view);
    view_print(&text);
}

/* ---- as JSON -----------------------------------------------------------------------------------
 */

/* A side's path, moment, total, memory and completeness as JSON. */
static json_t *side_json(const struct side *s) {
    return hak_json_object(TEXT("store", s->view.store_path),
                           JSON("at", profile_moment_json(&s->query, &s->query.at)),
                           JSON("total", profile_sums_json(&s->query, &s->groups.all)),
                           JSON("memory", profile_memory_json(&s->memory, has_superslabs(s))),
                           JSON("completeness", view_completeness_json(&s->view)));
}

/* Prints both sides, the shown pairs and the sums of the rest as JSON. */
static void print_diff_json(struct diff *d) {
    json_t *document = view_json_document(d->view);
    struct profile_sums rest[SIDES];
    const struct profile_query *q = &d->side[NEW].query;
    hak_json_set(document, WORD("per", profile_key_name(q->per)),
                 WORD("by", profile_measure_name(q->by)), JSON("old", side_json(&d->side[OLD])),
                 JSON("new", side_json(&d->side[NEW])));
    sum_rest(d, rest);
    hak_json_set(
        document, JSON("rows", rows_answer(d).list), NUMBER("left_out", d->pairs - shown_pairs(d)),
        JSON("others",
             hak_json_object(
                 JSON("old", profile_sums_json(&d->side[OLD].query, &rest[OLD])),
                 JSON("new", profile_sums_json(q, &rest[NEW])),
                 NUMBER("change", value_of_sums(d, &rest[NEW]) - value_of_sums(d, &rest[OLD])))));
    view_start_pager(d->view);
    view_print_json(hak_json_print(document));
}

/* ---- the command -------------------------------------------------------------------------------
 */

/* Opens a side's capture and reads the question for it; diff refuses what cannot be paired. 0, or a
 * status: the error is printed. */
static int open_side(struct side *s) {
    int status = view_open(&s->view);
    if (status != 0)
        return status;
    s->query = (struct profile_query){.per = PROFILE_FUNCTION,
                                      .by = PROFILE_BYTES,
                                      .at = {.kind = VIEW_AT_PEAK},
                                      .limit = PROFILE_ROWS_SHOWN};
    if (!profile_read_query(&s->view, &s->query))
        return view_question_status();
    if (s->query.by == PROFILE_GROWTH || s->query.per > PROFILE_SIZE) {
        view_error("diff has --by bytes, blocks, calls or short-lived, and --per function, line, "
                   "file, module, stack, class or size");
        return VIEW_USAGE;
    }
    return 0;
}

/* Reads a side's mapped and resident memory at its moment; at the start there is none. 0, or a
 * status. */
static int read_side_memory(struct side *s) {
    struct profile_memory *memory = NULL;
    struct profile_memory_totals next;
    const struct view_moment *at = &s->query.at;
    if (at->kind == VIEW_AT_START)
        return 0;
    int status = profile_memory_read(&s->view, s->query.process, &memory);
    if (status == 0)
        profile_memory_at(memory,
                          at->kind == VIEW_AT_END ? MEMORY_AT_END : profile_time(&s->query, at),
                          &s->memory, &next);
    profile_memory_free(memory);
    return status;
}

/* Opens a side and gathers its groups and its memory, sorted. 0, or a status: the error is
 * printed. */
static int read_side(struct side *s) {
    int status = open_side(s);
    if (status != 0)
        return status;
    s->places = (struct profile_places){.view = &s->view,
                                        .shows_all = s->query.shows_all,
                                        .focus = s->query.has_focus ? &s->query.focus : NULL,
                                        .ignore = s->query.has_ignore ? &s->query.ignore : NULL};
    s->groups = (struct profile_groups){.query = &s->query, .places = &s->places};
    status = profile_gather(&s->query, &s->facts, profile_groups_take, &s->groups);
    if (status == 0)
        status = read_side_memory(s);
    if (status == 0)
        status = view_look_again(&s->view);
    profile_groups_sort(&s->groups);
    return status;
}

/* Reports what went wrong while stacks were looked up. 0, or the exit status of it. */
static int look_for_failure(struct diff *d, bool has_memory) {
    for (int i = 0; i < SIDES; i++) {
        if (d->side[i].places.error)
            return view_store_error(&d->side[i].view, d->side[i].places.error);
        has_memory &= !d->side[i].places.failed && !d->side[i].groups.failed;
    }
    if (has_memory)
        return 0;
    view_error("out of memory");
    return VIEW_USAGE;
}

/* Frees the pairs and both sides, and closes their captures. */
static void free_diff(struct diff *d) {
    for (uint32_t i = 0; i < d->pairs; i++)
        free(d->pair[i].signature);
    free(d->pair);
    hak_index_free(&d->by_signature);
    for (int i = 0; i < SIDES; i++) {
        profile_free_groups(&d->side[i].groups);
        profile_free_places(&d->side[i].places);
        profile_free_query(&d->side[i].query);
        view_close(&d->side[i].view);
    }
}

/* `diff`: pairs the groups of two captures or moments and prints how each changed, the largest
 * change first. An exit status. */
int command_diff(struct view *view) {
    struct diff d = {.view = view};
    if ((view_value(view, "between") && !view_check_no_capture(view, "diff --between A B")) ||
        !profile_choose_sides(view, "diff", &d.side[OLD].view, &d.side[NEW].view))
        return VIEW_USAGE;
    int status = read_side(&d.side[OLD]);
    if (status == 0)
        status = read_side(&d.side[NEW]);
    if (status == 0) {
        bool has_memory = add_side(&d, OLD) && add_side(&d, NEW);
        status = look_for_failure(&d, has_memory);
    }
    if (status == 0) {
        if (d.pairs)
            qsort_r(d.pair, d.pairs, sizeof *d.pair, compare_pairs, &d);
        if (view->json)
            print_diff_json(&d);
        else
            print_diff_text(&d);
        status = view_completeness(&d.side[OLD].view);
        if (status == 0)
            status = view_completeness(&d.side[NEW].view);
    }
    free_diff(&d);
    return status;
}
