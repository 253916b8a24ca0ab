/* The door of sql: the log as virtual tables of SQLite.
 *
 *   SELECT ... FROM event, block, life, live, profile, stack_node -> constraints -> history
 *
 * The tables of a connection share one reader, which is freed with the last of them; they belong to
 * the connection's thread. It calls history, the reader, stacks and postings. */
#ifndef HAK_STORE_SQL_SQL_H
#define HAK_STORE_SQL_SQL_H

struct sqlite3;

/* Adds these virtual tables to a connection that has this store as main. 0, or an error. */
int hak_store_add_tables(struct sqlite3 *database);

#endif
