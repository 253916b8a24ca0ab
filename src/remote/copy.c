/* Sends a store whole: its rows in parts of a few MiB, over several connections, each part in a
 * transaction of its own together with the line that says that it has come.
 *
 *   read all, hash ---> number of the capture, hash of each part
 *        |                       |
 *        |              hakmem.parts(number): what has come in earlier pushes
 *        v                       v
 *   read again ---> parts that are missing ---> queue ---> senders: INSERT part, COPY, COMMIT
 *                                                             |
 *                                hakmem.parts, hakmem.counts: all there? ---> capture_end
 *
 * The number is a hash of the rows, so that the same capture has it from whatever machine and
 * however often it is pushed. Both passes read one state of the store: one transaction of SQLite.
 * The caller's thread reads; a sender has its own connection and touches the queue under `lock`. */
#include "remote/copy.h"

#include <inttypes.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include "remote/parts.h"
#include "remote/schema.h"
#include "store/error.h"

enum { SENDERS_MAX = 32, QUEUE = 4 };

struct push {
    struct hak_link link; /* for questions */
    const char *url, *path;
    sqlite3 *store;
    struct hak_remote_tables tables;
    struct hak_remote_pushed *out;
    uint64_t rows_of[HAK_REMOTE_TABLES]; /* of each table */
    uint64_t *checksum;                  /* of each part */
    bool *is_there;
    uint64_t room; /* parts that these two have room for */
    void (*told)(void *context, uint64_t done, uint64_t total);
    void *context;
    uint64_t done; /* bytes */

    pthread_mutex_t lock; /* for what is below */
    pthread_cond_t changed;
    struct hak_remote_part queue[QUEUE];
    unsigned queued;
    bool is_last;
    int error; /* the first of a sender */
    char *why;
};

/* ---- the first pass ----------------------------------------------------------------------------
 */

/* Makes room for the notes about so many parts. False without memory. */
static bool make_room(struct push *push, uint64_t parts) {
    if (parts <= push->room)
        return true;
    uint64_t room = 2 * parts + 64;
    uint64_t *checksum = realloc(push->checksum, room * sizeof *checksum);
    if (!checksum)
        return false;
    push->checksum = checksum;
    bool *is_there = realloc(push->is_there, room * sizeof *is_there);
    if (!is_there)
        return false;
    push->is_there = is_there;
    push->room = room;
    return true;
}

/* First cut, which sends nothing: notes the part's checksum and sums; the last one's running
 * checksum is the capture's number. */
static int note_part(void *context, struct hak_remote_part *part) {
    struct push *push = context;
    struct hak_remote_pushed *out = push->out;
    if (!make_room(push, part->number + 1))
        return hak_store_no_memory(push->path);
    push->checksum[part->number] = part->checksum;
    push->is_there[part->number] = false;
    push->rows_of[part->table - push->tables.table] += part->rows;
    out->parts++;
    out->rows += part->rows;
    out->bytes += part->value_bytes;
    out->capture = part->so_far & INT64_MAX;
    return 0;
}

/* Cuts the store into parts once, to find the capture's number and the parts' checksums. */
static int find_number(struct push *push) {
    int error = hak_remote_cut(push->store, push->path, &push->tables, 0, note_part, push);
    push->out->capture += push->out->capture == 0; /* 0 is none */
    return error;
}

/* ---- rows on the server ------------------------------------------------------------------------
 */

/* Asks a question whose only argument is the capture's number. */
static PGresult *ask_of_capture(struct push *push, const char *sql, const char *doing, int *error) {
    unsigned char id[8];
    hak_link_put(push->out->capture, id);
    return hak_link_ask(&push->link, sql, &(struct hak_link_value){id, 8}, 1, doing, error);
}

/* An error: the server has a part of this number with other rows. */
static int fail_other(const struct push *push, uint64_t number) {
    return hak_store_fail(HAK_STORE_EXISTS,
                          "%s: capture %" PRIu64 " is there with other rows in part %" PRIu64
                          ", sent by another version of hakmem or by no hakmem at all; nothing is "
                          "mixed: who keeps the server removes that one, then push again",
                          push->link.name, push->out->capture, number);
}

/* Marks the parts that are there; `count` how many. Other content is an error. 0, or an error. */
static int ask_parts(struct push *push, uint64_t *count) {
    static const char sql[] = "SELECT number, checksum FROM hakmem.parts(CAST($1 AS BIGINT))";
    int error;
    PGresult *result = ask_of_capture(push, sql, "asking what has come", &error);
    *count = (uint64_t)PQntuples(result);
    for (int i = 0; result && i < PQntuples(result) && !error; i++) {
        uint64_t number, checksum;
        if (!hak_link_number(result, i, 0, &number) || !hak_link_number(result, i, 1, &checksum))
            error = hak_link_fail_cell(&push->link, "asking what has come");
        else if (number >= push->out->parts || push->checksum[number] != checksum)
            error = fail_other(push, number);
        else
            push->is_there[number] = true;
    }
    PQclear(result);
    return error;
}

/* Compares how many rows of each table came with how many were sent; a role that may insert may
 * also have put some in. 0, or an error where they differ. */
static int compare_counts(struct push *push) {
    static const char sql[] = "SELECT name, row_count FROM hakmem.counts(CAST($1 AS BIGINT))";
    int error;
    PGresult *result = ask_of_capture(push, sql, "comparing what has come", &error);
    for (int i = 0; result && i < PQntuples(result) && !error; i++) {
        uint64_t rows, sent = 0;
        const char *name = hak_link_text(result, i, 0, NULL);
        bool is_whole = hak_link_number(result, i, 1, &rows) && name;
        for (int t = 0; t < push->tables.tables && is_whole; t++)
            if (strcmp(push->tables.table[t].name, name) == 0)
                sent = push->rows_of[t];
        if (!is_whole)
            error = hak_link_fail_cell(&push->link, "comparing what has come");
        else if (rows != sent)
            error =
                hak_store_fail(HAK_STORE_BROKEN,
                               "%s: capture %" PRIu64 " has %" PRIu64 " rows of table %s there, "
                               "and %" PRIu64 " were sent; who keeps the server removes it, "
                               "then push again",
                               push->link.name, push->out->capture, rows, name, sent);
    }
    PQclear(result);
    return error;
}

/* ---- senders ----------------------------------------------------------------------------------
 */

/* Inserts the line of the part; `is_new` is false where the server has it. 0, or an error. */
static int announce(struct push *push, struct hak_link *link, const struct hak_remote_part *p,
                    bool *is_new) {
    static const char sql[] =
        "INSERT INTO hakmem.part(capture, number, name, row_count, byte_count, checksum)"
        " VALUES(CAST($1 AS BIGINT), CAST($2 AS BIGINT), CAST($3 AS BYTEA), CAST($4 AS BIGINT), "
        "CAST($5 AS BIGINT), CAST($6 AS BIGINT))"
        " ON CONFLICT DO NOTHING";
    const uint64_t numbers[] = {push->out->capture, p->number, p->rows, p->value_bytes,
                                p->checksum};
    unsigned char bytes[5][8];
    for (int i = 0; i < 5; i++)
        hak_link_put(numbers[i], bytes[i]);
    int error;
    PGresult *result =
        hak_link_ask(link, sql,
                     (struct hak_link_value[]){{bytes[0], 8},
                                               {bytes[1], 8},
                                               {p->table->name, (int)strlen(p->table->name)},
                                               {bytes[2], 8},
                                               {bytes[3], 8},
                                               {bytes[4], 8}},
                     6, "announcing a part", &error);
    *is_new = result && strcmp(PQcmdTuples(result), "1") == 0;
    PQclear(result);
    return error;
}

/* The COPY statement of a table. The caller frees it; NULL without memory. */
static char *copy_text(const struct hak_remote_table *t) {
    char *sql = NULL;
    size_t length;
    FILE *text = open_memstream(&sql, &length);
    if (!text)
        return NULL;
    fprintf(text, "COPY hakmem.\"c_%s\"(capture", t->name);
    for (int i = 0; i < t->columns; i++)
        fprintf(text, ", \"%s\"", t->column[i].name);
    fprintf(text, ") FROM STDIN (FORMAT binary)");
    fclose(text);
    return sql;
}

/* Sends a part's rows by COPY. 0, or an error, also where the server took another number of
 * rows. */
static int copy(struct hak_link *link, const struct hak_remote_part *p) {
    static const char doing[] = "sending rows";
    char *sql = copy_text(p->table);
    PGresult *result = sql ? hak_link_exec(link, sql) : NULL;
    bool is_ready = PQresultStatus(result) == PGRES_COPY_IN;
    int error = !sql       ? hak_store_no_memory(link->name)
                : is_ready ? 0
                           : hak_link_fail(link, result, doing);
    free(sql);
    PQclear(result);
    if (error)
        return error;
    if (PQputCopyData(link->connection, p->data, (int)p->bytes) != 1 ||
        PQputCopyEnd(link->connection, NULL) != 1)
        error = hak_link_fail(link, NULL, doing);
    while ((result = hak_link_next(link)) != NULL) {
        if (!error && PQresultStatus(result) != PGRES_COMMAND_OK)
            error = hak_link_fail(link, result, doing);
        if (!error && strtoull(PQcmdTuples(result), NULL, 10) != p->rows)
            error =
                hak_store_fail(HAK_STORE_INTERNAL, "%s: took %s of %" PRIu64 " rows of table %s",
                               link->name, PQcmdTuples(result), p->rows, p->table->name);
        PQclear(result);
    }
    return error || !link->is_silent ? error : hak_link_fail(link, NULL, doing);
}

/* Sends one part in a transaction; if the server has it already, nothing is sent. Counts what was
 * sent. 0, or an error. */
static int send_part(struct push *push, struct hak_link *link, const struct hak_remote_part *p) {
    bool is_new = false;
    int error = hak_link_do(link, "START TRANSACTION", "sending rows");
    if (!error)
        error = announce(push, link, p, &is_new);
    if (!error && is_new)
        error = copy(link, p);
    if (!error)
        error = hak_link_do(link, is_new ? "COMMIT" : "ROLLBACK", "sending rows");
    if (error)
        return error;
    pthread_mutex_lock(&push->lock);
    push->out->sent_parts += is_new;
    push->out->sent_bytes += is_new ? p->bytes : 0;
    pthread_mutex_unlock(&push->lock);
    return 0;
}

/* Waits for a part and takes it out of the queue. False: none is left, or a sender failed. The
 * caller frees the data. */
static bool take_part(struct push *push, struct hak_remote_part *out) {
    pthread_mutex_lock(&push->lock);
    while (!push->queued && !push->is_last && !push->error)
        pthread_cond_wait(&push->changed, &push->lock);
    bool has_one = push->queued && !push->error;
    if (has_one)
        *out = push->queue[--push->queued];
    pthread_cond_broadcast(&push->changed);
    pthread_mutex_unlock(&push->lock);
    return has_one;
}

/* Notes the first sender's error and its message, and wakes the others, which then end. */
static void sender_failed(struct push *push, int error) {
    pthread_mutex_lock(&push->lock);
    if (!push->error) {
        push->error = error;
        push->why = strdup(hak_store_message());
    }
    pthread_cond_broadcast(&push->changed);
    pthread_mutex_unlock(&push->lock);
}

/* Sets timeouts: a client that vanished without a word must not hold its part for hours, nor may we
 * wait for it that long. Servers that do not know a setting go without. */
static void be_short(struct hak_link *link) {
    static const char *const settings[] = {
        "SET lock_timeout = '60s'", "SET tcp_keepalives_idle = 30",
        "SET tcp_keepalives_interval = 10", "SET tcp_keepalives_count = 3"};
    for (size_t i = 0; i < sizeof settings / sizeof *settings; i++)
        PQclear(hak_link_exec(link, settings[i]));
}

/* A sender's thread: sends parts of the queue over a connection of its own until there are no
 * more. */
static void *send_parts(void *context) {
    struct push *push = context;
    struct hak_remote_part part;
    struct hak_link link;
    int error = hak_link_open(&link, push->url);
    if (!error)
        be_short(&link);
    while (!error && take_part(push, &part)) {
        error = send_part(push, &link, &part);
        free(part.data);
    }
    if (error)
        sender_failed(push, error);
    hak_link_close(&link);
    return NULL;
}

/* ---- the second pass ---------------------------------------------------------------------------
 */

/* Second cut: queues the parts that the server lacks, waits while the queue is full, and says the
 * progress. */
static int queue_part(void *context, struct hak_remote_part *part) {
    struct push *push = context;
    push->done += part->value_bytes;
    if (push->told)
        push->told(push->context, push->done, push->out->bytes);
    if (push->is_there[part->number])
        return 0;
    pthread_mutex_lock(&push->lock);
    while (push->queued == QUEUE && !push->error)
        pthread_cond_wait(&push->changed, &push->lock);
    int error = push->error;
    if (!error) {
        push->queue[push->queued++] = *part;
        part->data = NULL;
    }
    pthread_cond_broadcast(&push->changed);
    pthread_mutex_unlock(&push->lock);
    return error;
}

/* Cuts the store again while `jobs` threads send. Returns the first error, with its message. */
static int send_all_parts(struct push *push, int jobs) {
    pthread_t sender[SENDERS_MAX];
    int begun = 0, error;
    jobs = jobs < 1 ? 1 : jobs > SENDERS_MAX ? SENDERS_MAX : jobs;
    while (begun < jobs && pthread_create(&sender[begun], NULL, send_parts, push) == 0)
        begun++;
    error = begun ? hak_remote_cut(push->store, push->path, &push->tables, push->out->capture,
                                   queue_part, push)
                  : hak_store_fail(HAK_STORE_INTERNAL, "no thread can be made for sending");
    pthread_mutex_lock(&push->lock);
    push->is_last = true;
    if (error && !push->error)
        push->error = error; /* of reading: its line is this thread's */
    pthread_cond_broadcast(&push->changed);
    pthread_mutex_unlock(&push->lock);
    while (begun)
        pthread_join(sender[--begun], NULL);
    while (push->queued)
        free(push->queue[--push->queued].data);
    return push->why ? hak_store_fail(push->error, "%s", push->why) : push->error;
}

/* ---- all of it --------------------------------------------------------------------------------
 */

/* Checks the server's layout; one that has none yet, or an older one, gets it where this role may.
 */
static int lay_out(struct push *push) {
    struct hak_remote_laid laid;
    int error = hak_remote_schema_check(&push->link);
    if (!error)
        error = hak_remote_schema_check_tables(&push->link, &push->tables);
    if (error != HAK_STORE_FOREIGN && error != HAK_STORE_OLDER)
        return error;
    int made = hak_remote_schema_make(&push->link, &push->tables, false, &laid);
    if (made != HAK_STORE_NO_ACCESS)
        return made;
    return hak_store_fail(error,
                          error == HAK_STORE_FOREIGN
                              ? "%s: is not laid out for hakmem yet; who keeps the server types "
                                "`hakmem-trace fleet setup --to URL` once"
                              : "%s: is laid out for an older hakmem; who keeps the server types "
                                "`hakmem-trace fleet setup --to URL` with this version",
                          push->link.name);
}

/* Inserts the line that says that the capture comes. */
static int announce_capture(struct push *push) {
    static const char sql[] =
        "INSERT INTO hakmem.capture(capture, host, file)"
        " VALUES(CAST($1 AS BIGINT), CAST($2 AS BYTEA), CAST($3 AS BYTEA)) ON CONFLICT DO NOTHING";
    const char *slash = strrchr(push->path, '/'), *name = slash ? slash + 1 : push->path;
    struct utsname machine = {0};
    unsigned char id[8];
    int error;
    (void)uname(&machine);
    hak_link_put(push->out->capture, id);
    PQclear(hak_link_ask(
        &push->link, sql,
        (struct hak_link_value[]){
            {id, 8}, {machine.nodename, (int)strlen(machine.nodename)}, {name, (int)strlen(name)}},
        3, "announcing the capture", &error));
    return error;
}

/* Marks the capture as whole on the server. */
static int end_capture(struct push *push) {
    static const char sql[] =
        "INSERT INTO hakmem.capture_end(capture, part_count, row_count, byte_count)"
        " VALUES(CAST($1 AS BIGINT), CAST($2 AS BIGINT), CAST($3 AS BIGINT), CAST($4 AS BIGINT)) "
        "ON CONFLICT DO NOTHING";
    const uint64_t numbers[] = {push->out->capture, push->out->parts, push->out->rows,
                                push->out->bytes};
    unsigned char bytes[4][8];
    struct hak_link_value values[4];
    int error;
    for (int i = 0; i < 4; i++) {
        hak_link_put(numbers[i], bytes[i]);
        values[i] = (struct hak_link_value){bytes[i], 8};
    }
    PQclear(hak_link_ask(&push->link, sql, values, 4, "ending the capture", &error));
    return error;
}

/* Sends the parts that the server lacks, compares all counts, and marks the capture as whole. */
static int send_missing(struct push *push, int jobs) {
    uint64_t count = 0;
    int error = ask_parts(push, &count);
    if (!error && count < push->out->parts)
        error = send_all_parts(push, jobs);
    if (!error)
        error = ask_parts(push, &count);
    if (!error && count != push->out->parts)
        error = hak_store_fail(HAK_STORE_INTERNAL, "%s: has %" PRIu64 " parts only",
                               push->link.name, count);
    if (!error)
        error = compare_counts(push);
    return error ? error : end_capture(push);
}

/* Adds to the reason of an error how to go on. */
static int add_how(const struct push *push, int error) {
    uint64_t there = push->out->sent_parts;
    char *reason = strdup(hak_store_message());
    for (uint64_t i = 0; i < push->out->parts; i++)
        there += push->is_there[i];
    if (reason && error != HAK_STORE_EXISTS && error != HAK_STORE_BROKEN)
        hak_store_say("%s; %" PRIu64 " of %" PRIu64
                      " parts are there: the same push goes on from them",
                      reason, there, push->out->parts);
    free(reason);
    return error;
}

/* Locks the capture until the connection ends, so that nobody removes it as an old one: `fleet
 * keep` tries the same lock. Servers that have no such locks go without. */
static int hold_capture(struct push *push) {
    int error;
    be_short(&push->link);
    PQclear(ask_of_capture(push, "SELECT pg_advisory_lock_shared(CAST($1 AS BIGINT))",
                           "waiting for `fleet keep`, which removes it", &error));
    return error == HAK_STORE_BUSY ? error : 0;
}

/* Pushes the store: lays out tables if need be, finds the capture's number, sends the rest. */
static int push_all(struct push *push, int jobs) {
    int error = hak_link_open(&push->link, push->url);
    if (!error)
        error = hak_remote_tables_read(push->store, &push->tables);
    if (!error)
        error = lay_out(push);
    if (!error)
        error = find_number(push);
    if (!error)
        error = hold_capture(push);
    if (!error)
        error = announce_capture(push);
    if (error)
        return error;
    error = send_missing(push, jobs);
    return error ? add_how(push, error) : 0;
}

int hak_remote_push(const char *url, sqlite3 *store, const char *path, int jobs,
                    void (*told)(void *context, uint64_t done, uint64_t total), void *context,
                    struct hak_remote_pushed *out, char **why) {
    struct push push = {.url = url,
                        .path = path,
                        .store = store,
                        .out = out,
                        .told = told,
                        .context = context,
                        .lock = PTHREAD_MUTEX_INITIALIZER,
                        .changed = PTHREAD_COND_INITIALIZER};
    bool is_ours = sqlite3_get_autocommit(store) &&
                   sqlite3_exec(store, "BEGIN", NULL, NULL, NULL) == SQLITE_OK;
    *out = (struct hak_remote_pushed){0};
    *why = NULL;
    int error = push_all(&push, jobs);
    if (error)
        *why = strdup(hak_store_message());
    if (is_ours)
        sqlite3_exec(store, "COMMIT", NULL, NULL, NULL);
    free(push.why);
    free(push.checksum);
    free(push.is_there);
    hak_remote_tables_free(&push.tables);
    hak_link_close(&push.link);
    return error;
}
