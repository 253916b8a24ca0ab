/* The statements that lay out a server, one migration after the other. */
#ifndef HAK_REMOTE_MIGRATIONS_H
#define HAK_REMOTE_MIGRATIONS_H

struct hak_remote_migration {
    int number; /* from 1 without gaps */
    int oldest; /* the layout that a client must know at least when this one is there */
    const char *sql;
};
/* Ends with number 0. The statements have the meaning of each table and column as comments, in the
 * form of store/schema_sql.c: the page docs/specs/fleet-tables.md is made of them. */
extern const struct hak_remote_migration hak_remote_migrations[];

#endif
