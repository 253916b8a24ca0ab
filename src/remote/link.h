/* One connection to the server. Nothing here blocks on libpq: link.c waits for data from and to the
 * server, and no longer than the URL allows; a server that says nothing for that long is given up
 * for good.
 *
 *   hak_link_ask, _ask_all, _ask_each, _do        a question, its answer or an error
 *   hak_link_exec, hak_link_exec_values           an answer as it is, with its SQLSTATE
 *   hak_link_copy_out                             all rows of a statement, in COPY's form
 *   hak_link_next                                 the next answer of a pipeline or a COPY
 *   hak_link_number, _real, _text                 a cell of an answer, which may hold anything */
#ifndef HAK_REMOTE_LINK_H
#define HAK_REMOTE_LINK_H

#include <libpq-fe.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { HAK_LINK_STATEMENTS = 256, HAK_LINK_OFTEN = 4 };
/* How long a server may be silent, in seconds, unless the URL has an answer_timeout; and its most.
 */
enum { HAK_LINK_ANSWER_SECONDS = 300, HAK_LINK_ANSWER_SECONDS_MAX = 1000000 };

/* PostgreSQL's numbers of types, the same in all that speak its protocol. */
enum { HAK_LINK_BOOL = 16, HAK_LINK_BYTEA = 17, HAK_LINK_INT8 = 20, HAK_LINK_INT2 = 21 };
enum { HAK_LINK_INT4 = 23, HAK_LINK_TEXT = 25, HAK_LINK_FLOAT8 = 701 };

struct hak_link {
    PGconn *connection;
    char *name;       /* "postgresql://host/db", for messages: no password, no other parameters */
    uint64_t capture; /* that the URL names; 0 = none */
    uint64_t answer_seconds; /* how long the server may be silent; 0 = without end */
    bool is_silent;          /* it was: nothing is asked of it again */
    struct {
        uint64_t hash;
        char *sql;
        unsigned asked;
    } prepared[HAK_LINK_STATEMENTS]; /* statement sN, from its HAK_LINK_OFTENth time on */
    unsigned prepared_count;
};

/* A value for $N, of which a statement has HAK_LINK_VALUES_MAX at most. */
enum { HAK_LINK_VALUES_MAX = 96 };
struct hak_link_value {
    const void *data; /* NULL = NULL */
    int bytes;
};

/* Connects to a server. The URL's `capture=N` and `answer_timeout=SECONDS` are taken out of it; a
 * password in it is refused, as anybody on the machine can read it: libpq's own ways are ~/.pgpass,
 * PGPASSFILE and a service file. 0 or an error of store/error.h, whose line is kept
 * (hak_store_message). */
int hak_link_open(struct hak_link *link, const char *url);

/* Ends the connection, frees all of the link and clears it. */
void hak_link_close(struct hak_link *link);

/* Executes `sql` once with its values in binary; the answer is binary, too. NULL: an error, whose
 * line is kept; `*error` is its number. `sql` that is asked again and again is prepared. */
PGresult *hak_link_ask(struct hak_link *link, const char *sql, const struct hak_link_value *values,
                       int count, const char *doing, int *error);
/* Executes several in one way to the server and back; `results` has room for an answer to each,
 * all of them NULL where one failed. 0 or an error. */
struct hak_link_question {
    char *sql;
    const struct hak_link_value *values;
    int count;
};

/* Sends all questions in one way and keeps each answer in `results`, for the caller to clear. 0, or
 * an error: all of `results` are NULL then. */
int hak_link_ask_all(struct hak_link *link, const struct hak_link_question *questions, int count,
                     const char *doing, PGresult **results);
/* The same; `take` gets each answer as it comes, and owns it. Anything but 0 that it returns ends
 * the taking and is returned. */
typedef int hak_link_take(void *context, int question, PGresult *answer);

/* Sends all questions in one way (pipeline mode) and gives each answer to `take`. 0, or the first
 * error. */
int hak_link_ask_each(struct hak_link *link, const struct hak_link_question *questions, int count,
                      const char *doing, hak_link_take *take, void *context);
/* Executes a statement that gives no rows. 0 or an error. */
int hak_link_do(struct hak_link *link, const char *sql, const char *doing);
/* As PQexec and PQexecParams (in binary), but waits no longer than the link allows. NULL: nothing
 * came, and hak_link_fail has the line. `types` may be NULL. */
PGresult *hak_link_exec(struct hak_link *link, const char *sql);

/* Runs a statement with values of the given types, both in binary form, and waits for its answer.
 * NULL: the link is silent, or sending failed. */
PGresult *hak_link_exec_values(struct hak_link *link, const char *sql, const Oid *types,
                               const struct hak_link_value *values, int count);
/* Executes a COPY ... TO STDOUT; `out` gets all of its data, for the caller to free, also where
 * that fails. 0 or an error. */
int hak_link_copy_out(struct hak_link *link, const char *sql, const char *doing, char **out,
                      size_t *bytes);
/* Waits for the next answer, as PQgetResult after PQsend... or PQputCopyEnd, after it sent the data
 * that libpq still holds. NULL: the end of an answer, or a server that was silent (`is_silent`). */
PGresult *hak_link_next(struct hak_link *link);

/* Makes the error of the server's or libpq's last answer, or silence; `result` may be NULL. */
int hak_link_fail(const struct hak_link *link, const PGresult *result, const char *doing);

/* Numbers as the protocol has them: most significant byte first. */
static inline void hak_link_put(uint64_t value, unsigned char *out) {
    for (int i = 7; i >= 0; i--, value >>= 8)
        out[i] = (unsigned char)value;
}

/* Reads a cell of an answer in binary as a number. False: it is none of that kind - there is no
 * such row or column, it is NULL, of another type, or of another length than its type has. */
bool hak_link_number(const PGresult *rows, int row, int column, uint64_t *out);
/* As hak_link_number, a real number. */
bool hak_link_real(const PGresult *rows, int row, int column, double *out);
/* As hak_link_number, a text or NULL; `*bytes` (may be NULL) is its length, and a NUL stands behind
 * it. */
const char *hak_link_text(const PGresult *rows, int row, int column, size_t *bytes);
/* Makes the error of a cell that is none of its kind. */
int hak_link_fail_cell(const struct hak_link *link, const char *doing);

#endif
