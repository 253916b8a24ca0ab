/* `run` in a CI job: the files written beside the store, and the words at the end. */
#include "viewer/capture/capture.h"
#include "viewer/record/run.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "report/words/words.h"

#define FINDINGS_NAMED 10 /* findings that are listed at the end; the files have all */

/* The files that say what is known have to be readable before anything is started, and a baseline
 * that does not exist yet writable. */
static bool check_known(const struct view *view, bool may_make, struct run_ci *ci) {
    struct findings known = {.may_lack_baseline = may_make};
    bool good = findings_load_known(view, &known);
    if (good && known.baseline && known.baseline->is_missing) {
        static char path[RUN_CI_PATH];
        snprintf(ci->baseline, sizeof ci->baseline, "%s",
                 run_settle_value("BASELINE", known.baseline->path, path));
        good = run_check_log(ci->baseline);
    }
    findings_free(&known);
    return good;
}

bool run_ci_check(const struct view *view, bool may_make, struct run_ci *ci) {
    *ci = (struct run_ci){.service = ANNOTATIONS_NONE};
    return annotations_read_option(view, &ci->service) && check_known(view, may_make, ci);
}

void run_ci_beside(const char *store, const char *suffix, char *out, size_t bytes) {
    size_t length = strlen(store);
    if (length > 3 && strcmp(store + length - 3, ".db") == 0)
        length -= 3;
    snprintf(out, bytes, "%.*s%s", (int)length, store, suffix);
}

/* Settles the path of one file, that of the option or `store` with the suffix; "" = it is not
 * wanted. False, and said: nothing can be written there. */
static bool settle_file(const struct view *view, pid_t pid, const char *store, const char *option,
                        const char *suffix, bool wanted, char *out) {
    const char *given = option ? view_value(view, option) : NULL;
    if (given && given[0]) {
        if (!run_expand_path(given, view->argument[0], pid, out, RUN_CI_PATH))
            return false;
    } else if (wanted) {
        run_ci_beside(store, suffix, out, RUN_CI_PATH);
    }
    return !out[0] || run_check_log(out);
}

bool run_ci_settle(const struct view *view, pid_t pid, const char *store, struct run_ci *ci) {
    bool all = view_given(view, "ci");
    return settle_file(view, pid, store, "junit", ".junit.xml", all, ci->junit) &&
           settle_file(view, pid, store, "sarif", ".sarif", all, ci->sarif) &&
           settle_file(view, pid, store, NULL, ".codequality.json",
                       ci->service == ANNOTATIONS_GITLAB, ci->quality);
}

/* Is it the same as one before: from another process, or of a stack that differs further out? */
static bool is_repeated(const struct findings *findings, size_t i) {
    const struct finding *one = &findings->list[i];
    for (size_t k = 0; k < i; k++)
        if (findings->list[k].state == one->state && findings->list[k].kind == one->kind &&
            strcmp(findings->list[k].fingerprint, one->fingerprint) == 0 &&
            strcmp(findings->list[k].program, one->program) == 0)
            return true;
    return false;
}

/* Adds the finding's line: fingerprint, name, function and place, program. */
static void add_finding(struct hak_text *text, const struct finding *one) {
    const struct hak_frame *frame = finding_place(one);
    hak_text_add(text, "hakmem:   %s  %s%s", one->fingerprint, one->name, finding_relation(one));
    hak_words_add_function(text, frame ? frame->function : "");
    if (frame) {
        hak_text_add(text, " ");
        hak_words_add_location(text, frame, 1);
    }
    hak_text_add(text, " (%s)", one->program);
    finding_add_growth(text, one);
    hak_text_add(text, "\n");
}

/* Prints the new findings on stderr, at most FINDINGS_NAMED of them, and how much was checked. */
static void list_new(struct view *view, const struct findings *findings) {
    struct hak_text text = {0};
    size_t count = 0;
    const char *known = findings->baseline ? " that the baseline does not know" : "";
    for (size_t i = 0; i < findings->count; i++) {
        const struct finding *one = &findings->list[i];
        if (!finding_is_new(one) || one->kind == FINDING_CRASH || is_repeated(findings, i))
            continue;
        if (count++ < FINDINGS_NAMED)
            add_finding(&text, one);
    }
    if (count > FINDINGS_NAMED)
        hak_text_add(&text, "hakmem:   ... and %s\n",
                     hak_words_count(count - FINDINGS_NAMED, "more", "more"));
    view_write(stderr, "hakmem: %s%s:\n", hak_words_count(count, "finding", "findings"), known);
    view_print_to(stderr, &text);
    struct hak_text looked = {0};
    struct view_checked checked;
    if (view_read_checked(view, &checked) == 0) {
        run_say_unscanned(view, &checked);
        view_add_checked(&looked, &checked);
        view_write(stderr, "hakmem: %s\n", hak_text_string(&looked));
    }
    hak_text_free(&looked);
}

/* Names on stderr the files that were written: log, reports and store. */
static void list_files(const struct view *view, const struct run_ci *ci) {
    char log[RUN_CI_PATH];
    const char *separator = "";
    run_ci_beside(view->store_path, ".log", log, sizeof log);
    if (access(log, F_OK) != 0)
        log[0] = '\0'; /* nothing could be written there, and the report went to stderr */
    const char *paths[] = {view_variable_value(view, "LOG") ? "" : log, ci->junit, ci->sarif,
                           ci->quality, view->store_path};
    view_write(stderr, "hakmem: ");
    for (size_t i = 0; i < sizeof paths / sizeof *paths; i++) {
        if (!paths[i][0])
            continue;
        view_write(stderr, "%s%s", separator, view_path_from_here(paths[i]));
        separator = ", ";
    }
    view_write(stderr, "\n");
}

/* A file that could not be written is not named later. */
static bool write_result(char *path, char *document) {
    if (findings_write_file(path, document))
        return true;
    path[0] = '\0';
    return false;
}

/* Writes the baseline that did not exist, or adds to the one that another run made meanwhile, and
 * says so. False: printed. */
static bool make_baseline(const char *path, const struct findings *findings) {
    static char error[RUN_CI_PATH + 512];
    size_t added = 0;
    struct hak_baseline *to = hak_baseline_load(path, true, error, sizeof error);
    bool good = to && findings_add_to_baseline(findings, to, false, &added);
    if (good && !hak_baseline_write(to, error, sizeof error))
        good = false;
    if (good)
        view_write(stderr, "hakmem: %s did not exist; it was made with %s%s\n",
                   view_path_from_here(path), hak_words_count(added, "finding", "findings"),
                   added == 0   ? ""
                   : added == 1 ? ": the next run knows it"
                                : ": the next run knows them");
    else if (error[0])
        view_error("%s", error);
    hak_baseline_free(to);
    return good;
}

bool run_ci_finish(struct view *view, struct run_ci *ci, const struct findings *findings) {
    bool good = true;
    if (ci->junit[0])
        good &= write_result(ci->junit, findings_junit(view, findings));
    if (ci->sarif[0])
        good &= write_result(ci->sarif, findings_sarif(view, findings));
    if (ci->quality[0])
        good &= write_result(ci->quality, findings_code_quality(view, findings));
    struct hak_text lines = {0};
    annotations_add(&lines, view, findings, ci->service);
    FILE *to = view->json ? stderr : stdout;
    view_print_to(to, &lines);
    fflush(to);
    if (view_given(view, "ci") && findings_count_new(findings) > 0) {
        list_new(view, findings);
        list_files(view, ci);
    }
    if (ci->baseline[0])
        good &= make_baseline(ci->baseline, findings);
    return good;
}
