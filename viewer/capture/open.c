/* Finds and opens the capture, and says what is wrong with it or missing from it. */
#include "viewer/capture/capture.h"

#include <errno.h>
#include <glob.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "report/words/words.h"
#include "store/error.h"
#include "store/source.h"

struct candidate {
    const char *path;
    struct timespec changed;
};

/* The file changed last first. */
static int newest_first(const void *a, const void *b) {
    const struct candidate *x = a, *y = b;
    if (x->changed.tv_sec != y->changed.tv_sec)
        return x->changed.tv_sec < y->changed.tv_sec ? 1 : -1;
    if (x->changed.tv_nsec != y->changed.tv_nsec)
        return x->changed.tv_nsec < y->changed.tv_nsec ? 1 : -1;
    return strcmp(x->path, y->path);
}

/* Says that there is no capture here, and where it was looked for. */
static void none_here(size_t looked_at) {
    char *here = getcwd(NULL, 0);
    if (looked_at > 0)
        view_error("no capture here: %s hakmem.*.db in %s, but none is a hakmem store",
                   hak_words_count(looked_at, "file is called", "files are called"),
                   here ? here : ".");
    else
        view_error("no capture here: looked for hakmem.*.db in %s", here ? here : ".");
    view_write(stderr,
               "Record one with `hakmem-trace run -- PROGRAM`, or name one with -s FILE.\n");
    free(here);
}

/* Opens the newest store among hakmem.*.db; other files of that name are passed over. */
static int open_newest(struct view *view) {
    glob_t found;
    size_t count = glob("hakmem.*.db", 0, NULL, &found) == 0 ? found.gl_pathc : 0;
    struct candidate *list = calloc(count + 1, sizeof *list);
    int status = VIEW_UNREADABLE, error = HAK_STORE_MISSING;
    for (size_t i = 0; list && i < count; i++) {
        struct stat about;
        list[i].path = found.gl_pathv[i];
        if (stat(list[i].path, &about) == 0)
            list[i].changed = about.st_mtim;
    }
    if (list)
        qsort(list, count, sizeof *list, newest_first);
    for (size_t i = 0; list && i < count; i++) {
        error = hak_store_open(list[i].path, &view->reader);
        if (error == HAK_STORE_FOREIGN || error == HAK_STORE_MISSING)
            continue;
        view->store_path = strdup(list[i].path);
        status = error == 0 ? 0 : view_store_error(view, error);
        break;
    }
    if (error == HAK_STORE_FOREIGN || error == HAK_STORE_MISSING)
        none_here(count);
    free(list);
    if (count > 0)
        globfree(&found);
    return status;
}

static char *failure; /* what view_fail told last */

void view_fail(const char *message) {
    view_error("%s", message);
    free(failure);
    failure = strdup(message);
}

int view_question_status(void) {
    return view_failure() ? VIEW_UNREADABLE : VIEW_USAGE;
}

const char *view_failure(void) {
    return failure;
}

int view_store_error(const struct view *view, int error) {
    bool is_file = !view->store_path || !hak_source_is_url(view->store_path);
    if (error == HAK_STORE_STOPPED)
        return VIEW_INTERRUPTED; /* main says so */
    view_fail(hak_store_message());
    if (error == HAK_STORE_MISSING && is_file)
        view_write(stderr, "Record one with `hakmem-trace run -- PROGRAM`.\n");
    return VIEW_UNREADABLE;
}

int view_end_query(const struct view *view, struct hak_query *query, bool has_memory) {
    int error = hak_query_end(query);
    if (!has_memory)
        error = hak_store_no_memory(view->store_path);
    return error ? view_store_error(view, error) : 0;
}

int view_open(struct view *view) {
    const char *named = view_value(view, "store");
    int status = 0;
    if (named) {
        view->store_path = strdup(named);
        int error = hak_store_open(named, &view->reader);
        if (error < 0)
            status = view_store_error(view, error);
    } else {
        status = open_newest(view);
    }
    if (status != 0)
        return status;
    view_watch_reading(view);
    int error = hak_store_summarise(view->reader, &view->summary);
    if (error < 0)
        return view_store_error(view, error);
    if (view->summary.being_written)
        view_error("%s is still being written; this is what is committed.", view->store_path);
    else if (view->summary.ended_early)
        view_error("%s was not finished: its collector was killed, the disk was full, or it was "
                   "copied without its -wal file. It is read up to its last commit.",
                   view->store_path);
    return 0;
}

void view_close(struct view *view) {
    if (view->reader)
        hak_store_close(view->reader);
    free(view->store_path);
    free(failure);
    failure = NULL;
    view->reader = NULL;
    view->store_path = NULL;
}

/* ---- a log that is damaged ---------------------------------------------------------------------
 */

static int note_last(void *context, const struct hak_event *event) {
    *(struct hak_event *)context = *event;
    return 0;
}

bool view_find_damage(const struct view *view, uint64_t *event, uint64_t *ns, int *error) {
    const struct hak_filter all = {.class_index = -1};
    struct hak_event last = {0};
    int result = hak_store_scan(view->reader, &all, false, note_last, &last);
    *event = last.id;
    *ns = last.ns;
    *error = result < 0 && result != HAK_STORE_BROKEN ? result : 0;
    return result == HAK_STORE_BROKEN;
}

bool view_end_before_damage(struct view *view) {
    uint64_t event, ns;
    int error;
    if (view->end_event || !view_find_damage(view, &event, &ns, &error) || !event)
        return false;
    view->end_event = event;
    view->end_ns = ns;
    return true;
}

void view_say_end(const struct view *view) {
    uint64_t event = view->end_event, last = view->summary.trimmed_events + view->summary.events;
    if (!event)
        return;
    if (last > event) /* else nobody has counted those that are missing */
        view_error("the answer ends with event %s: %s left out behind it", hak_words_number(event),
                   hak_words_count(last - event, "event is", "events are"));
    else
        view_error("the answer ends with event %s: all events behind it are left out",
                   hak_words_number(event));
}

/* ---- what is missing ---------------------------------------------------------------------------
 */

int view_completeness(const struct view *view) {
    const struct hak_store_summary *summary = &view->summary;
    if (view->end_event)
        return VIEW_UNREADABLE;
    return summary->lost_events > 0 || summary->stops > 0 || summary->trimmed_events > 0 ||
                   summary->ended_early || summary->unseen > 0 ||
                   hak_missed_has_events(&summary->missed)
               ? VIEW_INCOMPLETE
               : VIEW_OK;
}

int view_look_again(struct view *view) {
    struct hak_store_summary now;
    if (!view->summary.being_written)
        return 0;
    int error = hak_store_summarise(view->reader, &now);
    if (error < 0)
        return view_store_error(view, error);
    view->summary = now;
    return 0;
}

int view_say_completeness(struct view *view) {
    /* view_open said it of one that ended early. */
    if (view->summary.lost_events > 0 || view->summary.stops > 0 ||
        view->summary.trimmed_events > 0 || view->summary.unseen > 0 ||
        hak_missed_any(&view->summary.missed) || view_sampled_rate(view)) {
        struct hak_text text = {0};
        view_add_completeness(&text, view);
        if (view_has_pager())
            view_write(stdout, "\n%s\n", hak_text_string(&text));
        else if (fflush(stdout) == 0)
            view_error("%s", hak_text_string(&text));
        hak_text_free(&text);
    }
    return view_completeness(view);
}

time_t view_start_time(const struct view *view) {
    return (time_t)hak_database_number(hak_store_database(view->reader),
                                       "SELECT CAST(value AS INTEGER) / 1000000000 FROM meta"
                                       " WHERE key = 'started'",
                                       0);
}

uint64_t view_sampled_rate(const struct view *view) {
    return view->reader ? hak_store_sampled_rate(view->reader) : 0;
}

void view_add_rate(struct hak_text *text, uint64_t rate) {
    if (rate >= 1024 && rate % 1024 == 0 && rate < (uint64_t)1024 << 20)
        hak_text_add(text, "%s KiB", hak_words_number(rate / 1024));
    else
        hak_text_add(text, "%s", hak_words_bytes(rate));
}

void view_add_sampled(struct hak_text *text, const struct view *view) {
    hak_text_add(text, "sampled, one in ");
    view_add_rate(text, view_sampled_rate(view));
}

void view_add_extent(struct hak_text *text, const struct view *view) {
    const char *where = view->title ? view->title : view->store_path;
    hak_text_add(text, "%s (", where);
    if (view_sampled_rate(view))
        view_add_sampled(text, view);
    else
        hak_text_add(text, "%s of %s", hak_words_count(view->summary.events, "event", "events"),
                     hak_words_count(view->summary.processes, "process", "processes"));
    hak_text_add(text, ")");
}

void view_add_extent_of(struct hak_text *text, struct view *view, uint32_t process) {
    if (process != 0) {
        hak_text_add(text, "process ");
        view_add_process(text, view, process);
        hak_text_add(text, " of ");
    }
    view_add_extent(text, view);
}

void view_say_none(struct view *view, const char *thing, uint32_t process) {
    struct hak_text text = {0};
    hak_text_add(&text, "no %s in ", thing);
    view_add_extent_of(&text, view, process);
    view_error_text(&text);
}

/* Adds the processes whose last events, or all, are missing: how many events is not known. */
static void add_missing_processes(struct hak_text *text, const struct hak_store_summary *summary) {
    if (summary->unseen > 0)
        hak_text_add(text, " The collector was killed: what %s recorded last is missing.",
                     hak_words_count(summary->unseen, "process", "processes"));
    if (summary->unrecorded > 0)
        hak_text_add(text, " %s not recorded; the notes of `info` say why.",
                     hak_words_count(summary->unrecorded, "program was", "programs were"));
}

bool view_is_light(const struct view *view) {
    char *level = hak_database_meta(hak_store_database(view->reader), "check");
    bool is_light = level && strcmp(level, "light") == 0;
    free(level);
    return is_light;
}

/* Adds how many blocks, and in how many calls, level light watched. */
static void add_watched(struct hak_text *text, const struct view *view) {
    uint64_t blocks, calls;
    (void)view_read_watched(view, &blocks, &calls);
    hak_text_add(text, " Level light: %s%s.", hak_words_watched(blocks, calls),
                 blocks == 0 || calls <= blocks ? "" : "; nothing is known of the others");
}

/* Adds how many blocks a sampled profile was made of, and that it has estimates. */
static void add_sampled_blocks(struct hak_text *text, const struct view *view) {
    const struct hak_database *db = hak_store_database(view->reader);
    uint64_t blocks = hak_database_meta_number(db, "sampled_blocks");
    uint64_t without = hak_database_meta_number(db, "sampled_without_stack");
    hak_text_add(text, " The profile is ");
    view_add_sampled(text, view);
    hak_text_add(text, ": all numbers are estimates, from %s",
                 hak_words_count(blocks, "sampled block", "sampled blocks"));
    if (without)
        hak_text_add(text, ", %s of them without a stack for want of room",
                     hak_words_number(without));
    hak_text_add(text, ".");
}

/* Adds "Allocator keep (libjemalloc.so.2, libc.so.6): ..." and that nothing was checked. */
static void add_kept(struct hak_text *text, const struct view *view) {
    struct hak_query q = hak_ask(hak_store_database(view->reader),
                                 "SELECT DISTINCT value FROM meta WHERE key GLOB 'allocator.*'"
                                 " ORDER BY value",
                                 "reading its tables");
    const char *between = " Allocator keep (";
    for (; hak_query_next(&q); between = ", ") {
        const char *path = hak_query_text(&q, 0), *slash = strrchr(path, '/');
        hak_text_add(text, "%s", between);
        hak_text_add_name(text, slash ? slash + 1 : path);
    }
    hak_query_end(&q);
    hak_text_add(text, "): its layers are not known, and no block was checked.");
}

/* Appends how many blocks and bytes programs allocated while recording was stopped, and how many of
 * them they freed then; without counts, that such blocks are not known. */
static void add_left_out(struct hak_text *text, const struct view *view) {
    static const char *const names[] = {"UNRECORDED_TAKEN.times", "UNRECORDED_TAKEN.amount",
                                        "UNRECORDED_GIVEN.times"};
    uint64_t read[3];
    (void)view_read_reached(view, names, read, 3);
    if (read[0] > 0)
        hak_text_add(text,
                     ": %s of %s that %s allocated then %s not known; %s of them %s freed then",
                     hak_words_count(read[0], "block", "blocks"), hak_words_size(read[1]),
                     read[0] == 1 ? "was" : "were", read[0] == 1 ? "is" : "are",
                     hak_words_number(read[2]), read[2] == 1 ? "was" : "were");
    else
        hak_text_add(text, ": blocks allocated then are not known");
}

/* Adds when recording was stopped, or how often, and the blocks that were left out then. */
static void add_stops(struct hak_text *text, const struct view *view) {
    struct hak_query q = hak_ask(hak_store_database(view->reader),
                                 "SELECT from_ns, to_ns FROM loss WHERE reason = 'stopped'"
                                 " ORDER BY from_ns LIMIT 1",
                                 "reading when recording was stopped");
    hak_text_add(text, "Recording was stopped ");
    if (view->summary.stops > 1)
        hak_text_add(text, "%s", hak_words_count(view->summary.stops, "time", "times"));
    else if (hak_query_next(&q) && hak_query_number(&q, 1) == HAK_LOSS_OPEN)
        hak_text_add(text, "from %s on", hak_words_time(hak_query_number(&q, 0)));
    else
        hak_text_add(text, "from %s to %s", hak_words_time(hak_query_number(&q, 0)),
                     hak_words_time(hak_query_number(&q, 1)));
    hak_query_end(&q);
    add_left_out(text, view);
    hak_text_add(text, ". ");
}

/* Adds what is not known of the program's own pools. */
static void add_missed(struct hak_text *text, const struct hak_store_summary *summary) {
    size_t start = text->length;
    if (!hak_words_add_missed(text, &summary->missed))
        return;
    if (!text->failed)
        text->bytes[start] = 'T'; /* of "the" */
    hak_text_add(text, ". ");
}

void view_add_completeness(struct hak_text *text, const struct view *view) {
    const struct hak_store_summary *summary = &view->summary;
    if (summary->stops > 0)
        add_stops(text, view);
    add_missed(text, summary);
    if (summary->lost_events > 0)
        hak_text_add(text, "%s lost in this capture (%s): %s.",
                     hak_words_count(summary->lost_events, "event was", "events were"),
                     hak_words_count(summary->losses, "stretch", "stretches"),
                     view->command && strcmp(view->command->name, "info") == 0
                         ? "LOST EVENTS says where"
                         : "`hakmem-trace info` says where");
    if (summary->trimmed_events > 0)
        hak_text_add(text, "%sThe oldest %s dropped to keep the store below its cap.",
                     summary->lost_events > 0 ? " " : "",
                     hak_words_count(summary->trimmed_events, "event was", "events were"));
    if (summary->ended_early)
        hak_text_add(
            text,
            "%sThe capture ends with its last commit: its collector was killed, or the disk full.",
            summary->lost_events + summary->trimmed_events > 0 ? " " : "");
    bool is_said = summary->lost_events + summary->trimmed_events > 0 || summary->ended_early;
    if (view->end_event)
        hak_text_add(text, "%sThe answer is partial: it ends with event %s, before a damage.",
                     is_said ? " " : "", hak_words_number(view->end_event));
    else if (!is_said)
        hak_text_add(text, "Nothing %swas lost in this capture%s.",
                     summary->unseen > 0 ? "that was stored "
                     : summary->stops > 0 || hak_missed_has_events(&summary->missed) ? "else "
                                                                                     : "",
                     summary->being_written ? " so far" : "");
    add_missing_processes(text, summary);
    if (summary->disordered_events > 0)
        hak_text_add(text, " %s written after a later one of the same block.",
                     hak_words_count(summary->disordered_events, "event was", "events were"));
    if (view_sampled_rate(view))
        add_sampled_blocks(text, view);
    else if (view_is_light(view))
        add_watched(text, view);
    if (hak_store_is_kept(view->reader))
        add_kept(text, view);
}

char *view_read_unserved(struct view *view) {
    static const char query[] = "SELECT program || ' was ' || note FROM process"
                                " WHERE note GLOB 'not recorded: the malloc of *' ORDER BY id";
    return hak_database_text(hak_store_database(view->reader), query, 0);
}

char *view_read_unwatched(struct view *view) {
    static const char query[] = "SELECT substr(note, instr(note, '): ') + 3) FROM process"
                                " WHERE note LIKE 'no debug register watches%' ORDER BY id";
    return hak_database_text(hak_store_database(view->reader), query, 0);
}

void view_add_store_option(struct hak_text *text, const struct view *view) {
    const char *store = view_value(view, "store");
    if (!store)
        return;
    hak_text_add(text, " -s ");
    hak_text_add_argument(text, store);
}
