/* hakmem_postgres.so: captures in a database that speaks PostgreSQL's protocol. hakmem-trace loads
 * it when it is given a URL (store/source.h), so that nobody else needs libpq.
 *
 *   source ---> reading.c   a capture as an SQLite connection
 *                 +--> image.c   its tables, copied once
 *                 +--> blobs.c   the blobs of large ones, when they are read
 *                 +--> symbols.c all symbols, when the first is
 *                 +--> cache.c   all of it, for the next time
 *   push   ---> copy.c      a store's rows, in parts (parts.c) that are sent once
 *          ---> findings.c  runs of programs and what was found in them, each once
 *          ---> pulls.c     heap profiles of processes, each once
 *                 |  values.c  values and answers of statements that go out together
 *   setup  ---> schema.c    migrations (schema_sql.c), roles, partitions
 *                 |
 *   fleet  ---> asking.c    questions to the tables of runs and findings
 *                 |
 *                 +--> tables.c   where a table of the store lies on the server
 *                 +--> link.c     the connection: statements, errors in one line
 *
 * A table T of a store is hakmem.c_T there, with `capture` in front of its key; docs/specs/fleet.md
 * has all of it. For one thread, but where said otherwise. */
#ifndef HAK_REMOTE_REMOTE_H
#define HAK_REMOTE_REMOTE_H

#include <sqlite3.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define HAK_REMOTE_ABI 8

/* The result of a push. */
struct hak_remote_pushed {
    uint64_t capture;                /* its number on the server */
    uint64_t parts, rows, bytes;     /* of the store, all of them */
    uint64_t sent_parts, sent_bytes; /* of these, those that the server had not yet */
};

/* The result of a setup. */
struct hak_remote_laid {
    int layout;                 /* number of the newest migration that the server has */
    int migrations, partitions; /* that were made now */
};
/* A value of a question, or a cell of an answer. */
struct hak_remote_cell {
    enum hak_remote_kind {
        HAK_REMOTE_NULL,
        HAK_REMOTE_INTEGER,
        HAK_REMOTE_REAL_NUMBER,
        HAK_REMOTE_STRING,
    } kind;
    int64_t number;
    double real;
    const char *text; /* of any bytes, foreign; of an answer a NUL is behind it, "" where no text */
    size_t bytes;
};
/* One row: holds until it returns. */
typedef void hak_remote_row(void *context, const struct hak_remote_cell *cell, int cells);
struct hak_remote_asking;

/* A capture that was opened. */
struct hak_remote_capture {
    sqlite3 *connection; /* the caller closes it */
    char *name;          /* the URL without user and password; to be freed */
    uint64_t bytes;      /* of the values of its rows */
};

/* A finding of a run, and a run: rows of hakmem.finding and hakmem.run. Texts may be anything; none
 * is NULL. */
struct hak_remote_finding {
    uint32_t number; /* in its run, from 0 */
    uint32_t code;   /* HKM number, 0 = a crash */
    const char *fingerprint, *name, *headline, *place, *report;
    uint64_t count;   /* blocks of a leak, else 1 */
    uint64_t address; /* of the block that the program had; 0 = not known */
};
struct hak_remote_run {
    uint64_t run;          /* its identity, below 2^63 */
    int64_t at_us;         /* when it began, since 1970 */
    uint64_t pid, capture; /* 0 = not pushed */
    double rate;           /* one in how many allocations was watched */
    const char *host, *program, *command, *build, *version, *level, *hakmem;
    const char *labels, *summary; /* JSON */
    const struct hak_remote_finding *finding;
    uint32_t findings;
};
/* The estimates of a stack of a heap profile, and the profile of a process at one moment: rows of
 * hakmem.pull_sum, stack and pull. Texts as above. */
struct hak_remote_stack {
    uint64_t stack; /* its fingerprint, below 2^63 */
    const char *frames;
    uint64_t live_blocks, live_bytes, allocated_blocks, allocated_bytes, freed_blocks, freed_bytes;
    double live_variance; /* of live_bytes */
};
struct hak_remote_pull {
    uint64_t run, pull;      /* the process, below 2^63, and when it was read */
    int64_t at_us, began_us; /* since 1970 */
    uint64_t pid, rate, unsampled;
    const char *host, *program, *build, *version, *hakmem;
    const char *labels;                   /* JSON */
    const struct hak_remote_stack *stack; /* in the order of their fingerprints */
    uint32_t stacks;
};
/* The parts of a run or pull that the server had not yet. */
struct hak_remote_sent {
    bool is_new; /* the run or pull itself */
    uint32_t findings, stacks;
};
struct hak_remote_link; /* a connection for them */

struct hak_remote {
    int abi; /* HAK_REMOTE_ABI */
    /* The capture that `url` names. `schema` is the SQL that makes a store's tables and views. 0 or
     * an error of store/error.h, whose line is in `why` (to be freed); `out` is empty then. */
    int (*open)(const char *url, const char *schema, struct hak_remote_capture *out, char **why);
    /* Sends all rows of `store`, a store's file at `path`, over `jobs` connections; `told`, which
     * may be NULL, hears in the caller's thread how many bytes were handed on. 0 or an error. */
    int (*push)(const char *url, sqlite3 *store, const char *path, int jobs,
                void (*told)(void *context, uint64_t done, uint64_t total), void *context,
                struct hak_remote_pushed *out, char **why);
    /* Lays out the server, or what it lacks; `layout` is a database with a store's tables, empty. 0
     * or an error. */
    int (*setup)(const char *url, sqlite3 *layout, struct hak_remote_laid *out, char **why);
    /* A connection for questions to the server's own tables, which all see the same moment: a
     * transaction that reads alone, or one that `writes` (ask "COMMIT" at its end). `name` and
     * `why` as of open. */
    int (*asking_open)(const char *url, bool writes, struct hak_remote_asking **out, char **name,
                       char **why);
    /* Asks `sql`, a text of this program with $1, $2, ... for its values (bigint, double precision,
     * bytea); `row`, which may be NULL, gets each row of the answer. 0 or an error, whose line is
     * in `why`, to be freed; `doing` names in it the attempt. */
    int (*ask)(struct hak_remote_asking *asking, const char *sql,
               const struct hak_remote_cell *values, int count, const char *doing,
               hak_remote_row *row, void *context, char **why);
    void (*asking_close)(struct hak_remote_asking *asking); /* NULL: nothing is done */
    /* Connects. 0 or an error, as `open`. */
    int (*begin_findings)(const char *url, struct hak_remote_link **out, char **why);
    /* Sends `run` with its findings in one transaction and one round trip. Of a run that the server
     * has, findings that are new are added, and in a second one capture and summary where it has
     * none. 0 or an
     * error. */
    int (*send_findings)(struct hak_remote_link *link, const struct hak_remote_run *run,
                         struct hak_remote_sent *out, char **why);
    /* Sends `pull` with its stacks in one transaction; of one that the server has, nothing. 0 or an
     * error. */
    int (*send_pull)(struct hak_remote_link *link, const struct hak_remote_pull *pull,
                     struct hak_remote_sent *out, char **why);
    void (*end_findings)(struct hak_remote_link *link); /* NULL = none */
};

/* The module's only symbol for others: "hak_remote". */
extern const struct hak_remote hak_remote;

#endif
