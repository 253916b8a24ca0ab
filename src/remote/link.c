/* Connects to the server, keeps statements prepared, and says in one line what went wrong. */
#include "remote/link.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "store/error.h"

/* ---- the URL ----------------------------------------------------------------------------------
 */

/* The parameter `capture`, which is ours, goes out of the copy `url`. False: it is no number. */
static bool take_capture(char *url, uint64_t *out) {
    static const char key[] = "capture=";
    char *from = strchr(url, '?');
    while (from && strncmp(from + 1, key, sizeof key - 1) != 0)
        from = strchr(from + 1, '&');
    *out = 0;
    if (!from)
        return true;
    char *number = from + sizeof key, *end;
    *out = strtoull(number, &end, 10);
    if (end == number || (*end && *end != '&') || *out == 0 || *out > INT64_MAX)
        return false;
    if (*from == '?' && *end == '&')
        memmove(from + 1, end + 1, strlen(end));
    else
        memmove(from, end, strlen(end) + 1);
    return true;
}

static const char *value_of(const PQconninfoOption *options, const char *keyword) {
    for (; options->keyword; options++)
        if (strcmp(options->keyword, keyword) == 0)
            return options->val && *options->val ? options->val : NULL;
    return NULL;
}

/* Also what comes from a service file or the environment is in the name later, by the connection.
 */
static int look_at_url(struct hak_link *link, char *url) {
    char *said = NULL;
    if (!take_capture(url, &link->capture))
        return hak_store_fail(HAK_STORE_MISSING,
                              "the URL's capture is no number; expected "
                              "postgresql://HOST/DATABASE?capture=N, as push printed it");
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

static int error_of(const char *state) {
    if (strncmp(state, "08", 2) == 0 || strncmp(state, "57P", 3) == 0 ||
        strncmp(state, "55P03", 5) == 0)
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

static const char *advice_for(int error) {
    switch (error) {
    case HAK_STORE_BUSY:
        return "; is the server there? Try again later";
    case HAK_STORE_FULL:
        return "; its disk is full";
    case HAK_STORE_NO_ACCESS:
        return "; ask who keeps the server for the role hakmem_reader or hakmem_writer";
    case HAK_STORE_FOREIGN:
        return "; this database has no captures of hakmem: `hakmem-trace push` makes them";
    case HAK_STORE_OLDER:
        return "; who keeps the server types `hakmem-trace fleet setup` of this version once";
    default:
        return "";
    }
}

/* The server's text is one line, and of printable characters. */
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
    if (!text)
        text = PQerrorMessage(link->connection);
    int error = is_away ? HAK_STORE_BUSY : error_of(state ? state : "");
    copy_line(line, sizeof line, text && *text ? text : "no answer");
    return hak_store_fail(error, "%s: %s failed: %s%s", link->name, doing, line, advice_for(error));
}

/* ---- the connection ---------------------------------------------------------------------------
 */

static void hear_nothing(void *context, const PGresult *notice) {
    (void)context;
    (void)notice;
}

int hak_link_open(struct hak_link *link, const char *url) {
    char *own = strdup(url);
    *link = (struct hak_link){0};
    int error = own ? look_at_url(link, own) : hak_store_no_memory("the URL");
    if (!error) {
        const char *const keys[] = {"fallback_application_name", "connect_timeout", "dbname", NULL};
        const char *const values[] = {"hakmem-trace", "10", own, NULL};
        link->connection = PQconnectdbParams(keys, values, 1);
        if (PQstatus(link->connection) != CONNECTION_OK) {
            char line[512];
            copy_line(line, sizeof line, PQerrorMessage(link->connection));
            error = hak_store_fail(HAK_STORE_BUSY, "%s: cannot connect: %s", link->name, line);
        }
    }
    if (!error)
        PQsetNoticeReceiver(link->connection, hear_nothing, NULL);
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

/* ---- asking -----------------------------------------------------------------------------------
 */

static uint64_t hash_of(const char *text) {
    uint64_t hash = 14695981039346656037u; /* FNV-1a */
    for (; *text; text++)
        hash = (hash ^ (unsigned char)*text) * 1099511628211u;
    return hash;
}

enum { VALUES_MAX = 96, NEW = -1 };

/* The number of a statement that is asked often; NEW: it is not, and is noted where there is
 * room. */
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

/* NULL: statement `number` is prepared; else what the server answered. */
static PGresult *prepare(struct hak_link *link, int number, const char *name, int count) {
    if (link->prepared[number].asked > HAK_LINK_OFTEN)
        return NULL;
    PGresult *made = PQprepare(link->connection, name, link->prepared[number].sql, count, NULL);
    if (PQresultStatus(made) != PGRES_COMMAND_OK) {
        link->prepared[number].asked--;
        return made;
    }
    PQclear(made);
    return NULL;
}

struct arguments {
    const char *data[VALUES_MAX];
    int bytes[VALUES_MAX], binary[VALUES_MAX];
};

static void set_arguments(struct arguments *a, const struct hak_link_value *values, int count) {
    for (int i = 0; i < count && i < VALUES_MAX; i++) {
        a->data[i] = values[i].data;
        a->bytes[i] = values[i].bytes;
        a->binary[i] = 1;
    }
}

static bool is_answer(const PGresult *result) {
    ExecStatusType status = PQresultStatus(result);
    return status == PGRES_TUPLES_OK || status == PGRES_COMMAND_OK;
}

PGresult *hak_link_ask(struct hak_link *link, const char *sql, const struct hak_link_value *values,
                       int count, const char *doing, int *error) {
    struct arguments a;
    set_arguments(&a, values, count);
    int number = note_statement(link, sql);
    char name[16];
    snprintf(name, sizeof name, "s%d", number);
    PGresult *result = number == NEW ? NULL : prepare(link, number, name, count);
    if (!result)
        result =
            number == NEW
                ? PQexecParams(link->connection, sql, count, NULL, a.data, a.bytes, a.binary, 1)
                : PQexecPrepared(link->connection, name, count, a.data, a.bytes, a.binary, 1);
    *error = 0;
    if (is_answer(result))
        return result;
    *error = hak_link_fail(link, result, doing);
    PQclear(result);
    return NULL;
}

/* The answers up to the end of the pipeline; the first that is none is the error. */
static int take_answers(struct hak_link *link, int count, const char *doing, PGresult **results) {
    int error = 0;
    for (int i = 0; i <= count && PQstatus(link->connection) == CONNECTION_OK; i++) {
        PGresult *result = PQgetResult(link->connection), *end;
        if (i == count) {
            PQclear(result); /* of the sync */
            break;
        }
        if (!is_answer(result) && !error)
            error = hak_link_fail(link, result, doing);
        results[i] = result;
        while ((end = PQgetResult(link->connection)) != NULL)
            PQclear(end);
    }
    return error || PQstatus(link->connection) == CONNECTION_OK ? error
                                                                : hak_link_fail(link, NULL, doing);
}

int hak_link_ask_all(struct hak_link *link, const struct hak_link_question *questions, int count,
                     const char *doing, PGresult **results) {
    struct arguments a;
    bool is_sent = PQenterPipelineMode(link->connection) == 1;
    for (int i = 0; i < count; i++)
        results[i] = NULL;
    for (int i = 0; i < count && is_sent; i++) {
        set_arguments(&a, questions[i].values, questions[i].count);
        is_sent = PQsendQueryParams(link->connection, questions[i].sql, questions[i].count, NULL,
                                    a.data, a.bytes, a.binary, 1) == 1;
    }
    is_sent = is_sent && PQpipelineSync(link->connection) == 1;
    int error =
        is_sent ? take_answers(link, count, doing, results) : hak_link_fail(link, NULL, doing);
    if (PQexitPipelineMode(link->connection) != 1 && !error)
        error = hak_link_fail(link, NULL, doing);
    for (int i = 0; i < count && error; i++) {
        PQclear(results[i]);
        results[i] = NULL;
    }
    return error;
}

int hak_link_do(struct hak_link *link, const char *sql, const char *doing) {
    PGresult *result = PQexec(link->connection, sql);
    ExecStatusType status = PQresultStatus(result);
    bool is_done = status == PGRES_COMMAND_OK || status == PGRES_TUPLES_OK;
    int error = is_done ? 0 : hak_link_fail(link, result, doing);
    PQclear(result);
    return error;
}
