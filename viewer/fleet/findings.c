/* `fleet findings`: the findings by fingerprint, the most harmful first. */
#include "viewer/fleet/findings.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include "report/words/words.h"
#include "viewer/fleet/ask.h"

/* The columns of the answer. */
enum {
    FINGERPRINT,
    CODE,
    COUNT,
    ESTIMATE,
    RUNS,
    HOSTS,
    BUILDS,
    FIRST,
    LAST,
    ALL,
    NAME,
    HEADLINE,
    PLACE,
    PROGRAM,
    FIRST_BUILD,
    FIRST_VERSION,
    LAST_BUILD,
    LAST_VERSION,
};

/* The sums read an index alone. Only of those that are shown, in how many runs they were first, as
 * sampling makes it likely, then on how many hosts, texts of the first and of the last run are
 * looked for. */
/* clang-format off */
static const char findings_sql[] =
    "WITH sums AS (SELECT f.fingerprint, min(f.code) AS code, " FLEET_COUNT " AS many,"
    " " FLEET_GUESS " AS estimate, count(DISTINCT f.run) AS runs, count(DISTINCT r.host) AS hosts,"
    " count(DISTINCT r.build) AS builds, min(r.at) AS first, max(r.at) AS last,"
    " sum(" FLEET_RATE ") AS weight, count(*) OVER () AS all_of_them"
    FLEET_BOTH FLEET_WHERE "{runs}{findings}"
    " GROUP BY f.fingerprint ORDER BY weight DESC, hosts DESC, many DESC, f.fingerprint"
    " FETCH FIRST {limit} ROWS ONLY),"
    " ends AS (SELECT s.fingerprint, e.is_last, r.program, r.build, r.version, f.name, f.headline,"
    " f.place, row_number() OVER (PARTITION BY s.fingerprint, e.is_last"
    " ORDER BY r.run, f.number) AS turn"
    " FROM sums s CROSS JOIN (SELECT 0 AS is_last UNION ALL SELECT 1) e"
    " JOIN hakmem.run r ON r.at = CASE e.is_last WHEN 1 THEN s.last ELSE s.first END"
    " JOIN hakmem.finding f ON f.run = r.run AND f.month = r.month"
    " AND f.fingerprint = s.fingerprint" FLEET_WHERE "{runs})"
    " SELECT s.fingerprint, s.code, s.many, s.estimate, s.runs, s.hosts, s.builds,"
    " " FLEET_SECONDS("s.first") ", " FLEET_SECONDS("s.last") ", s.all_of_them,"
    " " FLEET_TEXT("z.name") ", " FLEET_TEXT("z.headline") ", " FLEET_TEXT("z.place") ","
    " " FLEET_TEXT("z.program") ", " FLEET_TEXT("a.build") ", " FLEET_TEXT("a.version") ","
    " " FLEET_TEXT("z.build") ", " FLEET_TEXT("z.version")
    " FROM sums s"
    " JOIN ends a ON a.fingerprint = s.fingerprint AND a.is_last = 0 AND a.turn = 1"
    " JOIN ends z ON z.fingerprint = s.fingerprint AND z.is_last = 1 AND z.turn = 1"
    " ORDER BY s.weight DESC, s.hosts DESC, s.many DESC, s.fingerprint";
/* clang-format on */

struct reading {
    void (*each)(void *context, const struct fleet_finding *finding);
    void *context;
};

/* Reads the cells of a row as a finding and hands it on. */
static void take_finding_row(void *context, const struct hak_remote_cell *cell, int cells) {
    const struct reading *reading = context;
    (void)cells;
    reading->each(
        reading->context,
        &(struct fleet_finding){
            .fingerprint = cell[FINGERPRINT].text,
            .name = cell[NAME].text,
            .headline = cell[HEADLINE].text,
            .place = cell[PLACE].text,
            .program = cell[PROGRAM].text,
            .first = {cell[FIRST_BUILD].text, cell[FIRST_VERSION].text, cell[FIRST].number},
            .last = {cell[LAST_BUILD].text, cell[LAST_VERSION].text, cell[LAST].number},
            .code = fleet_number(&cell[CODE]),
            .count = fleet_number(&cell[COUNT]),
            .estimate = fleet_estimate(&cell[ESTIMATE]),
            .runs = fleet_number(&cell[RUNS]),
            .hosts = fleet_number(&cell[HOSTS]),
            .builds = fleet_number(&cell[BUILDS]),
            .all = fleet_number(&cell[ALL]),
        });
}

/* A build or version that nobody pushed would make all new, or all gone. */
static void take_begin(void *context, const struct hak_remote_cell *cell, int cells) {
    (void)cells;
    *(bool *)context = cell[0].kind != HAK_REMOTE_NULL;
}

/* Asks whether any run has the build or version. Returns a status, said if not 0. */
static int check_since(struct fleet *fleet, const char *option) {
    const char *typed = view_value(fleet->view, option);
    struct fleet_question question = {0};
    bool is_there = false;
    if (!typed || !*typed)
        return 0;
    fleet_question_add(&question, "SELECT r.run FROM hakmem.run r" FLEET_WHERE " AND ");
    fleet_question_add_version(&question, typed);
    fleet_question_add(&question, " FETCH FIRST 1 ROWS ONLY");
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
    struct reading reading = {each, context};
    struct fleet_question question = {0};
    int status = check_since(fleet, "new-since");
    if (!status)
        status = check_since(fleet, "gone-since");
    if (status)
        return status;
    fleet_question_add_all(&question, fleet, fingerprint, findings_sql);
    return fleet_ask(fleet, &question, "reading findings", take_finding_row, &reading);
}

json_t *fleet_json_finding(const struct fleet_finding *f) {
    return hak_json_object(
        TEXT("fingerprint", f->fingerprint), NUMBER("code", f->code), TEXT("name", f->name),
        TEXT("headline", f->headline), TEXT("place", f->place), NUMBER("count", f->count),
        NUMBER("estimate", f->estimate), NUMBER("runs", f->runs), NUMBER("hosts", f->hosts),
        NUMBER("builds", f->builds), JSON("first_seen", fleet_json_time(f->first.seconds)),
        JSON("first_in", fleet_json_build(f->first.build, f->first.version)),
        JSON("last_seen", fleet_json_time(f->last.seconds)),
        JSON("last_in", fleet_json_build(f->last.build, f->last.version)));
}

static void add_seen(struct hak_text *text, const struct fleet_seen *seen) {
    hak_text_add(text, "%s ", fleet_time(seen->seconds));
    fleet_add_build(text, seen->build, seen->version);
}

/* Adds a finding to the answer: to its JSON list, or as a row of its table. */
static void add_finding_row(void *context, const struct fleet_finding *f) {
    struct answer *answer = context;
    answer->all = f->all;
    if (answer->list) {
        json_array_append_new(answer->list, fleet_json_finding(f));
        return;
    }
    answer_row(answer, CELL("<fingerprint", f->fingerprint),
               FIGURE("count", answer_count, f->count),
               FIGURE("estimate", answer_count, f->estimate), FIGURE("runs", answer_count, f->runs),
               FIGURE("hosts", answer_count, f->hosts), FIGURE("builds", answer_count, f->builds),
               MADE("<first seen", add_seen, &f->first), MADE("<last seen", add_seen, &f->last),
               MADE("<what", hak_text_add, "%s %s", f->name, f->place));
}

int fleet_findings(struct view *view) {
    struct fleet fleet;
    struct answer answer = answer_begin(view, view->json);
    int status = fleet_open(&fleet, view, 50, false);
    if (!status)
        status = fleet_read_findings(&fleet, NULL, add_finding_row, &answer);
    if (!status)
        status = fleet_print_answer(&fleet, &answer, "finding", "findings");
    answer_end(&answer);
    fleet_close(&fleet);
    return status;
}
