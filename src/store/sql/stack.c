/* The virtual table stack_node: the nodes of each stack, innermost first; and the view stack_frame
 * over it, so that the frames of one stack are found without looking at all others. */
#include <stdlib.h>
#include "store/reader/inner.h"
#include "store/sql/tables.h"

enum stack_node_column { NODE_STACK, NODE_DEPTH, NODE_ID };
static const char stack_node_declaration[] =
    "CREATE TABLE stack_node(stack INTEGER, depth INTEGER, node INTEGER)";

struct stack_node_cursor {
    struct hak_table_cursor head;
    uint32_t stack, depth, node;
    bool is_one; /* stack = X was asked */
};

/* xBestIndex: takes a limit on the stack. */
static int plan_stack_nodes(sqlite3_vtab *vtab, sqlite3_index_info *info) {
    unsigned taken = 0;
    (void)vtab;
    int result = hak_table_take(info, 1u << NODE_STACK, 0, 1u << NODE_STACK, &taken);
    info->estimatedCost = taken ? 100 : 1e8;
    info->estimatedRows = taken ? 20 : 10000000;
    return result;
}

static int close_stack_nodes(sqlite3_vtab_cursor *vtab) {
    hak_table_close(vtab);
    return SQLITE_OK;
}

static struct hak_node_reader *nodes_of(const struct stack_node_cursor *c) {
    return hak_table_reader(&c->head.vtab)->stacks.nodes;
}

/* Begins the first stack from `stack` on (of exactly that id, where one was asked). An error of
 * SQLite, or SQLITE_OK, also at the end. */
static int begin_stack(struct stack_node_cursor *c, uint32_t stack) {
    struct hak_node_row row;
    int found = c->is_one ? hak_node_reader_get(nodes_of(c), stack, &row)
                          : hak_node_reader_next(nodes_of(c), stack, &row);
    c->head.is_at_end = found != 1;
    if (found == 1)
        c->stack = c->node = row.id;
    c->depth = 0;
    return found < 0 ? hak_table_fail(c->head.vtab.pVtab, found) : SQLITE_OK;
}

/* xNext: the caller's node, or the first of the next stack. */
static int next_stack_node(sqlite3_vtab_cursor *vtab) {
    struct stack_node_cursor *c = (struct stack_node_cursor *)vtab;
    struct hak_node_row row;
    int found = hak_node_reader_get(nodes_of(c), c->node, &row);
    c->head.number++;
    if (found < 0)
        return hak_table_fail(vtab->pVtab, found);
    /* Parents have lower ids: a damaged chain ends, too. */
    if (found == 1 && row.parent && row.parent < c->node) {
        c->node = row.parent;
        c->depth++;
        return SQLITE_OK;
    }
    c->head.is_at_end = c->is_one || c->stack == UINT32_MAX;
    return c->head.is_at_end ? SQLITE_OK : begin_stack(c, c->stack + 1);
}

/* xFilter: begins with the stack that is asked for, or with all. */
static int filter_stack_nodes(sqlite3_vtab_cursor *vtab, int number, const char *plan, int argc,
                              sqlite3_value **argv) {
    struct stack_node_cursor *c = (struct stack_node_cursor *)vtab;
    uint64_t stack = 1, asked;
    (void)number;
    (void)plan;
    c->is_one = argc > 0;
    c->head.is_at_end = true;
    for (int i = 0; i < argc; i++) {
        if (!hak_table_number(argv[i], HAK_OP_EQUAL, &asked) || asked == 0 || asked > UINT32_MAX ||
            (i && asked != stack))
            return SQLITE_OK;
        stack = asked;
    }
    return begin_stack(c, (uint32_t)stack);
}

/* xColumn: gives stack, depth or node of the row at hand. */
static int read_stack_node_column(sqlite3_vtab_cursor *vtab, sqlite3_context *out, int which) {
    const struct stack_node_cursor *c = (const struct stack_node_cursor *)vtab;
    const uint32_t values[] = {
        [NODE_STACK] = c->stack, [NODE_DEPTH] = c->depth, [NODE_ID] = c->node};
    sqlite3_result_int64(out, values[which]);
    return SQLITE_OK;
}

HAK_TABLE_MODULE(hak_stack_module, stack_node, false, .xBestIndex = plan_stack_nodes,
                 .xClose = close_stack_nodes, .xFilter = filter_stack_nodes,
                 .xNext = next_stack_node, .xColumn = read_stack_node_column);

/* Adds the view of stacks with their frames, temporary: it comes before the file's own one of this
 * name. 0, or an error. */
int hak_table_add_stack_frame(const struct hak_database *db) {
    static const char view[] =
        "CREATE TEMP VIEW IF NOT EXISTS stack_frame AS"
        " SELECT w.stack AS stack, w.depth AS depth, f.level AS level, f.ip AS ip,"
        "  f.module AS module, f.module_offset AS module_offset, f.function AS function,"
        "  f.file AS file, f.line AS line"
        " FROM stack_node w JOIN node_frame f ON f.node = w.node";
    return hak_database_run(db, view, "adding its view of stacks");
}
