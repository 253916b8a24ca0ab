/* Makes the document of a capture's findings: one run for each program that something was found in,
 * and one for the first program. */
#include "viewer/fleet/document.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include "report/words/words.h"
#include "store/history/history.h"
#include "version.h"

enum {
    REPORT_BYTES = 64 << 10,
    REPORTS_BYTES = 3 << 20, /* of all reports; of later findings there is none */
    LABELS = 32,
    LEAK_NUMBERS = 1000000, /* added to those of leaks: faults may be pushed before them */
};

struct making {
    struct view *view;
    const struct findings *findings;
    json_t *labels;
    char *tree, *level;
    const char *host, *version; /* the label */
    uint64_t started_ns;
    double rate;
    size_t report_bytes; /* so far */
    uint64_t left_out, cut;
    uint32_t found; /* that were put in */
    uint64_t capture;
    json_t *runs;
    char *program[DOCUMENT_RUNS]; /* of each run */
};

/* ---- pieces of other documents, too -----------------------------------------------------------
 */

void document_set_text(json_t *object, const char *name, const char *text, size_t most,
                       uint64_t *cut) {
    size_t length = strlen(text);
    if (length <= most) {
        hak_json_set(object, TEXT(name, text));
        return;
    }
    for (int i = 0; i < 3 && ((unsigned char)text[most] & 0xc0) == 0x80; i++)
        most--;
    char *begin = strndup(text, most);
    ++*cut;
    if (begin)
        hak_json_set(object, JSON(name, hak_json_lines(begin)));
    free(begin);
}

static void set_text(struct making *m, json_t *object, const char *name, const char *text,
                     size_t most) {
    document_set_text(object, name, text, most, &m->cut);
}

uint64_t document_begin_hash(void) {
    return 14695981039346656037u;
}

uint64_t document_add_to_hash(uint64_t hash, const char *text, size_t length) {
    for (size_t i = 0; i < length; i++)
        hash = (hash ^ (unsigned char)text[i]) * 1099511628211u;
    return hash * 1099511628211u; /* a NUL */
}

uint64_t document_end_hash(uint64_t hash) {
    hash = (hash ^ hash >> 33) * 0xff51afd7ed558ccdu;
    hash = (hash ^ hash >> 33) * 0xc4ceb9fe1a85ec53u;
    hash = (hash ^ hash >> 33) & INT64_MAX;
    return hash ? hash : 1;
}

/* Adds a text with its end. */
static uint64_t add_to_hash(uint64_t hash, const char *text) {
    return document_add_to_hash(hash, text, strlen(text));
}

/* ---- labels -----------------------------------------------------------------------------------
 */

/* True for a label's key. */
static bool is_key(const char *text, size_t length) {
    static const char allowed[] =
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-./";
    return length > 0 && length <= 64 && strspn(text, allowed) >= length;
}

bool document_check_labels(const char *command, const char *labels) {
    int count = 0;
    for (const char *at = labels; at && *at; count++) {
        size_t line = strcspn(at, "\n"), key = strcspn(at, "=\n");
        if (at[key] != '=' || !is_key(at, key) || line - key > DOCUMENT_LINE_BYTES) {
            view_error("%s --label %.*s: KEY=VALUE was expected, the key of letters, digits and "
                       "_-./, at most 64 of them, the value of at most %d bytes",
                       command, (int)(line < 200 ? line : 200), at, DOCUMENT_LINE_BYTES - 1);
            return false;
        }
        at += line + (at[line] == '\n');
    }
    if (count > LABELS)
        view_error("%s: %d labels were given; at most %d are taken", command, count, LABELS);
    return count <= LABELS;
}

json_t *document_labels(const char *labels) {
    json_t *object = json_object();
    for (const char *at = labels; at && *at;) {
        size_t line = strcspn(at, "\n"), length = strcspn(at, "=\n");
        char *key = strndup(at, length);
        char *value = at[length] == '=' ? strndup(at + length + 1, line - length - 1) : NULL;
        if (key && value)
            hak_json_set(object, TEXT(key, value));
        free(key);
        free(value);
        at += line + (at[line] == '\n');
    }
    return object;
}

/* ---- a run ------------------------------------------------------------------------------------
 */

/* The sums of all programs of the capture, as far as they are stored. */
static json_t *make_summary(struct view *view) {
    const struct hak_store_summary *summary = &view->summary;
    struct hak_heap heap = {0};
    json_t *object =
        hak_json_object(NUMBER("events", summary->events), NUMBER("processes", summary->processes),
                        NUMBER("lost_events", summary->lost_events), NUMBER("ns", summary->last_ns),
                        FLAG("ended_early", summary->ended_early));
    hak_json_set_missed(object, &summary->missed);
    if (hak_heap_read(view->reader, 0, 0, 0, &heap) == 1) {
        uint64_t calls = 0, bytes = 0, live = 0, peak = 0;
        for (uint32_t i = 0; i < heap.rows; i++) {
            calls += heap.row[i].came.blocks;
            bytes += heap.row[i].came.bytes;
            live += heap.row[i].live.bytes;
        }
        for (uint32_t i = 0; i < heap.processes; i++)
            if (heap.process[i].peak_bytes > peak)
                peak = heap.process[i].peak_bytes;
        hak_json_set(object, NUMBER("allocations", calls), NUMBER("allocated_bytes", bytes),
                     NUMBER("live_bytes", live));
        hak_json_set(object, NUMBER("peak_bytes", peak)); /* of the greatest process */
    }
    hak_heap_free(&heap);
    return object;
}

char *document_build(const struct hak_database *db, const char *path) {
    struct hak_query q =
        hak_ask(db, "SELECT build_id FROM image WHERE path = ?1 ORDER BY id", "reading modules");
    hak_query_bind_text(&q, 1, path);
    char *build = strdup(hak_query_next(&q) ? hak_query_text(&q, 0) : "");
    hak_query_end(&q);
    return build;
}

/* One in how many allocations was watched, from the counts of level light; 1 = all, or it is not
 * known. */
static double rate_of(struct view *view) {
    const struct hak_database *db = hak_store_database(view->reader);
    uint64_t blocks = hak_database_number(db,
                                          "SELECT sum(CAST(value AS INTEGER)) FROM meta"
                                          " WHERE key GLOB 'watched_blocks.*'",
                                          0);
    uint64_t calls = hak_database_number(db,
                                         "SELECT sum(CAST(value AS INTEGER)) FROM meta"
                                         " WHERE key GLOB 'watched_calls.*'",
                                         0);
    return blocks && calls > blocks ? (double)calls / (double)blocks : 1.0;
}

/* Only the first run has a summary, and only when the capture has ended: it is not changed later.
 */
static bool has_summary(const struct making *m) {
    return json_array_size(m->runs) == 0 && !m->view->summary.being_written;
}

/* The run of process `row`, to which `q` stands: pid, start_time, program, command_line. */
static json_t *make_run(struct making *m, const struct hak_query *q) {
    json_t *run = json_object();
    const char *program = hak_query_text(q, 3);
    char *build = document_build(hak_store_database(m->view->reader), program);
    uint64_t hash = document_begin_hash();
    char number[64];
    snprintf(number, sizeof number, "%llu %llu %llu", (unsigned long long)m->started_ns,
             (unsigned long long)hak_query_count(q, 1), (unsigned long long)hak_query_count(q, 2));
    hash = add_to_hash(hash, m->host);
    hash = add_to_hash(hash, m->tree ? m->tree : "");
    hash = add_to_hash(add_to_hash(hash, number), program);
    hak_json_set(run, NUMBER("run", document_end_hash(hash)),
                 NUMBER("at_us", m->started_ns / 1000));
    set_text(m, run, "host", m->host, DOCUMENT_LINE_BYTES);
    hak_json_set(run, NUMBER("pid", hak_query_count(q, 1)));
    set_text(m, run, "program", program, DOCUMENT_COMMAND_BYTES);
    set_text(m, run, "command", hak_query_text(q, 4), DOCUMENT_COMMAND_BYTES);
    set_text(m, run, "build", build ? build : "", DOCUMENT_LINE_BYTES);
    set_text(m, run, "version", m->version, DOCUMENT_LINE_BYTES);
    set_text(m, run, "level", m->level ? m->level : "", DOCUMENT_LINE_BYTES);
    hak_json_set(run, TEXT("hakmem", HAK_VERSION), JSON("rate", json_real(m->rate)));
    json_object_set(run, "labels", m->labels);
    hak_json_set(run, NUMBER("capture", m->capture),
                 JSON("summary", has_summary(m) ? make_summary(m->view) : json_object()),
                 JSON("findings", json_array()));
    free(build);
    return run;
}

/* The run of `process`; NULL: there are too many, or it cannot be read. */
static json_t *run_of(struct making *m, uint32_t process) {
    struct hak_query q = hak_ask(hak_store_database(m->view->reader),
                                 "SELECT id, pid, start_time, program, command_line FROM process"
                                 " WHERE id = ?1",
                                 "reading processes", process);
    json_t *run = NULL;
    size_t count = json_array_size(m->runs);
    if (hak_query_next(&q)) {
        size_t i = 0;
        while (i < count && strcmp(m->program[i], hak_query_text(&q, 3)) != 0)
            i++;
        if (i == count && count < DOCUMENT_RUNS &&
            (m->program[i] = strdup(hak_query_text(&q, 3))) != NULL)
            json_array_append_new(m->runs, make_run(m, &q));
        run = json_array_get(m->runs, i);
    }
    hak_query_end(&q);
    return run;
}

/* ---- a finding --------------------------------------------------------------------------------
 */

/* The address that the fault's report names; 0: none, or it is a leak. */
static uint64_t address_of(struct view *view, const struct finding *one) {
    if (one->kind == FINDING_LEAK)
        return 0;
    char *text = hak_database_text(hak_store_database(view->reader),
                                   "SELECT json FROM fault WHERE id = ?1", one->row);
    json_t *document = text ? json_loads(text, 0, NULL) : NULL;
    const char *address = hak_json_string(json_object_get(document, "fault"), "address");
    uint64_t value = strtoull(address, NULL, 16);
    json_decref(document);
    free(text);
    return value <= INT64_MAX ? value : 0;
}

/* Sets the report without colours, cut where it or all are too long. */
static void set_report(struct making *m, json_t *object, const struct finding *one) {
    struct view plain = *m->view; /* without colours */
    struct hak_text text = {0};
    plain.color = false;
    if (m->report_bytes < REPORTS_BYTES)
        finding_add_report(&text, &plain, one);
    else
        m->cut++;
    set_text(m, object, "report", hak_text_string(&text), REPORT_BYTES);
    m->report_bytes += text.length;
    hak_text_free(&text);
}

/* Adds a finding to its run: numbers, name, headline, place and report, long texts cut. */
static void add_finding_json(struct making *m, json_t *run, const struct finding *one) {
    json_t *object = json_object(), *list = json_object_get(run, "findings");
    struct hak_text place = {0};
    const struct hak_frame *frame = finding_place(one);
    if (frame) {
        hak_text_add(&place, "%s", finding_is_at_allocation(one) ? "allocated " : "");
        hak_words_add_place(&place, frame, 1);
    }
    hak_json_set(
        object,
        NUMBER("number", json_array_size(list) + (one->kind == FINDING_LEAK ? LEAK_NUMBERS : 0)),
        TEXT("fingerprint", one->fingerprint), NUMBER("code", one->code), TEXT("name", one->name));
    set_text(m, object, "headline", one->headline, DOCUMENT_LINE_BYTES);
    set_text(m, object, "place", place.length ? hak_text_string(&place) : "??",
             DOCUMENT_LINE_BYTES);
    hak_json_set(object, NUMBER("count", one->blocks ? one->blocks : 1),
                 NUMBER("address", address_of(m->view, one)));
    set_report(m, object, one);
    hak_text_free(&place);
    json_array_append_new(list, object);
    m->found++;
}

/* ---- the document -----------------------------------------------------------------------------
 */

uint64_t document_late_fault(const struct hak_database *db) {
    uint64_t row = hak_database_number(db,
                                       "SELECT CAST(value AS INTEGER) FROM meta"
                                       " WHERE key = 'late_fault'",
                                       0);
    return row ? row : UINT64_MAX;
}

/* Of a capture that is being written: leaks may be added, and names to faults. */
static bool is_early(const struct finding *one, uint64_t late_fault) {
    return one->kind == FINDING_LEAK || one->row >= late_fault;
}

/* Adds the findings that are not suppressed, at most DOCUMENT_FINDINGS; the first process's run
 * comes first. */
static void add_all(struct making *m) {
    uint64_t late_fault = document_late_fault(hak_store_database(m->view->reader));
    uint32_t first = (uint32_t)hak_database_number(hak_store_database(m->view->reader),
                                                   "SELECT min(id) FROM process", 0);
    (void)run_of(m, first);
    for (uint32_t i = 0; i < m->findings->count; i++) {
        const struct finding *one = &m->findings->list[i];
        if (one->state == FINDING_SUPPRESSED ||
            (m->view->summary.being_written && is_early(one, late_fault)))
            continue;
        json_t *run = m->found < DOCUMENT_FINDINGS ? run_of(m, one->process) : NULL;
        if (run)
            add_finding_json(m, run, one);
        else
            m->left_out++;
    }
}

/* The name that was given, since a container's own says nothing. */
const char *document_host(const struct view *view, const char *own) {
    const char *given = view_value(view, "host");
    if (!given)
        given = view_variable_value(view, "HOST");
    return given && *given ? given : own;
}

char *document_make(struct view *view, const struct findings *findings, const char *url,
                    const char *labels, uint64_t capture) {
    const struct hak_database *db = hak_store_database(view->reader);
    struct utsname machine = {0};
    struct making m = {.view = view, .findings = findings, .capture = capture};
    (void)uname(&machine);
    m.host = document_host(view, machine.nodename);
    m.tree = hak_database_meta(db, "tree");
    m.level = hak_database_meta(db, "check");
    m.started_ns = hak_database_number(db,
                                       "SELECT CAST(value AS INTEGER) FROM meta"
                                       " WHERE key = 'started'",
                                       0);
    m.rate = rate_of(view);
    m.labels = document_labels(labels);
    m.version = hak_json_string(m.labels, "version");
    m.runs = json_array();
    add_all(&m);
    json_t *document = hak_json_object(NUMBER("hakmem_push", 1), TEXT("to", url),
                                       NUMBER("left_out", m.left_out), NUMBER("cut", m.cut));
    for (size_t i = 0; i < json_array_size(m.runs); i++)
        free(m.program[i]);
    hak_json_set(document, JSON("runs", m.runs));
    char *text = hak_json_dump(document, JSON_COMPACT);
    json_decref(document);
    json_decref(m.labels);
    free(m.tree);
    free(m.level);
    return text;
}
