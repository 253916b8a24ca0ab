/* `import`: makes a store of the files of programs that found no collector. */
#include "viewer/record/record.h"
#include "viewer/capture/capture.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "report/words/words.h"
#include "collector/import/import.h"
#include "viewer/record/run.h"

/* Chooses the store's path: that of -s, else that of the first file with .db for .rings. False, and
 * said. */
static bool choose_store(const struct view *view, char *path, size_t bytes) {
    const char *given = view_value(view, "store"), *from = given ? given : view->argument[0];
    char here[PATH_MAX] = "";
    if (from[0] != '/' && !getcwd(here, sizeof here)) {
        view_error("import: the current directory cannot be found: %s", strerror(errno));
        return false;
    }
    size_t length = strlen(from), stem = length;
    if (!given && length > 6 && strcmp(from + length - 6, ".rings") == 0)
        stem = length - 6;
    if (snprintf(path, bytes, "%s%s%.*s%s", here, from[0] == '/' ? "" : "/", (int)stem, from,
                 given ? "" : ".db") < (int)bytes)
        return true;
    view_error("import: the store's path is too long; name a shorter one with -s FILE");
    return false;
}

/* Prints what was imported in one line: events, processes, losses, faults, store. */
static bool print_import_lines(const struct view *view, uint64_t unreported) {
    uint64_t faults = view->summary.faults;
    struct hak_text text = {0};
    hak_text_add(&text, "%s of ", hak_words_count(view->summary.events, "event", "events"));
    hak_text_add(&text, "%s, ", hak_words_count(view->summary.processes, "process", "processes"));
    if (view->summary.lost_events)
        hak_text_add(&text, "%s lost, ", hak_words_number(view->summary.lost_events));
    if (hak_words_add_missed(&text, &view->summary.missed))
        hak_text_add(&text, ", ");
    hak_text_add(&text, "%s",
                 faults || unreported ? hak_words_count(faults, "fault", "faults") : "no fault");
    if (unreported)
        hak_text_add(&text, ", %s without a report", hak_words_number(unreported));
    hak_text_add(&text, ": ");
    hak_text_add(&text, "%s\n", view->store_path);
    return view_print(&text);
}

static bool print_import_json(struct view *view, uint64_t unreported) {
    json_t *document = hak_json_set(
        view_json_document(view), NUMBER("files", view->argument_count),
        NUMBER("events", view->summary.events), NUMBER("lost", view->summary.lost_events),
        NUMBER("processes", view->summary.processes), NUMBER("faults", view->summary.faults),
        NUMBER("unreported", unreported));
    hak_json_set_missed(document, &view->summary.missed);
    return view_print_json(hak_json_print(document));
}

int command_import(struct view *view) {
    static struct hak_import import;
    import.replace_store = view_given(view, "force");
    if (!choose_store(view, import.store_path, sizeof import.store_path) ||
        !run_check_store(view, import.store_path))
        return VIEW_USAGE;
    enum hak_import_state state = hak_import_files(&import, view->argument, view->argument_count);
    if (state != HAK_IMPORT_DONE) {
        view_error("import: %s", import.why);
        return state == HAK_IMPORT_UNREADABLE ? VIEW_UNREADABLE : VIEW_USAGE;
    }
    if (import.note[0])
        view_error("import: %s", import.note);
    view->store_path = strdup(import.store_path);
    if (!view->store_path || hak_store_open(import.store_path, &view->reader) != 0 ||
        hak_store_summarise(view->reader, &view->summary) != 0) {
        view_error("import: the store that was written cannot be read: %s", hak_store_message());
        return VIEW_UNREADABLE;
    }
    uint64_t unreported;
    int error = view_count_unreported(view, 0, &unreported);
    if (error)
        return error;
    if (!(view->json ? print_import_json(view, unreported) : print_import_lines(view, unreported)))
        return VIEW_USAGE;
    const struct hak_store_summary *summary = &view->summary;
    return unreported || summary->lost_events || hak_missed_has_events(&summary->missed)
               ? VIEW_INCOMPLETE
               : VIEW_OK;
}
