/* Finds the stacks that have a text in them: first the nodes whose own frame has it, then all nodes
 * that stand above one of these. */
#include "viewer/events/site.h"

#include <stdlib.h>

static const char reading[] = "reading its stacks";

/* Marks the nodes whose own function, line or module contains the text. */
static bool mark_own(struct view *view, const char *site, unsigned char *has, size_t count) {
    struct hak_query q = hak_ask(hak_store_database(view->reader),
                                 "SELECT node FROM node_frame WHERE instr(function, ?1) OR"
                                 " instr(file || ':' || line, ?1) OR instr(module, ?1)",
                                 reading);
    hak_query_bind_text(&q, 1, site);
    while (hak_query_next(&q))
        if (hak_query_number(&q, 0) < count)
            has[hak_query_number(&q, 0)] = 1;
    return view_end_query(view, &q, true) == 0;
}

/* Marks the stacks whose callers' stack is marked. Parents nearly always have lower ids, so that
 * one pass is enough; whatever the order, passes go on until nothing changes. */
static bool mark_above(struct view *view, unsigned char *has, size_t count) {
    struct hak_query q = hak_ask(hak_store_database(view->reader),
                                 "SELECT id, parent FROM node ORDER BY id", reading);
    for (bool changed = true; changed && !q.error; hak_query_again(&q)) {
        changed = false;
        while (hak_query_next(&q)) {
            uint64_t id = hak_query_number(&q, 0), parent = hak_query_number(&q, 1);
            if (id >= count || parent == 0 || parent >= count || has[id] || !has[parent])
                continue;
            has[id] = 1;
            changed |= parent > id;
        }
    }
    return view_end_query(view, &q, true) == 0;
}

unsigned char *site_find_stacks(struct view *view, const char *site, size_t *count) {
    uint64_t highest;
    int found = hak_database_numbers(hak_store_database(view->reader), "SELECT max(id) FROM node",
                                     0, &highest, 1);
    *count = highest + 1;
    if (found < 0)
        view_store_error(view, found);
    unsigned char *has = found < 0 ? NULL : calloc(*count, 1);
    if (found >= 0 && !has)
        view_error("out of memory");
    if (!has || !mark_own(view, site, has, *count) || !mark_above(view, has, *count)) {
        free(has);
        return NULL;
    }
    return has;
}
