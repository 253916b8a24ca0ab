/* `fleet show FINGERPRINT`: one finding's page: where and when, the newest report, what to type. */
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "report/words/words.h"
#include "store/source.h"
#include "viewer/capture/capture.h"
#include "viewer/fleet/findings.h"

/* ---- one instance -----------------------------------------------------------------------------
 */

enum {
    I_HOST,
    I_PID,
    I_PROGRAM,
    I_COMMAND,
    I_BUILD,
    I_VERSION,
    I_LEVEL,
    I_HAKMEM,
    I_RATE,
    I_LABELS,
    I_CAPTURE,
    I_AT,
    I_COUNT,
    I_ADDRESS,
    I_REPORT
};

static const char instance_columns[] =
    "SELECT r.host, r.pid, r.program, substring(r.command FROM 1 FOR 4096), r.build, r.version,"
    " r.level, r.hakmem, r.rate, substring(r.labels FROM 1 FOR 4096), r.capture,"
    " " FLEET_SECONDS("r.at") ", f.count, f.address,"
                              " substring(f.report FROM 1 FOR 1048576)" FLEET_BOTH FLEET_WHERE
                              "{runs}{findings}";
static const char instance_order[] = " ORDER BY r.at DESC, f.run, f.number FETCH FIRST 1 ROWS ONLY";

struct instance {
    bool is_there, has_capture, has_address, failed;
    char *text[I_REPORT + 1]; /* of the columns; empty where the server has none */
    uint64_t pid, capture, count, address;
    double rate;
    int64_t at;
};

/* Copies the answer's one row, the newest run with the finding, into an instance. */
static void take_instance(void *context, const struct hak_remote_cell *cell, int cells) {
    struct instance *out = context;
    for (int i = 0; i < cells && i <= I_REPORT; i++)
        if (!out->text[i])
            out->failed |= !(out->text[i] = strdup(cell[i].text));
    out->is_there = true;
    out->pid = fleet_number(&cell[I_PID]);
    out->rate = cell[I_RATE].real;
    out->has_capture = cell[I_CAPTURE].kind == HAK_REMOTE_INTEGER;
    out->capture = fleet_number(&cell[I_CAPTURE]);
    out->at = cell[I_AT].number;
    out->count = fleet_number(&cell[I_COUNT]);
    out->has_address = cell[I_ADDRESS].kind == HAK_REMOTE_INTEGER;
    out->address = (uint64_t)cell[I_ADDRESS].number;
}

/* Reads the newest run with the finding, or the newest of a capture that is there whole. 0, or an
 * exit status; out->is_there stays false if there is none. */
static int read_instance(struct fleet *fleet, const char *fingerprint, bool with_capture,
                         struct instance *out) {
    struct fleet_question question = {0};
    fleet_question_add_all(&question, fleet, fingerprint, instance_columns);
    fleet_question_add(&question, "%s%s",
                       with_capture ? " AND r.capture IS NOT NULL AND EXISTS (SELECT 1 FROM"
                                      " hakmem.capture_end e WHERE e.capture = r.capture)"
                                    : "",
                       instance_order);
    int status = fleet_ask(fleet, &question, "reading the newest report", take_instance, out);
    if (!status && out->failed) {
        view_error("out of memory");
        status = VIEW_UNREADABLE;
    }
    return status;
}

static void free_instance(struct instance *instance) {
    for (int i = 0; i <= I_REPORT; i++)
        free(instance->text[i]);
}

/* Adds the server's URL with the capture's number in place of one that was typed, for the shell. */
static void add_source(struct hak_text *text, const struct fleet *fleet, uint64_t capture) {
    char *rest = strdup(fleet->url), *mark = rest ? strchr(rest, '?') : NULL, *left = NULL;
    size_t room = strlen(fleet->url) + 64;
    char *url = rest ? malloc(room) : NULL;
    if (!url) {
        text->failed = true;
        free(rest);
        return;
    }
    if (mark)
        *mark = '\0';
    int length = snprintf(url, room, "%s?", rest);
    for (char *word = mark ? strtok_r(mark + 1, "&", &left) : NULL; word;
         word = strtok_r(NULL, "&", &left))
        if (strncmp(word, "capture=", strlen("capture=")) != 0)
            length += snprintf(url + length, room - (size_t)length, "%s&", word);
    snprintf(url + length, room - (size_t)length, "capture=%llu", (unsigned long long)capture);
    hak_text_add_argument(text, url);
    free(url);
    free(rest);
}

/* Appends the `why` command for the block; nothing where its capture is not there whole. */
static void add_next(struct hak_text *text, const struct fleet *fleet,
                     const struct instance *whole) {
    if (!whole->is_there)
        return;
    hak_text_add(text, "hakmem-trace why ");
    if (whole->has_address)
        hak_text_add(text, "0x%llx", (unsigned long long)whole->address);
    else
        hak_text_add(text, "@fault");
    hak_text_add(text, " -s ");
    add_source(text, fleet, whole->capture);
}

/* ---- where it was -----------------------------------------------------------------------------
 */

struct finding_page {
    struct fleet fleet;
    const char *fingerprint;
    struct instance newest, whole;
    struct answer places;
    json_t *finding;      /* NULL: text */
    struct hak_text head; /* what the finding is */
    bool is_there;
};

enum { W_HOST, W_BUILD, W_VERSION, W_COUNT, W_ESTIMATE, W_RUNS, W_FIRST, W_LAST, W_ALL };

static const char where[] =
    "SELECT r.host, r.build, r.version, " FLEET_COUNT ", " FLEET_GUESS ", count(DISTINCT f.run),"
    " " FLEET_SECONDS("min(r.at)") ", " FLEET_SECONDS(
        "max(r.at)") ", count(*) OVER ()" //
    FLEET_BOTH FLEET_WHERE
                     "{runs}{findings} GROUP BY r.host, r.build, r.version ORDER BY max(r.at) DESC,"
                     " r.host, r.build, r.version FETCH FIRST {limit} ROWS ONLY";

/* Adds a row of the answer, a host and build that had the finding, to the table. */
static void take_where(void *context, const struct hak_remote_cell *cell, int cells) {
    struct finding_page *page = context;
    (void)cells;
    page->places.all = fleet_number(&cell[W_ALL]);
    answer_row(&page->places, STRING("<host", "host", cell[W_HOST].text),
               DATA(TEXT("build", cell[W_BUILD].text)),
               STRING("<version", "version", cell[W_VERSION].text),
               MADE("<build", hak_text_add, "%.8s", cell[W_BUILD].text),
               FILLED("count", "count", fleet_number(&cell[W_COUNT])),
               FILLED("estimate", "estimate", fleet_estimate(&cell[W_ESTIMATE])),
               FILLED("runs", "runs", fleet_number(&cell[W_RUNS])),
               FLEET_MOMENT("<first seen", "first_seen", cell[W_FIRST].number),
               FLEET_MOMENT("<last seen", "last_seen", cell[W_LAST].number));
}

/* Reads the hosts and builds that had the finding into the table. */
static int read_where(struct finding_page *page) {
    struct fleet_question question = {0};
    fleet_question_add_all(&question, &page->fleet, page->fingerprint, where);
    return fleet_ask(&page->fleet, &question, "reading hosts and builds", take_where, page);
}

/* ---- the page ---------------------------------------------------------------------------------
 */

/* Adds a line that says when and in which build the finding was first or last seen. */
static void add_seen_line(struct hak_text *text, const char *what, const struct fleet_seen *seen) {
    hak_text_add(text, "%s", what);
    hak_text_add_at(text, 12, "%s in ", fleet_time(seen->seconds));
    fleet_add_build(text, seen->build, seen->version);
    hak_text_add(text, "\n");
}

/* Takes the finding's sums: as JSON, or as the head of the text. */
static void take_finding(void *context, const struct fleet_finding *f) {
    struct finding_page *page = context;
    struct hak_text *head = &page->head;
    page->is_there = true;
    if (page->places.list) {
        page->finding = fleet_json_finding(f);
        return;
    }
    hak_text_add(head, "%s: %s %s\n\n", f->fingerprint, f->name, f->place);
    hak_text_add(head, "seen");
    hak_text_add_at(head, 12, "%s in ", hak_words_count(f->count, "time", "times"));
    hak_text_add(head, "%s, on ", hak_words_count(f->runs, "run", "runs"));
    hak_text_add(head, "%s, in ", hak_words_count(f->hosts, "host", "hosts"));
    hak_text_add(head, "%s\n", hak_words_count(f->builds, "build", "builds"));
    if (f->estimate != f->count) {
        hak_text_add(head, "estimate");
        hak_text_add_at(head, 12, "%s: level light watches some blocks of many\n",
                        hak_words_count(f->estimate, "time", "times"));
    }
    add_seen_line(head, "first", &f->first);
    add_seen_line(head, "last", &f->last);
}

static json_t *json_of_instance(const struct instance *i) {
    return hak_json_object(
        TEXT("host", i->text[I_HOST]), NUMBER("pid", i->pid), TEXT("program", i->text[I_PROGRAM]),
        TEXT("arguments", i->text[I_COMMAND]), TEXT("build", i->text[I_BUILD]),
        TEXT("version", i->text[I_VERSION]), TEXT("level", i->text[I_LEVEL]),
        TEXT("hakmem", i->text[I_HAKMEM]),
        JSON("rate", json_real(i->rate >= 1 && i->rate <= 1e9 ? i->rate : 1)),
        TEXT("labels", i->text[I_LABELS]), KNOWN("capture", i->has_capture, i->capture),
        JSON("at", fleet_json_time(i->at)), NUMBER("count", i->count),
        JSON("address", i->has_address ? hak_json_address(i->address) : json_null()),
        JSON("report", hak_json_lines(i->text[I_REPORT])));
}

/* Prints the finding, its places, its newest run and the next command as JSON. */
static int print_show_json(struct finding_page *page) {
    json_t *document = fleet_document(&page->fleet, "show");
    struct hak_text next = {0};
    add_next(&next, &page->fleet, &page->whole);
    json_object_set(document, "finding", page->finding);
    json_object_set(document, "places", page->places.list);
    hak_json_set(document, NUMBER("all", page->places.all),
                 JSON("newest", json_of_instance(&page->newest)),
                 JSON("next", next.length ? hak_json_text(hak_text_string(&next)) : json_null()));
    hak_text_free(&next);
    return fleet_print_document(document);
}

/* Adds the newest run's time, host, process, build, command and labels. */
static void add_instance(struct hak_text *text, const struct instance *i) {
    hak_text_add(text, "\nNEWEST      %s on %s, process %llu, ", fleet_time(i->at), i->text[I_HOST],
                 (unsigned long long)i->pid);
    fleet_add_build(text, i->text[I_BUILD], i->text[I_VERSION]);
    hak_text_add(text, "\n            %s\n", i->text[I_COMMAND]);
    hak_text_add(text, "            level %s, hakmem %s", i->text[I_LEVEL], i->text[I_HAKMEM]);
    if (i->text[I_LABELS][0] && strcmp(i->text[I_LABELS], "{}") != 0)
        hak_text_add(text, ", labels %s", i->text[I_LABELS]);
    hak_text_add(text, "\n\n");
}

/* Prints the finding's head, its places, the newest run with its report and the next commands. An
 * exit status. */
static int print_show_text(struct finding_page *page) {
    struct hak_text *text = &page->head, lines = {0};
    const struct instance *newest = &page->newest;
    hak_text_add(text, "\n");
    answer_print(text, &page->places);
    if (page->places.rows < page->places.all) {
        hak_text_add(text, "%s of %s are shown; ", hak_words_number(page->places.rows),
                     hak_words_number(page->places.all));
        fleet_add_limit(text, page->places.all);
    }
    add_instance(text, newest);
    hak_text_add_lines(&lines, newest->text[I_REPORT]);
    if (lines.length && lines.bytes[lines.length - 1] != '\n')
        hak_text_add(&lines, "\n");
    view_add_report(text, page->fleet.view, &lines);
    hak_text_add(text, "\nNEXT        ");
    add_next(text, &page->fleet, &page->whole);
    hak_text_add(text, "%shakmem-trace fleet trend ", page->whole.is_there ? "\n            " : "");
    hak_text_add_argument(text, page->fingerprint);
    hak_text_add(text, " --to ");
    hak_text_add_argument(text, page->fleet.url);
    hak_text_add(text, "\n");
    view_start_pager(page->fleet.view);
    return view_print(text) ? VIEW_OK : VIEW_UNREADABLE;
}

/* Reads the finding, its places, its newest run and its newest run with a whole capture; an unknown
 * finding is an error. */
static int read_answer(struct finding_page *page) {
    struct fleet *fleet = &page->fleet;
    int status = fleet_read_findings(fleet, page->fingerprint, take_finding, page);
    if (!status && !page->is_there) {
        view_error("fleet show %s: no such finding was pushed to %s, or none that the filters "
                   "mean; `hakmem-trace fleet findings` lists them",
                   page->fingerprint, fleet->name);
        return VIEW_USAGE;
    }
    if (!status)
        status = read_where(page);
    if (!status)
        status = read_instance(fleet, page->fingerprint, false, &page->newest);
    if (!status && !page->newest.is_there) {
        view_error("fleet show %s: %s lists it and has no report of it", page->fingerprint,
                   fleet->name);
        return VIEW_UNREADABLE;
    }
    if (!status)
        status = read_instance(fleet, page->fingerprint, true, &page->whole);
    return status;
}

/* `fleet show FINGERPRINT`: prints one finding with its places and newest report. An exit
 * status. */
int fleet_show(struct view *view) {
    struct finding_page page = {.places = answer_begin(view, view->json)};
    if (view->argument_count < 2) {
        view_error("fleet show: which? FINGERPRINT is one that `hakmem-trace fleet` lists");
        return VIEW_USAGE;
    }
    page.fingerprint = view->argument[1];
    int status = fleet_open(&page.fleet, view, 20, false);
    if (!status)
        status = read_answer(&page);
    if (!status)
        status = view->json ? print_show_json(&page) : print_show_text(&page);
    answer_end(&page.places);
    hak_text_free(&page.head);
    json_decref(page.finding);
    free_instance(&page.newest);
    free_instance(&page.whole);
    fleet_close(&page.fleet);
    return status;
}
