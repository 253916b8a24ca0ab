/* Sends a process's heap profile: its row first, and where that is new its stacks and their sums,
 * all in one transaction. So a pull that the server has is never counted twice, whatever its second
 * push has. A role that may only insert can push. */
#include "remote/pulls.h"

#include <string.h>
#include "remote/schema.h"
#include "remote/values.h"
#include "store/error.h"

static const char sending_pull[] = "sending a heap profile";

static const char pull_sql[] =
    "INSERT INTO hakmem.pull(run, month, pull, at, began, host, pid, program, build, version,"
    " hakmem, rate, unsampled, labels)"
    " VALUES(CAST($1 AS BIGINT), CAST($2 AS DATE), CAST($3 AS BIGINT), CAST($4 AS TIMESTAMP WITH"
    " TIME ZONE), CAST($5 AS TIMESTAMP WITH TIME ZONE), CAST($6 AS BYTEA), CAST($7 AS BIGINT),"
    " CAST($8 AS BYTEA), CAST($9 AS BYTEA), CAST($10 AS BYTEA), CAST($11 AS BYTEA), CAST($12 AS"
    " BIGINT), CAST($13 AS BIGINT), CAST($14 AS BYTEA)) ON CONFLICT DO NOTHING";
static const char stack_sql[] =
    "INSERT INTO hakmem.stack(stack, month, frames) VALUES(CAST($1 AS BIGINT), CAST($2 AS DATE),"
    " CAST($3 AS BYTEA)) ON CONFLICT DO NOTHING";
static const char sum_sql[] =
    "INSERT INTO hakmem.pull_sum(run, month, pull, stack, live_blocks, live_bytes,"
    " allocated_blocks, allocated_bytes, freed_blocks, freed_bytes, live_variance)"
    " VALUES(CAST($1 AS BIGINT), CAST($2 AS DATE), CAST($3 AS BIGINT), CAST($4 AS BIGINT), CAST($5"
    " AS BIGINT), CAST($6 AS BIGINT), CAST($7 AS BIGINT), CAST($8 AS BIGINT), CAST($9 AS BIGINT),"
    " CAST($10 AS BIGINT), CAST($11 AS DOUBLE PRECISION))";

/* Inserts the row of the pull, and says whether it is new. Another push of the same that has not
 * ended is waited for. 0, or an error. */
static int insert_pull(struct hak_link *link, const struct hak_remote_pull *pull, bool *is_new) {
    struct hak_values v = {.count = 0};
    int error;
    hak_values_add_number(&v, pull->run);
    hak_values_add_month(&v, pull->at_us);
    hak_values_add_number(&v, pull->pull);
    hak_values_add_moment(&v, pull->at_us);
    hak_values_add_moment(&v, pull->began_us);
    hak_values_add_text(&v, pull->host);
    hak_values_add_number(&v, pull->pid);
    hak_values_add_text(&v, pull->program);
    hak_values_add_text(&v, pull->build);
    hak_values_add_text(&v, pull->version);
    hak_values_add_text(&v, pull->hakmem);
    hak_values_add_number(&v, pull->rate);
    hak_values_add_number(&v, pull->unsampled);
    hak_values_add_text(&v, pull->labels);
    PGresult *result = hak_values_ask(link, pull_sql, &v, sending_pull, &error);
    *is_new = result && strcmp(PQcmdTuples(result), "1") == 0;
    PQclear(result);
    return error;
}

/* Sends the frames of a stack. A second push of it waits for the first: all send in one order. */
static bool send_frames(PGconn *to, const struct hak_remote_pull *pull,
                        const struct hak_remote_stack *stack) {
    struct hak_values v = {.count = 0};
    hak_values_add_number(&v, stack->stack);
    hak_values_add_month(&v, pull->at_us);
    hak_values_add_text(&v, stack->frames);
    return hak_values_send_prepared(to, "stack", &v);
}

static bool send_sums(PGconn *to, const struct hak_remote_pull *pull,
                      const struct hak_remote_stack *stack) {
    struct hak_values v = {.count = 0};
    hak_values_add_number(&v, pull->run);
    hak_values_add_month(&v, pull->at_us);
    hak_values_add_number(&v, pull->pull);
    hak_values_add_number(&v, stack->stack);
    hak_values_add_number(&v, stack->live_blocks);
    hak_values_add_number(&v, stack->live_bytes);
    hak_values_add_number(&v, stack->allocated_blocks);
    hak_values_add_number(&v, stack->allocated_bytes);
    hak_values_add_number(&v, stack->freed_blocks);
    hak_values_add_number(&v, stack->freed_bytes);
    hak_values_add_real(&v, stack->live_variance);
    return hak_values_send_prepared(to, "sum", &v);
}

/* Sends all stacks and the end of the transaction in one go. False: not so. */
static bool send_stacks(struct hak_remote_link *link, const struct hak_remote_pull *pull) {
    PGconn *to = link->link.connection;
    bool is_sent = !link->link.is_silent && PQenterPipelineMode(to);
    if (!link->has_pull)
        is_sent = is_sent && PQsendPrepare(to, "stack", stack_sql, 0, NULL) == 1 &&
                  PQsendPrepare(to, "sum", sum_sql, 0, NULL) == 1;
    for (uint32_t i = 0; i < pull->stacks && is_sent; i++)
        is_sent = send_frames(to, pull, &pull->stack[i]) && send_sums(to, pull, &pull->stack[i]);
    return is_sent && hak_values_send_words(to, "COMMIT") && PQpipelineSync(to);
}

/* Sends the stacks of a pull that is new, and hears of all. 0, or an error. */
static int insert_stacks(struct hak_remote_link *link, const struct hak_remote_pull *pull) {
    if (!send_stacks(link, pull))
        return hak_link_fail(&link->link, NULL, sending_pull);
    int error = hak_values_hear(&link->link, sending_pull, NULL, NULL);
    if (!link->link.is_silent && !PQexitPipelineMode(link->link.connection) && !error)
        error = hak_link_fail(&link->link, NULL, sending_pull);
    link->has_pull |= !error;
    return error;
}

/* Sends all of it in one transaction, and rolls back on an error. */
static int send_whole_pull(struct hak_remote_link *link, const struct hak_remote_pull *pull,
                           struct hak_remote_sent *out) {
    bool is_new = false;
    int error = link->has_pull ? 0 : hak_remote_schema_check(&link->link);
    if (!error)
        error = hak_link_do(&link->link, "START TRANSACTION", sending_pull);
    if (!error)
        error = insert_pull(&link->link, pull, &is_new);
    if (!error && is_new)
        error = insert_stacks(link, pull);
    else if (!error)
        error = hak_link_do(&link->link, "COMMIT", sending_pull);
    if (!error) {
        *out = (struct hak_remote_sent){.is_new = is_new, .stacks = is_new ? pull->stacks : 0};
        return 0;
    }
    PGTransactionStatusType state = PQtransactionStatus(link->link.connection);
    if (!link->link.is_silent && (state == PQTRANS_INERROR || state == PQTRANS_INTRANS))
        PQclear(hak_link_exec(&link->link, "ROLLBACK"));
    return error;
}

int hak_remote_send_pull(struct hak_remote_link *link, const struct hak_remote_pull *pull,
                         struct hak_remote_sent *out, char **why) {
    *out = (struct hak_remote_sent){0};
    int error = send_whole_pull(link, pull, out);
    *why = error ? strdup(hak_store_message()) : NULL;
    return error;
}
