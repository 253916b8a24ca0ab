/* `fleet hosts` and `fleet builds`: the runs from the side of the machine, and of the program. */
#include <stdlib.h>
#include "report/words/words.h"
#include "viewer/fleet/ask.h"

struct answer {
    struct table table;
    json_t *list; /* NULL: the table */
    uint64_t shown, all;
    bool failed; /* no memory */
};

/* ---- hosts ------------------------------------------------------------------------------------
 */

enum {
    H_HOST,
    H_FINDINGS,
    H_COUNT,
    H_ESTIMATE,
    H_FOUND_IN,
    H_RUNS,
    H_BUILDS,
    H_BUILD,
    H_FIRST,
    H_LAST,
    H_ALL
};

static const char hosts[] =
    "SELECT r.host, count(DISTINCT f.fingerprint), " FLEET_COUNT ", " FLEET_GUESS ","
    " count(DISTINCT f.run), count(DISTINCT r.run), count(DISTINCT r.build)," //
    " " FLEET_BUILD_OF("max") ", " FLEET_SECONDS("min(r.at)") ", " FLEET_SECONDS(
        "max(r.at)") ","
                     " count(*) OVER ()" FLEET_RUNS FLEET_WHERE;
static const char hosts_order[] = " GROUP BY r.host ORDER BY count(DISTINCT f.fingerprint) DESC,"
                                  " count(DISTINCT f.run) DESC, r.host LIMIT ";

static void add_host_json(json_t *list, const struct hak_remote_cell *cell, const char *build,
                          const char *version) {
    json_t *object = json_object();
    hak_json_set_text(object, "host", cell[H_HOST].text);
    hak_json_set_number(object, "findings", fleet_number(&cell[H_FINDINGS]));
    hak_json_set_number(object, "count", fleet_number(&cell[H_COUNT]));
    hak_json_set_number(object, "estimate", fleet_estimate(&cell[H_ESTIMATE]));
    hak_json_set_number(object, "found_in", fleet_number(&cell[H_FOUND_IN]));
    hak_json_set_number(object, "runs", fleet_number(&cell[H_RUNS]));
    hak_json_set_number(object, "builds", fleet_number(&cell[H_BUILDS]));
    json_object_set_new(object, "last_in", fleet_json_build(build, version));
    json_object_set_new(object, "first_run", fleet_json_time(cell[H_FIRST].number));
    json_object_set_new(object, "last_run", fleet_json_time(cell[H_LAST].number));
    json_array_append_new(list, object);
}

static void add_host(void *context, const struct hak_remote_cell *cell, int cells) {
    struct answer *answer = context;
    char *build = fleet_part(&cell[H_BUILD], 1), *version = fleet_part(&cell[H_BUILD], 2);
    (void)cells;
    answer->failed |= !build || !version;
    answer->shown++;
    answer->all = fleet_number(&cell[H_ALL]);
    if (answer->list)
        add_host_json(answer->list, cell, build, version);
    else {
        struct hak_text newest = {0};
        fleet_add_build(&newest, build, version);
        table_add_cell(&answer->table, cell[H_HOST].text);
        table_add_count(&answer->table, fleet_number(&cell[H_FINDINGS]));
        table_add_count(&answer->table, fleet_number(&cell[H_COUNT]));
        table_add_count(&answer->table, fleet_estimate(&cell[H_ESTIMATE]));
        table_add_count(&answer->table, fleet_number(&cell[H_FOUND_IN]));
        table_add_count(&answer->table, fleet_number(&cell[H_RUNS]));
        table_add_count(&answer->table, fleet_number(&cell[H_BUILDS]));
        table_add_text(&answer->table, &newest);
        table_add_cell(&answer->table, fleet_time(cell[H_LAST].number));
    }
    free(build);
    free(version);
}

/* ---- builds -----------------------------------------------------------------------------------
 */

enum {
    B_PROGRAM,
    B_BUILD,
    B_VERSION,
    B_FINDINGS,
    B_NEW,
    B_COUNT,
    B_ESTIMATE,
    B_FOUND_IN,
    B_RUNS,
    B_HOSTS,
    B_FIRST,
    B_LAST,
    B_ALL
};

/* A fingerprint is new in the build of its first run. */
static const char builds[] =
    "WITH seen AS (SELECT f.fingerprint, r.build, min(r.at) AS at" FLEET_BOTH FLEET_WHERE
    " GROUP BY f.fingerprint, r.build),"
    " begin AS (SELECT fingerprint, min(at) AS at FROM seen GROUP BY fingerprint),"
    " fresh AS (SELECT s.build, count(*) AS many FROM seen s JOIN begin b ON"
    " b.fingerprint = s.fingerprint AND b.at = s.at GROUP BY s.build)"
    " SELECT r.program, r.build, r.version, count(DISTINCT f.fingerprint), coalesce(max(n.many), "
    "0),"
    " " FLEET_COUNT ", " FLEET_GUESS ", count(DISTINCT f.run), count(DISTINCT r.run),"
    " count(DISTINCT r.host), " FLEET_SECONDS("min(r.at)") ", " FLEET_SECONDS(
        "max(r.at)") ","
                     " count(*) OVER ()" FLEET_RUNS
                     " LEFT JOIN fresh n ON n.build = r.build" FLEET_WHERE;
static const char builds_order[] = " GROUP BY r.program, r.build, r.version"
                                   " ORDER BY min(r.at) DESC, r.program, r.build, r.version LIMIT ";

static void add_build_json(json_t *list, const struct hak_remote_cell *cell) {
    json_t *object = json_object();
    hak_json_set_text(object, "program", cell[B_PROGRAM].text);
    hak_json_set_text(object, "build", cell[B_BUILD].text);
    hak_json_set_text(object, "version", cell[B_VERSION].text);
    hak_json_set_number(object, "findings", fleet_number(&cell[B_FINDINGS]));
    hak_json_set_number(object, "new", fleet_number(&cell[B_NEW]));
    hak_json_set_number(object, "count", fleet_number(&cell[B_COUNT]));
    hak_json_set_number(object, "estimate", fleet_estimate(&cell[B_ESTIMATE]));
    hak_json_set_number(object, "found_in", fleet_number(&cell[B_FOUND_IN]));
    hak_json_set_number(object, "runs", fleet_number(&cell[B_RUNS]));
    hak_json_set_number(object, "hosts", fleet_number(&cell[B_HOSTS]));
    json_object_set_new(object, "first_run", fleet_json_time(cell[B_FIRST].number));
    json_object_set_new(object, "last_run", fleet_json_time(cell[B_LAST].number));
    json_array_append_new(list, object);
}

static void add_build(void *context, const struct hak_remote_cell *cell, int cells) {
    struct answer *answer = context;
    struct hak_text build = {0};
    (void)cells;
    answer->shown++;
    answer->all = fleet_number(&cell[B_ALL]);
    if (answer->list) {
        add_build_json(answer->list, cell);
        return;
    }
    hak_text_add(&build, "%.8s", cell[B_BUILD].text);
    table_add_cell(&answer->table, cell[B_VERSION].text);
    table_add_text(&answer->table, &build);
    table_add_cell(&answer->table, hak_words_path(cell[B_PROGRAM].text, 1, false));
    table_add_count(&answer->table, fleet_number(&cell[B_FINDINGS]));
    table_add_count(&answer->table, fleet_number(&cell[B_NEW]));
    table_add_count(&answer->table, fleet_number(&cell[B_COUNT]));
    table_add_count(&answer->table, fleet_estimate(&cell[B_ESTIMATE]));
    table_add_count(&answer->table, fleet_number(&cell[B_FOUND_IN]));
    table_add_count(&answer->table, fleet_number(&cell[B_RUNS]));
    table_add_count(&answer->table, fleet_number(&cell[B_HOSTS]));
    table_add_cell(&answer->table, fleet_time(cell[B_FIRST].number));
    table_add_cell(&answer->table, fleet_time(cell[B_LAST].number));
}

/* ---- both -------------------------------------------------------------------------------------
 */

struct side {
    const char *word, *one, *headings;
    const char *columns, *order;
    hak_remote_row *row;
};

static int show(struct view *view, const struct side *side) {
    struct fleet fleet;
    struct fleet_question question = {0};
    struct answer answer = {.list = view->json ? json_array() : NULL};
    int status = fleet_open(&fleet, view, 50, false);
    table_add_headings(&answer.table, side->headings);
    if (!status) {
        fleet_say(&question, side->columns);
        fleet_say_runs(&question, &fleet);
        fleet_say(&question, side->order);
        fleet_say_number(&question, (int64_t)fleet.limit);
        status = fleet_ask(&fleet, &question, "reading runs", side->row, &answer);
    }
    if (!status && answer.failed) {
        view_error("out of memory");
        status = VIEW_UNREADABLE;
    }
    if (!status && view->json) {
        json_t *document = fleet_document(&fleet, side->word);
        hak_json_set_number(document, "all", answer.all);
        json_object_set(document, side->word, answer.list);
        status = fleet_print_document(document);
    } else if (!status) {
        struct hak_text text = {0};
        status = fleet_print_table(&fleet, &text, &answer.table, answer.shown, answer.all,
                                   side->one, side->word);
    }
    fleet_drop_table(&answer.table);
    json_decref(answer.list);
    fleet_close(&fleet);
    return status;
}

int fleet_hosts(struct view *view) {
    static const struct side side = {
        .word = "hosts",
        .one = "host",
        .headings = "<host|findings|count|estimate|found in|runs|builds|<newest|<last run",
        .columns = hosts,
        .order = hosts_order,
        .row = add_host,
    };
    return show(view, &side);
}

int fleet_builds(struct view *view) {
    static const struct side side = {
        .word = "builds",
        .one = "build",
        .headings = "<version|<build|<program|findings|new|count|estimate|found in|runs|hosts|"
                    "<first run|<last run",
        .columns = builds,
        .order = builds_order,
        .row = add_build,
    };
    return show(view, &side);
}
