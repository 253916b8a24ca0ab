/* Questions of `fleet` to the server: which runs and findings are meant, and the answer's cells. */
#ifndef HAK_VIEWER_FLEET_ASK_H
#define HAK_VIEWER_FLEET_ASK_H

#include "base/json.h"
#include "viewer/fleet/fleet.h"

enum { FLEET_SECOND_US = 1000000 };

enum {
    FLEET_LABELS = 32,   /* of a question */
    FLEET_RELEASES = 16, /* likewise */
    FLEET_VALUES = 32 + 2 * FLEET_LABELS,
    FLEET_ROWS_MAX = 100000,
    FLEET_CELL_BYTES = 4096
};

/* A server that is asked. */
struct fleet {
    struct view *view;
    const struct hak_remote *remote;
    struct hak_remote_asking *asking;
    const char *url; /* as it was typed */
    char *name;      /* for people: without what is nobody's business */
    uint64_t limit;  /* rows of an answer */
};

/* Opens the server of --to (or of -s), and reads --limit, whose default is `limit` and 0 as many as
 * there may be. `writes`: not only to read. 0, or an exit status: the error is printed. Close it in
 * any case. */
int fleet_open(struct fleet *fleet, struct view *view, uint64_t limit, bool writes);

/* Closes the connection, if there is one, frees the name and clears `fleet`. */
void fleet_close(struct fleet *fleet);

/* A question that is put together. Typed words are among its values, never in its text. */
struct fleet_question {
    struct hak_text sql;
    struct hak_remote_cell value[FLEET_VALUES];
    int values;
    char *owned[2 * FLEET_LABELS + FLEET_RELEASES + 1]; /* by the values; freed by fleet_ask */
    int owned_count;
    char *said[3];   /* SQL of {runs}, {findings} and {limit} once it was put together */
    bool has_failed; /* what was typed cannot be meant; it was said */
};

/* Appends SQL of this program, in words like those of printf. */
void fleet_question_add(struct fleet_question *question, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
/* "$N" for a value, a text that lives until fleet_ask. These four hold for the next seven calls. */
const char *fleet_question_text(struct fleet_question *question, const char *text);
const char *fleet_question_number(struct fleet_question *question, int64_t number);
/* Appends the condition that a run `r` is of the version, or of the build whose first characters
 * are typed. */
void fleet_question_add_version(struct fleet_question *question, const char *typed);
/* A moment, in microseconds since 1970, as a literal of SQL with six decimals, in UTC; and the
 * first day of its month. */
const char *fleet_sql_moment(int64_t us);
const char *fleet_sql_month(int64_t us);
/* Appends SQL of this program in which stand, as often as they are wanted,
 *   {runs}      " AND ..." of the runs, or pulls, `r`: --since, --until, --build, --host,
 *               --program, --release, --label
 *   {findings}  the same of the findings `f`: --new-since, --gone-since, and `fingerprint` where
 *               it is given
 *   {limit}     how many rows are wanted */
void fleet_question_add_all(struct fleet_question *question, const struct fleet *fleet,
                            const char *fingerprint, const char *sql);
/* Asks it, hands each row to `row`, and frees the question in any case. 0, or an exit status: the
 * error is printed. */
int fleet_ask(struct fleet *fleet, struct fleet_question *question, const char *doing,
              hak_remote_row *row, void *context);

/* ---- pieces of SQL: f is hakmem.finding, r is hakmem.run --------------------------------------
 * Hosts may have written anything: no number of theirs ends a question with an error. */
#define FLEET_BOTH " FROM hakmem.finding f JOIN hakmem.run r ON r.run = f.run AND r.month = f.month"
#define FLEET_RUNS                                                                                 \
    " FROM hakmem.run r LEFT JOIN hakmem.finding f ON f.run = r.run AND f.month = r.month"
/* Times that count: the others are no times of runs. */
#define FLEET_WHERE                                                                                \
    " WHERE r.at >= TIMESTAMP WITH TIME ZONE '1970-01-01 00:00:00+00'"                             \
    " AND r.at < TIMESTAMP WITH TIME ZONE '9999-01-01 00:00:00+00'"
#define FLEET_RATE  "CASE WHEN r.rate >= 1 AND r.rate <= 1e9 THEN r.rate ELSE 1 END"
#define FLEET_COUNT "CAST(least(coalesce(sum(greatest(f.count, 0)), 0), 9e18) AS BIGINT)"
#define FLEET_GUESS                                                                                \
    "CAST(coalesce(sum(" FLEET_RATE " * greatest(f.count, 0)), 0) AS DOUBLE PRECISION)"
#define FLEET_TEXT(bytes)   "substring(" bytes " FROM 1 FOR 4096)"
#define FLEET_SECONDS(time) "CAST(extract(epoch FROM " time ") AS BIGINT)"
/* ---- cells ------------------------------------------------------------------------------------
 */
uint64_t fleet_number(const struct hak_remote_cell *cell); /* 0 where it is none, or below 0 */
/* "2026-11-23 14:05" in UTC; until the next call of words of report/words. */
const char *fleet_time(int64_t seconds);
/* "2026-11-23T14:05:00Z". */
json_t *fleet_json_time(int64_t seconds);
/* A moment of an answer's row (answer.h). */
#define FLEET_MOMENT(title, name, seconds)                                                         \
    ((struct answer_value){.heading = title,                                                       \
                           .otherwise = row_is_text ? fleet_time(seconds) : NULL,                  \
                           .member = JSON(name, row_is_text ? NULL : fleet_json_time(seconds))})
/* "1.2.0", where no version is known "build 5f0c1d9e", else "no build-id". */
void fleet_add_build(struct hak_text *text, const char *build, const char *version);
json_t *fleet_json_build(const char *build, const char *version);
/* The sum of counts as level light's rates make it likely: a whole number; 0 where the cell is none
 * above 0. */
uint64_t fleet_estimate(const struct hak_remote_cell *cell);

/* ---- answers ----------------------------------------------------------------------------------
 */
/* The document of a word: "hakmem_json", "command", "server", "word". */
json_t *fleet_document(const struct fleet *fleet, const char *word);
/* Prints and frees it. An exit status. */
int fleet_print_document(json_t *document);
/* Adds a line: what --limit 0 shows of `all`, and how many it leaves out. */
void fleet_add_limit(struct hak_text *text, uint64_t all);
/* Prints the text, how many rows of all there are, and the answer's table, or that nothing was
 * found. Frees the text. An exit status. */
int fleet_print_table(const struct fleet *fleet, struct hak_text *text, struct answer *answer,
                      uint64_t shown, uint64_t all, const char *one, const char *many);
/* Prints the rows, of all that there are, as the document of a word or as a table. An exit
 * status. */
int fleet_print_answer(const struct fleet *fleet, struct answer *answer, const char *one,
                       const char *word);

#endif
