/* Lays out the server: migrations that run once, the tables of captures as this version's stores
 * have them, functions for roles that may only insert, roles and their rights, partitions for
 * months. */
#include "remote/schema.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "store/error.h"

/* Advisory locks share one space of numbers in a database; this one is "Hakm". Any role that may
 * connect can keep it as long as it likes, so setup waits as long as another setup may take and no
 * longer. Nor may it wait long for a table that a writer keeps, as others wait behind it. In a
 * transaction. */
#define LAYOUT_LOCK                                                                                \
    "SET LOCAL lock_timeout = '30s'; SELECT pg_advisory_xact_lock(1214344045);"                    \
    " SET LOCAL lock_timeout = '5s'"

/* A caller's temporary schema is looked into first, also for types, unless it is named last: a
 * type or table of the caller's own would be used with the owner's rights. */
#define OWN_RIGHTS " SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $f$ "

enum { MONTHS_BACK = 12, MONTHS_AHEAD = 24 };

static const char laying_out[] = "laying out its tables";

/* The newest layout of the server that this hakmem knows. */
static int newest_known(void) {
    const struct hak_remote_migration *m = hak_remote_migrations;
    while (m->number)
        m++;
    return m == hak_remote_migrations ? 0 : m[-1].number;
}

/* ---- present layout ---------------------------------------------------------------------------
 */

char hak_remote_schema_versions[] =
    "SELECT CAST(coalesce(max(number), 0) AS BIGINT),"
    " CAST(coalesce(max(oldest), 0) AS BIGINT) FROM hakmem.migration";
static const char asking[] = "asking for its layout";

/* Reads the server's layout, 0 = none, and the layout that a client must know at least. */
static int take_versions(const struct hak_link *link, const PGresult *versions, int *number,
                         int *oldest) {
    uint64_t its_number, its_oldest;
    bool is_whole = hak_link_number(versions, 0, 0, &its_number) && its_number <= INT_MAX &&
                    hak_link_number(versions, 0, 1, &its_oldest) && its_oldest <= INT_MAX;
    *number = is_whole ? (int)its_number : 0;
    *oldest = is_whole ? (int)its_oldest : 0;
    return is_whole ? 0 : hak_link_fail_cell(link, asking);
}

/* Asks the server for its layout's number and the oldest version that can read it. */
static int ask_versions(struct hak_link *link, int *number, int *oldest) {
    int error;
    PGresult *result = hak_link_ask(link, hak_remote_schema_versions, NULL, 0, asking, &error);
    if (result)
        error = take_versions(link, result, number, oldest);
    PQclear(result);
    return error;
}

/* An error if this version is too old to read the layout. */
static int judge_newer(const struct hak_link *link, int number, int oldest) {
    int known = newest_known();
    if (oldest <= known)
        return 0;
    return hak_store_fail(HAK_STORE_NEWER,
                          "%s: has layout %d, and this hakmem knows %d at most; install the "
                          "version that laid it out, or a newer one",
                          link->name, number, known);
}

int hak_remote_schema_judge(const struct hak_link *link, const PGresult *versions) {
    int number, oldest;
    int error = take_versions(link, versions, &number, &oldest);
    return error ? error : judge_newer(link, number, oldest);
}

/* An error if the layout is too new, or older than this version needs. */
static int judge_layout(const struct hak_link *link, int number, int oldest) {
    int known = newest_known();
    if (oldest > known)
        return judge_newer(link, number, oldest);
    if (number < known)
        return hak_store_fail(HAK_STORE_OLDER,
                              "%s: has layout %d, and this hakmem needs %d; who keeps the server "
                              "types `hakmem-trace fleet setup --to URL` with this version",
                              link->name, number, known);
    return 0;
}

int hak_remote_schema_check(struct hak_link *link) {
    int number = 0, oldest = 0;
    int error = ask_versions(link, &number, &oldest);
    return error ? error : judge_layout(link, number, oldest);
}

/* How many columns a table of captures has, `capture` left out, as `columns` of the server say; -1:
 * none is there, or the answer cannot be read. */
static int columns_of(const PGresult *columns, const char *table) {
    uint64_t count;
    for (int i = 0; i < PQntuples(columns); i++) {
        const char *name = hak_link_text(columns, i, 0, NULL);
        if (name && strncmp(name, "c_", 2) == 0 && strcmp(name + 2, table) == 0)
            return hak_link_number(columns, i, 1, &count) && count <= INT_MAX ? (int)count - 1 : -1;
    }
    return -1;
}

int hak_remote_schema_check_tables(struct hak_link *link, const struct hak_remote_tables *tables) {
    static const char sql[] =
        "SELECT CAST(c.relname AS TEXT), count(*) FROM pg_catalog.pg_class c"
        " JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace"
        " JOIN pg_catalog.pg_attribute a ON a.attrelid = c.oid"
        " WHERE n.nspname = 'hakmem' AND c.relkind = 'r' AND c.relname LIKE 'c\\_%'"
        " AND a.attnum > 0 AND NOT a.attisdropped GROUP BY c.relname";
    int error;
    PGresult *columns = hak_link_ask(link, sql, NULL, 0, "asking for its tables", &error);
    for (int i = 0; columns && i < tables->tables && !error; i++)
        if (columns_of(columns, tables->table[i].name) < tables->table[i].columns)
            error = hak_store_fail(HAK_STORE_OLDER, "%s: lacks columns of table %s", link->name,
                                   tables->table[i].name);
    PQclear(columns);
    return error;
}

/* ---- roles ------------------------------------------------------------------------------------
 */

/* True when the server has the role. */
static bool has_role(struct hak_link *link, const char *role) {
    int error;
    PGresult *result = hak_link_ask(
        link, "SELECT CAST(1 AS BIGINT) FROM pg_catalog.pg_roles WHERE rolname = CAST($1 AS TEXT)",
        &(struct hak_link_value){role, (int)strlen(role)}, 1, "asking for roles", &error);
    bool is_there = result && PQntuples(result) > 0;
    PQclear(result);
    return is_there;
}

/* Makes a role, unless it is there; one that cannot be made is an error only if `is_needed`. Roles
 * are of the whole server, while the lock is of a database: two may make one at once. */
static int make_role(struct hak_link *link, const char *role, bool is_needed, bool *is_there) {
    char sql[96];
    *is_there = has_role(link, role);
    if (*is_there)
        return 0;
    snprintf(sql, sizeof sql, "CREATE ROLE %s NOLOGIN", role);
    int error = hak_link_do(link, sql, "making roles");
    *is_there = !error || has_role(link, role);
    if (*is_there || !is_needed)
        return 0;
    return hak_store_fail(error,
                          "%s: this role may not make others; a superuser types once: CREATE ROLE "
                          "hakmem_writer NOLOGIN; CREATE ROLE hakmem_reader NOLOGIN;",
                          link->name);
}

/* Appends the statements that give the two roles their rights. */
static void add_rights(FILE *sql, const struct hak_remote_tables *tables, bool has_writer,
                       bool has_reader) {
    static const char *const of_both[] = {"hakmem_writer", "hakmem_reader"};
    const bool has[] = {has_writer, has_reader};
    fprintf(sql, "REVOKE ALL ON FUNCTION hakmem.parts(BIGINT), hakmem.counts(BIGINT) FROM PUBLIC;");
    for (int i = 0; i < 2; i++)
        if (has[i])
            fprintf(sql,
                    "GRANT USAGE ON SCHEMA hakmem TO %s;"
                    "GRANT EXECUTE ON FUNCTION hakmem.parts(BIGINT), hakmem.counts(BIGINT) TO %s;",
                    of_both[i], of_both[i]);
    if (has_reader)
        fprintf(sql, "GRANT SELECT ON ALL TABLES IN SCHEMA hakmem TO hakmem_reader;");
    fprintf(sql,
            "REVOKE ALL ON FUNCTION hakmem.fill_run(BIGINT, DATE, BIGINT, BYTEA) FROM PUBLIC;");
    if (!has_writer)
        return;
    fprintf(sql, "GRANT EXECUTE ON FUNCTION hakmem.fill_run(BIGINT, DATE, BIGINT, BYTEA)"
                 " TO hakmem_writer;"
                 "GRANT SELECT ON hakmem.migration TO hakmem_writer;"
                 "REVOKE INSERT ON hakmem.capture FROM hakmem_writer;" /* of older versions */
                 "GRANT INSERT(capture, host, file) ON hakmem.capture TO hakmem_writer;"
                 "GRANT INSERT ON hakmem.part, hakmem.capture_end, hakmem.run, hakmem.finding,"
                 " hakmem.pull, hakmem.pull_sum, hakmem.stack");
    for (int i = 0; i < tables->tables; i++)
        fprintf(sql, ", hakmem.\"c_%s\"", tables->table[i].name);
    fprintf(sql, " TO hakmem_writer;");
}

/* ---- functions --------------------------------------------------------------------------------
 */

/* Adds the function fill_run: the sender of a run pushes its whole capture later, or its summary at
 * its end. It must know the run's number, a hash of 63 bits that writers cannot read, and fills
 * only what is empty. */
static void add_fill(FILE *sql) {
    fprintf(sql, "CREATE OR REPLACE FUNCTION hakmem.fill_run(wanted BIGINT, its_month DATE,"
                 " its_capture BIGINT, its_summary BYTEA) RETURNS VOID"
                 " LANGUAGE sql VOLATILE" OWN_RIGHTS
                 "UPDATE hakmem.run SET capture = coalesce(capture, its_capture),"
                 " summary = CASE WHEN summary = '{}' THEN its_summary ELSE summary END"
                 " WHERE run = wanted AND month = its_month"
                 " AND (capture IS NULL AND its_capture IS NOT NULL"
                 " OR summary = '{}' AND its_summary <> '{}') $f$;");
}

/* Adds the functions by which a role that may only insert knows how much has come, to go on from
 * there and to compare at the end: these run with the rights of the role that laid out the server,
 * and say numbers of rows and hashes, no row. */
static void add_functions(FILE *sql, const struct hak_remote_tables *tables) {
    static const char rights[] = " LANGUAGE sql STABLE" OWN_RIGHTS;
    fprintf(sql,
            "CREATE OR REPLACE FUNCTION hakmem.parts(wanted BIGINT)"
            " RETURNS TABLE(number BIGINT, checksum BIGINT)%s"
            "SELECT p.number, p.checksum FROM hakmem.part p WHERE p.capture = wanted"
            " ORDER BY p.number $f$;",
            rights);
    add_fill(sql);
    fprintf(sql,
            "CREATE OR REPLACE FUNCTION hakmem.counts(wanted BIGINT)"
            " RETURNS TABLE(name BYTEA, row_count BIGINT)%s",
            rights);
    for (int i = 0; i < tables->tables; i++)
        fprintf(
            sql,
            "%sSELECT CAST('%s' AS BYTEA), count(*) FROM hakmem.\"c_%s\" WHERE capture = wanted",
            i ? " UNION ALL " : "", tables->table[i].name, tables->table[i].name);
    fprintf(sql, " $f$;");
}

/* ---- partitions -------------------------------------------------------------------------------
 */

/* True when the server has the table. */
static bool has_table(struct hak_link *link, const char *name) {
    int error;
    PGresult *result = hak_link_ask(
        link, "SELECT CAST(1 AS BIGINT) WHERE to_regclass(CAST($1 AS TEXT)) IS NOT NULL",
        &(struct hak_link_value){name, (int)strlen(name)}, 1, laying_out, &error);
    bool is_there = result && PQntuples(result) > 0;
    PQclear(result);
    return is_there;
}

/* Creates a partition, inside a transaction. Where the partition for all other months has rows of
 * this one already, the server refuses, and they stay there. */
static int create_partition(struct hak_link *link, const char *sql, int *made) {
    PGresult *result = hak_link_exec(link, sql);
    const char *state = PQresultErrorField(result, PG_DIAG_SQLSTATE);
    bool is_made = PQresultStatus(result) == PGRES_COMMAND_OK;
    bool has_rows = state && strcmp(state, "23514") == 0;
    int error = is_made || has_rows ? 0 : hak_link_fail(link, result, "making partitions");
    PQclear(result);
    *made += is_made;
    return error;
}

/* Makes a partition, in a transaction of its own, and counts it in `*made`; unless it is there:
 * making one locks the table for a moment, asking does not. 0 also where the server refuses since
 * rows of it lie in the partition for all other months. */
static int make_partition(struct hak_link *link, const char *table, const char *end,
                          const char *values, int *made) {
    char name[64], sql[256];
    snprintf(name, sizeof name, "hakmem.%s_%s", table, end);
    if (has_table(link, name))
        return 0;
    snprintf(sql, sizeof sql, "CREATE TABLE IF NOT EXISTS %s PARTITION OF hakmem.%s %s", name,
             table, values);
    int error = hak_link_do(link, "START TRANSACTION", laying_out);
    if (!error)
        error = hak_link_do(link, LAYOUT_LOCK, laying_out);
    if (!error)
        error = create_partition(link, sql, made);
    return error ? error
                 : hak_link_do(link, "COMMIT", laying_out); /* undoes the refused statement */
}

/* Makes the monthly partitions of runs, findings and profiles around the server's date, and one for
 * the rest. Counts the new ones in `*made`. */
static int make_partitions(struct hak_link *link, int *made) {
    static const char *const tables[] = {"run", "finding", "pull", "pull_sum"};
    enum { TABLES = sizeof tables / sizeof *tables };
    static const char sql[] =
        "SELECT CAST(extract(year FROM CURRENT_TIMESTAMP AT TIME ZONE 'UTC') AS BIGINT) * 12"
        " + CAST(extract(month FROM CURRENT_TIMESTAMP AT TIME ZONE 'UTC') AS BIGINT) - 1";
    int error;
    uint64_t months;
    PGresult *result = hak_link_ask(link, sql, NULL, 0, "asking for the time", &error);
    if (!result)
        return error;
    bool is_time = hak_link_number(result, 0, 0, &months) && months >= MONTHS_BACK &&
                   months < 9999 * 12 - MONTHS_AHEAD;
    PQclear(result);
    if (!is_time)
        return hak_link_fail_cell(link, "asking for the time");
    int now = (int)months;
    for (int month = now - MONTHS_BACK; month <= now + MONTHS_AHEAD && !error; month++) {
        char end[32], values[96];
        snprintf(end, sizeof end, "%04d_%02d", month / 12, month % 12 + 1);
        snprintf(values, sizeof values, "FOR VALUES FROM ('%04d-%02d-01') TO ('%04d-%02d-01')",
                 month / 12, month % 12 + 1, (month + 1) / 12, (month + 1) % 12 + 1);
        for (int i = 0; i < TABLES && !error; i++)
            error = make_partition(link, tables[i], end, values, made);
    }
    for (int i = 0; i < TABLES && !error; i++)
        error = make_partition(link, tables[i], "other", "DEFAULT", made);
    return error;
}

/* ---- all of it --------------------------------------------------------------------------------
 */

/* Makes or updates the layout, inside the transaction. */
static int migrate(struct hak_link *link, struct hak_remote_laid *out) {
    static const char base[] =
        "CREATE SCHEMA IF NOT EXISTS hakmem;"
        "CREATE TABLE IF NOT EXISTS hakmem.migration(number INTEGER PRIMARY KEY,"
        " oldest INTEGER NOT NULL, applied TIMESTAMPTZ NOT NULL DEFAULT now());";
    int number = 0, oldest = 0;
    int error = hak_link_do(link, LAYOUT_LOCK, laying_out);
    if (!error)
        error = hak_link_do(link, base, laying_out);
    if (!error)
        error = ask_versions(link, &number, &oldest);
    if (!error && oldest > newest_known())
        error = judge_layout(link, number, oldest);
    for (const struct hak_remote_migration *m = hak_remote_migrations; m->number && !error; m++) {
        char sql[96];
        if (m->number <= number)
            continue;
        snprintf(sql, sizeof sql, "INSERT INTO hakmem.migration(number, oldest) VALUES(%d, %d)",
                 m->number, m->oldest);
        error = hak_link_do(link, m->sql, laying_out);
        if (!error)
            error = hak_link_do(link, sql, laying_out);
        out->migrations += !error;
    }
    out->layout = number > newest_known() ? number : newest_known();
    return error;
}

int hak_remote_schema_make(struct hak_link *link, const struct hak_remote_tables *tables,
                           bool is_whole, struct hak_remote_laid *out) {
    bool has_writer = false, has_reader = false;
    char *text = NULL;
    size_t length;
    *out = (struct hak_remote_laid){0};
    int error = make_role(link, "hakmem_writer", is_whole, &has_writer);
    if (!error)
        error = make_role(link, "hakmem_reader", is_whole, &has_reader);
    if (error)
        return error;
    FILE *sql = open_memstream(&text, &length);
    if (!sql)
        return hak_store_no_memory(link->name);
    hak_remote_tables_add(sql, tables);
    add_functions(sql, tables);
    add_rights(sql, tables, has_writer, has_reader);
    error = fclose(sql) == 0 ? hak_link_do(link, "START TRANSACTION", laying_out)
                             : hak_store_no_memory(link->name);
    if (!error)
        error = migrate(link, out);
    if (!error)
        error = hak_link_do(link, text, laying_out);
    if (!error)
        error = hak_link_do(link, "COMMIT", laying_out);
    free(text);
    return error ? error : make_partitions(link, &out->partitions);
}

int hak_remote_setup(const char *url, sqlite3 *layout, struct hak_remote_laid *out, char **why) {
    struct hak_link link;
    struct hak_remote_tables tables = {0};
    *why = NULL;
    int error = hak_link_open(&link, url);
    if (!error)
        error = hak_remote_tables_read(layout, &tables);
    if (!error)
        error = hak_remote_schema_make(&link, &tables, true, out);
    if (error)
        *why = strdup(hak_store_message());
    hak_remote_tables_free(&tables);
    hak_link_close(&link);
    return error;
}
