/* `top`: who allocates, as a list or as a tree. */
#include "viewer/profile/profile.h"

#include <jansson.h>
#include <stdlib.h>
#include "base/growing.h"
#include "report/words/words.h"
#include "viewer/profile/columns.h"
#include "viewer/profile/groups.h"
#include "viewer/profile/tree.h"

#define TREE_LIMIT 60

struct top {
    struct view *view;
    struct profile_query query;
    struct profile_facts facts;
    struct profile_places places;
    struct profile_groups groups;
    struct profile_tree tree;
};

static const struct profile_sums *total_of(const struct top *t) {
    return t->query.is_tree ? &t->tree.node[0].total : &t->groups.all;
}

/* ---- below the lines ---------------------------------------------------------------------------
 */

/* Adds which of --thread, --focus and --ignore were given. */
static void add_filters(struct hak_text *text, struct top *t) {
    const struct view *view = t->view;
    if (view_given(view, "thread"))
        hak_text_add(text, " of thread %s", view_value(view, "thread"));
    if (view_given(view, "focus"))
        hak_text_add(text, " under %s", view_value(view, "focus"));
    if (view_given(view, "ignore"))
        hak_text_add(text, " without %s", view_value(view, "ignore"));
}

/* Adds how many bytes grew each second; for what shrank, nothing. */
static void add_rate(struct hak_text *text, const struct top *t) {
    int64_t bytes = profile_growth_bytes(total_of(t));
    uint64_t span = t->facts.to_ns > t->facts.from_ns ? t->facts.to_ns - t->facts.from_ns : 0;
    if (bytes <= 0 || span < 1000000)
        return;
    double second = (double)bytes * 1e9 / (double)span;
    hak_text_add(text, ", %s each second", hak_words_size((uint64_t)(second + 0.5)));
}

/* Adds the total, the filters, the moment and how complete the capture is. */
static void add_top_footer(struct hak_text *out, struct top *t) {
    struct profile_query *q = &t->query;
    struct hak_text footer = {0}, *text = &footer;
    profile_add_total(text, q, total_of(t));
    if (q->is_span)
        add_rate(text, t);
    add_filters(text, t);
    hak_text_add(text, " ");
    profile_add_when(text, q);
    hak_text_add(text, " in ");
    view_add_extent_of(text, t->view, q->process);
    hak_text_add(text, ". ");
    if (q->by == PROFILE_SHORT_LIVED && q->brief_calls <= 1)
        hak_text_add(text, "Short-lived: freed before the thread's next allocation; "
                           "--short-lived 20 counts the next 20. ");
    if (t->facts.unknown)
        hak_text_add(text, "%s freed whose allocation is not in it; no line counts them. ",
                     q->is_of_pools
                         ? hak_words_count(t->facts.unknown, "piece was", "pieces were")
                         : hak_words_count(t->facts.unknown, "block was", "blocks were"));
    if (t->facts.closed_bytes)
        hak_text_add(text,
                     "%s more are mapped so that nobody may touch them; no line counts them. ",
                     hak_words_bytes(t->facts.closed_bytes));
    view_add_completeness(text, t->view);
    table_add_words(out, hak_text_string(text), 0, view_columns(t->view));
    hak_text_add(out, "\n");
    out->failed |= text->failed;
    hak_text_free(text);
}

/* ---- the list ----------------------------------------------------------------------------------
 */

static uint32_t shown_groups(const struct top *t) {
    uint64_t limit = t->query.limit;
    return limit && limit < t->groups.groups ? (uint32_t)limit : t->groups.groups;
}

/* Sums up the groups from a row on. */
static struct profile_sums sum_of_rest(const struct profile_groups *g, uint32_t from) {
    struct profile_sums rest = {0};
    for (uint32_t i = from; i < g->groups; i++)
        profile_add_sums(&rest, &g->group[i].self);
    return rest;
}

/* The heading of the column with the groups' names. */
static const char *heading_of_key(enum profile_key per) {
    static const char *const headings[] = {
        [PROFILE_FUNCTION] = "<function", [PROFILE_LINE] = "<function",
        [PROFILE_FILE] = "<file",         [PROFILE_MODULE] = "<module",
        [PROFILE_STACK] = "<where",       [PROFILE_CLASS] = "<class",
        [PROFILE_SIZE] = "<bytes asked",  [PROFILE_LIFETIME] = "<lifetime",
        [PROFILE_THREAD] = "<thread",     [PROFILE_PROCESS] = "<process",
        [PROFILE_POOL] = "<pool"};
    return headings[per];
}

static bool has_pool_column(const struct profile_query *q) {
    return q->is_of_pools && q->per != PROFILE_POOL;
}

/* Adds a group as a row of the table: numbers, name, where, whether it still grows. */
static void add_group_row(struct answer *answer, struct top *t, const struct profile_group *group) {
    const struct profile_query *q = &t->query;
    bool is_of_thread = q->per == PROFILE_THREAD && t->view->summary.processes > 1;
    answer_row(answer, PROFILE_NUMBERS(q, &group->self, &t->groups.all),
               MADE(profile_has_callees(q) ? "with callees" : NULL, profile_add_number,
                    profile_value(q, &group->total, q->by), q->by == PROFILE_GROWTH),
               MADE(heading_of_key(q->per), profile_add_group_name, &t->groups, group),
               MADE(q->per <= PROFILE_LINE ? "<where"
                    : is_of_thread         ? "<process"
                                           : "<",
                    profile_add_group_where, &t->groups, group),
               MADE(has_pool_column(q) ? "<pool" : NULL, profile_add_pool, &q->pools,
                    profile_group_pool(group)),
               CELL(q->growth ? "<" : NULL, group->goes_on ? "still growing" : ""));
}

/* Adds the sum of the groups that are not shown as the last row. */
static void add_rest_row(struct answer *answer, const struct top *t, uint32_t shown) {
    struct profile_sums rest = sum_of_rest(&t->groups, shown);
    answer_row(answer, PROFILE_NUMBERS(&t->query, &rest, &t->groups.all),
               CELL(profile_has_callees(&t->query) ? "" : NULL, ""),
               MADE("", hak_text_add, "... %s more", hak_words_number(t->groups.groups - shown)),
               CELL("", ""), CELL(has_pool_column(&t->query) ? "" : NULL, ""),
               CELL(t->query.growth ? "" : NULL, ""));
}

/* Adds how long half, 90 % and 99 % of the blocks lived at most. */
static void add_lifetimes(struct hak_text *text, const struct profile_groups *g) {
    if (!g->lives)
        return;
    hak_text_add(text, "\nHalf of the %s that ended lived at most %s, 90 %% %s, 99 %% %s.\n",
                 g->query->is_of_pools ? hak_words_count(g->lives, "piece", "pieces")
                                       : hak_words_count(g->lives, "block", "blocks"),
                 view_span(profile_lifetime_within(g, 50)),
                 view_span(profile_lifetime_within(g, 90)),
                 view_span(profile_lifetime_within(g, 99)));
}

/* Adds the whole stack of each shown group. */
static void add_stacks(struct hak_text *text, struct top *t, uint32_t shown) {
    for (uint32_t i = 0; i < shown; i++) {
        hak_text_add(text, "\n");
        profile_add_total(text, &t->query, &t->groups.group[i].self);
        hak_text_add(text, ", allocated from:\n");
        view_add_stack(text, t->view, (uint32_t)t->groups.group[i].key, 6);
    }
}

/* Adds the shown groups as a table and, where asked, lifetimes or stacks. */
static void add_list(struct hak_text *text, struct top *t) {
    struct answer answer = answer_begin(t->view, false);
    uint32_t shown = shown_groups(t);
    if (!shown)
        return;
    answer.table.fit = view_columns(t->view);
    for (uint32_t i = 0; i < shown; i++)
        add_group_row(&answer, t, &t->groups.group[i]);
    if (shown < t->groups.groups)
        add_rest_row(&answer, t, shown);
    answer_print(text, &answer);
    add_lifetimes(text, &t->groups);
    if (t->query.per == PROFILE_STACK && view_given(t->view, "stacks"))
        add_stacks(text, t, shown);
    hak_text_add(text, "\n");
}

/* ---- the tree ----------------------------------------------------------------------------------
 */

/* A line of the tree that is to be printed. */
struct branch {
    uint32_t node, depth;
    bool is_chain; /* the only child, with all of its parent's value: at its parent's depth */
    bool is_rest;  /* of `node`: its children that are not shown, and itself */
};

struct branches {
    struct branch *branch;
    uint32_t count, room;
    bool failed;
};

/* Pushes a branch that is still to be shown; b->failed where memory ends. */
static void push_branch(struct branches *b, struct branch branch) {
    b->failed =
        b->failed || !hak_growing_make_room(&b->branch, b->count, &b->room, sizeof *b->branch);
    if (!b->failed)
        b->branch[b->count++] = branch;
}

/* Adds a node's name, indented; for the rest of its children, how many they are. */
static void add_tree_name(struct hak_text *name, const struct top *t, const struct branch *b,
                          uint32_t others, bool has_self) {
    const struct profile_node *node = &t->tree.node[b->node];
    hak_text_fill(name, ' ', 2 * (int)(b->depth < 60 ? b->depth : 60));
    if (b->is_rest && others)
        hak_text_add(name, "... %s more%s", hak_words_number(others),
                     has_self ? t->query.is_bottom_up ? ", and its begin" : ", and itself" : "");
    else if (b->is_rest)
        hak_text_add(name, t->query.is_bottom_up ? "(the outermost)" : "(itself)");
    if (b->is_rest)
        return;
    hak_text_add(name, b->is_chain ? t->query.is_bottom_up ? "< " : "> " : "");
    profile_add_name(name, &t->places.label[node->label], t->query.per);
    struct hak_text where = {0};
    profile_add_where(&where, &t->places.label[node->label], t->query.per);
    if (where.length) {
        hak_text_add(name, " ");
        hak_text_add_text(name, &where);
    }
    hak_text_free(&where);
}

/* Adds a node, or the sum of its children that are not shown, as a row. */
static void add_branch(struct answer *answer, const struct top *t, const struct branch *b) {
    const struct profile_node *node = &t->tree.node[b->node];
    struct profile_sums sums = node->total;
    uint32_t others = 0;
    bool has_self = node->self.live.blocks || node->self.came.blocks || node->self.went.blocks;
    if (b->is_rest) {
        others = profile_tree_others(&t->tree, b->node, &sums);
        profile_add_sums(&sums, &node->self);
    }
    answer_row(
        answer, PROFILE_NUMBERS(&t->query, &sums, &t->tree.node[0].total),
        MADE(t->query.is_bottom_up ? "<who allocated < its callers" : "<callers > who allocated",
             add_tree_name, t, b, others, has_self));
}

/* Puts the children of a node on the stack, the first on top. */
static void push_children(struct branches *stack, const struct top *t, const struct branch *b) {
    const struct profile_node *node = &t->tree.node[b->node];
    struct profile_sums rest;
    uint32_t others = profile_tree_others(&t->tree, b->node, &rest), shown = 0;
    bool has_self = node->self.live.blocks || node->self.came.blocks || node->self.went.blocks;
    for (uint32_t i = 0; i < node->children; i++)
        shown += t->tree.node[t->tree.order[node->first_child + i]].is_shown;
    if (!shown)
        return; /* the line has it all */
    bool is_chain = b->node && shown == 1 && !others && !has_self;
    uint32_t depth = b->node == 0 || is_chain ? b->depth : b->depth + 1;
    if (others || has_self)
        push_branch(stack, (struct branch){b->node, depth, false, true});
    for (uint32_t i = node->children; i-- > 0;) {
        uint32_t child = t->tree.order[node->first_child + i];
        if (t->tree.node[child].is_shown)
            push_branch(stack, (struct branch){child, depth, is_chain, false});
    }
}

/* Adds the tree of callers or callees as a table, depth first. */
static void add_tree(struct hak_text *text, struct top *t) {
    struct answer answer = answer_begin(t->view, false);
    struct branches stack = {0};
    if (t->tree.node[0].children == 0)
        return;
    answer.table.fit = view_columns(t->view);
    push_children(&stack, t, &(struct branch){0});
    answer.has_no_row = !stack.count;
    if (answer.has_no_row)
        add_branch(&answer, t, &(struct branch){0});
    while (stack.count && !stack.failed) {
        struct branch b = stack.branch[--stack.count];
        add_branch(&answer, t, &b);
        if (!b.is_rest)
            push_children(&stack, t, &b);
    }
    text->failed |= stack.failed;
    free(stack.branch);
    answer_print(text, &answer);
    hak_text_add(text, "\n");
}

/* ---- as JSON -----------------------------------------------------------------------------------
 */

/* A group as JSON: name, label or stack number, sums and, where asked, frames. */
static json_t *group_json(struct top *t, const struct profile_group *group) {
    const struct profile_query *q = &t->query;
    json_t *row = json_object();
    struct hak_text name = {0};
    profile_add_group_name(&name, &t->groups, group);
    hak_json_set(row, TEXT("name", hak_text_string(&name)));
    hak_text_free(&name);
    if (profile_has_callees(q))
        profile_set_label(row, &t->places.label[profile_group_key(group)]);
    if (q->per == PROFILE_STACK)
        hak_json_set(row, NUMBER("stack", profile_group_key(group)));
    if (q->per == PROFILE_STACK && view_given(t->view, "stacks"))
        hak_json_set(row,
                     JSON("frames", hak_json_stack(t->view->reader, profile_group_key(group))));
    if (q->per == PROFILE_THREAD || q->per == PROFILE_PROCESS)
        hak_json_set(row, NUMBER("id", profile_group_key(group)));
    if (q->is_of_pools)
        profile_set_pool(row, &q->pools,
                         has_pool_column(q) ? profile_group_pool(group) : profile_group_key(group));
    if (q->growth)
        hak_json_set(row, FLAG("still_growing", group->goes_on));
    hak_json_set(row, JSON("self", profile_sums_json(q, &group->self)));
    if (profile_has_callees(q))
        hak_json_set(row, JSON("with_callees", profile_sums_json(q, &group->total)));
    return row;
}

/* Sets the shown groups, the sum of the rest and the lifetimes in the document. */
static void set_list(json_t *document, struct top *t) {
    json_t *rows = json_array();
    uint32_t shown = shown_groups(t);
    struct profile_sums rest = sum_of_rest(&t->groups, shown);
    for (uint32_t i = 0; i < shown; i++)
        json_array_append_new(rows, group_json(t, &t->groups.group[i]));
    hak_json_set(document, JSON("rows", rows), NUMBER("left_out", t->groups.groups - shown),
                 JSON("others", profile_sums_json(&t->query, &rest)));
    if (t->groups.lives) {
        hak_json_set(document,
                     JSON("lifetime_ns_within_percent",
                          hak_json_object(NUMBER("50", profile_lifetime_within(&t->groups, 50)),
                                          NUMBER("90", profile_lifetime_within(&t->groups, 90)),
                                          NUMBER("99", profile_lifetime_within(&t->groups, 99)))));
    }
}

/* A node of the tree with its children, as JSON. */
static json_t *node_json(const struct top *t, uint32_t number) {
    const struct profile_node *node = &t->tree.node[number];
    json_t *object = json_object(), *children = json_array();
    struct profile_sums rest;
    uint32_t others = profile_tree_others(&t->tree, number, &rest);
    if (number)
        profile_set_label(object, &t->places.label[node->label]);
    hak_json_set(object, JSON("total", profile_sums_json(&t->query, &node->total)),
                 JSON("self", profile_sums_json(&t->query, &node->self)));
    for (uint32_t i = 0; i < node->children; i++) {
        uint32_t child = t->tree.order[node->first_child + i];
        if (t->tree.node[child].is_shown)
            json_array_append_new(children, node_json(t, child));
    }
    return hak_json_set(object, JSON("children", children), NUMBER("left_out", others),
                        JSON("others", profile_sums_json(&t->query, &rest)));
}

/* Prints the question, the total and the groups or the tree as JSON. */
static void print_top_json(struct top *t) {
    json_t *document = view_json_document(t->view);
    profile_set_query(document, &t->query);
    hak_json_set(document, JSON("total", profile_sums_json(&t->query, total_of(t))),
                 NUMBER("unknown_blocks", t->facts.unknown));
    if (t->query.is_mapped)
        hak_json_set(document, NUMBER("closed_bytes", t->facts.closed_bytes));
    if (t->query.is_tree)
        hak_json_set(document,
                     JSON(t->query.is_bottom_up ? "callers" : "callees", node_json(t, 0)));
    else
        set_list(document, t);
    view_start_pager(t->view);
    view_print_document(t->view, document);
}

/* ---- the command -------------------------------------------------------------------------------
 */

/* Prints the groups or the tree as a table with its footer. */
static void print_top_text(struct top *t) {
    struct hak_text text = {0};
    if (t->query.is_tree)
        add_tree(&text, t);
    else
        add_list(&text, t);
    add_top_footer(&text, t);
    view_start_pager(t->view);
    view_print(&text);
}

/* Sorts what was gathered and reports what failed while it was. 0, or a status. */
static int settle(struct top *t) {
    bool has_memory = true;
    if (t->query.is_tree) {
        has_memory = profile_tree_sort(&t->tree);
    } else {
        if (t->query.growth)
            profile_groups_mark_growth(&t->groups, t->query.growth);
        profile_groups_sort(&t->groups);
    }
    if (t->places.error)
        return view_store_error(t->view, t->places.error);
    if (!has_memory || t->query.pools.failed || t->places.failed || t->groups.failed ||
        t->tree.failed) {
        view_error("out of memory");
        return VIEW_USAGE;
    }
    return 0;
}

/* Frees groups, tree, places and question. */
static void free_top(struct top *t) {
    profile_free_groups(&t->groups);
    profile_free_tree(&t->tree);
    profile_free_places(&t->places);
    profile_free_query(&t->query);
}

/* Gathers what was asked for, anew where it is asked again. 0, or a status. */
static int gather(struct top *t) {
    profile_free_groups(&t->groups);
    profile_free_tree(&t->tree);
    t->groups = (struct profile_groups){.query = &t->query, .places = &t->places};
    t->tree = (struct profile_tree){.query = &t->query, .places = &t->places};
    return t->query.is_tree ? profile_gather(&t->query, &t->facts, profile_tree_take, &t->tree)
                            : profile_gather(&t->query, &t->facts, profile_groups_take, &t->groups);
}

/* Makes the question what it was before it was answered in part. */
static void ask_again(struct top *t, const struct profile_query *asked) {
    profile_free_growth(&t->query);
    profile_free_pools(&t->query.pools);
    t->query = *asked;
}

/* `top`: prints where memory was allocated, by function, stack, class, ... or as a tree. An exit
 * status. */
int command_top(struct view *view) {
    struct top t = {.view = view,
                    .query = {.per = PROFILE_FUNCTION,
                              .by = PROFILE_BYTES,
                              .at = {.kind = VIEW_AT_PEAK},
                              .limit = UINT64_MAX}};
    int status = view_open(view);
    if (status != 0)
        return status;
    if (!profile_read_query_before_damage(view, &t.query)) {
        free_top(&t);
        return view_question_status();
    }
    if (t.query.limit == UINT64_MAX)
        t.query.limit = t.query.is_tree ? TREE_LIMIT : PROFILE_ROWS_SHOWN;
    t.places = (struct profile_places){.view = view,
                                       .shows_all = t.query.shows_all,
                                       .focus = t.query.has_focus ? &t.query.focus : NULL,
                                       .ignore = t.query.has_ignore ? &t.query.ignore : NULL};
    const struct profile_query asked = t.query;
    status = gather(&t);
    if (status == VIEW_UNREADABLE && view_end_before_damage(view)) {
        ask_again(&t, &asked);
        status = gather(&t);
    }
    if (status == 0)
        status = settle(&t);
    if (status == 0)
        status = view_look_again(view);
    if (status == 0) {
        view_say_end(view);
        if (view->json)
            print_top_json(&t);
        else
            print_top_text(&t);
        status = view_completeness(view);
    }
    free_top(&t);
    return status;
}
