/* Connects to the server, waits for it no longer than the URL allows, keeps statements prepared,
 * and says in one line what went wrong. */
#include "remote/link.h"

#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include "store/error.h"

/* ---- the URL ----------------------------------------------------------------------------------
 */

/* Takes a parameter that is ours, `key` with its '=', out of the copy `url`, and its number into
 * `*out`, which stays as it is where there is none. False: it is no number of least..most. */
static bool take_parameter(char *url, const char *key, uint64_t least, uint64_t most,
                           uint64_t *out) {
    char *from = strchr(url, '?');
    while (from && strncmp(from + 1, key, strlen(key)) != 0)
        from = strchr(from + 1, '&');
    if (!from)
        return true;
    char *number = from + 1 + strlen(key), *end = number + strspn(number, "0123456789");
    errno = 0;
    *out = strtoull(number, NULL, 10);
    if (end == number || (*end && *end != '&') || errno || *out < least || *out > most)
        return false;
    if (*from == '?' && *end == '&')
        memmove(from + 1, end + 1, strlen(end));
    else
        memmove(from, end, strlen(end) + 1);
    return true;
}

/* The value of a connection option; NULL: not set. */
static const char *value_of(const PQconninfoOption *options, const char *keyword) {
    for (; options->keyword; options++)
        if (strcmp(options->keyword, keyword) == 0)
            return options->val && *options->val ? options->val : NULL;
    return NULL;
}

/* Takes `capture` and `answer_timeout` out of the URL and makes the link's name of the rest. An
 * error if they are no numbers or it has a password. Values from a service file or the environment
 * come into the name later, by the connection. */
static int look_at_url(struct hak_link *link, char *url) {
    char *said = NULL;
    link->answer_seconds = HAK_LINK_ANSWER_SECONDS;
    if (!take_parameter(url, "capture=", 1, INT64_MAX, &link->capture))
        return hak_store_fail(HAK_STORE_MISSING,
                              "the URL's capture is no number; expected "
                              "postgresql://HOST/DATABASE?capture=N, as push printed it");
    if (!take_parameter(url, "answer_timeout=", 0, HAK_LINK_ANSWER_SECONDS_MAX,
                        &link->answer_seconds))
        return hak_store_fail(HAK_STORE_MISSING,
                              "the URL's answer_timeout is no number of seconds from 0 (no end) to "
                              "%d",
                              HAK_LINK_ANSWER_SECONDS_MAX);
    PQconninfoOption *options = PQconninfoParse(url, &said);
    if (!options) {
        PQfreemem(said); /* it quotes the URL, whose password may be what cannot be read */
        return hak_store_fail(HAK_STORE_MISSING,
                              "the URL cannot be read; expected postgresql://HOST/DATABASE, then "
                              "libpq's parameters as ?NAME=VALUE&..., and %%25 for a %% in them");
    }
    const char *host = value_of(options, "host"), *database = value_of(options, "dbname");
    bool has_password = value_of(options, "password") || value_of(options, "sslpassword");
    /* Of USER:PASS/WORD@HOST libpq takes PASS for a port, and says so. */
    const char *port = value_of(options, "port");
    bool is_number = !port || !port[strspn(port, "0123456789,")];
    int length = asprintf(&link->name, "postgresql://%s/%s", host && *host != '/' ? host : "",
                          database ? database : "");
    PQconninfoFree(options);
    if (!is_number)
        return hak_store_fail(HAK_STORE_MISSING, "the URL's port is no number");
    if (has_password)
        return hak_store_fail(HAK_STORE_NO_ACCESS,
                              "the URL has a password, which everybody on this machine can read; "
                              "put it into ~/.pgpass or a service file, and leave it out");
    return length < 0 ? (link->name = NULL, hak_store_no_memory("the URL")) : 0;
}

/* ---- errors -----------------------------------------------------------------------------------
 */

static const char lock_timeout[] = "55P03";

/* The store's error for an SQLSTATE of PostgreSQL. */
static int error_of(const char *state) {
    if (strncmp(state, "08", 2) == 0 || strncmp(state, "57P", 3) == 0)
        return HAK_STORE_BUSY; /* it is away: later */
    if (strncmp(state, "53100", 5) == 0)
        return HAK_STORE_FULL;
    if (strncmp(state, "42501", 5) == 0 || strncmp(state, "28", 2) == 0)
        return HAK_STORE_NO_ACCESS;
    if (strncmp(state, "42P01", 5) == 0 || strncmp(state, "3F000", 5) == 0)
        return HAK_STORE_FOREIGN;
    if (strncmp(state, "42883", 5) == 0)
        return HAK_STORE_OLDER; /* a function that is not there */
    return HAK_STORE_INTERNAL;
}

/* The advice on what the user can do about the error, as the end of a message. */
static const char *advice_for(int error) {
    switch (error) {
    case HAK_STORE_BUSY:
        return "; is the server there? Try again later";
    case HAK_STORE_FULL:
        return "; its disk is full";
    case HAK_STORE_NO_ACCESS:
        return "; ask who keeps the server for the role hakmem_reader or hakmem_writer";
    case HAK_STORE_FOREIGN:
        return "; this database has no captures of hakmem; who keeps the server types "
               "`hakmem-trace fleet setup --to URL` once";
    case HAK_STORE_OLDER:
        return "; who keeps the server types `hakmem-trace fleet setup` of this version once";
    default:
        return "";
    }
}

/* Copies the first line of the server's text, with printable characters only. */
static void copy_line(char *out, size_t size, const char *text) {
    size_t at = 0;
    for (; *text && *text != '\n' && at + 1 < size; text++)
        out[at++] = (unsigned char)*text < ' ' || *text == 127 ? '?' : *text;
    out[at] = 0;
}

int hak_link_fail(const struct hak_link *link, const PGresult *result, const char *doing) {
    const char *state = result ? PQresultErrorField(result, PG_DIAG_SQLSTATE) : NULL;
    const char *text = result ? PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY) : NULL;
    bool is_away = !state || PQstatus(link->connection) != CONNECTION_OK; /* libpq itself said it */
    char line[512];
    if (link->is_silent)
        return hak_store_fail(HAK_STORE_BUSY,
                              "%s: %s failed: the server was silent for %" PRIu64
                              " s; does it hang? Try again later, or wait longer with "
                              "answer_timeout=SECONDS in the URL (0 = without end)",
                              link->name, doing, link->answer_seconds);
    if (!text)
        text = PQerrorMessage(link->connection);
    int error = is_away ? HAK_STORE_BUSY : error_of(state ? state : "");
    copy_line(line, sizeof line, text && *text ? text : "no answer");
    if (!is_away && strncmp(state, lock_timeout, sizeof lock_timeout) == 0)
        return hak_store_fail(HAK_STORE_BUSY,
                              "%s: %s failed: %s; another client of the server keeps a lock that "
                              "this needs: try again when it has ended",
                              link->name, doing, line);
    return hak_store_fail(error, "%s: %s failed: %s%s", link->name, doing, line, advice_for(error));
}

/* ---- the connection ---------------------------------------------------------------------------
 */

static void hear_nothing(void *context, const PGresult *notice) {
    (void)context;
    (void)notice;
}

static int64_t now_ms(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * 1000ll + now.tv_nsec / 1000000;
}

/* The connection's connect_timeout in ms; -1: none. */
static int64_t connect_ms(PGconn *connection) {
    PQconninfoOption *options = PQconninfo(connection);
    const char *seconds = options ? value_of(options, "connect_timeout") : NULL;
    int64_t ms = seconds ? strtoll(seconds, NULL, 10) * 1000 : 0;
    PQconninfoFree(options);
    return ms > 0 && ms < INT_MAX ? ms : -1;
}

/* Connects, within the time that the connection allows; the result may be a connection that failed.
 * A server may send notices before it takes questions, and libpq prints them as they are until it
 * has a receiver: so it gets one first. Where an address is silent, which is noted in `is_silent`,
 * libpq begins anew by itself, and goes on to the next one. */
static PGconn *connect_quietly(const char *const *keys, const char *const *values,
                               bool *is_silent) {
    PGconn *connection = PQconnectStartParams(keys, values, 1);
    PostgresPollingStatusType next = PGRES_POLLING_WRITING;
    if (!connection || PQstatus(connection) == CONNECTION_BAD)
        return connection;
    PQsetNoticeReceiver(connection, hear_nothing, NULL);
    int64_t most = connect_ms(connection), until = now_ms() + most;
    while (next == PGRES_POLLING_READING || next == PGRES_POLLING_WRITING) {
        struct pollfd on = {.fd = PQsocket(connection),
                            .events = next == PGRES_POLLING_READING ? POLLIN : POLLOUT};
        int64_t left = most < 0 ? -1 : until - now_ms();
        int ready = poll(&on, 1, most < 0 ? -1 : left > 0 ? (int)left : 0);
        if (ready == 0) {
            *is_silent = true;
            PQreset(connection);
            return connection;
        }
        if (ready > 0 || errno != EINTR)
            next = PQconnectPoll(connection);
    }
    return connection;
}

int hak_link_open(struct hak_link *link, const char *url) {
    char *own = strdup(url);
    *link = (struct hak_link){0};
    int error = own ? look_at_url(link, own) : hak_store_no_memory("the URL");
    if (!error) {
        const char *const keys[] = {"fallback_application_name", "connect_timeout", "dbname", NULL};
        const char *const values[] = {"hakmem-trace", "10", own, NULL};
        bool is_silent = false;
        link->connection = connect_quietly(keys, values, &is_silent);
        if (PQstatus(link->connection) != CONNECTION_OK) {
            char line[512];
            copy_line(line, sizeof line, PQerrorMessage(link->connection));
            error = hak_store_fail(
                HAK_STORE_BUSY, "%s: cannot connect: %s%s", link->name, line,
                is_silent ? "; connect_timeout=SECONDS in the URL sets another time" : "");
        }
    }
    if (!error && PQsetnonblocking(link->connection, 1) != 0)
        error = hak_link_fail(link, NULL, "connecting");
    free(own);
    if (error)
        hak_link_close(link);
    return error;
}

void hak_link_close(struct hak_link *link) {
    for (unsigned i = 0; i < link->prepared_count; i++)
        free(link->prepared[i].sql);
    PQfinish(link->connection);
    free(link->name);
    *link = (struct hak_link){0};
}

/* ---- waiting ----------------------------------------------------------------------------------
 */

/* Waits until something comes from the server or, if it `sends`, can go there. False: the server
 * was silent for too long. libpq reports a socket that is gone. */
static bool wait_for_server(struct hak_link *link, bool sends) {
    struct pollfd on = {.fd = PQsocket(link->connection),
                        .events = (short)(sends ? POLLIN | POLLOUT : POLLIN)};
    int64_t most = (int64_t)link->answer_seconds * 1000, until = now_ms() + most;
    for (int64_t left = most; on.fd >= 0; left = until - now_ms()) {
        int ready = poll(&on, 1, most == 0 ? -1 : left > 0 ? (int)left : 0);
        if (ready > 0)
            return true;
        link->is_silent = most > 0 && left <= 0;
        if (link->is_silent || (ready < 0 && errno != EINTR))
            return false;
    }
    return true;
}

/* Sends what libpq still holds. The server may have to be heard before it takes more. */
static bool send_held(struct hak_link *link) {
    while (PQflush(link->connection) > 0) {
        if (!wait_for_server(link, true))
            return false;
        if (!PQconsumeInput(link->connection))
            return true; /* the next answer says why */
    }
    return true;
}

PGresult *hak_link_next(struct hak_link *link) {
    if (link->is_silent || !send_held(link))
        return NULL;
    while (PQstatus(link->connection) == CONNECTION_OK && PQisBusy(link->connection)) {
        if (!wait_for_server(link, false))
            return NULL;
        if (!PQconsumeInput(link->connection))
            break; /* the connection is gone, and the answer says so */
    }
    return PQgetResult(link->connection);
}

/* The last answer to the statements sent, or the answer after which COPY begins. */
static PGresult *last_answer(struct hak_link *link) {
    PGresult *last = NULL, *answer;
    while ((answer = hak_link_next(link)) != NULL) {
        PQclear(last);
        last = answer;
        ExecStatusType status = PQresultStatus(last);
        if (status == PGRES_COPY_IN || status == PGRES_COPY_OUT || status == PGRES_COPY_BOTH ||
            PQstatus(link->connection) != CONNECTION_OK)
            return last;
    }
    if (!link->is_silent)
        return last;
    PQclear(last);
    return NULL;
}

/* ---- asking -----------------------------------------------------------------------------------
 */

/* The text's hash (FNV-1a, 64 bits). */
static uint64_t hash_of(const char *text) {
    uint64_t hash = 14695981039346656037u; /* FNV-1a */
    for (; *text; text++)
        hash = (hash ^ (unsigned char)*text) * 1099511628211u;
    return hash;
}

enum { NEW = -1 };

/* Counts a statement: its number once it is asked often; NEW: it is not, and is noted where there
 * is room. */
static int note_statement(struct hak_link *link, const char *sql) {
    uint64_t hash = hash_of(sql);
    for (unsigned i = 0; i < link->prepared_count; i++)
        if (link->prepared[i].hash == hash && strcmp(link->prepared[i].sql, sql) == 0)
            return ++link->prepared[i].asked < HAK_LINK_OFTEN ? NEW : (int)i;
    char *own = link->prepared_count < HAK_LINK_STATEMENTS ? strdup(sql) : NULL;
    if (own) {
        link->prepared[link->prepared_count].hash = hash;
        link->prepared[link->prepared_count].asked = 1;
        link->prepared[link->prepared_count++].sql = own;
    }
    return NEW;
}

/* Prepares statement `number` as `name` on the server, unless that is done. NULL if it is prepared
 * (or the link is silent); else the server's answer, an error. */
static PGresult *prepare(struct hak_link *link, int number, const char *name, int count,
                         bool *is_prepared) {
    *is_prepared = link->prepared[number].asked > HAK_LINK_OFTEN;
    if (*is_prepared)
        return NULL;
    bool is_sent = !link->is_silent && PQsendPrepare(link->connection, name,
                                                     link->prepared[number].sql, count, NULL) == 1;
    PGresult *made = is_sent ? last_answer(link) : NULL;
    *is_prepared = PQresultStatus(made) == PGRES_COMMAND_OK;
    if (!*is_prepared) {
        link->prepared[number].asked--;
        return made;
    }
    PQclear(made);
    return NULL;
}

struct arguments {
    const char *data[HAK_LINK_VALUES_MAX];
    int bytes[HAK_LINK_VALUES_MAX], binary[HAK_LINK_VALUES_MAX];
};

/* Sets data, size and binary form of up to HAK_LINK_VALUES_MAX arguments. */
static void set_arguments(struct arguments *a, const struct hak_link_value *values, int count) {
    for (int i = 0; i < count && i < HAK_LINK_VALUES_MAX; i++) {
        a->data[i] = values[i].data;
        a->bytes[i] = values[i].bytes;
        a->binary[i] = 1;
    }
}

static bool is_answer(const PGresult *result) {
    ExecStatusType status = PQresultStatus(result);
    return status == PGRES_TUPLES_OK || status == PGRES_COMMAND_OK;
}

PGresult *hak_link_exec(struct hak_link *link, const char *sql) {
    bool is_sent = !link->is_silent && PQsendQuery(link->connection, sql) == 1;
    return is_sent ? last_answer(link) : NULL;
}

PGresult *hak_link_exec_values(struct hak_link *link, const char *sql, const Oid *types,
                               const struct hak_link_value *values, int count) {
    struct arguments a;
    set_arguments(&a, values, count);
    bool is_sent =
        !link->is_silent && count <= HAK_LINK_VALUES_MAX &&
        PQsendQueryParams(link->connection, sql, count, types, a.data, a.bytes, a.binary, 1) == 1;
    return is_sent ? last_answer(link) : NULL;
}

/* Executes statement `number`, which is prepared the first time. */
static PGresult *exec_prepared(struct hak_link *link, int number,
                               const struct hak_link_value *values, int count) {
    struct arguments a;
    char name[16];
    bool is_prepared;
    snprintf(name, sizeof name, "s%d", number);
    set_arguments(&a, values, count);
    PGresult *refusal = prepare(link, number, name, count, &is_prepared);
    if (!is_prepared)
        return refusal;
    bool is_sent = !link->is_silent && PQsendQueryPrepared(link->connection, name, count, a.data,
                                                           a.bytes, a.binary, 1) == 1;
    return is_sent ? last_answer(link) : NULL;
}

PGresult *hak_link_ask(struct hak_link *link, const char *sql, const struct hak_link_value *values,
                       int count, const char *doing, int *error) {
    int number = note_statement(link, sql);
    PGresult *result = number == NEW ? hak_link_exec_values(link, sql, NULL, values, count)
                                     : exec_prepared(link, number, values, count);
    *error = 0;
    if (is_answer(result))
        return result;
    *error = hak_link_fail(link, result, doing);
    PQclear(result);
    return NULL;
}

/* Takes the answers up to the end of the pipeline; the first that is none is the error. */
static int take_answers(struct hak_link *link, int count, const char *doing, hak_link_take *take,
                        void *context) {
    int error = 0;
    for (int i = 0; i <= count && PQstatus(link->connection) == CONNECTION_OK; i++) {
        PGresult *result = hak_link_next(link), *end;
        if (link->is_silent)
            return hak_link_fail(link, NULL, doing);
        if (i == count) {
            PQclear(result); /* of the sync */
            break;
        }
        if (!is_answer(result) && !error)
            error = hak_link_fail(link, result, doing);
        if (error)
            PQclear(result);
        else
            error = take(context, i, result);
        while ((end = hak_link_next(link)) != NULL)
            PQclear(end);
    }
    return error || PQstatus(link->connection) == CONNECTION_OK ? error
                                                                : hak_link_fail(link, NULL, doing);
}

int hak_link_ask_each(struct hak_link *link, const struct hak_link_question *questions, int count,
                      const char *doing, hak_link_take *take, void *context) {
    struct arguments a;
    bool is_sent = !link->is_silent && PQenterPipelineMode(link->connection) == 1;
    for (int i = 0; i < count && is_sent; i++) {
        set_arguments(&a, questions[i].values, questions[i].count);
        is_sent = PQsendQueryParams(link->connection, questions[i].sql, questions[i].count, NULL,
                                    a.data, a.bytes, a.binary, 1) == 1;
    }
    is_sent = is_sent && PQpipelineSync(link->connection) == 1;
    int error = is_sent ? take_answers(link, count, doing, take, context)
                        : hak_link_fail(link, NULL, doing);
    if (!link->is_silent && PQexitPipelineMode(link->connection) != 1 && !error)
        error = hak_link_fail(link, NULL, doing);
    return error;
}

/* Keeps the question's answer for the caller. */
static int keep_answer(void *context, int question, PGresult *answer) {
    PGresult **results = context;
    results[question] = answer;
    return 0;
}

int hak_link_ask_all(struct hak_link *link, const struct hak_link_question *questions, int count,
                     const char *doing, PGresult **results) {
    for (int i = 0; i < count; i++)
        results[i] = NULL;
    int error = hak_link_ask_each(link, questions, count, doing, keep_answer, results);
    for (int i = 0; i < count && error; i++) {
        PQclear(results[i]);
        results[i] = NULL;
    }
    return error;
}

int hak_link_do(struct hak_link *link, const char *sql, const char *doing) {
    PGresult *result = hak_link_exec(link, sql);
    ExecStatusType status = PQresultStatus(result);
    bool is_done = status == PGRES_COMMAND_OK || status == PGRES_TUPLES_OK;
    int error = is_done ? 0 : hak_link_fail(link, result, doing);
    PQclear(result);
    return error;
}

int hak_link_copy_out(struct hak_link *link, const char *sql, const char *doing, char **out,
                      size_t *bytes) {
    PGresult *result = hak_link_exec(link, sql);
    int error = PQresultStatus(result) == PGRES_COPY_OUT ? 0 : hak_link_fail(link, result, doing);
    PQclear(result);
    FILE *all = error ? NULL : open_memstream(out, bytes);
    for (int got = error ? -1 : 0; got >= 0;) {
        char *data = NULL;
        got = PQgetCopyData(link->connection, &data, 1);
        if (got > 0 && all)
            fwrite(data, 1, (size_t)got, all);
        PQfreemem(data);
        if (got == 0 && (!wait_for_server(link, false) || !PQconsumeInput(link->connection)))
            break; /* the next answer says why */
    }
    while (!error && (result = hak_link_next(link)) != NULL) {
        if (PQresultStatus(result) != PGRES_COMMAND_OK)
            error = hak_link_fail(link, result, doing);
        PQclear(result);
    }
    if (!error && link->is_silent)
        error = hak_link_fail(link, NULL, doing);
    if ((!all || fclose(all) != 0) && !error)
        error = hak_store_no_memory(link->name);
    return error;
}

/* ---- cells ------------------------------------------------------------------------------------
 */

static bool has_value(const PGresult *rows, int row, int column) {
    return row >= 0 && row < PQntuples(rows) && column >= 0 && column < PQnfields(rows) &&
           PQfformat(rows, column) == 1 && !PQgetisnull(rows, row, column);
}

/* A big-endian number of 1 to 8 bytes, its sign extended. */
static uint64_t read_bits(const PGresult *rows, int row, int column, int bytes) {
    const char *from = PQgetvalue(rows, row, column);
    uint64_t bits = from[0] & 0x80 ? UINT64_MAX : 0; /* int2 and int4 have signs */
    for (int i = 0; i < bytes; i++)
        bits = bits << 8 | (unsigned char)from[i];
    return bits;
}

/* The bytes of a binary integer type; 0: it is none. */
static int bytes_of_integer(Oid type) {
    switch (type) {
    case HAK_LINK_BOOL:
        return 1;
    case HAK_LINK_INT2:
        return 2;
    case HAK_LINK_INT4:
        return 4;
    case HAK_LINK_INT8:
        return 8;
    default:
        return 0;
    }
}

bool hak_link_number(const PGresult *rows, int row, int column, uint64_t *out) {
    *out = 0;
    if (!has_value(rows, row, column))
        return false;
    int bytes = bytes_of_integer(PQftype(rows, column));
    if (!bytes || PQgetlength(rows, row, column) != bytes)
        return false;
    *out = read_bits(rows, row, column, bytes);
    return true;
}

bool hak_link_real(const PGresult *rows, int row, int column, double *out) {
    *out = 0;
    if (!has_value(rows, row, column) || PQftype(rows, column) != HAK_LINK_FLOAT8 ||
        PQgetlength(rows, row, column) != (int)sizeof *out)
        return false;
    uint64_t bits = read_bits(rows, row, column, sizeof bits);
    memcpy(out, &bits, sizeof *out);
    return true;
}

const char *hak_link_text(const PGresult *rows, int row, int column, size_t *bytes) {
    if (bytes)
        *bytes = 0;
    if (!has_value(rows, row, column))
        return NULL;
    Oid type = PQftype(rows, column);
    if (type != HAK_LINK_BYTEA && type != HAK_LINK_TEXT)
        return NULL;
    if (bytes)
        *bytes = (size_t)PQgetlength(rows, row, column);
    return PQgetvalue(rows, row, column);
}

int hak_link_fail_cell(const struct hak_link *link, const char *doing) {
    return hak_store_fail(HAK_STORE_BROKEN,
                          "%s: %s failed: a value there is none of its kind; its tables are not as "
                          "hakmem made them, or damaged: ask who keeps the server",
                          link->name, doing);
}
