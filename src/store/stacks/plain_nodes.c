/* Copies nodes from their blobs into rows. */
#include "store/stacks/plain_nodes.h"

#include <stddef.h>

static const char doing[] = "writing the stacks of leaks and threads";

/* The frames of one stack, up to one that is there already: then its callers are, too. */
static int put_stack(const struct hak_database *db, struct hak_node_writer *nodes, uint32_t stack) {
    struct hak_node_row row;
    int found, error = 0;
    for (; stack && !error; stack = row.parent < stack ? row.parent : 0) {
        if ((found = hak_node_writer_get(nodes, stack, &row)) != 1)
            return found;
        error = hak_do(db, "INSERT OR IGNORE INTO plain_node VALUES(?, ?, ?, ?, ?)", doing,
                       HAK_NUMBER(row.id), HAK_NUMBER(row.parent), HAK_NUMBER(row.process),
                       HAK_NUMBER(row.generation), HAK_NUMBER(row.ip));
        if (!error && sqlite3_changes(db->connection) == 0)
            break;
    }
    return error;
}

int hak_plain_nodes_put(const struct hak_database *db, struct hak_node_writer *nodes) {
    struct hak_query q =
        hak_ask(db, "SELECT stack FROM leak UNION SELECT stack FROM thread", doing);
    int error = 0;
    while (!error && hak_query_next(&q))
        error = put_stack(db, nodes, hak_query_id(&q, 0));
    int unread = hak_query_end(&q);
    return error ? error : unread;
}
