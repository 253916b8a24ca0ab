/* Loads the processes of a capture and links them. */
#include "viewer/info/tree.h"

#include <stdlib.h>
#include <string.h>
#include "store/history/history.h"

#define PROCESSES_MAX (16u << 20) /* processes; ids count from 1 without gaps */

static void read_row(struct tree_process *p, const struct hak_query *query) {
    *p = (struct tree_process){
        .id = hak_query_id(query, 0),
        .parent = hak_query_id(query, 1),
        .pid = (int)hak_query_number(query, 2),
        .session = hak_query_id(query, 3),
        .start_time = hak_query_number(query, 4),
        .start_ns = hak_query_number(query, 5),
        .end_ns = hak_query_number(query, 6),
        .end_kind = (int)hak_query_number(query, 7),
        .lost = hak_query_number(query, 8),
        .threads = hak_query_number(query, 9),
        .faults = hak_query_number(query, 10),
        .exit_status = (int)hak_query_number(query, 11),
        .signal = (int)hak_query_number(query, 12),
        .program = strdup(hak_query_text(query, 13)),
        .command_line = strdup(hak_query_text(query, 14)),
        .note = strdup(hak_query_text(query, 15)),
        .first_child = -1,
        .next_sibling = -1,
        .became = -1,
        .was = -1,
    };
}

/* Loads the processes, in order of rows. Returns a status, said if not 0. */
static int load_processes(struct tree *tree, struct view *view) {
    static const char sql[] =
        "WITH t AS (SELECT process, count(*) AS n FROM thread GROUP BY process),"
        " f AS (SELECT process, count(*) AS n FROM fault GROUP BY process)"
        " SELECT p.id, p.parent, p.pid, p.session, p.start_time, p.start_ns, p.end_ns, p.end_kind,"
        " p.lost, coalesce(t.n, 0), coalesce(f.n, 0), p.exit_status, p.signal, p.program,"
        " substr(p.command_line, 1, 400), p.note FROM process p LEFT JOIN t ON t.process = p.id"
        " LEFT JOIN f ON f.process = p.id ORDER BY p.id";
    int room = (int)view->summary.processes;
    struct hak_query q = hak_ask(hak_store_database(view->reader), sql, "reading processes");
    tree->list = calloc((size_t)room + 1, sizeof *tree->list);
    bool has_memory = tree->list != NULL;
    while (has_memory && tree->count < room && hak_query_next(&q)) {
        struct tree_process *p = &tree->list[tree->count++];
        read_row(p, &q);
        has_memory = p->program && p->command_line && p->note;
    }
    return view_end_query(view, &q, has_memory);
}

int tree_find(const struct tree *tree, uint32_t row) {
    int low = 0, high = tree->count;
    while (low < high) {
        int middle = low + (high - low) / 2;
        if (tree->list[middle].id < row)
            low = middle + 1;
        else
            high = middle;
    }
    return low < tree->count && tree->list[low].id == row ? low : -1;
}

/* ---- links
 * --------------------------------------------------------------------------------------- */

static const struct tree *sorted_tree;

/* By pid, start, row. */
static int by_pid_and_start(const void *a, const void *b) {
    const struct tree_process *x = &sorted_tree->list[*(const int *)a];
    const struct tree_process *y = &sorted_tree->list[*(const int *)b];
    if (x->pid != y->pid)
        return x->pid < y->pid ? -1 : 1;
    if (x->start_ns != y->start_ns)
        return x->start_ns < y->start_ns ? -1 : 1;
    return (x->id > y->id) - (x->id < y->id);
}

/* Orders processes by start, latest first: siblings are put in front of each other. */
static int by_start_backwards(const void *a, const void *b) {
    const struct tree_process *x = &sorted_tree->list[*(const int *)a];
    const struct tree_process *y = &sorted_tree->list[*(const int *)b];
    if (x->start_ns != y->start_ns)
        return x->start_ns < y->start_ns ? 1 : -1;
    return (x->id < y->id) - (x->id > y->id);
}

enum { END_EXEC = 3 };

/* Links each process that executed another program with the row after it that has its pid (and
 * start time, where both are known): that program. */
static void link_programs(struct tree *tree, const int *order) {
    for (int i = 0; i + 1 < tree->count; i++) {
        struct tree_process *p = &tree->list[order[i]], *next = &tree->list[order[i + 1]];
        bool same_start =
            p->start_time == next->start_time || p->start_time == 0 || next->start_time == 0;
        if (p->end_kind == END_EXEC && p->pid == next->pid && p->parent == next->parent &&
            same_start) {
            p->became = order[i + 1];
            next->was = order[i];
        }
    }
}

/* Links each process below its parent; a parent that cannot be makes it a root. */
static void link_children(struct tree *tree, const int *order) {
    tree->first_root = -1;
    for (int i = 0; i < tree->count; i++) {
        struct tree_process *p = &tree->list[order[i]];
        int parent = tree_find(tree, p->parent);
        if (p->was >= 0)
            continue; /* drawn behind what it was */
        /* Rows are made parents first; anything else is damage and would go round in a circle. */
        if (parent >= 0 && tree->list[parent].id < p->id) {
            p->next_sibling = tree->list[parent].first_child;
            tree->list[parent].first_child = order[i];
        } else {
            p->next_sibling = tree->first_root;
            tree->first_root = order[i];
        }
    }
}

/* Adds up how many processes are below each, and which must be shown. Children have higher rows
 * than their parents, and programs than what they were before. */
static void sum_up(struct tree *tree) {
    for (int i = tree->count - 1; i >= 0; i--) {
        struct tree_process *p = &tree->list[i];
        int above = p->was >= 0 ? p->was : tree_find(tree, p->parent);
        p->must_be_shown |= p->faults > 0 || p->lost > 0 || p->note[0] != '\0';
        if (above < 0 || above >= i)
            continue;
        tree->list[above].below += p->below + 1;
        tree->list[above].must_be_shown |= p->must_be_shown;
    }
}

/* Counts each process's events, as far as they can be read. Returns a status, said if not 0. */
static int count_events(struct tree *tree, struct view *view) {
    uint32_t highest = 0;
    for (int i = 0; i < tree->count; i++) /* a damaged store has rows below 0, out of order here */
        highest = tree->list[i].id > highest ? tree->list[i].id : highest;
    if (highest >= PROCESSES_MAX) {
        view_error("%s refers to process row %u: no store that hakmem wrote has that number",
                   view->store_path, highest);
        return VIEW_UNREADABLE;
    }
    uint32_t rows = highest + 1;
    uint64_t *events = calloc(rows, sizeof *events);
    if (!events) {
        view_error("out of memory");
        return VIEW_UNREADABLE;
    }
    int error = hak_store_tally_processes(view->reader, events, rows);
    for (int i = 0; i < tree->count; i++)
        tree->list[i].events = events[tree->list[i].id];
    free(events);
    int status = error < 0 ? view_store_error(view, error) : 0;
    tree->is_short = error == HAK_STORE_BROKEN;
    return tree->is_short ? 0 : status;
}

int tree_load(struct tree *tree, struct view *view) {
    *tree = (struct tree){.first_root = -1};
    int status = load_processes(tree, view);
    if (status == 0)
        status = count_events(tree, view);
    int *order = status == 0 ? calloc((size_t)tree->count + 1, sizeof *order) : NULL;
    if (order) {
        for (int i = 0; i < tree->count; i++)
            order[i] = i;
        sorted_tree = tree;
        qsort(order, (size_t)tree->count, sizeof *order, by_pid_and_start);
        link_programs(tree, order);
        qsort(order, (size_t)tree->count, sizeof *order, by_start_backwards);
        link_children(tree, order);
        sum_up(tree);
    } else if (status == 0) {
        view_error("out of memory");
        status = VIEW_UNREADABLE;
    }
    free(order);
    if (status != 0)
        tree_free(tree);
    return status;
}

void tree_free(struct tree *tree) {
    for (int i = 0; i < tree->count; i++) {
        free(tree->list[i].program);
        free(tree->list[i].command_line);
        free(tree->list[i].note);
    }
    free(tree->list);
    *tree = (struct tree){.first_root = -1};
}
