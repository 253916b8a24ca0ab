/* The view table_column: every table and view that a query can name, and their columns. The tables
 * that are made while they are read stand in no schema, so sqlite_master does not list them. */
#include "store/reader/inner.h"
#include "store/sql/tables.h"

int hak_table_add_catalogue(const struct hak_database *db) {
    static const char view[] =
        "CREATE TEMP VIEW IF NOT EXISTS table_column AS"
        " SELECT t.name AS table_name, t.kind AS kind, c.cid AS position, c.name AS column_name,"
        "  c.type AS type, c.hidden <> 0 AS is_hidden"
        " FROM (SELECT 'event' AS name, 'log' AS kind UNION ALL SELECT 'life', 'log'"
        "  UNION ALL SELECT 'live', 'log' UNION ALL SELECT 'block', 'log'"
        "  UNION ALL SELECT 'profile', 'log'"
        "  UNION ALL SELECT 'stack_node', 'log' UNION ALL SELECT 'node', 'log'"
        "  UNION ALL SELECT name, type FROM main.sqlite_master"
        "   WHERE type IN ('table', 'view') AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\'"
        "   AND name NOT IN ('event', 'life', 'live', 'block', 'profile', 'stack_node', 'node')"
        "  UNION ALL SELECT 'table_column', 'view') t"
        " JOIN pragma_table_xinfo(t.name) c";
    return hak_database_run(db, view, "adding its list of tables");
}
