/* Prints the state of a process that runs, in lines and as JSON. */
#include "viewer/record/ctl.h"
#include "viewer/capture/capture.h"

#include <jansson.h>
#include <sys/stat.h>
#include "heap_profile/dump.h"
#include "options.h"
#include "report/words/words.h"
#include "store/reader/reader.h"

static const char *level_of(const struct ctl_target *t) {
    static const char *const levels[] = {"none", "trace", "normal", "light"};
    return t->control.level < sizeof levels / sizeof *levels ? levels[t->control.level] : "?";
}

/* ---- its store --------------------------------------------------------------------------------
 */

struct stored {
    bool is_known;
    uint64_t bytes, lost;
};

/* Bytes of SQLite's -wal file, which lies beside the store while it is written; 0: there is
 * none. */
static uint64_t bytes_of_log(const char *store) {
    char path[HAK_CONTROL_PATH + 8];
    struct stat file;
    snprintf(path, sizeof path, "%s-wal", store);
    return stat(path, &file) == 0 ? (uint64_t)file.st_size : 0;
}

/* Reads the store's bytes and lost events; all 0 where it cannot be opened. From here it may lie
 * elsewhere: a container's path. */
static struct stored read_stored(const struct ctl_target *t) {
    struct stored stored = {0};
    struct hak_store_summary summary;
    struct hak_store_reader *reader;
    struct stat file;
    if (!t->store[0] || stat(t->store, &file) != 0 || hak_store_open(t->store, &reader) != 0)
        return stored;
    stored.bytes = (uint64_t)file.st_size + bytes_of_log(t->store);
    stored.is_known = hak_store_summarise(reader, &summary) == 0;
    stored.lost = stored.is_known ? summary.lost_events : 0;
    hak_store_close(reader);
    return stored;
}

/* ---- heap profiles in files --------------------------------------------------------------------
 */

struct dumps {
    char folder[HAK_HEAP_DUMP_PATH]; /* "" = none are asked for */
    uint32_t written, failed;
    bool is_writing;
};

/* Reads where they are, and how many: the process's own counts, and what became of the last one. */
static void read_dumps(const struct ctl_target *t, struct dumps *dumps) {
    const struct hak_control *c = &t->control;
    uint32_t state = 0;
    *dumps = (struct dumps){.written = c->dumps_written, .failed = c->dumps_failed};
    if (!c->dump_directory ||
        !ctl_read(t, (uintptr_t)c->dump_directory, dumps->folder, sizeof dumps->folder)) {
        dumps->folder[0] = 0;
        return;
    }
    dumps->folder[sizeof dumps->folder - 1] = 0;
    if (c->dump_state && ctl_read(t, (uintptr_t)c->dump_state, &state, sizeof state)) {
        dumps->written += state == HAK_HEAP_DUMP_WRITTEN;
        dumps->failed += state == HAK_HEAP_DUMP_FAILED;
        dumps->is_writing = state == HAK_HEAP_DUMP_RUNS;
    }
}

static void add_dumps(struct hak_text *text, const struct ctl_target *t) {
    static struct dumps dumps;
    read_dumps(t, &dumps);
    if (!dumps.folder[0])
        return;
    hak_text_add(text, "profiles   %s written to ",
                 hak_words_count(dumps.written, "file", "files"));
    hak_text_add_name(text, dumps.folder);
    if (dumps.is_writing)
        hak_text_add(text, ", another one is being written");
    if (dumps.failed)
        hak_text_add(text, ", %s failed", hak_words_number(dumps.failed));
    hak_text_add(text, "\n");
}

/* ---- lines ------------------------------------------------------------------------------------
 */

/* Appends what level light watched and reported, and where its store is. */
static void add_light(struct hak_text *text, const struct ctl_target *t) {
    const struct hak_control *c = &t->control;
    hak_text_add(text, "watched    %s: %s so far, ", hak_words_watched(c->blocks, c->calls),
                 hak_words_number(c->blocks));
    hak_text_add(text, "%s live now\n", hak_words_number(c->live > 0 ? (uint64_t)c->live : 0));
    hak_text_add(text, "reports    %s\n", hak_words_number(c->reports));
    if (!c->stores_faults)
        hak_text_add(text, "store      none: HAKMEM_TRACE=off\n");
    else if (!t->store[0])
        hak_text_add(text, "store      none yet: there was no report\n");
    else
        hak_text_add(text, "store      %s\n", t->store);
    hak_text_add(text, "collector  %s\n", t->session ? "runs" : "none; the next report starts one");
    add_dumps(text, t);
}

/* Appends how many records were written and not stored yet, and whether the collector runs. */
static void add_rings(struct hak_text *text, const struct ctl_rings *rings) {
    enum { SILENT_NS = 2000000000 };
    hak_text_add(text, "records    %s, ", hak_words_number(rings->written));
    hak_text_add(text, "%s not stored yet\n", hak_words_number(rings->waiting));
    if (rings->is_file)
        hak_text_add(text, "collector  none: its newest events lie in a file\n");
    else if (rings->silent_ns > SILENT_NS)
        hak_text_add(text, "collector  silent for %s\n", view_span(rings->silent_ns));
    else
        hak_text_add(text, "collector  runs\n");
}

/* Appends what is known of the recording: store, size, losses, rings; or that the program is not
 * recorded. */
static void add_recorded(struct hak_text *text, struct ctl_target *t) {
    static struct ctl_rings rings;
    struct stored stored = read_stored(t);
    if (t->control.is_kept)
        hak_text_add(text, "allocator  the program's own: nothing is checked\n");
    if (!t->store[0]) {
        hak_text_add(text, "store      none: the program is not recorded\n");
        return;
    }
    hak_text_add(text, "store      %s\n", t->store);
    if (stored.is_known)
        hak_text_add(text, "size       %s\nlost       %s\n", hak_words_size(stored.bytes),
                     stored.lost ? hak_words_count(stored.lost, "event", "events") : "nothing");
    if (ctl_look_at_rings(t, &rings))
        add_rings(text, &rings);
}

/* Prints the status in lines: process, level, whether recording is stopped, and the store's or the
 * light level's figures. False, and said. */
static bool print_status_lines(struct ctl_target *t) {
    struct hak_text text = {0};
    hak_text_add(&text, "process    %d %s\n", (int)t->pid, t->name);
    hak_text_add(&text, "level      %s\n", level_of(t));
    if (t->control.is_stopped)
        hak_text_add(&text, "stopped    %s\n",
                     ctl_is_light(t) ? "no more blocks are guarded" : "recording is; checks go on");
    if (ctl_is_light(t))
        add_light(&text, t);
    else
        add_recorded(&text, t);
    return view_print(&text);
}

/* ---- JSON -------------------------------------------------------------------------------------
 */

static void set_light(json_t *object, const struct ctl_target *t) {
    hak_json_set(object, NUMBER("calls", t->control.calls),
                 NUMBER("watched_blocks", t->control.blocks),
                 NUMBER("live_blocks", t->control.live > 0 ? (uint64_t)t->control.live : 0),
                 NUMBER("reports", t->control.reports));
    static struct dumps dumps;
    read_dumps(t, &dumps);
    if (dumps.folder[0])
        hak_json_set(object, NUMBER("profiles_written", dumps.written),
                     NUMBER("profiles_failed", dumps.failed),
                     TEXT("profiles_folder", dumps.folder));
}

/* Sets the fields of the store and the rings, as far as they can be read. */
static void set_recorded(json_t *object, struct ctl_target *t) {
    static struct ctl_rings rings;
    struct stored stored = read_stored(t);
    if (stored.is_known) {
        hak_json_set(object, NUMBER("store_bytes", stored.bytes),
                     NUMBER("lost_events", stored.lost));
    }
    if (ctl_look_at_rings(t, &rings)) {
        hak_json_set(object, NUMBER("records", rings.written),
                     NUMBER("records_not_stored", rings.waiting));
    }
}

json_t *ctl_json(struct ctl_target *t) {
    json_t *object = hak_json_object(
        NUMBER("pid", (uint64_t)t->pid), TEXT("name", t->name), WORD("level", level_of(t)),
        JSON("store", t->store[0] ? hak_json_text(t->store) : json_null()),
        FLAG("collector", t->session != 0), FLAG("kept", t->control.is_kept != 0),
        FLAG("stopped", t->control.is_stopped != 0));
    if (ctl_is_light(t))
        set_light(object, t);
    else
        set_recorded(object, t);
    return object;
}

bool ctl_print_status(const struct view *view, struct ctl_target *t) {
    if (!view->json)
        return print_status_lines(t);
    return view_print_json(
        hak_json_print(hak_json_set(view_json_document(view), JSON("program", ctl_json(t)))));
}
