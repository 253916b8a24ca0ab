/* `fleet trend`: how often, by day, week or month. */
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include "base/growing.h"
#include "report/words/words.h"
#include "viewer/fleet/ask.h"

enum { BAR_WIDTH = 40, PERIODS = 60, DAY = 86400 };

struct period {
    int64_t from; /* seconds since 1970 */
    uint64_t runs, found_in, hosts, count, estimate;
};

struct trend {
    struct period *list; /* the newest first */
    uint32_t count, room;
    bool failed;
};

static void take_row(void *context, const struct hak_remote_cell *cell, int cells) {
    struct trend *trend = context;
    (void)cells;
    if (!hak_growing_make_room(&trend->list, trend->count, &trend->room, sizeof *trend->list)) {
        trend->failed = true;
        return;
    }
    trend->list[trend->count++] = (struct period){
        .from = cell[0].number,
        .runs = fleet_number(&cell[1]),
        .found_in = fleet_number(&cell[2]),
        .hosts = fleet_number(&cell[3]),
        .count = fleet_number(&cell[4]),
        .estimate = fleet_estimate(&cell[5]),
    };
}

/* "day", "week" or "month"; NULL: it is none, and that was said. */
static const char *read_by(const struct view *view) {
    static const char *const known[] = {"day", "week", "month"};
    const char *typed = view_value(view, "by");
    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        if (!typed || strcmp(typed, known[i]) == 0)
            return known[i];
    view_error("--by %s: day, week or month was expected", typed);
    return NULL;
}

static int64_t next_of(int64_t from, const char *by) {
    struct tm when;
    time_t at = (time_t)from;
    if (strcmp(by, "month") != 0)
        return from + (strcmp(by, "week") == 0 ? 7 * DAY : DAY);
    if (!gmtime_r(&at, &when))
        return INT64_MAX;
    when.tm_mon++;
    return (int64_t)timegm(&when);
}

/* Runs and findings apart: a run with findings is counted once. The periods are words of this
 * program. */
#define IN_TURNS(period)                                                                           \
    "WITH ran AS (SELECT " period " AS turn, count(*) AS runs"                                     \
    " FROM hakmem.run r" FLEET_WHERE                                                               \
    "{runs} GROUP BY 1 ORDER BY 1 DESC FETCH FIRST {limit} ROWS ONLY),"                            \
    " seen AS (SELECT " period " AS turn, count(DISTINCT f.run) AS found,"                         \
    " count(DISTINCT r.host) AS hosts, " FLEET_COUNT " AS many, " FLEET_GUESS                      \
    " AS estimate" FLEET_BOTH FLEET_WHERE "{runs}{findings} GROUP BY 1)"                           \
    " SELECT " FLEET_SECONDS(                                                                      \
        "n.turn") ", n.runs, s.found, s.hosts, s.many, s.estimate"                                 \
                  " FROM ran n LEFT JOIN seen s ON s.turn = n.turn ORDER BY n.turn DESC"
#define START(period) "date_trunc('" period "', r.at AT TIME ZONE 'UTC')"

static const char *sql_of(const char *by) {
    if (strcmp(by, "month") == 0)
        return IN_TURNS(START("month"));
    return strcmp(by, "week") == 0 ? IN_TURNS(START("week")) : IN_TURNS(START("day"));
}

static int read_periods(struct fleet *fleet, const char *by, const char *fingerprint,
                        struct trend *trend) {
    struct fleet_question question = {0};
    fleet_say_all(&question, fleet, fingerprint, sql_of(by));
    int status = fleet_ask(fleet, &question, "reading runs", take_row, trend);
    if (!status && trend->failed) {
        view_error("out of memory");
        status = VIEW_UNREADABLE;
    }
    return status;
}

/* ---- for programs -----------------------------------------------------------------------------
 */

static int print_json(const struct fleet *fleet, const struct trend *trend, const char *by,
                      const char *fingerprint) {
    json_t *document = fleet_document(fleet, "trend"), *list = json_array();
    hak_json_set(document, WORD("by", by),
                 JSON("fingerprint", fingerprint ? hak_json_text(fingerprint) : json_null()));
    for (uint32_t i = trend->count; i-- > 0;) {
        const struct period *p = &trend->list[i];
        hak_json_add(list, JSON("from", fleet_json_time(p->from)), NUMBER("runs", p->runs),
                     NUMBER("found_in", p->found_in), NUMBER("hosts", p->hosts),
                     NUMBER("count", p->count), NUMBER("estimate", p->estimate));
    }
    hak_json_set(document, JSON("periods", list));
    return fleet_print_document(document);
}

/* ---- for people -------------------------------------------------------------------------------
 */

static void add_bar(struct table *table, uint64_t value, uint64_t most) {
    struct hak_text bar = {0};
    int width = most ? (int)(((unsigned __int128)value * BAR_WIDTH + most - 1) / most) : 0;
    hak_text_add(&bar, "%s", "");
    hak_text_fill(&bar, '#', width);
    table_add_text(table, &bar);
}

static void add_period(struct table *table, const struct period *p, uint64_t most) {
    struct hak_text day = {0};
    hak_text_add(&day, "%.10s", fleet_time(p->from));
    table_add_text(table, &day);
    table_add_count(table, p->runs);
    table_add_count(table, p->found_in);
    table_add_count(table, p->hosts);
    table_add_count(table, p->count);
    table_add_count(table, p->estimate);
    add_bar(table, p->estimate, most);
}

static int print_text(const struct fleet *fleet, const struct trend *trend, const char *by,
                      const char *fingerprint) {
    struct table table = {0};
    struct hak_text text = {0};
    uint64_t most = 0, rows = 0;
    table_add_headings(&table, "<from|runs|found in|hosts|count|estimate|<");
    for (uint32_t i = 0; i < trend->count; i++)
        most = trend->list[i].estimate > most ? trend->list[i].estimate : most;
    for (uint32_t i = trend->count; i-- > 0;) {
        add_period(&table, &trend->list[i], most);
        rows++;
        /* Periods without a run have their lines, too. */
        int64_t end = i ? trend->list[i - 1].from : 0;
        for (int64_t at = next_of(trend->list[i].from, by); i && at < end && rows < fleet->limit;
             at = next_of(at, by), rows++)
            add_period(&table, &(struct period){.from = at}, most);
    }
    if (fingerprint)
        hak_text_add(&text, "%s by %s: ", fingerprint, by);
    else
        hak_text_add(&text, "All findings by %s: ", by);
    return fleet_print_table(fleet, &text, &table, trend->count, trend->count, by,
                             strcmp(by, "day") == 0    ? "days"
                             : strcmp(by, "week") == 0 ? "weeks"
                                                       : "months");
}

int fleet_trend(struct view *view) {
    struct fleet fleet = {0};
    struct trend trend = {0};
    const char *by = read_by(view);
    const char *fingerprint = view->argument_count > 1 ? view->argument[1] : NULL;
    int status = by ? fleet_open(&fleet, view, PERIODS, false) : VIEW_USAGE;
    if (!status)
        status = read_periods(&fleet, by, fingerprint, &trend);
    if (!status)
        status = view->json ? print_json(&fleet, &trend, by, fingerprint)
                            : print_text(&fleet, &trend, by, fingerprint);
    free(trend.list);
    fleet_close(&fleet);
    return status;
}
