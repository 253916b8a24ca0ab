/* hakmem_postgres.so: captures in a database that speaks PostgreSQL's protocol. hakmem-trace loads
 * it when it is given a URL (store/source.h), so that nobody else needs libpq.
 *
 *   source ---> reading.c   a capture as tables of an SQLite connection in memory
 *   push   ---> copy.c      a store's rows, in parts (parts.c) that are sent once
 *                 |
 *   setup  ---> schema.c    migrations (schema_sql.c), roles, partitions
 *                 |
 *                 +--> tables.c   where a table of the store lies on the server
 *                 +--> link.c     the connection: statements, errors in one line
 *
 * A table T of a store is hakmem.c_T there, with `capture` in front of its key; docs/specs/fleet.md
 * has all of it. For one thread, but where said otherwise. */
#ifndef HAK_REMOTE_REMOTE_H
#define HAK_REMOTE_REMOTE_H

#include <sqlite3.h>
#include <stddef.h>
#include <stdint.h>

#define HAK_REMOTE_ABI 1

/* What a push did. */
struct hak_remote_pushed {
    uint64_t capture;                /* its number on the server */
    uint64_t parts, rows, bytes;     /* of the store, all of them */
    uint64_t sent_parts, sent_bytes; /* of these, what the server had not yet */
};

/* What a setup did. */
struct hak_remote_laid {
    int layout;                 /* number of the newest migration that the server has */
    int migrations, partitions; /* that were made now */
};

/* A capture that was opened. */
struct hak_remote_capture {
    sqlite3 *connection; /* the caller closes it */
    char *name;          /* the URL without what is nobody's business; to be freed */
    uint64_t bytes;      /* of the values of its rows */
};

struct hak_remote {
    int abi; /* HAK_REMOTE_ABI */
    /* The capture that `url` names. `layout` is a database with a store's tables and views, empty;
     * it may be closed afterwards. 0 or an error of store/error.h, of which `why` (to be freed) has
     * the line; `out` is empty then. */
    int (*open)(const char *url, sqlite3 *layout, struct hak_remote_capture *out, char **why);
    /* Sends all rows of `store`, a store's file at `path`, over `jobs` connections; `told`, which
     * may be NULL, hears in the caller's thread how many bytes were handed on. 0 or an error. */
    int (*push)(const char *url, sqlite3 *store, const char *path, int jobs,
                void (*told)(void *context, uint64_t done, uint64_t total), void *context,
                struct hak_remote_pushed *out, char **why);
    /* Lays out the server, or what it lacks; `layout` as of open. 0 or an error. */
    int (*setup)(const char *url, sqlite3 *layout, struct hak_remote_laid *out, char **why);
};

/* The module's only symbol for others: "hak_remote". */
extern const struct hak_remote hak_remote;

#endif
