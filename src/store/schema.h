/* The tables of a store and the rows that are the same in every store of this version. */
#ifndef HAK_STORE_SCHEMA_H
#define HAK_STORE_SCHEMA_H

struct sqlite3;

/* Lays out an empty database file: page size, application_id, user_version, tables, views, names of
 * classes, kinds, places and faults. 0 or a hak_store_error; `path` is for the message. */
int hak_store_make_schema(struct sqlite3 *database, const char *path);

#endif
