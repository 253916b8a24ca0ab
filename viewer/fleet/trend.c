/* `fleet trend`: how often, by day, week or month. */
#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include "base/growing.h"
#include "report/words/words.h"
#include "viewer/fleet/ask.h"
#include "viewer/fleet/when.h"

enum { PERIODS = 60 };

struct period {
    int64_t from; /* seconds since 1970 */
    uint64_t runs, found_in, hosts, count, estimate;
};

struct trend {
    struct period *list; /* the newest first */
    uint32_t count, room;
    bool failed;
};

/* Adds a row of the answer, one day, week or month, to the list. */
static void take_period(void *context, const struct hak_remote_cell *cell, int cells) {
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

/* The beginning, in seconds, of the day, week or month after that which begins at `from`. */
static int64_t next_of(int64_t from, const char *by) {
    struct tm when;
    time_t at = (time_t)from;
    if (strcmp(by, "month") != 0)
        return from + (strcmp(by, "week") == 0 ? 7 * FLEET_DAY_SECONDS : FLEET_DAY_SECONDS);
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

/* The query for days, weeks or months. */
static const char *sql_of(const char *by) {
    if (strcmp(by, "month") == 0)
        return IN_TURNS(START("month"));
    return strcmp(by, "week") == 0 ? IN_TURNS(START("week")) : IN_TURNS(START("day"));
}

/* Reads the days, weeks or months that have runs from the server. 0, or an exit status: the error
 * is printed. */
static int read_periods(struct fleet *fleet, const char *by, const char *fingerprint,
                        struct trend *trend) {
    struct fleet_question question = {0};
    fleet_question_add_all(&question, fleet, fingerprint, sql_of(by));
    int status = fleet_ask(fleet, &question, "reading runs", take_period, trend);
    if (!status && trend->failed) {
        view_error("out of memory");
        status = VIEW_UNREADABLE;
    }
    return status;
}

/* ---- the answer -------------------------------------------------------------------------------
 */

/* Adds a period's row with its bar, whose scale is `most`. */
static void add_period(struct answer *answer, const struct period *p, uint64_t most) {
    answer_row(answer, DATA_OF("from", fleet_json_time(p->from)),
               MADE("<from", hak_text_add, "%.10s", fleet_time(p->from)),
               FILLED("runs", "runs", p->runs), FILLED("found in", "found_in", p->found_in),
               FILLED("hosts", "hosts", p->hosts), FILLED("count", "count", p->count),
               FILLED("estimate", "estimate", p->estimate),
               FIGURE("<", answer_bar, answer_bar_width(p->estimate, most)));
}

/* Adds the periods, newest first; in text those without a run have their lines, too. */
static void add_periods(struct answer *answer, const struct fleet *fleet, const struct trend *trend,
                        const char *by) {
    uint64_t most = 0;
    for (uint32_t i = 0; i < trend->count; i++)
        most = trend->list[i].estimate > most ? trend->list[i].estimate : most;
    for (uint32_t i = trend->count; i-- > 0;) {
        add_period(answer, &trend->list[i], most);
        int64_t end = i && !answer->list ? trend->list[i - 1].from : 0;
        for (int64_t at = next_of(trend->list[i].from, by);
             i && at < end && answer->rows < fleet->limit; at = next_of(at, by))
            add_period(answer, &(struct period){.from = at}, most);
    }
}

/* Prints the periods as a table with bars, or as JSON. */
static int print(const struct fleet *fleet, const struct trend *trend, const char *by,
                 const char *fingerprint) {
    struct answer answer = answer_begin(fleet->view, fleet->view->json);
    struct hak_text text = {0};
    add_periods(&answer, fleet, trend, by);
    if (answer.list)
        return fleet_print_document(hak_json_set(
            fleet_document(fleet, "trend"), WORD("by", by),
            JSON("fingerprint", fingerprint ? hak_json_text(fingerprint) : json_null()),
            JSON("periods", answer.list)));
    hak_text_add(&text, "%s by %s: ", fingerprint ? fingerprint : "All findings", by);
    return fleet_print_table(fleet, &text, &answer, trend->count, trend->count, by,
                             strcmp(by, "day") == 0    ? "days"
                             : strcmp(by, "week") == 0 ? "weeks"
                                                       : "months");
}

/* `fleet trend`: counts by day, week or month, of one finding or all. An exit status. */
int fleet_trend(struct view *view) {
    struct fleet fleet = {0};
    struct trend trend = {0};
    const char *by = read_by(view);
    const char *fingerprint = view->argument_count > 1 ? view->argument[1] : NULL;
    int status = by ? fleet_open(&fleet, view, PERIODS, false) : VIEW_USAGE;
    if (!status)
        status = read_periods(&fleet, by, fingerprint, &trend);
    if (!status)
        status = print(&fleet, &trend, by, fingerprint);
    free(trend.list);
    fleet_close(&fleet);
    return status;
}
