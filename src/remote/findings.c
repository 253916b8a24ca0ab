/* Sends a run and its findings: all statements at once in one transaction, so that the server has
 * all of it or nothing. A run has the same number each time, and what is there already is left as
 * it is. A role that may only insert can push. */
#include "remote/findings.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>
#include "remote/link.h"
#include "store/error.h"

#define SECONDS_TO_2000 946684800 /* from 1970: where the server counts from */
#define SECONDS_OF_DAY  86400

enum { VALUES = 16 };

struct hak_remote_link {
    struct hak_link link;
    bool is_prepared; /* statement "finding" */
};

static const char run_sql[] =
    "INSERT INTO hakmem.run(run, month, at, host, pid, program, command, build, version, level,"
    " hakmem, rate, labels, capture, summary)"
    " VALUES(CAST($1 AS BIGINT), CAST($2 AS DATE), CAST($3 AS TIMESTAMP WITH TIME ZONE), CAST($4 "
    "AS BYTEA), CAST($5 AS BIGINT), CAST($6 AS BYTEA), CAST($7 AS BYTEA),"
    " CAST($8 AS BYTEA), CAST($9 AS BYTEA), CAST($10 AS BYTEA), CAST($11 AS BYTEA), CAST($12 AS "
    "DOUBLE PRECISION), CAST($13 AS BYTEA),"
    " CAST($14 AS BIGINT), CAST($15 AS BYTEA)) ON CONFLICT DO NOTHING";
static const char finding_sql[] =
    "INSERT INTO hakmem.finding(run, month, number, fingerprint, code, name, headline, place,"
    " count, report, address)"
    " VALUES(CAST($1 AS BIGINT), CAST($2 AS DATE), CAST($3 AS INTEGER), CAST($4 AS BYTEA), CAST($5 "
    "AS INTEGER), CAST($6 AS BYTEA), CAST($7 AS BYTEA),"
    " CAST($8 AS BYTEA), CAST($9 AS BIGINT), CAST($10 AS BYTEA), CAST($11 AS BIGINT)) ON CONFLICT "
    "DO NOTHING";

/* Fills in the values that were not known when the run came first: schema.c. */
static const char fill_sql[] = "SELECT hakmem.fill_run(CAST($1 AS BIGINT), CAST($2 AS DATE), "
                               "CAST($3 AS BIGINT), CAST($4 AS BYTEA))";

/* ---- values, in binary ------------------------------------------------------------------------
 */

struct values {
    const char *data[VALUES];
    int bytes[VALUES], is_binary[VALUES];
    unsigned char number[VALUES][8];
    int count;
};

/* Appends a binary argument, which must stay until the question is sent. */
static void add_bytes(struct values *v, const void *data, size_t bytes) {
    v->data[v->count] = data;
    v->bytes[v->count] = (int)bytes;
    v->is_binary[v->count++] = 1;
}

static void add_text(struct values *v, const char *text) {
    add_bytes(v, text, strlen(text));
}

static void add_number(struct values *v, uint64_t number) {
    hak_link_put(number, v->number[v->count]);
    add_bytes(v, v->number[v->count], 8);
}

/* Of four bytes: an integer, a date. */
static void add_small(struct values *v, uint32_t number) {
    hak_link_put((uint64_t)number << 32, v->number[v->count]);
    add_bytes(v, v->number[v->count], 4);
}

static void add_real(struct values *v, double value) {
    uint64_t bits;
    memcpy(&bits, &value, sizeof bits);
    add_number(v, bits);
}

/* Adds a number as a value, NULL for 0. */
static void add_known(struct values *v, uint64_t number) {
    if (number)
        add_number(v, number);
    else
        add_bytes(v, NULL, 0);
}

/* The days from 2000 to the first of the month, in UTC, in which `at_us` lies. */
static uint32_t month_of(int64_t at_us) {
    time_t at = (time_t)(at_us / 1000000);
    struct tm day;
    gmtime_r(&at, &day);
    int64_t days = at / SECONDS_OF_DAY - (day.tm_mday - 1);
    return (uint32_t)(days - SECONDS_TO_2000 / SECONDS_OF_DAY);
}

/* ---- one transaction --------------------------------------------------------------------------
 */

/* Sends the row of the run, without waiting for the answer. */
static bool send_run(PGconn *to, const struct hak_remote_run *run) {
    struct values v = {.count = 0};
    add_number(&v, run->run);
    add_small(&v, month_of(run->at_us));
    add_number(&v, (uint64_t)(run->at_us - SECONDS_TO_2000 * 1000000ll));
    add_text(&v, run->host);
    add_number(&v, run->pid);
    add_text(&v, run->program);
    add_text(&v, run->command);
    add_text(&v, run->build);
    add_text(&v, run->version);
    add_text(&v, run->level);
    add_text(&v, run->hakmem);
    add_real(&v, run->rate);
    add_text(&v, run->labels);
    add_known(&v, run->capture);
    add_text(&v, run->summary);
    return PQsendQueryParams(to, run_sql, v.count, NULL, v.data, v.bytes, v.is_binary, 1) == 1;
}

/* Sends the row of a finding, without waiting for the answer. */
static bool send_finding(PGconn *to, const struct hak_remote_run *run,
                         const struct hak_remote_finding *finding) {
    struct values v = {.count = 0};
    add_number(&v, run->run);
    add_small(&v, month_of(run->at_us));
    add_small(&v, finding->number);
    add_text(&v, finding->fingerprint);
    add_small(&v, finding->code);
    add_text(&v, finding->name);
    add_text(&v, finding->headline);
    add_text(&v, finding->place);
    add_number(&v, finding->count);
    add_text(&v, finding->report);
    add_known(&v, finding->address);
    return PQsendQueryPrepared(to, "finding", v.count, v.data, v.bytes, v.is_binary, 1) == 1;
}

static bool send_words(PGconn *to, const char *sql) {
    return PQsendQueryParams(to, sql, 0, NULL, NULL, NULL, NULL, 1) == 1;
}

/* Sends a run and its findings as one transaction, all in one go. Answers are read later. */
static bool send_run_whole(struct hak_remote_link *link, const struct hak_remote_run *run) {
    PGconn *to = link->link.connection;
    bool is_sent = !link->link.is_silent && PQenterPipelineMode(to) &&
                   send_words(to, "START TRANSACTION") && send_run(to, run);
    if (run->findings && !link->is_prepared)
        is_sent = is_sent && PQsendPrepare(to, "finding", finding_sql, 0, NULL);
    for (uint32_t i = 0; i < run->findings && is_sent; i++)
        is_sent = send_finding(to, run, &run->finding[i]);
    return is_sent && send_words(to, "COMMIT") && PQpipelineSync(to);
}

/* Takes the answers to all statements of a run and counts the rows that are new. Returns the first
 * error, or 0. */
static int hear_all(struct hak_remote_link *link, struct hak_remote_sent *out) {
    int error = 0;
    bool has_ended = false;
    for (int heard = 0, ends = 0; !has_ended && ends < 2;) {
        PGresult *result = hak_link_next(&link->link);
        ends = result ? 0 : ends + 1; /* one stands behind each statement's answer */
        ExecStatusType status = result ? PQresultStatus(result) : PGRES_COMMAND_OK;
        has_ended = status == PGRES_PIPELINE_SYNC;
        bool is_row = status == PGRES_COMMAND_OK && result && strcmp(PQcmdTuples(result), "1") == 0;
        heard += status == PGRES_COMMAND_OK && result;
        if (is_row && heard == 2) /* START TRANSACTION is the first one */
            out->is_new = true;
        else
            out->findings += is_row;
        if (status == PGRES_FATAL_ERROR && !error)
            error = hak_link_fail(&link->link, result, "sending findings");
        PQclear(result);
    }
    return error || has_ended ? error : hak_link_fail(&link->link, NULL, "sending findings");
}

/* Sends a run and its findings, reads all answers, and rolls back on an error. */
static int send_in_transaction(struct hak_remote_link *link, const struct hak_remote_run *run,
                               struct hak_remote_sent *out) {
    if (!send_run_whole(link, run))
        return hak_link_fail(&link->link, NULL, "sending findings");
    int error = hear_all(link, out);
    if (!link->link.is_silent && !PQexitPipelineMode(link->link.connection) && !error)
        return hak_link_fail(&link->link, NULL, "sending findings");
    if (!error)
        link->is_prepared |= run->findings > 0;
    else if (PQtransactionStatus(link->link.connection) == PQTRANS_INERROR)
        PQclear(hak_link_exec(&link->link, "ROLLBACK"));
    return error;
}

/* Updates a run that the server had with its capture and summary: it came before its capture was
 * there or its program had ended. */
static int fill_in_run(struct hak_remote_link *link, const struct hak_remote_run *run) {
    struct values v = {.count = 0};
    struct hak_link_value value[VALUES];
    int error;
    if (!run->capture && strcmp(run->summary, "{}") == 0)
        return 0;
    add_number(&v, run->run);
    add_small(&v, month_of(run->at_us));
    add_known(&v, run->capture);
    add_text(&v, run->summary);
    for (int i = 0; i < v.count; i++)
        value[i] = (struct hak_link_value){v.data[i], v.bytes[i]};
    PQclear(hak_link_ask(&link->link, fill_sql, value, v.count, "sending findings", &error));
    return error;
}

/* ---- for everybody ----------------------------------------------------------------------------
 */

int hak_remote_begin_findings(const char *url, struct hak_remote_link **out, char **why) {
    struct hak_remote_link *link = calloc(1, sizeof *link);
    int error = link ? hak_link_open(&link->link, url) : hak_store_no_memory("the URL");
    *why = error ? strdup(hak_store_message()) : NULL;
    *out = error ? NULL : link;
    if (error)
        free(link);
    return error;
}

int hak_remote_send_findings(struct hak_remote_link *link, const struct hak_remote_run *run,
                             struct hak_remote_sent *out, char **why) {
    *out = (struct hak_remote_sent){0};
    int error = send_in_transaction(link, run, out);
    if (!error && !out->is_new)
        error = fill_in_run(link, run);
    *why = error ? strdup(hak_store_message()) : NULL;
    return error;
}

void hak_remote_end_findings(struct hak_remote_link *link) {
    if (link)
        hak_link_close(&link->link);
    free(link);
}
