/* `fleet show FINGERPRINT`: one finding's page: where and when, the newest report, what to type. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "report/words/words.h"
#include "store/source.h"
#include "viewer/capture/capture.h"
#include "viewer/fleet/findings.h"

enum { REPORT_BYTES = 1 << 20 };

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

/* The newest one, or the newest of a capture that is there whole. */
static int read_instance(struct fleet *fleet, const char *fingerprint, bool with_capture,
                         struct instance *out) {
    struct fleet_question question = {0};
    fleet_say_all(&question, fleet, fingerprint, instance_columns);
    fleet_say(&question, with_capture ? " AND r.capture IS NOT NULL AND EXISTS (SELECT 1 FROM"
                                        " hakmem.capture_end e WHERE e.capture = r.capture)"
                                      : "");
    fleet_say(&question, instance_order);
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

/* The server's URL with the capture's number in place of one that was typed, for the shell. */
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

struct answer {
    struct fleet fleet;
    const char *fingerprint;
    struct instance newest, whole;
    struct table table;
    json_t *finding, *places; /* NULL: text */
    struct hak_text head;     /* what the finding is */
    uint64_t all, shown;
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

static void take_where(void *context, const struct hak_remote_cell *cell, int cells) {
    struct answer *answer = context;
    (void)cells;
    answer->shown++;
    answer->all = fleet_number(&cell[W_ALL]);
    if (answer->places) {
        hak_json_add(answer->places, TEXT("host", cell[W_HOST].text),
                     TEXT("build", cell[W_BUILD].text), TEXT("version", cell[W_VERSION].text),
                     NUMBER("count", fleet_number(&cell[W_COUNT])),
                     NUMBER("estimate", fleet_estimate(&cell[W_ESTIMATE])),
                     NUMBER("runs", fleet_number(&cell[W_RUNS])),
                     JSON("first_seen", fleet_json_time(cell[W_FIRST].number)),
                     JSON("last_seen", fleet_json_time(cell[W_LAST].number)));
        return;
    }
    struct hak_text build = {0};
    hak_text_add(&build, "%.8s", cell[W_BUILD].text);
    table_add_cell(&answer->table, cell[W_HOST].text);
    table_add_cell(&answer->table, cell[W_VERSION].text);
    table_add_text(&answer->table, &build);
    table_add_count(&answer->table, fleet_number(&cell[W_COUNT]));
    table_add_count(&answer->table, fleet_estimate(&cell[W_ESTIMATE]));
    table_add_count(&answer->table, fleet_number(&cell[W_RUNS]));
    table_add_cell(&answer->table, fleet_time(cell[W_FIRST].number));
    table_add_cell(&answer->table, fleet_time(cell[W_LAST].number));
}

static int read_where(struct answer *answer) {
    struct fleet_question question = {0};
    fleet_say_all(&question, &answer->fleet, answer->fingerprint, where);
    return fleet_ask(&answer->fleet, &question, "reading hosts and builds", take_where, answer);
}

/* ---- the page ---------------------------------------------------------------------------------
 */

static void add_seen(struct hak_text *text, const char *what, const struct fleet_seen *seen) {
    hak_text_add(text, "%s", what);
    hak_text_add_at(text, 12, "%s in ", fleet_time(seen->seconds));
    fleet_add_build(text, seen->build, seen->version);
    hak_text_add(text, "\n");
}

static void take_finding(void *context, const struct fleet_finding *f) {
    struct answer *answer = context;
    struct hak_text *head = &answer->head;
    answer->is_there = true;
    if (answer->places) {
        answer->finding = fleet_json_finding(f);
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
    add_seen(head, "first", &f->first);
    add_seen(head, "last", &f->last);
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

static int print_json(struct answer *answer) {
    json_t *document = fleet_document(&answer->fleet, "show");
    struct hak_text next = {0};
    add_next(&next, &answer->fleet, &answer->whole);
    json_object_set(document, "finding", answer->finding);
    json_object_set(document, "places", answer->places);
    hak_json_set(document, NUMBER("all", answer->all),
                 JSON("newest", json_of_instance(&answer->newest)),
                 JSON("next", next.length ? hak_json_text(hak_text_string(&next)) : json_null()));
    hak_text_free(&next);
    return fleet_print_document(document);
}

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

static int print_text(struct answer *answer) {
    struct hak_text *text = &answer->head, lines = {0};
    const struct instance *newest = &answer->newest;
    hak_text_add(text, "\n");
    table_print(text, &answer->table, answer->fleet.view);
    if (answer->shown < answer->all) {
        hak_text_add(text, "%s of %s are shown; ", hak_words_number(answer->shown),
                     hak_words_number(answer->all));
        fleet_add_limit(text, answer->all);
    }
    add_instance(text, newest);
    hak_text_add_lines(&lines, newest->text[I_REPORT]);
    if (lines.length && lines.bytes[lines.length - 1] != '\n')
        hak_text_add(&lines, "\n");
    view_add_report(text, answer->fleet.view, &lines);
    hak_text_add(text, "\nNEXT        ");
    add_next(text, &answer->fleet, &answer->whole);
    hak_text_add(text, "%shakmem-trace fleet trend ",
                 answer->whole.is_there ? "\n            " : "");
    hak_text_add_argument(text, answer->fingerprint);
    hak_text_add(text, " --to ");
    hak_text_add_argument(text, answer->fleet.url);
    hak_text_add(text, "\n");
    view_start_pager(answer->fleet.view);
    return view_print(text) ? VIEW_OK : VIEW_UNREADABLE;
}

static int read_all(struct answer *answer) {
    struct fleet *fleet = &answer->fleet;
    int status = fleet_read_findings(fleet, answer->fingerprint, take_finding, answer);
    if (!status && !answer->is_there) {
        view_error("fleet show %s: no such finding was pushed to %s, or none that the filters "
                   "mean; `hakmem-trace fleet findings` lists them",
                   answer->fingerprint, fleet->name);
        return VIEW_USAGE;
    }
    if (!status)
        status = read_where(answer);
    if (!status)
        status = read_instance(fleet, answer->fingerprint, false, &answer->newest);
    if (!status && !answer->newest.is_there) {
        view_error("fleet show %s: %s lists it and has no report of it", answer->fingerprint,
                   fleet->name);
        return VIEW_UNREADABLE;
    }
    if (!status)
        status = read_instance(fleet, answer->fingerprint, true, &answer->whole);
    return status;
}

int fleet_show(struct view *view) {
    struct answer answer = {.places = view->json ? json_array() : NULL};
    if (view->argument_count < 2) {
        view_error("fleet show: which? FINGERPRINT is one that `hakmem-trace fleet` lists");
        return VIEW_USAGE;
    }
    answer.fingerprint = view->argument[1];
    int status = fleet_open(&answer.fleet, view, 20, false);
    table_add_headings(&answer.table,
                       "<host|<version|<build|count|estimate|runs|<first seen|<last seen");
    if (!status)
        status = read_all(&answer);
    if (!status)
        status = view->json ? print_json(&answer) : print_text(&answer);
    fleet_drop_table(&answer.table);
    hak_text_free(&answer.head);
    json_decref(answer.finding);
    json_decref(answer.places);
    free_instance(&answer.newest);
    free_instance(&answer.whole);
    fleet_close(&answer.fleet);
    return status;
}
