/* Findings as JUnit XML, the form that every CI service reads: a suite for each program of the
 * capture, a case for each finding, one that passes where there is none. */
#include "viewer/findings/findings.h"

#include <stdlib.h>
#include <string.h>
#include "report/words/words.h"
#include "base/growing.h"
#include "viewer/findings/xml.h"

/* A program that ran, with all of its processes. */
struct suite {
    char *program;
    uint64_t ns; /* the longest of its processes */
    uint32_t processes;
};

struct suites {
    struct suite *list;
    uint32_t count, capacity;
    char started[32]; /* of the capture, as in 2026-11-20T18:00:00 */
};

/* The program's suite; NULL without memory. */
static struct suite *find_or_add_suite(struct suites *suites, const char *program) {
    for (size_t i = 0; i < suites->count; i++)
        if (strcmp(suites->list[i].program, program) == 0)
            return &suites->list[i];
    char *name;
    if (!hak_growing_make_room(&suites->list, suites->count, &suites->capacity,
                               sizeof *suites->list) ||
        !(name = strdup(program)))
        return NULL;
    suites->list[suites->count] = (struct suite){.program = name};
    return &suites->list[suites->count++];
}

/* A suite for each program, with its time, and when the capture began. False, and said. */
static bool gather_suites(struct view *view, const struct findings *findings, struct suites *out) {
    if (!view->reader) { /* nothing was recorded, and nothing found */
        struct suite *suite = find_or_add_suite(out, hak_words_path(view->argument[0], 1, false));
        return suite != NULL;
    }
    const struct hak_database *database = hak_store_database(view->reader);
    struct hak_query q = hak_ask(database,
                                 "SELECT program, CASE WHEN end_ns > start_ns THEN end_ns -"
                                 " start_ns ELSE 0 END FROM process ORDER BY id",
                                 "reading processes");
    bool good = true;
    while (good && hak_query_next(&q)) {
        struct suite *suite =
            find_or_add_suite(out, hak_words_path(hak_query_text(&q, 0), 1, false));
        uint64_t ns = hak_query_number(&q, 1);
        good = suite != NULL;
        if (good) {
            suite->ns = ns > suite->ns ? ns : suite->ns;
            suite->processes++;
        }
    }
    good = hak_query_end(&q) == 0 && good;
    char *started =
        hak_database_text(database,
                          "SELECT strftime('%Y-%m-%dT%H:%M:%S', CAST(value AS INTEGER) /"
                          " 1000000000, 'unixepoch') FROM meta WHERE key = 'started'",
                          0);
    snprintf(out->started, sizeof out->started, "%s", started ? started : "");
    free(started);
    for (size_t i = 0; good && i < findings->count; i++)
        good = find_or_add_suite(out, findings->list[i].program) != NULL;
    return good;
}

static void free_suites(struct suites *suites) {
    for (size_t i = 0; i < suites->count; i++)
        free(suites->list[i].program);
    free(suites->list);
}

static bool is_same(const struct finding *a, const struct finding *b) {
    return strcmp(a->program, b->program) == 0 && strcmp(a->fingerprint, b->fingerprint) == 0;
}

/* Whether the same finding in a process before is that test case already. */
static bool has_earlier_same(const struct findings *findings, size_t i) {
    for (size_t k = 0; k < i; k++)
        if (is_same(&findings->list[k], &findings->list[i]))
            return true;
    return false;
}

/* The number of processes that have the finding. One process may have it more than once: leaks of
 * several stacks that share their innermost functions. */
static size_t processes_of(const struct findings *findings, size_t i) {
    size_t count = 0;
    for (size_t k = i; k < findings->count; k++) {
        bool is_counted = !is_same(&findings->list[k], &findings->list[i]);
        for (size_t before = i; before < k && !is_counted; before++)
            is_counted = findings->list[before].process == findings->list[k].process &&
                         is_same(&findings->list[before], &findings->list[i]);
        count += !is_counted;
    }
    return count;
}

static void number_attribute(struct xml *xml, const char *name, size_t value) {
    struct hak_text text = {0};
    hak_text_add(&text, "%zu", value);
    xml_attribute(xml, name, text.bytes ? text.bytes : "0");
    hak_text_free(&text);
}

static void seconds_attribute(struct xml *xml, uint64_t ns) {
    struct hak_text text = {0};
    hak_text_add(&text, "%.3f", (double)ns / 1e9);
    xml_attribute(xml, "time", text.bytes ? text.bytes : "0");
    hak_text_free(&text);
}

/* Names the test case "double-free in close_all (server.c)": without what changes from run to run,
 * since services tell cases apart by it. */
static void name_case(struct xml *xml, const struct finding *one) {
    struct hak_text name = {0};
    hak_text_add(&name, "%s%s", one->name, finding_relation(one));
    finding_add_place(&name, one);
    hak_text_add(&name, " [%s]", one->fingerprint);
    xml_attribute(xml, "name", name.bytes ? name.bytes : one->name);
    hak_text_free(&name);
}

/* The file and line of the finding's first frame in the sources. */
static void add_place_attributes(struct xml *xml, struct view *view, const struct finding *one) {
    int at = sources_find_frame(view, one);
    if (at < 0)
        return;
    const struct hak_frame *frame = &one->stacks[0].frames.frame[at];
    struct hak_text path = {0};
    sources_add_path(&path, view, frame->file);
    xml_attribute(xml, "file", hak_text_string(&path));
    if (frame->line > 0)
        number_attribute(xml, "line", frame->line);
    hak_text_free(&path);
}

/* A test case that failed, or was skipped if the finding is known or reported only. */
static void add_case(struct xml *xml, struct view *view, const struct findings *findings, size_t i,
                     const char *class_name) {
    const struct finding *one = &findings->list[i];
    xml_open(xml, "testcase");
    xml_attribute(xml, "classname", class_name);
    name_case(xml, one);
    seconds_attribute(xml, one->ns);
    add_place_attributes(xml, view, one);
    if (finding_is_new(one)) {
        xml_open(xml, one->kind == FINDING_CRASH ? "error" : "failure");
        struct hak_text text = {0}, message = {0};
        finding_add_message(&message, one);
        xml_attribute(xml, "message", hak_text_string(&message));
        xml_attribute(xml, "type", one->name);
        hak_text_free(&message);
        hak_text_add_lines(&text, one->report[0] ? one->report : one->headline);
        size_t count = processes_of(findings, i);
        if (count > 1)
            hak_text_add(&text, "\nFound in %s.\n", hak_words_count(count, "process", "processes"));
        xml_text(xml, text.bytes ? text.bytes : one->headline);
        hak_text_free(&text);
    } else {
        struct hak_text why = {0};
        xml_open(xml, "skipped");
        if (one->state == FINDING_NEW)
            hak_text_add(&why, "reported only, --leaks=error or --ci counts it as a fault: %s",
                         one->headline);
        else
            hak_text_add(&why, "known by the %s%s%s: %s",
                         one->state == FINDING_BASELINE ? "baseline" : "suppression",
                         one->known_by[0] ? ", " : "", one->known_by, one->headline);
        xml_attribute(xml, "message", why.bytes ? why.bytes : "known");
        hak_text_free(&why);
    }
    xml_close(xml);
    xml_close(xml);
}

struct sums {
    size_t cases, failures, errors, skipped;
};

/* How many cases of the program failed or were skipped. */
static struct sums sum_up(const struct findings *findings, const char *program) {
    struct sums sums = {0};
    for (size_t i = 0; i < findings->count; i++) {
        const struct finding *one = &findings->list[i];
        if (strcmp(one->program, program) != 0 || has_earlier_same(findings, i))
            continue;
        sums.cases++;
        if (!finding_is_new(one))
            sums.skipped++;
        else if (one->kind == FINDING_CRASH)
            sums.errors++;
        else
            sums.failures++;
    }
    return sums;
}

static void sum_attributes(struct xml *xml, const struct sums *sums) {
    number_attribute(xml, "tests", sums->cases);
    number_attribute(xml, "failures", sums->failures);
    number_attribute(xml, "errors", sums->errors);
    number_attribute(xml, "skipped", sums->skipped);
}

/* A program's suite: its findings, or one case that passed. */
static void add_suite(struct xml *xml, struct view *view, const struct findings *findings,
                      const struct suite *suite, const char *started) {
    struct hak_text class_name = {0};
    struct sums sums = sum_up(findings, suite->program);
    bool is_clean = sums.cases == 0;
    sums.cases += is_clean;
    hak_text_add(&class_name, "hakmem.%s", suite->program);
    const char *name = class_name.bytes ? class_name.bytes : "hakmem";
    xml_open(xml, "testsuite");
    xml_attribute(xml, "name", name);
    sum_attributes(xml, &sums);
    seconds_attribute(xml, suite->ns);
    if (started[0])
        xml_attribute(xml, "timestamp", started);
    for (size_t i = 0; i < findings->count; i++)
        if (strcmp(findings->list[i].program, suite->program) == 0 &&
            !has_earlier_same(findings, i))
            add_case(xml, view, findings, i, name);
    if (is_clean) {
        xml_open(xml, "testcase");
        xml_attribute(xml, "classname", name);
        xml_attribute(xml, "name", "no heap fault");
        seconds_attribute(xml, suite->ns);
        xml_close(xml);
    }
    xml_close(xml);
    hak_text_free(&class_name);
}

char *findings_junit(struct view *view, const struct findings *findings) {
    struct suites suites = {0};
    struct sums all = {0};
    struct xml xml = {0};
    if (!gather_suites(view, findings, &suites)) {
        free_suites(&suites);
        return NULL;
    }
    for (size_t i = 0; i < suites.count; i++) {
        struct sums one = sum_up(findings, suites.list[i].program);
        all.cases += one.cases ? one.cases : 1;
        all.failures += one.failures;
        all.errors += one.errors;
        all.skipped += one.skipped;
    }
    xml_open(&xml, "testsuites");
    xml_attribute(&xml, "name", "hakmem");
    sum_attributes(&xml, &all);
    for (size_t i = 0; i < suites.count; i++)
        add_suite(&xml, view, findings, &suites.list[i], suites.started);
    xml_close(&xml);
    free_suites(&suites);
    return xml_take(&xml);
}
