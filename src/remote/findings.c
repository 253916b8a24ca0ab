/* Sends a run and its findings: all statements at once in one transaction, so that the server has
 * all of it or nothing. A run has the same number each time, and what is there already is left as
 * it is. A role that may only insert can push. */
#include "remote/findings.h"

#include <stdlib.h>
#include <string.h>
#include "remote/values.h"
#include "store/error.h"

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

/* ---- one transaction --------------------------------------------------------------------------
 */

/* Sends the row of the run, without waiting for the answer. */
static bool send_run(PGconn *to, const struct hak_remote_run *run) {
    struct hak_values v = {.count = 0};
    hak_values_add_number(&v, run->run);
    hak_values_add_month(&v, run->at_us);
    hak_values_add_moment(&v, run->at_us);
    hak_values_add_text(&v, run->host);
    hak_values_add_number(&v, run->pid);
    hak_values_add_text(&v, run->program);
    hak_values_add_text(&v, run->command);
    hak_values_add_text(&v, run->build);
    hak_values_add_text(&v, run->version);
    hak_values_add_text(&v, run->level);
    hak_values_add_text(&v, run->hakmem);
    hak_values_add_real(&v, run->rate);
    hak_values_add_text(&v, run->labels);
    hak_values_add_known(&v, run->capture);
    hak_values_add_text(&v, run->summary);
    return hak_values_send(to, run_sql, &v);
}

/* Sends the row of a finding, without waiting for the answer. */
static bool send_finding(PGconn *to, const struct hak_remote_run *run,
                         const struct hak_remote_finding *finding) {
    struct hak_values v = {.count = 0};
    hak_values_add_number(&v, run->run);
    hak_values_add_month(&v, run->at_us);
    hak_values_add_small(&v, finding->number);
    hak_values_add_text(&v, finding->fingerprint);
    hak_values_add_small(&v, finding->code);
    hak_values_add_text(&v, finding->name);
    hak_values_add_text(&v, finding->headline);
    hak_values_add_text(&v, finding->place);
    hak_values_add_number(&v, finding->count);
    hak_values_add_text(&v, finding->report);
    hak_values_add_known(&v, finding->address);
    return hak_values_send_prepared(to, "finding", &v);
}

/* Sends a run and its findings as one transaction, all in one go. Answers are read later. */
static bool send_run_whole(struct hak_remote_link *link, const struct hak_remote_run *run) {
    PGconn *to = link->link.connection;
    bool is_sent = !link->link.is_silent && PQenterPipelineMode(to) &&
                   hak_values_send_words(to, "START TRANSACTION") && send_run(to, run);
    if (run->findings && !link->has_finding)
        is_sent = is_sent && PQsendPrepare(to, "finding", finding_sql, 0, NULL);
    for (uint32_t i = 0; i < run->findings && is_sent; i++)
        is_sent = send_finding(to, run, &run->finding[i]);
    return is_sent && hak_values_send_words(to, "COMMIT") && PQpipelineSync(to);
}

/* Counts the rows that are new. */
static void take_row(void *context, int number, bool is_row) {
    struct hak_remote_sent *out = context;
    if (is_row && number == 2) /* START TRANSACTION is the first one */
        out->is_new = true;
    else
        out->findings += is_row;
}

/* Sends a run and its findings, reads all answers, and rolls back on an error. */
static int send_in_transaction(struct hak_remote_link *link, const struct hak_remote_run *run,
                               struct hak_remote_sent *out) {
    if (!send_run_whole(link, run))
        return hak_link_fail(&link->link, NULL, "sending findings");
    int error = hak_values_hear(&link->link, "sending findings", take_row, out);
    if (!link->link.is_silent && !PQexitPipelineMode(link->link.connection) && !error)
        return hak_link_fail(&link->link, NULL, "sending findings");
    if (!error)
        link->has_finding |= run->findings > 0;
    else if (PQtransactionStatus(link->link.connection) == PQTRANS_INERROR)
        PQclear(hak_link_exec(&link->link, "ROLLBACK"));
    return error;
}

/* Updates a run that the server had with its capture and summary: it came before its capture was
 * there or its program had ended. */
static int fill_in_run(struct hak_remote_link *link, const struct hak_remote_run *run) {
    struct hak_values v = {.count = 0};
    int error;
    if (!run->capture && strcmp(run->summary, "{}") == 0)
        return 0;
    hak_values_add_number(&v, run->run);
    hak_values_add_month(&v, run->at_us);
    hak_values_add_known(&v, run->capture);
    hak_values_add_text(&v, run->summary);
    PQclear(hak_values_ask(&link->link, fill_sql, &v, "sending findings", &error));
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
