/* `fleet findings`: what was found, by fingerprint, what hurts most first. */
#include "viewer/fleet/findings.h"

#include <stdlib.h>
#include <string.h>
#include "report/words/words.h"
#include "viewer/fleet/ask.h"

/* The columns of the answer. */
enum {
    FINGERPRINT,
    CODE,
    NEWEST, /* its name, headline, place, program */
    COUNT,
    ESTIMATE,
    RUNS,
    HOSTS,
    BUILDS,
    FIRST_BUILD,
    LAST_BUILD,
    FIRST,
    LAST,
    ALL,
};

/* clang-format off */
static const char columns[] =
    "SELECT f.fingerprint, min(f.code),"
    " max((" FLEET_STAMP " || '/' || " FLEET_HEX("f.name") " || '/' || " FLEET_HEX("f.headline")
    " || '/' || " FLEET_HEX("f.place") " || '/' || " FLEET_HEX("r.program") ") COLLATE \"C\"),"
    " " FLEET_COUNT ", " FLEET_GUESS ", count(DISTINCT f.run), count(DISTINCT r.host),"
    " count(DISTINCT r.build), " FLEET_BUILD_OF("min") ", " FLEET_BUILD_OF("max") ","
    " " FLEET_SECONDS("min(r.at)") ", " FLEET_SECONDS("max(r.at)") ","
    " count(*) OVER ()" FLEET_BOTH FLEET_WHERE;
/* clang-format on */

/* In how many runs it was, as sampling makes it likely; then on how many hosts. */
static const char order[] = " GROUP BY f.fingerprint ORDER BY sum(" FLEET_RATE
                            ") DESC, count(DISTINCT r.host) DESC, sum(f.count) DESC, f.fingerprint"
                            " LIMIT ";

struct reading {
    void (*each)(void *context, const struct fleet_finding *finding);
    void *context;
    bool failed;
};

static void take_row(void *context, const struct hak_remote_cell *cell, int cells) {
    struct reading *reading = context;
    char *text[] = {fleet_part(&cell[NEWEST], 1),      fleet_part(&cell[NEWEST], 2),
                    fleet_part(&cell[NEWEST], 3),      fleet_part(&cell[FIRST_BUILD], 1),
                    fleet_part(&cell[FIRST_BUILD], 2), fleet_part(&cell[LAST_BUILD], 1),
                    fleet_part(&cell[LAST_BUILD], 2),  fleet_part(&cell[NEWEST], 4)};
    (void)cells;
    for (size_t i = 0; i < sizeof text / sizeof *text; i++)
        reading->failed |= !text[i];
    struct fleet_finding finding = {
        .fingerprint = cell[FINGERPRINT].text,
        .name = text[0],
        .headline = text[1],
        .place = text[2],
        .program = text[7],
        .first = {text[3], text[4], cell[FIRST].number},
        .last = {text[5], text[6], cell[LAST].number},
        .code = fleet_number(&cell[CODE]),
        .count = fleet_number(&cell[COUNT]),
        .estimate = fleet_estimate(&cell[ESTIMATE]),
        .runs = fleet_number(&cell[RUNS]),
        .hosts = fleet_number(&cell[HOSTS]),
        .builds = fleet_number(&cell[BUILDS]),
        .all = fleet_number(&cell[ALL]),
    };
    if (!reading->failed)
        reading->each(reading->context, &finding);
    for (size_t i = 0; i < sizeof text / sizeof *text; i++)
        free(text[i]);
}

/* A build or version that nobody pushed would make all new, or all gone. */
static void take_begin(void *context, const struct hak_remote_cell *cell, int cells) {
    (void)cells;
    *(bool *)context = cell[0].kind != HAK_REMOTE_NULL;
}

static int check_since(struct fleet *fleet, const char *option) {
    const char *typed = view_value(fleet->view, option);
    struct fleet_question question = {0};
    bool is_there = false;
    if (!typed || !*typed)
        return 0;
    fleet_say(&question, "SELECT r.run FROM hakmem.run r" FLEET_WHERE " AND (r.version = ");
    fleet_say_text(&question, typed);
    fleet_say(&question, " OR substring(r.build FROM 1 FOR ");
    fleet_say_number(&question, (int64_t)strlen(typed));
    fleet_say(&question, "::int) = ");
    fleet_say_text(&question, typed);
    fleet_say(&question, ") LIMIT 1");
    int status = fleet_ask(fleet, &question, "reading builds", take_begin, &is_there);
    if (!status && !is_there) {
        view_error("--%s %s: no run of such a build or version was pushed; `hakmem-trace fleet "
                   "builds` lists them",
                   option, typed);
        status = VIEW_USAGE;
    }
    return status;
}

int fleet_read_findings(struct fleet *fleet, const char *fingerprint,
                        void (*each)(void *context, const struct fleet_finding *finding),
                        void *context) {
    struct reading reading = {each, context, false};
    struct fleet_question question = {0};
    int status = check_since(fleet, "new-since");
    if (!status)
        status = check_since(fleet, "gone-since");
    if (status)
        return status;
    fleet_say(&question, columns);
    fleet_say_runs(&question, fleet);
    fleet_say_findings(&question, fleet, fingerprint);
    fleet_say(&question, order);
    fleet_say_number(&question, (int64_t)fleet->limit);
    status = fleet_ask(fleet, &question, "reading findings", take_row, &reading);
    if (!status && reading.failed) {
        view_error("out of memory");
        status = VIEW_UNREADABLE;
    }
    return status;
}

json_t *fleet_json_finding(const struct fleet_finding *f) {
    json_t *object = json_object();
    hak_json_set_text(object, "fingerprint", f->fingerprint);
    hak_json_set_number(object, "code", f->code);
    hak_json_set_text(object, "name", f->name);
    hak_json_set_text(object, "headline", f->headline);
    hak_json_set_text(object, "place", f->place);
    hak_json_set_number(object, "count", f->count);
    hak_json_set_number(object, "estimate", f->estimate);
    hak_json_set_number(object, "runs", f->runs);
    hak_json_set_number(object, "hosts", f->hosts);
    hak_json_set_number(object, "builds", f->builds);
    json_object_set_new(object, "first_seen", fleet_json_time(f->first.seconds));
    json_object_set_new(object, "first_in", fleet_json_build(f->first.build, f->first.version));
    json_object_set_new(object, "last_seen", fleet_json_time(f->last.seconds));
    json_object_set_new(object, "last_in", fleet_json_build(f->last.build, f->last.version));
    return object;
}

struct answer {
    struct table table;
    json_t *list; /* NULL: the table */
    uint64_t shown, all;
};

static void add_seen(struct table *table, const struct fleet_seen *seen) {
    struct hak_text cell = {0};
    hak_text_add(&cell, "%s ", fleet_time(seen->seconds));
    fleet_add_build(&cell, seen->build, seen->version);
    table_add_text(table, &cell);
}

static void add_finding(void *context, const struct fleet_finding *f) {
    struct answer *answer = context;
    answer->shown++;
    answer->all = f->all;
    if (answer->list) {
        json_array_append_new(answer->list, fleet_json_finding(f));
        return;
    }
    struct table *table = &answer->table;
    struct hak_text what = {0};
    hak_text_add(&what, "%s %s", f->name, f->place);
    table_add_cell(table, f->fingerprint);
    table_add_count(table, f->count);
    table_add_count(table, f->estimate);
    table_add_count(table, f->runs);
    table_add_count(table, f->hosts);
    table_add_count(table, f->builds);
    add_seen(table, &f->first);
    add_seen(table, &f->last);
    table_add_text(table, &what);
}

int fleet_findings(struct view *view) {
    struct fleet fleet;
    struct answer answer = {.list = view->json ? json_array() : NULL};
    int status = fleet_open(&fleet, view, 50, false);
    table_add_headings(&answer.table, "<fingerprint|count|estimate|runs|hosts|builds|<first seen|"
                                      "<last seen|<what");
    if (!status)
        status = fleet_read_findings(&fleet, NULL, add_finding, &answer);
    if (!status && view->json) {
        json_t *document = fleet_document(&fleet, "findings");
        hak_json_set_number(document, "all", answer.all);
        json_object_set(document, "findings", answer.list);
        status = fleet_print_document(document);
    } else if (!status) {
        struct hak_text text = {0};
        status = fleet_print_table(&fleet, &text, &answer.table, answer.shown, answer.all,
                                   "finding", "findings");
    }
    fleet_drop_table(&answer.table);
    json_decref(answer.list);
    fleet_close(&fleet);
    return status;
}
