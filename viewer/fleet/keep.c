/* `fleet keep`: removes what is older than so many days, or than so many runs. */
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include "base/growing.h"
#include "report/words/words.h"
#include "store/database.h"
#include "viewer/capture/capture.h"
#include "viewer/fleet/ask.h"
#include "viewer/fleet/setup.h"

enum { DAYS_MAX = 36500 };

/* The tables that have partitions by month, in the order in which their rows go: what names a row
 * goes before it. A row is old by its month, or by the moment `at`, behind which stands `end`. */
enum keep_table { KEEP_FINDINGS, KEEP_RUNS, KEEP_SUMS, KEEP_PULLS, KEEP_TABLES };
static const struct {
    const char *name, *alias, *at, *end;
} keep_tables[] = {[KEEP_FINDINGS] = {"finding", "f",
                                      "EXISTS (SELECT 1 FROM hakmem.run r WHERE r.run = f.run"
                                      " AND r.month = f.month AND r.at",
                                      ")"},
                   [KEEP_RUNS] = {"run", "r", "r.at", ""},
                   [KEEP_SUMS] = {"pull_sum", "s",
                                  "EXISTS (SELECT 1 FROM hakmem.pull p WHERE p.run = s.run"
                                  " AND p.month = s.month AND p.pull = s.pull AND p.at",
                                  ")"},
                   [KEEP_PULLS] = {"pull", "p", "p.at", ""}};

/* A month's part of a table. */
struct partition {
    enum keep_table table;
    int month; /* 12 * year + month from 0 */
};

struct keep {
    struct fleet fleet;
    uint64_t days, count; /* 0: not given */
    bool is_dry, is_owner, failed;
    bool has_end; /* something may go: what is before `before_us` */
    int64_t before_us;
    uint64_t runs, findings, captures, pulls; /* that go */
    uint64_t busy;                            /* captures that would go, and are being pushed */
    struct partition *partition;              /* that go whole */
    uint32_t partitions, room;
    int made;
};

/* ---- what goes --------------------------------------------------------------------------------
 * A run goes by when it began, and with its month. Its findings go with it. So does a heap profile
 * by when it was read, with its sums, and a stack with the month of its profiles. A whole capture
 * goes by when it was pushed, unless a run that stays has its number. */

/* Adds the condition that a row of the table is old and goes. */
static void add_old_rows(struct fleet_question *question, const struct keep *keep,
                         enum keep_table table) {
    fleet_question_add(question, "(%s.month < %s OR %s < %s%s)", keep_tables[table].alias,
                       fleet_sql_month(keep->before_us), keep_tables[table].at,
                       fleet_sql_moment(keep->before_us), keep_tables[table].end);
}

/* Adds the condition that a capture `k` is old and goes. */
static void add_old_captures(struct fleet_question *question, const struct keep *keep) {
    fleet_question_add(question,
                       "k.pushed < %s AND NOT EXISTS (SELECT 1 FROM hakmem.run r WHERE r.capture ="
                       " k.capture AND NOT ",
                       fleet_sql_moment(keep->before_us));
    add_old_rows(question, keep, KEEP_RUNS);
    fleet_question_add(question, ")");
}

/* ---- questions --------------------------------------------------------------------------------
 */

/* Takes from the answer whether the login owns the tables. */
static void take_owner(void *context, const struct hak_remote_cell *cell, int cells) {
    struct keep *keep = context;
    (void)cells;
    keep->is_owner = cell[0].number != 0;
}

/* Checks, before anything else of the transaction, that the login owns the tables. 0, or an exit
 * status: it is said that it does not. */
static int check_owner(struct keep *keep) {
    struct fleet_question question = {0};
    fleet_question_add(&question,
                       "SELECT pg_has_role(c.relowner, 'USAGE') FROM pg_catalog.pg_class c"
                       " WHERE c.oid = CAST('hakmem.run' AS REGCLASS)");
    int status = fleet_ask(&keep->fleet, &question, "asking for its owner", take_owner, keep);
    if (!status && !keep->is_owner) {
        view_error("%s: only the role that laid out the server may remove runs", keep->fleet.name);
        status = VIEW_UNREADABLE;
    }
    return status;
}

/* Takes from the answer the moment before which all is old; null means that there are no runs. */
static void take_end(void *context, const struct hak_remote_cell *cell, int cells) {
    struct keep *keep = context;
    (void)cells;
    keep->has_end = cell[0].kind == HAK_REMOTE_INTEGER;
    keep->before_us = cell[0].number;
}

/* Reads the moment before that all is old, by --days and --count, the later one. Runs that claim to
 * begin later than tomorrow do not count as newest: else a pusher could remove all others with
 * them. */
static int read_end(struct keep *keep) {
    struct fleet_question question = {0};
    fleet_question_add(&question, "SELECT CAST(extract(epoch FROM greatest(");
    if (keep->days)
        fleet_question_add(&question, "CURRENT_TIMESTAMP - %s * INTERVAL '1' DAY",
                           fleet_question_number(&question, (int64_t)keep->days));
    else
        fleet_question_add(&question, "CAST(NULL AS TIMESTAMP WITH TIME ZONE)");
    if (keep->count)
        fleet_question_add(&question,
                           ", (SELECT min(n.at) FROM (SELECT r.at FROM hakmem.run r" FLEET_WHERE
                           " AND r.at < CURRENT_TIMESTAMP + INTERVAL '1' DAY ORDER BY r.at DESC"
                           " FETCH FIRST %s ROWS ONLY) n)",
                           fleet_question_number(&question, (int64_t)keep->count));
    fleet_question_add(&question, ")) * 1000000 AS BIGINT)");
    return fleet_ask(&keep->fleet, &question, "looking for the oldest that stays", take_end, keep);
}

/* Takes from the answer how many old runs, findings, captures and heap profiles there are. */
static void take_counts(void *context, const struct hak_remote_cell *cell, int cells) {
    struct keep *keep = context;
    (void)cells;
    keep->runs = fleet_number(&cell[0]);
    keep->findings = fleet_number(&cell[1]);
    keep->captures = fleet_number(&cell[2]);
    keep->pulls = fleet_number(&cell[3]);
}

/* Counts on the server the runs, findings, captures and heap profiles that are old. 0, or an exit
 * status. */
static int read_counts(struct keep *keep) {
    struct fleet_question question = {0};
    fleet_question_add(&question, "SELECT (SELECT count(*) FROM hakmem.run r WHERE ");
    add_old_rows(&question, keep, KEEP_RUNS);
    fleet_question_add(&question, "), (SELECT count(*) FROM hakmem.finding f WHERE ");
    add_old_rows(&question, keep, KEEP_FINDINGS);
    fleet_question_add(&question, "), (SELECT count(*) FROM hakmem.capture k WHERE ");
    add_old_captures(&question, keep);
    fleet_question_add(&question, "), (SELECT count(*) FROM hakmem.pull p WHERE ");
    add_old_rows(&question, keep, KEEP_PULLS);
    fleet_question_add(&question, ")");
    return fleet_ask(&keep->fleet, &question, "counting what is old", take_counts, keep);
}

/* Adds a partition that is old as a whole to the list; without memory keep->failed is set. */
static void take_partition(void *context, const struct hak_remote_cell *cell, int cells) {
    struct keep *keep = context;
    (void)cells;
    if (!hak_growing_make_room(&keep->partition, keep->partitions, &keep->room,
                               sizeof *keep->partition)) {
        keep->failed = true;
        return;
    }
    keep->partition[keep->partitions++] =
        (struct partition){.table = (enum keep_table)(fleet_number(&cell[0]) % KEEP_TABLES),
                           .month = (int)cell[1].number};
}

/* Lists the partitions of months before `before` that have rows, or that setup would not make
 * again. */
static int read_partitions(struct keep *keep) {
    struct fleet_question question = {0};
    fleet_question_add(
        &question,
        "WITH named AS (SELECT CAST(c.relname AS TEXT) AS name FROM pg_catalog.pg_inherits i"
        " JOIN pg_catalog.pg_class c ON c.oid = i.inhrelid WHERE i.inhparent IN"
        " (CAST('hakmem.run' AS REGCLASS), CAST('hakmem.finding' AS REGCLASS),"
        " CAST('hakmem.pull' AS REGCLASS), CAST('hakmem.pull_sum' AS REGCLASS))),"
        " dated AS (SELECT CASE WHEN name LIKE 'finding%%' THEN 0 WHEN name LIKE 'run%%' THEN 1"
        " WHEN name LIKE 'pull\\_sum%%' THEN 2 ELSE 3 END AS kind, CASE WHEN name ~"
        " '^(run|finding|pull|pull_sum)_[0-9]{4}_(0[1-9]|1[0-2])$' THEN make_date("
        "CAST(substring(right(name, 7) FROM 1 FOR 4) AS INTEGER), CAST(right(name, 2) AS "
        "INTEGER), 1) END AS month"
        " FROM named)"
        " SELECT kind, CAST(extract(year FROM month) * 12 + extract(month FROM month)"
        " - 1 AS BIGINT) FROM dated WHERE month < %s"
        " AND (month < date_trunc('month', CURRENT_TIMESTAMP AT TIME ZONE 'UTC') - INTERVAL "
        "'12' MONTH"
        " OR CASE kind WHEN 0 THEN EXISTS (SELECT 1 FROM hakmem.finding f"
        " WHERE f.month = dated.month)"
        " WHEN 1 THEN EXISTS (SELECT 1 FROM hakmem.run r WHERE r.month = dated.month)"
        " WHEN 2 THEN EXISTS (SELECT 1 FROM hakmem.pull_sum s WHERE s.month = dated.month)"
        " ELSE EXISTS (SELECT 1 FROM hakmem.pull p WHERE p.month = dated.month) END)"
        " ORDER BY 2, 1",
        fleet_sql_month(keep->before_us));
    int status =
        fleet_ask(&keep->fleet, &question, "looking for old partitions", take_partition, keep);
    if (!status && keep->failed) {
        view_error("out of memory");
        status = VIEW_UNREADABLE;
    }
    return status;
}

/* ---- removing ---------------------------------------------------------------------------------
 */

static void name_partition(const struct partition *p, char name[32]) {
    snprintf(name, 32, "hakmem.%s_%04d_%02d", keep_tables[p->table].name, p->month / 12,
             p->month % 12 + 1);
}

/* Drops old partitions at the end of the transaction, as readers and pushers wait from here on;
 * does not wait longer than 5 s for somebody who holds such a table. 0, or an exit status. */
static int drop_partitions(struct keep *keep) {
    struct fleet_question limit = {0};
    fleet_question_add(&limit, "SET LOCAL lock_timeout = '5s'");
    int status = keep->partitions
                     ? fleet_ask(&keep->fleet, &limit, "dropping old partitions", NULL, NULL)
                     : 0;
    for (uint32_t i = 0; i < keep->partitions && !status; i++) {
        struct fleet_question question = {0};
        char name[32];
        name_partition(&keep->partition[i], name);
        fleet_question_add(&question, "DROP TABLE %s", name);
        status = fleet_ask(&keep->fleet, &question, "dropping old partitions", NULL, NULL);
    }
    return status;
}

/* Deletes old rows of a table, without those that go with their partition. */
static int remove_rows(struct keep *keep, enum keep_table table) {
    struct fleet_question question = {0};
    fleet_question_add(&question, "DELETE FROM hakmem.%s %s WHERE ", keep_tables[table].name,
                       keep_tables[table].alias);
    add_old_rows(&question, keep, table);
    for (uint32_t i = 0; i < keep->partitions; i++) {
        char name[32];
        if (keep->partition[i].table != table)
            continue;
        name_partition(&keep->partition[i], name);
        fleet_question_add(&question, " AND %s.tableoid <> CAST('%s' AS REGCLASS)",
                           keep_tables[table].alias, name);
    }
    return fleet_ask(&keep->fleet, &question, "removing what is old", NULL, NULL);
}

/* Takes how many old captures could be locked; the others are busy and stay. */
static void take_listed(void *context, const struct hak_remote_cell *cell, int cells) {
    struct keep *keep = context;
    (void)cells;
    uint64_t listed = fleet_number(&cell[0]);
    keep->busy = keep->captures > listed ? keep->captures - listed : 0;
    keep->captures = listed;
}

/* Fixes which captures go: those whose lock no push holds; the others are counted as busy. The
 * transaction keeps their locks. 0, or an exit status. */
static int list_captures(struct keep *keep) {
    struct fleet_question list = {0}, count = {0};
    fleet_question_add(
        &list, "CREATE TEMPORARY TABLE hakmem_old ON COMMIT DROP AS WITH old AS MATERIALIZED"
               " (SELECT k.capture FROM hakmem.capture k WHERE ");
    add_old_captures(&list, keep);
    fleet_question_add(&list, ") SELECT capture FROM old WHERE pg_try_advisory_xact_lock(capture)");
    int status = fleet_ask(&keep->fleet, &list, "listing old captures", NULL, NULL);
    if (status)
        return status;
    fleet_question_add(&count, "SELECT count(*) FROM pg_temp.hakmem_old");
    return fleet_ask(&keep->fleet, &count, "counting old captures", take_listed, keep);
}

/* Deletes one table's rows of the captures that pg_temp.hakmem_old lists. */
static int remove_of_captures(struct keep *keep, const char *before, const char *table) {
    struct fleet_question question = {0};
    fleet_question_add(&question,
                       "DELETE FROM hakmem.%s%s WHERE capture IN (SELECT capture"
                       " FROM pg_temp.hakmem_old)",
                       before, table); /* names of this program's */
    return fleet_ask(&keep->fleet, &question, "removing old captures", NULL, NULL);
}

/* Deletes old captures that no push holds from the tables of a store, and of captures; a capture's
 * own row at the end. 0, or an exit status. */
static int remove_captures(struct keep *keep) {
    struct hak_database layout;
    int status = keep->captures ? list_captures(keep) : 0;
    if (!status && keep->captures)
        status = remove_of_captures(keep, "", "capture_end");
    if (status || !keep->captures)
        return status;
    if (fleet_open_layout(&layout) != 0) {
        view_fail(hak_store_message());
        return VIEW_UNREADABLE;
    }
    struct hak_query q = hak_ask(&layout,
                                 "SELECT name FROM sqlite_master WHERE type = 'table'"
                                 " AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\'",
                                 "reading the layout");
    while (!status && hak_query_next(&q))
        status = remove_of_captures(keep, "c_", hak_query_text(&q, 0));
    hak_query_end(&q);
    fleet_close_layout(&layout);
    if (!status)
        status = remove_of_captures(keep, "", "part");
    return status ? status : remove_of_captures(keep, "", "capture");
}

/* Deletes the stacks of months of which no heap profile stays. */
static int remove_stacks(struct keep *keep) {
    struct fleet_question question = {0};
    fleet_question_add(&question, "DELETE FROM hakmem.stack WHERE month < %s",
                       fleet_sql_month(keep->before_us));
    return fleet_ask(&keep->fleet, &question, "removing what is old", NULL, NULL);
}

/* Removes the old captures, findings, runs and heap profiles, and then drops the partitions that
 * are old as a whole. */
static int remove_all(struct keep *keep) {
    int status = remove_captures(keep); /* while the runs that have their numbers are there */
    for (int table = 0; table < KEEP_TABLES && !status; table++)
        status = remove_rows(keep, (enum keep_table)table);
    if (!status)
        status = remove_stacks(keep);
    return status ? status : drop_partitions(keep);
}

/* Commits also where nothing goes: the tables that the transaction has read are locked, and making
 * partitions waits. */
static int commit(struct keep *keep) {
    struct fleet_question end = {0};
    fleet_question_add(&end, "COMMIT");
    return fleet_ask(&keep->fleet, &end, "removing what is old", NULL, NULL);
}

/* ---- the answer -------------------------------------------------------------------------------
 */

/* Prints the removed (or, dry, the old) counts as JSON. */
static int print_keep_json(const struct keep *keep) {
    json_t *document = fleet_document(&keep->fleet, "keep");
    hak_json_set(document, FLAG("dry_run", keep->is_dry),
                 JSON("before", keep->has_end ? fleet_json_time(keep->before_us / FLEET_SECOND_US)
                                              : json_null()),
                 NUMBER("runs", keep->runs), NUMBER("findings", keep->findings),
                 NUMBER("captures", keep->captures), NUMBER("profiles", keep->pulls),
                 NUMBER("captures_busy", keep->busy),
                 NUMBER("partitions_dropped", keep->partitions),
                 NUMBER("partitions_made", (uint64_t)keep->made));
    return fleet_print_document(document);
}

/* Prints the removed (or, dry, the old) counts as sentences, or that there are no runs. An exit
 * status. */
static int print_keep_text(const struct keep *keep) {
    struct hak_text text = {0};
    if (!keep->has_end)
        hak_text_add(&text, "there are no runs: nothing was removed\n");
    else {
        hak_text_add(&text, "%s ", keep->is_dry ? "would remove" : "removed");
        hak_text_add(&text, "%s of before ", hak_words_count(keep->runs, "run", "runs"));
        hak_text_add(&text, "%s, with ", fleet_time(keep->before_us / FLEET_SECOND_US));
        hak_text_add(&text, "%s, and ", hak_words_count(keep->findings, "finding", "findings"));
        hak_text_add(&text, "%s\n",
                     hak_words_count(keep->captures, "whole capture", "whole captures"));
        if (keep->pulls)
            hak_text_add(&text, "%s of before that\n",
                         hak_words_count(keep->pulls, "heap profile", "heap profiles"));
        if (keep->busy)
            hak_text_add(&text, "%s being pushed, and %s\n",
                         hak_words_count(keep->busy, "old capture is", "old captures are"),
                         keep->busy == 1 ? "stays" : "stay");
        hak_text_add(&text, "%s dropped",
                     hak_words_count(keep->partitions, "partition", "partitions"));
        if (!keep->is_dry)
            hak_text_add(&text, ", %d made", keep->made);
        hak_text_add(&text, "\n");
    }
    return view_print(&text) ? VIEW_OK : VIEW_UNREADABLE;
}

/* Reads --days, --count and --dry-run; false, and an error is printed, where none or a bad number
 * is given. */
static bool read_options(struct keep *keep, const struct view *view) {
    keep->is_dry = view_given(view, "dry-run");
    if (!view_given(view, "days") && !view_given(view, "count")) {
        view_error("fleet keep: how long? --days N, --count N (runs), or both");
        return false;
    }
    if (!view_read_number(view, "days", &keep->days) ||
        !view_read_number(view, "count", &keep->count))
        return false;
    if ((view_given(view, "days") && (keep->days == 0 || keep->days > DAYS_MAX)) ||
        (view_given(view, "count") && (keep->count == 0 || keep->count > INT64_MAX))) {
        view_error("fleet keep: --days is 1 to %s, --count 1 or more", hak_words_number(DAYS_MAX));
        return false;
    }
    return true;
}

/* `fleet keep`: removes from the server what is older than the options say and makes the coming
 * months' partitions, all in a transaction; with --dry-run it only counts. An exit status. */
int fleet_keep(struct view *view) {
    struct keep keep = {0};
    struct hak_remote_laid laid = {0};
    if (!read_options(&keep, view))
        return VIEW_USAGE;
    int status = fleet_open(&keep.fleet, view, FLEET_ROWS_MAX, !keep.is_dry);
    if (!status && !keep.is_dry)
        status = check_owner(&keep);
    if (!status)
        status = read_end(&keep);
    if (!status && keep.has_end)
        status = read_counts(&keep);
    if (!status && keep.has_end)
        status = read_partitions(&keep);
    if (!status && !keep.is_dry && keep.has_end)
        status = remove_all(&keep);
    if (!status && !keep.is_dry)
        status = commit(&keep);
    /* The months to come, and those that were dropped and may still be pushed to. */
    if (!status && !keep.is_dry) {
        status = fleet_lay_out(keep.fleet.remote, keep.fleet.url, &laid);
        keep.made = laid.partitions;
    }
    if (!status)
        status = view->json ? print_keep_json(&keep) : print_keep_text(&keep);
    free(keep.partition);
    fleet_close(&keep.fleet);
    return status;
}
