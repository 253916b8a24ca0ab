/* Finding and opening the capture, and saying what is wrong with it or missing from it. */
#include "view.h"

#include <errno.h>
#include <glob.h>
#include <sqlite3.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "collector/words.h"

struct candidate {
    const char *path;
    struct timespec changed;
};

static int newest_first(const void *a, const void *b) {
    const struct candidate *x = a, *y = b;
    if (x->changed.tv_sec != y->changed.tv_sec)
        return x->changed.tv_sec < y->changed.tv_sec ? 1 : -1;
    if (x->changed.tv_nsec != y->changed.tv_nsec)
        return x->changed.tv_nsec < y->changed.tv_nsec ? 1 : -1;
    return strcmp(x->path, y->path);
}

static void none_here(size_t looked_at) {
    char *here = getcwd(NULL, 0);
    if (looked_at > 0)
        view_error("no capture here: %s hakmem.*.db in %s, but none is a store of hakmem",
                   hak_words_count(looked_at, "file is called", "files are called"),
                   here ? here : ".");
    else
        view_error("no capture here: looked for hakmem.*.db in %s", here ? here : ".");
    fprintf(stderr, "Record one with `hakmem-trace run -- PROGRAM`, or name one with -s FILE.\n");
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

int view_store_error(const struct view *view, int error) {
    (void)view;
    view_error("%s", hak_store_message());
    if (error == HAK_STORE_MISSING)
        fprintf(stderr, "Record one with `hakmem-trace run -- PROGRAM`.\n");
    return VIEW_UNREADABLE;
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
    int error = hak_store_summarise(view->reader, &view->summary);
    if (error < 0)
        return view_store_error(view, error);
    if (view->summary.being_written)
        fprintf(stderr, "hakmem-trace: %s is still being written; this is what is committed.\n",
                view->store_path);
    else if (view->summary.ended_early)
        fprintf(
            stderr,
            "hakmem-trace: %s was not finished (its collector was killed, or the disk was full); "
            "it is read up to its last commit.\n",
            view->store_path);
    return 0;
}

void view_close(struct view *view) {
    if (view->reader)
        hak_store_close(view->reader);
    free(view->store_path);
    view->reader = NULL;
    view->store_path = NULL;
}

int view_completeness(const struct view *view) {
    const struct hak_store_summary *summary = &view->summary;
    return summary->lost_events > 0 || summary->trimmed_events > 0 || summary->ended_early
               ? VIEW_INCOMPLETE
               : VIEW_OK;
}

void view_add_extent(struct hak_text *text, const struct view *view) {
    hak_text_add_name(text, view->store_path);
    hak_text_add(text, " (%s of %s)", hak_words_count(view->summary.events, "event", "events"),
                 hak_words_count(view->summary.processes, "process", "processes"));
}

void view_add_completeness(struct hak_text *text, const struct view *view) {
    const struct hak_store_summary *summary = &view->summary;
    if (summary->lost_events > 0)
        hak_text_add(text, "%s lost in this capture (%s): `hakmem-trace info` says where.",
                     hak_words_count(summary->lost_events, "event was", "events were"),
                     hak_words_count(summary->losses, "stretch", "stretches"));
    if (summary->trimmed_events > 0)
        hak_text_add(text, "%sThe oldest %s dropped to keep the store below its cap.",
                     summary->lost_events > 0 ? " " : "",
                     hak_words_count(summary->trimmed_events, "event was", "events were"));
    if (summary->ended_early)
        hak_text_add(
            text,
            "%sThe capture ends with its last commit: its collector was killed, or the disk full.",
            summary->lost_events + summary->trimmed_events > 0 ? " " : "");
    if (summary->lost_events + summary->trimmed_events == 0 && !summary->ended_early)
        hak_text_add(text, "Nothing was lost in this capture%s.",
                     summary->being_written ? " so far" : "");
}

bool view_process(struct view *view, uint32_t *row) {
    const char *value = view_value(view, "process");
    *row = 0;
    if (!value)
        return true;
    bool by_row = value[0] == '#';
    char *end;
    unsigned long long number = strtoull(value + by_row, &end, 10);
    sqlite3_stmt *query = NULL;
    bool found = false;
    if (*end == '\0' && end > value + by_row &&
        sqlite3_prepare_v2(hak_store_database(view->reader),
                           by_row ? "SELECT id FROM process WHERE id = ?1"
                                  : "SELECT id FROM process WHERE pid = ?1 ORDER BY id DESC",
                           -1, &query, NULL) == SQLITE_OK) {
        sqlite3_bind_int64(query, 1, (sqlite3_int64)number);
        if (sqlite3_step(query) == SQLITE_ROW) {
            *row = (uint32_t)sqlite3_column_int64(query, 0);
            found = true;
        }
    }
    sqlite3_finalize(query);
    if (!found)
        view_error("--process %s: no such process in %s; `hakmem-trace info` lists them", value,
                   view->store_path);
    return found;
}

/* How many processes had a block at `address` (told up to 16 blocks). */
static int processes_at(struct view *view, uint64_t address) {
    struct hak_block_key keys[16];
    int count = hak_store_blocks_at(view->reader, address, 0, keys, 16), processes = 0;
    for (int i = 0; i < count; i++) {
        bool seen = false;
        for (int k = 0; k < i; k++)
            seen |= keys[k].process == keys[i].process;
        processes += !seen;
    }
    return processes;
}

void view_note_process(struct view *view, uint64_t address, uint32_t row) {
    sqlite3_stmt *query = NULL;
    int processes = row == 0 || view->summary.processes < 2 ? 1 : processes_at(view, address);
    if (processes < 2 || sqlite3_prepare_v2(hak_store_database(view->reader),
                                            "SELECT pid, program FROM process WHERE id = ?1", -1,
                                            &query, NULL) != SQLITE_OK) {
        sqlite3_finalize(query);
        return;
    }
    sqlite3_bind_int64(query, 1, row);
    if (sqlite3_step(query) == SQLITE_ROW) {
        struct hak_text name = {0};
        const unsigned char *program = sqlite3_column_text(query, 1);
        hak_text_add_name(&name, hak_words_path(program ? (const char *)program : "", 1, false));
        fprintf(stderr,
                "hakmem-trace: %d processes had a block there; %d (%s) is taken, the last to use "
                "it; --process chooses another\n",
                processes, sqlite3_column_int(query, 0), name.bytes ? name.bytes : "?");
        hak_text_free(&name);
    }
    sqlite3_finalize(query);
}
