/* Makes a tree of functions of all stacks that allocated. */
#include "viewer/html/parts.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include "base/growing.h"
#include "report/words/words.h"

uint32_t html_number_text(struct html_texts *texts, const char *text) {
    uint64_t key = hak_index_hash(text, strlen(text)), at = 0;
    if (!texts->list) {
        texts->list = json_array();
        json_array_append_new(texts->list, json_string(""));
    }
    if (!text[0])
        return 0;
    for (uint32_t row; (row = hak_index_find(&texts->by_text, key, &at)) != 0;)
        if (strcmp(json_string_value(json_array_get(texts->list, row - 1)), text) == 0)
            return row - 1;
    uint32_t number = (uint32_t)json_array_size(texts->list);
    json_t *kept = hak_json_text(text);
    if (json_array_append_new(texts->list, kept) != 0 ||
        !hak_index_add(&texts->by_text, key, number + 1))
        return 0;
    return number;
}

/* ---- the tree ----------------------------------------------------------------------------------
 */

static bool is_child(const struct html_node *node, const struct html_node *wanted) {
    return node->parent == wanted->parent && node->label == wanted->label &&
           node->line == wanted->line && node->shown == wanted->shown;
}

/* The node that is `wanted`, by its parent, label, line and whether it is shown; added if it is
 * new. 0, and `failed` set, without memory. */
static uint32_t find_or_add_child(struct html_stacks *s, const struct html_node *wanted) {
    uint64_t key = hak_index_mix(hak_index_mix(wanted->parent, wanted->label),
                                 (uint64_t)wanted->line << 2 | wanted->shown);
    uint64_t at = 0;
    for (uint32_t row; (row = hak_index_find(&s->by_child, key, &at)) != 0;)
        if (is_child(&s->node[row - 1], wanted))
            return row - 1;
    s->failed = s->failed ||
                !hak_growing_make_room(&s->node, s->nodes, &s->room, sizeof *s->node) ||
                !hak_index_add(&s->by_child, key, s->nodes + 1);
    if (s->failed)
        return 0;
    s->node[s->nodes] = *wanted;
    s->node[s->nodes].next = s->nodes ? s->node[wanted->parent].first : 0;
    if (s->nodes)
        s->node[wanted->parent].first = s->nodes;
    return s->nodes++;
}

/* Notes for the label of the place's function which module it is of: the module's label + 1, as 0
 * means none. */
static void keep_module(struct html_stacks *s, const struct profile_place *place) {
    uint32_t label = place->label[PROFILE_FUNCTION];
    s->failed = s->failed || !hak_growing_reach(&s->module_of_label, s->places.labels,
                                                &s->module_room, sizeof *s->module_of_label);
    if (!s->failed)
        s->module_of_label[label] = place->label[PROFILE_MODULE] + 1;
}

/* The node of a path, which begins with who allocated; its nodes are added where they are new. */
static uint32_t add_path(struct html_stacks *s, const struct profile_path *path) {
    uint32_t node = 0;
    for (uint32_t i = path->count; i-- > 0 && !s->failed;) {
        const struct profile_place *place = &s->places.place[path->place[i]];
        keep_module(s, place);
        node = find_or_add_child(s, &(struct html_node){.parent = node,
                                                        .label = place->label[PROFILE_FUNCTION],
                                                        .line = place->frame.line,
                                                        .shown = path->shown[i]});
    }
    return node;
}

/* Numbers the nodes so that children follow their parent. */
static void order_nodes(struct html_stacks *s) {
    uint32_t node = 0, place = 0;
    for (;;) {
        s->node[node].place = place++;
        if (s->node[node].first) {
            node = s->node[node].first;
            continue;
        }
        while (node && !s->node[node].next)
            node = s->node[node].parent;
        if (!node)
            return;
        node = s->node[node].next;
    }
}

int html_read_stacks(struct view *view, const struct timeline *timeline, struct html_stacks *out) {
    struct profile_path path = {0};
    *out = (struct html_stacks){.places = {.view = view, .keeps_folded = true}};
    out->node_of_row = calloc(timeline->flow.rows + 1, sizeof *out->node_of_row);
    out->failed = !out->node_of_row;
    find_or_add_child(out, &(struct html_node){0}); /* the root */
    for (uint32_t i = 0; i < timeline->flow.rows && !out->failed; i++) {
        if (!profile_read_path(&out->places, timeline->flow.row[i].stack, &path))
            break;
        out->node_of_row[i] = add_path(out, &path);
    }
    profile_free_path(&path);
    if (out->places.error)
        return view_store_error(view, out->places.error);
    if (out->failed || out->places.failed) {
        view_error("%s: out of memory", view->store_path);
        return VIEW_UNREADABLE;
    }
    order_nodes(out);
    return 0;
}

void html_free_stacks(struct html_stacks *stacks) {
    profile_free_places(&stacks->places);
    free(stacks->node);
    free(stacks->node_of_row);
    free(stacks->module_of_label);
    hak_index_free(&stacks->by_child);
}

/* ---- for the page ------------------------------------------------------------------------------
 */

static uint32_t
number_words(struct html_texts *texts, const struct profile_label *label, enum profile_key key,
             void (*add)(struct hak_text *, const struct profile_label *, enum profile_key)) {
    struct hak_text text = {0};
    add(&text, label, key);
    uint32_t number = html_number_text(texts, hak_text_string(&text));
    hak_text_free(&text);
    return number;
}

/* Packs the name, where, file, line and module of a function. */
static void pack_function(struct html_pack *pack, struct html_stacks *s, uint32_t number,
                          struct html_texts *texts) {
    const struct profile_label *label = &s->places.label[number];
    uint32_t module = s->module_of_label[number];
    html_pack_number(pack, number_words(texts, label, PROFILE_FUNCTION, profile_add_name));
    html_pack_number(pack, number_words(texts, label, PROFILE_FUNCTION, profile_add_where));
    html_pack_number(pack, number_words(texts, label, PROFILE_FILE, profile_add_name));
    html_pack_number(pack, module ? number_words(texts, &s->places.label[module - 1],
                                                 PROFILE_MODULE, profile_add_name)
                                  : 0);
}

/* Numbers of what nodes are of, each once: (function, line, shown). */
struct places {
    struct html_pack pack;
    struct hak_index by_key;        /* number + 1 */
    const struct html_node **first; /* of each, the node that had it first */
    uint32_t count, room;
    bool failed;
};

/* The number of the node's function and line, shown or not; packed if it is new. 0, and `failed`
 * set, without memory. */
static uint32_t number_place(struct places *p, const struct html_node *node, uint32_t function) {
    uint64_t key = hak_index_mix(node->label, (uint64_t)node->line << 2 | node->shown), at = 0;
    for (uint32_t row; (row = hak_index_find(&p->by_key, key, &at)) != 0;) {
        const struct html_node *found = p->first[row - 1];
        if (found->label == node->label && found->line == node->line && found->shown == node->shown)
            return row - 1;
    }
    p->failed = p->failed ||
                !hak_growing_make_room(&p->first, p->count, &p->room, sizeof *p->first) ||
                !hak_index_add(&p->by_key, key, p->count + 1);
    if (p->failed)
        return 0;
    html_pack_number(&p->pack, (uint64_t)function << 2 | node->shown);
    html_pack_number(&p->pack, node->line);
    p->first[p->count] = node;
    return p->count++;
}

/* The packed places; frees the rest. */
static json_t *take_places(struct places *p) {
    hak_index_free(&p->by_key);
    free((void *)p->first);
    return html_pack_json(&p->pack);
}

/* The owner: the innermost function that is shown. */
static const struct html_node *find_owner(const struct html_stacks *s, uint32_t node) {
    while (node && s->node[node].shown == PROFILE_FOLDED)
        node = s->node[node].parent;
    return &s->node[node];
}

static uint64_t event_of(const struct timeline *t, int64_t moment) {
    return moment < 0 ? 0 : t->step[moment].event;
}

/* Sets the span that shows what grows, and the functions that still do: `number` has those of the
 * page by label, 0 = it is in no stack. */
static bool set_growth(json_t *data, const struct html_stacks *s, const uint32_t *number,
                       const struct growth *growth) {
    const struct timeline *t = &growth->timeline;
    uint32_t *label = calloc((size_t)t->flow.rows + 1, sizeof *label);
    bool *goes_on = calloc((size_t)s->places.labels + 1, sizeof *goes_on);
    json_t *object = json_object(), *list = json_array();
    for (uint32_t i = 0; i < t->flow.rows && label; i++)
        label[i] = find_owner(s, s->node_of_row[i])->label;
    bool good = label && goes_on && growth_find_going_on(growth, label, s->places.labels, goes_on);
    for (uint32_t i = 0; i < s->places.labels && good; i++)
        if (goes_on[i] && number[i])
            json_array_append_new(list, json_integer(number[i] - 1));
    hak_json_set(object, NUMBER("from_event", event_of(t, growth->from)),
                 NUMBER("to_event", event_of(t, growth->to)),
                 FLAG("before_teardown", growth->has_teardown), JSON("still_growing", list));
    hak_json_set(data, JSON("growth", object));
    free(label);
    free(goes_on);
    return good;
}

void html_set_stacks(json_t *data, struct html_stacks *s, struct html_texts *texts,
                     const struct growth *growth) {
    struct html_pack functions = {0}, tree = {0};
    struct places places = {0};
    uint32_t *at = calloc((size_t)s->nodes + 1, sizeof *at); /* node in the page's order */
    uint32_t *number = calloc((size_t)s->places.labels + 1, sizeof *number);
    uint32_t used = 0;
    for (uint32_t i = 0; at && i < s->nodes; i++)
        at[s->node[i].place] = i;
    for (uint32_t i = 1; at && number && i < s->nodes; i++) {
        const struct html_node *node = &s->node[at[i]];
        if (!number[node->label]) {
            pack_function(&functions, s, node->label, texts);
            number[node->label] = ++used;
        }
        html_pack_number(&tree, i - s->node[node->parent].place);
        html_pack_number(&tree, number_place(&places, node, number[node->label] - 1));
    }
    functions.failed |= places.failed || !at || !number || !set_growth(data, s, number, growth);
    hak_json_set(data, JSON("functions", html_pack_json(&functions)),
                 JSON("places", take_places(&places)), JSON("tree", html_pack_json(&tree)));
    free(at);
    free(number);
}
