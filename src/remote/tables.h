/* The tables of a store, as its file and as the server have them. */
#ifndef HAK_REMOTE_TABLES_H
#define HAK_REMOTE_TABLES_H

#include <sqlite3.h>
#include <stdbool.h>
#include <stdio.h>
#include "remote/link.h"

enum { HAK_REMOTE_COLUMNS = 24, HAK_REMOTE_TABLES = 64 };
enum { HAK_REMOTE_INDEXES = 4, HAK_REMOTE_INDEX_COLUMNS = 8 }; /* any more are left out */

enum hak_remote_type {
    HAK_REMOTE_NUMBER, /* bigint */
    HAK_REMOTE_REAL,   /* double precision */
    HAK_REMOTE_TEXT,   /* bytea: a text of a store may be anything */
    HAK_REMOTE_BYTES,  /* bytea */
};

struct hak_remote_column {
    char *name;
    enum hak_remote_type type;
    int key; /* its place in the primary key, from 1; 0 = none */
};

struct hak_remote_index {
    char *name;
    int column[HAK_REMOTE_INDEX_COLUMNS]; /* their numbers */
    int columns;
};

struct hak_remote_table {
    char *name;
    struct hak_remote_column column[HAK_REMOTE_COLUMNS];
    struct hak_remote_index index[HAK_REMOTE_INDEXES]; /* beside the key's */
    int columns, keys, indexes;
};

struct hak_remote_tables {
    struct hak_remote_table table[HAK_REMOTE_TABLES];
    int tables;
};

/* Reads the tables of `database`, which has a store's layout. 0 or an error. */
int hak_remote_tables_read(sqlite3 *database, struct hak_remote_tables *out);
void hak_remote_tables_free(struct hak_remote_tables *tables);

/* The column that is number `at` of the key, from 1; the first column if none is. */
const struct hak_remote_column *hak_remote_key(const struct hak_remote_table *table, int at);

/* Appends the statements that make the parts of these tables that the server lacks. */
void hak_remote_tables_add(FILE *sql, const struct hak_remote_tables *tables);

#endif
