/* `fleet html`: the findings as one page for a browser (viewer/html/fleet.html). */
#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include "report/words/words.h"
#include "viewer/fleet/findings.h"
#include "viewer/html/html.h"

/* Of days, of places: of all findings; the newest are there. */
enum { PAGE_FINDINGS = 200, ROWS = 20000, HTML_REPORT_BYTES = 16384 };

struct page {
    struct fleet fleet;
    json_t *findings, *days, *places, *reports;
    uint64_t all;
    char **fingerprint; /* of the findings, as the server has them */
    uint32_t count;
    bool failed;
};

/* Adds a finding to the page's list, up to the limit, and keeps its fingerprint for the reports. */
static void add_page_finding(void *context, const struct fleet_finding *f) {
    struct page *page = context;
    page->all = f->all;
    if (page->count == page->fleet.limit)
        return;
    page->failed |= !(page->fingerprint[page->count++] = strdup(f->fingerprint));
    json_array_append_new(page->findings, fleet_json_finding(f));
}

/* ---- days and places --------------------------------------------------------------------------
 */

/* Adds a row of the answer, one fingerprint's counts of one day, to the page. */
static void add_day(void *context, const struct hak_remote_cell *cell, int cells) {
    struct page *page = context;
    (void)cells;
    hak_json_add(page->days, TEXT("fingerprint", cell[0].text), NUMBER("day", cell[1].number),
                 NUMBER("count", fleet_number(&cell[2])),
                 NUMBER("estimate", fleet_estimate(&cell[3])));
}

/* Reads each finding's counts by day, newest days first and ROWS at most, from the server into
 * page->days. 0, or an exit status. */
static int read_days(struct page *page) {
    static const char sql[] = "SELECT f.fingerprint, " FLEET_SECONDS(
        "date_trunc('day', r.at AT TIME ZONE 'UTC')") ","
                                                      " " FLEET_COUNT
                                                      ", " FLEET_GUESS FLEET_BOTH FLEET_WHERE
                                                      "{runs}{findings}"
                                                      " GROUP BY 1, 2 ORDER BY 2 DESC, 1 FETCH "
                                                      "FIRST ";
    struct fleet_question question = {0};
    fleet_question_add_all(&question, &page->fleet, NULL, sql);
    fleet_question_add(&question, "%d ROWS ONLY", ROWS);
    return fleet_ask(&page->fleet, &question, "reading days", add_day, page);
}

/* Adds a row of the answer, one fingerprint's counts on one host and build, to the page. */
static void add_place(void *context, const struct hak_remote_cell *cell, int cells) {
    struct page *page = context;
    (void)cells;
    hak_json_add(
        page->places, TEXT("fingerprint", cell[0].text), TEXT("host", cell[1].text),
        TEXT("build", cell[2].text), TEXT("version", cell[3].text),
        NUMBER("count", fleet_number(&cell[4])), NUMBER("estimate", fleet_estimate(&cell[5])),
        NUMBER("runs", fleet_number(&cell[6])), JSON("first_seen", fleet_json_time(cell[7].number)),
        JSON("last_seen", fleet_json_time(cell[8].number)));
}

/* Reads each finding's hosts and builds, ROWS at most, from the server into page->places. 0, or an
 * exit status. */
static int read_places(struct page *page) {
    static const char sql[] =
        "SELECT f.fingerprint, r.host, r.build, r.version, " FLEET_COUNT ", " FLEET_GUESS ","
        " count(DISTINCT f.run), " FLEET_SECONDS("min(r.at)") ", " FLEET_SECONDS("max(r.at)")
            FLEET_BOTH FLEET_WHERE
        "{runs}{findings}"
        " GROUP BY 1, 2, 3, 4 ORDER BY max(r.at) DESC, 1, 2, 3, 4 FETCH FIRST ";
    struct fleet_question question = {0};
    fleet_question_add_all(&question, &page->fleet, NULL, sql);
    fleet_question_add(&question, "%d ROWS ONLY", ROWS);
    return fleet_ask(&page->fleet, &question, "reading hosts and builds", add_place, page);
}

/* ---- reports ----------------------------------------------------------------------------------
 */

/* Adds the newest report of a finding that the page lists; that of another is left out. */
static void add_report(void *context, const struct hak_remote_cell *cell, int cells) {
    struct page *page = context;
    uint32_t i = 0;
    (void)cells;
    while (i < page->count && strcmp(page->fingerprint[i], cell[0].text) != 0)
        i++;
    if (i == page->count)
        return;
    hak_json_add(page->reports, NUMBER("finding", i), TEXT("host", cell[1].text),
                 TEXT("program", cell[2].text), JSON("at", fleet_json_time(cell[3].number)),
                 JSON("report", hak_json_lines(cell[4].text)));
}

/* Reads the newest report of each finding, all in one question: one for each takes longer by far.
 * 0, or an exit status. */
static int read_reports(struct page *page) {
    static const char sql[] =
        "WITH newest AS (SELECT f.fingerprint, max(r.at) AS last" FLEET_BOTH FLEET_WHERE
        "{runs}{findings} GROUP BY f.fingerprint"
        " ORDER BY sum(" FLEET_RATE ") DESC, f.fingerprint FETCH FIRST ";
    static const char rest[] =
        "), ends AS (SELECT f.run, f.month, f.number, row_number() OVER (PARTITION BY"
        " f.fingerprint ORDER BY r.run, f.number) AS turn"
        " FROM newest n JOIN hakmem.run r ON r.at = n.last JOIN hakmem.finding f ON"
        " f.run = r.run AND f.month = r.month AND f.fingerprint = n.fingerprint" FLEET_WHERE
        "{runs}) SELECT f.fingerprint, r.host, r.program, " FLEET_SECONDS(
            "r.at") ","
                    " substring(f.report FROM 1 FOR 16384) FROM ends e JOIN hakmem.finding f ON"
                    " f.run = e.run AND f.month = e.month AND f.number = e.number JOIN hakmem.run "
                    "r ON"
                    " r.run = e.run AND r.month = e.month WHERE e.turn = 1";
    struct fleet_question question = {0};
    fleet_question_add_all(&question, &page->fleet, NULL, sql);
    fleet_question_add(&question, "%d ROWS ONLY", ROWS);
    fleet_question_add_all(&question, &page->fleet, NULL, rest);
    return fleet_ask(&page->fleet, &question, "reading reports", add_report, page);
}

/* ---- the page ---------------------------------------------------------------------------------
 */

/* Reads the findings and then their days, places and reports from the server. 0, or an exit status:
 * the error is printed. */
static int read_page(struct page *page) {
    page->fingerprint = calloc(page->fleet.limit, sizeof *page->fingerprint);
    page->failed = !page->fingerprint;
    int status = page->failed ? 0 : fleet_read_findings(&page->fleet, NULL, add_page_finding, page);
    if (page->failed) {
        view_error("out of memory");
        return VIEW_UNREADABLE;
    }
    if (!status)
        status = read_days(page);
    if (!status)
        status = read_places(page);
    return status ? status : read_reports(page);
}

/* Writes the HTML file, at the path that was typed or fleet.html, with the page's data in it. An
 * exit status. */
static int write_page(struct page *page) {
    const struct view *view = page->fleet.view;
    json_t *data = hak_json_object(NUMBER("hakmem_fleet_html", 1), TEXT("server", page->fleet.name),
                                   NUMBER("all", page->all),
                                   FLAG("days_left_out", json_array_size(page->days) == ROWS),
                                   FLAG("places_left_out", json_array_size(page->places) == ROWS));
    json_object_set(data, "findings", page->findings);
    json_object_set(data, "days", page->days);
    json_object_set(data, "places", page->places);
    json_object_set(data, "reports", page->reports);
    int status = html_write_page(
        &(struct html_page){html_fleet_page, html_style, html_fleet_script}, data,
        view->argument_count > 1 ? view->argument[1] : "fleet.html", page->fleet.name);
    json_decref(data);
    return status;
}

/* `fleet html`: reads the findings of a server and writes them as a page. */
int fleet_html(struct view *view) {
    struct page page = {.findings = json_array(),
                        .days = json_array(),
                        .places = json_array(),
                        .reports = json_array()};
    if (!view_sink_check(view->argument_count > 1 ? view->argument[1] : "-"))
        return VIEW_USAGE;
    int status = fleet_open(&page.fleet, view, PAGE_FINDINGS, false);
    if (!status)
        status = read_page(&page);
    if (!status)
        status = write_page(&page);
    for (uint32_t i = 0; i < page.count; i++)
        free(page.fingerprint[i]);
    free(page.fingerprint);
    json_decref(page.findings);
    json_decref(page.days);
    json_decref(page.places);
    json_decref(page.reports);
    fleet_close(&page.fleet);
    return status;
}
