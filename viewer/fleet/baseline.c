/* `fleet baseline FILE`: puts the findings into the file that `run --baseline` reads. */
#include <limits.h>
#include <string.h>
#include "report/known/known.h"
#include "report/words/words.h"
#include "viewer/fleet/findings.h"

struct writing {
    struct hak_baseline *baseline;
    uint64_t added, seen, all; /* of the server's findings those that came, and all that match */
    bool failed;
};

/* Adds a finding of the server to the baseline, if it is not in it. */
static void write_baseline_entry(void *context, const struct fleet_finding *f) {
    struct writing *writing = context;
    struct hak_text day = {0};
    const char *slash = strrchr(f->program, '/');
    writing->seen++;
    writing->all = f->all;
    if (hak_baseline_find(writing->baseline, f->fingerprint))
        return;
    hak_text_add(&day, "%.10s", fleet_time(f->first.seconds));
    if (hak_baseline_add(writing->baseline, f->fingerprint, f->name, f->place,
                         slash ? slash + 1 : f->program, hak_text_string(&day)))
        writing->added++;
    else
        writing->failed = true;
    hak_text_free(&day);
}

/* Prints how many entries there are. Returns the exit status. */
static int print_baseline(const struct fleet *fleet, const struct writing *writing,
                          const char *path) {
    if (fleet->view->json) {
        return fleet_print_document(hak_json_set(
            fleet_document(fleet, "baseline"), TEXT("baseline", path),
            NUMBER("entries", writing->baseline->count), NUMBER("added", writing->added)));
    }
    struct hak_text text = {0};
    hak_text_add(&text, "%s: %s, %s of them new\n", path,
                 hak_words_count(writing->baseline->count, "finding", "findings"),
                 hak_words_number(writing->added));
    return view_print(&text) ? VIEW_OK : VIEW_UNREADABLE;
}

/* fleet baseline FILE: adds the server's findings to the file. Returns the exit status. */
int fleet_baseline(struct view *view) {
    static char error[2 * PATH_MAX];
    struct fleet fleet = {0};
    struct writing writing = {0};
    const char *path = view->argument_count > 1 ? view->argument[1] : NULL;
    if (!path) {
        view_error("fleet baseline: which FILE is written? `run --baseline FILE` reads it");
        return VIEW_USAGE;
    }
    writing.baseline = hak_baseline_load(path, true, error, sizeof error);
    if (!writing.baseline) {
        view_error("%s", error);
        return VIEW_UNREADABLE;
    }
    int status = fleet_open(&fleet, view, FLEET_ROWS_MAX, false);
    if (!status)
        status = fleet_read_findings(&fleet, NULL, write_baseline_entry, &writing);
    if (!status && (writing.failed || !hak_baseline_write(writing.baseline, error, sizeof error))) {
        view_error("%s", writing.failed ? "out of memory" : error);
        status = VIEW_UNREADABLE;
    }
    if (!status && writing.seen < writing.all)
        view_error("fleet baseline: %s of %s were added; the others are beyond --limit",
                   hak_words_number(writing.seen),
                   hak_words_count(writing.all, "finding", "findings"));
    if (!status)
        status = print_baseline(&fleet, &writing, path);
    hak_baseline_free(writing.baseline);
    fleet_close(&fleet);
    return status;
}
