/* The layout of the server: tables, functions, roles, partitions, in numbered migrations. */
#ifndef HAK_REMOTE_SCHEMA_H
#define HAK_REMOTE_SCHEMA_H

#include "remote/link.h"
#include "remote/migrations.h"
#include "remote/remote.h"
#include "remote/tables.h"

/* Checks that the server is laid out as this client needs it: 0; HAK_STORE_FOREIGN: there is
 * nothing; HAK_STORE_OLDER, HAK_STORE_NEWER: of another version; or the server's error. */
int hak_remote_schema_check(struct hak_link *link);
/* The same for readers, of the answer to hak_remote_schema_versions: an older layout is taken as it
 * is. 0 or HAK_STORE_NEWER. */
extern char hak_remote_schema_versions[];

/* Judges the versions that the server's tables have. 0: this program can use them; or an error:
 * they cannot be read, or are too new. */
int hak_remote_schema_judge(const struct hak_link *link, const PGresult *versions);
/* Checks that the server's tables of captures have all columns: HAK_STORE_OLDER where some are
 * missing. */
int hak_remote_schema_check_tables(struct hak_link *link, const struct hak_remote_tables *tables);

/* Lays out the missing parts, once, under a lock of its own: any number of clients may ask at once.
 * `is_whole`: with the roles hakmem_writer and hakmem_reader, without which it is an error; else
 * they get their rights where they are there. 0 or an error. */
int hak_remote_schema_make(struct hak_link *link, const struct hak_remote_tables *tables,
                           bool is_whole, struct hak_remote_laid *out);

/* Makes or updates the server's tables (hak_remote.setup). */
int hak_remote_setup(const char *url, sqlite3 *layout, struct hak_remote_laid *out, char **why);

#endif
