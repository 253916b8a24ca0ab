/* `fleet hosts` and `fleet builds`: the runs from the side of the machine, and of the program. */
#include <stdlib.h>
#include "report/words/words.h"
#include "viewer/fleet/ask.h"

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
    H_FIRST,
    H_LAST,
    H_ALL,
    H_BUILD,
    H_VERSION
};

/* clang-format off */
static const char hosts[] =
    "WITH ran AS (SELECT r.host, count(*) AS runs, count(DISTINCT r.build) AS builds,"
    " min(r.at) AS first, max(r.at) AS last"
    " FROM hakmem.run r" FLEET_WHERE "{runs} GROUP BY r.host),"
    " seen AS (SELECT r.host, count(DISTINCT f.fingerprint) AS findings, " FLEET_COUNT " AS many,"
    " " FLEET_GUESS " AS estimate, count(DISTINCT f.run) AS found"
    FLEET_BOTH FLEET_WHERE "{runs} GROUP BY r.host),"
    " shown AS (SELECT n.host, coalesce(s.findings, 0) AS findings, s.many, s.estimate,"
    " coalesce(s.found, 0) AS found, n.runs, n.builds, n.first, n.last,"
    " count(*) OVER () AS all_of_them FROM ran n LEFT JOIN seen s ON s.host = n.host"
    " ORDER BY findings DESC, found DESC, n.host FETCH FIRST {limit} ROWS ONLY),"
    " ends AS (SELECT s.host, r.build, r.version,"
    " row_number() OVER (PARTITION BY s.host ORDER BY r.run) AS turn"
    " FROM shown s JOIN hakmem.run r ON r.host = s.host AND r.at = s.last" FLEET_WHERE "{runs})"
    " SELECT s.host, s.findings, s.many, s.estimate, s.found, s.runs, s.builds,"
    " " FLEET_SECONDS("s.first") ", " FLEET_SECONDS("s.last") ", s.all_of_them,"
    " " FLEET_TEXT("z.build") ", " FLEET_TEXT("z.version")
    " FROM shown s JOIN ends z ON z.host = s.host AND z.turn = 1"
    " ORDER BY s.findings DESC, s.found DESC, s.host";
/* clang-format on */

/* Adds a row of the answer, one host, to the table. */
static void add_host(void *context, const struct hak_remote_cell *cell, int cells) {
    struct answer *answer = context;
    (void)cells;
    answer->all = fleet_number(&cell[H_ALL]);
    answer_row(answer, STRING("<host", "host", cell[H_HOST].text),
               FILLED("findings", "findings", fleet_number(&cell[H_FINDINGS])),
               FILLED("count", "count", fleet_number(&cell[H_COUNT])),
               FILLED("estimate", "estimate", fleet_estimate(&cell[H_ESTIMATE])),
               FILLED("found in", "found_in", fleet_number(&cell[H_FOUND_IN])),
               FILLED("runs", "runs", fleet_number(&cell[H_RUNS])),
               FILLED("builds", "builds", fleet_number(&cell[H_BUILDS])),
               DATA_OF("last_in", fleet_json_build(cell[H_BUILD].text, cell[H_VERSION].text)),
               DATA_OF("first_run", fleet_json_time(cell[H_FIRST].number)),
               MADE("<newest", fleet_add_build, cell[H_BUILD].text, cell[H_VERSION].text),
               FLEET_MOMENT("<last run", "last_run", cell[H_LAST].number));
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

/* A fingerprint is new in the build of its first run of all, whatever runs are asked for. */
/* clang-format off */
static const char builds[] =
    "WITH ran AS (SELECT r.program, r.build, r.version, count(*) AS runs,"
    " count(DISTINCT r.host) AS hosts, min(r.at) AS first, max(r.at) AS last"
    " FROM hakmem.run r" FLEET_WHERE "{runs} GROUP BY r.program, r.build, r.version),"
    " seen AS (SELECT r.program, r.build, r.version, count(DISTINCT f.fingerprint) AS findings,"
    " " FLEET_COUNT " AS many, " FLEET_GUESS " AS estimate, count(DISTINCT f.run) AS found"
    FLEET_BOTH FLEET_WHERE "{runs} GROUP BY r.program, r.build, r.version),"
    " began AS (SELECT f.fingerprint, min(r.at) AS first" FLEET_BOTH FLEET_WHERE
    " GROUP BY f.fingerprint),"
    " fresh AS (SELECT r.build, count(DISTINCT f.fingerprint) AS findings"
    " FROM began b JOIN hakmem.run r ON r.at = b.first"
    " JOIN hakmem.finding f ON f.run = r.run AND f.month = r.month"
    " AND f.fingerprint = b.fingerprint" FLEET_WHERE " GROUP BY r.build)"
    " SELECT n.program, n.build, n.version, s.findings, w.findings, s.many, s.estimate,"
    " s.found, n.runs, n.hosts, " FLEET_SECONDS("n.first") ", " FLEET_SECONDS("n.last") ","
    " count(*) OVER () FROM ran n"
    " LEFT JOIN seen s ON s.program = n.program AND s.build = n.build AND s.version = n.version"
    " LEFT JOIN fresh w ON w.build = n.build"
    " ORDER BY n.first DESC, n.program, n.build, n.version FETCH FIRST {limit} ROWS ONLY";
/* clang-format on */

/* Adds a row of the answer, one build, to the table. */
static void add_build(void *context, const struct hak_remote_cell *cell, int cells) {
    struct answer *answer = context;
    (void)cells;
    answer->all = fleet_number(&cell[B_ALL]);
    answer_row(answer, DATA(TEXT("program", cell[B_PROGRAM].text)),
               DATA(TEXT("build", cell[B_BUILD].text)),
               STRING("<version", "version", cell[B_VERSION].text),
               MADE("<build", hak_text_add, "%.8s", cell[B_BUILD].text),
               CELL("<program", hak_words_path(cell[B_PROGRAM].text, 1, false)),
               FILLED("findings", "findings", fleet_number(&cell[B_FINDINGS])),
               FILLED("new", "new", fleet_number(&cell[B_NEW])),
               FILLED("count", "count", fleet_number(&cell[B_COUNT])),
               FILLED("estimate", "estimate", fleet_estimate(&cell[B_ESTIMATE])),
               FILLED("found in", "found_in", fleet_number(&cell[B_FOUND_IN])),
               FILLED("runs", "runs", fleet_number(&cell[B_RUNS])),
               FILLED("hosts", "hosts", fleet_number(&cell[B_HOSTS])),
               FLEET_MOMENT("<first run", "first_run", cell[B_FIRST].number),
               FLEET_MOMENT("<last run", "last_run", cell[B_LAST].number));
}

/* ---- both -------------------------------------------------------------------------------------
 */

/* Asks the server by `sql` and prints its rows as the table of hosts or builds. An exit status. */
static int print_side(struct view *view, const char *one, const char *word, const char *sql,
                      hak_remote_row *row) {
    struct fleet fleet;
    struct fleet_question question = {0};
    struct answer answer = answer_begin(view, view->json);
    int status = fleet_open(&fleet, view, 50, false);
    if (!status) {
        fleet_question_add_all(&question, &fleet, NULL, sql);
        status = fleet_ask(&fleet, &question, "reading runs", row, &answer);
    }
    if (!status)
        status = fleet_print_answer(&fleet, &answer, one, word);
    answer_end(&answer);
    fleet_close(&fleet);
    return status;
}

int fleet_hosts(struct view *view) {
    return print_side(view, "host", "hosts", hosts, add_host);
}

int fleet_builds(struct view *view) {
    return print_side(view, "build", "builds", builds, add_build);
}
