/* The tables of a store and the rows that are the same in every store of this version. */
#ifndef HAK_STORE_SCHEMA_H
#define HAK_STORE_SCHEMA_H

struct hak_database;

/* Lays out an empty database file: page size, application_id, user_version, tables, views, names of
 * classes, kinds, places and faults. 0 or a hak_store_error. */
int hak_store_make_schema(const struct hak_database *db);

/* Its statements, with the meaning of each table and column as comments: one line for each column.
 */
extern const char hak_store_schema_sql[];

#endif
