/* Creates the store of a capture or goes on with one, and takes over its cursors. */
#include "collector/worker/opening.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>
#include "arch.h"
#include "options.h"
#include "base/growing.h"
#include "store/error.h"
#include "store/reader/reader.h"

#define LOG_BYTES ((uint64_t)8 << 20) /* of the write-ahead log */
#define LOG_SHARE 32                  /* of a small disk cap */

#define BUSY_TRIES  50
#define NAMES_MAX   100
#define SESSION_KEY 48

/* The key under which the store has the number of the session `id`, "session", or of the first
 * session of its exec image, "image": a takeover begins another one of it. */
static void name_key(const char *of, uint64_t id, char key[SESSION_KEY]) {
    snprintf(key, SESSION_KEY, "%s.%016llx", of, (unsigned long long)id);
}

/* The number of a session that the store has under this key; 0 = not known. */
static uint32_t find_number(const struct hak_worker *w, const char *of, uint64_t id) {
    char key[SESSION_KEY];
    name_key(of, id, key);
    const char *number = id ? hak_store_get_meta(w->capture.writer, key) : NULL;
    return number ? (uint32_t)strtoul(number, NULL, 10) : 0;
}

/* Notes a ring's stored position. Not 0 without memory. */
static int note_cursor(void *context, const struct hak_cursor_row *row) {
    struct hak_worker *w = context;
    if (!hak_growing_make_room(&w->cursors, w->cursor_count, &w->cursor_capacity,
                               sizeof *w->cursors))
        return hak_store_no_memory(w->capture.path);
    w->cursors[w->cursor_count++] = *row;
    return 0;
}

static void note_session(struct hak_worker *w, uint32_t number) {
    if (number >= w->next_session && number < UINT32_MAX)
        w->next_session = number + 1;
}

/* Sessions that came to no cursor yet, too. */
static uint32_t highest_session(struct hak_worker *w) {
    return (uint32_t)hak_database_number(
        hak_store_writer_database(w->capture.writer),
        "SELECT max(CAST(value AS INTEGER)) FROM meta WHERE key GLOB 'session.*'", 0);
}

/* 0, or an error. */
static int put_number(struct hak_worker *w, const char *key, uint64_t value) {
    char text[32];
    snprintf(text, sizeof text, "%llu", (unsigned long long)value);
    return hak_store_put_meta(w->capture.writer, key, text);
}

/* Tells readers from which event on each fault has one event, and a report that a suppression kept
 * back is noted by it; and how many reports earlier versions, which told neither, kept back. 0, or
 * an error. */
static int note_fault_events(struct hak_worker *w) {
    static const char key[] = "fault_events_since";
    uint64_t used;
    if (hak_store_get_meta(w->capture.writer, key))
        return 0;
    int found = hak_database_numbers(hak_store_writer_database(w->capture.writer),
                                     "SELECT coalesce(sum(used), 0) FROM suppression"
                                     " WHERE text LIKE 'fault:%'",
                                     0, &used, 1);
    int error = found == 1 ? put_number(w, "fault_suppressions_before", used) : found;
    return error ? error : put_number(w, key, hak_store_last_event(w->capture.writer));
}

/* Goes on with the store at `path`. The worker before may still be dying: that is waited for,
 * BUSY_TRIES times at most. 0, or an error. */
static int resume(struct hak_worker *w, const char *path) {
    int error = HAK_STORE_BUSY;
    for (int tries = 0; error == HAK_STORE_BUSY && tries < BUSY_TRIES; tries++) {
        if (tries > 0)
            usleep(100000);
        error = hak_store_resume(path, &w->capture.writer);
    }
    if (error)
        return error;
    snprintf(w->capture.path, sizeof w->capture.path, "%s", path);
    error = hak_rows_load(&w->capture.rows, w->capture.writer);
    if (error == 0)
        error = hak_store_each_cursor(w->capture.writer, note_cursor, w);
    struct hak_store_high_marks marks = {0};
    if (error == 0)
        error = hak_store_high_marks(w->capture.writer, &marks);
    w->capture.next_fault = marks.fault + 1;
    for (uint32_t i = 0; i < w->capture.rows.process_count; i++)
        note_session(w, w->capture.rows.processes[i].row.session);
    for (uint32_t i = 0; i < w->cursor_count; i++)
        note_session(w, w->cursors[i].session);
    if (error == 0)
        note_session(w, highest_session(w));
    if (error == 0)
        hak_resolve_load(&w->capture.resolve, w->capture.writer);
    const char *started = error ? NULL : hak_store_get_meta(w->capture.writer, "started");
    w->capture.rows.started_ns = started ? strtoull(started, NULL, 10) : 0;
    const char *start = error ? NULL : hak_store_get_meta(w->capture.writer, "monotonic_start_ns");
    w->capture.start_ns = start ? strtoull(start, NULL, 10) : 0;
    /* Findings that the worker before wanted to name stay as they are. */
    const char *late = error ? NULL : hak_store_get_meta(w->capture.writer, "late_fault");
    if (late && late[0])
        error = hak_store_put_meta(w->capture.writer, "late_fault", "");
    if (error == 0)
        error = note_fault_events(w);
    return error;
}

/* Makes a store at `path`, after the keeper was told that it is being made. 0, or an error. */
static int create(struct hak_worker *w, const char *path) {
    struct stat about;
    /* Should this worker die before the store is there, the next one makes it anew: it could not
     * tell that file from another's. */
    if (lstat(path, &about) != 0)
        hak_link_report(w->link, &(struct hak_link_report){HAK_LINK_STORE, .making_path = path});
    int error = hak_store_create(path, (int)w->config.replace_store, &w->capture.writer);
    if (error == 0)
        snprintf(w->capture.path, sizeof w->capture.path, "%s", path);
    return error;
}

static const char *base_name(const char *path) {
    const char *slash = strrchr(path, '/');
    return slash && slash[1] ? slash + 1 : path;
}

/* The `i`th name, from 1, for a store `name` in `folder`: name.db, name.2.db, name.3.db, ... False
 * when it is too long. */
static bool name_in(char path[HAK_PATH_BYTES], const char *folder, const char *name, int i) {
    char number[16] = "";
    size_t stem = strlen(name);
    const char *ending = "";
    if (stem > 3 && strcmp(name + stem - 3, ".db") == 0) {
        stem -= 3;
        ending = ".db";
    }
    if (i > 1)
        snprintf(number, sizeof number, ".%d", i);
    return snprintf(path, HAK_PATH_BYTES, "%s/%.*s%s%s", folder, (int)stem, name, number, ending) <
           HAK_PATH_BYTES;
}

/* Makes a store of that name in the folder, or with a number behind it if there is one, up to
 * NAMES_MAX. 0, or an error. */
static int create_in(struct hak_worker *w, const char *folder, const char *name) {
    char path[HAK_PATH_BYTES];
    int error = HAK_STORE_EXISTS;
    for (int i = 1; error == HAK_STORE_EXISTS && i <= NAMES_MAX; i++) {
        if (!name_in(path, folder, name, i))
            return HAK_STORE_NO_ACCESS;
        error = create(w, path);
    }
    return error;
}

/* The folders in which a store asked for as `asked` may lie, in the order in which they are tried;
 * the first is its own, copied to `own`. Returns how many there are. */
static int list_folders(const char *asked, char own[HAK_PATH_BYTES], const char *folders[3]) {
    const char *temporary[] = {getenv("TMPDIR"), "/tmp"};
    int count = 0;
    snprintf(own, HAK_PATH_BYTES, "%s", asked);
    char *slash = strrchr(own, '/');
    if (slash) {
        *slash = 0;
        folders[count++] = own;
    }
    for (int i = 0; i < 2; i++)
        if (temporary[i] && temporary[i][0] == '/')
            folders[count++] = temporary[i];
    return count;
}

/* Makes a store at the path that was asked for, or else in another folder, about which a line is
 * said. `why_not`: the reason against going on with a store of that name; "" = there is none. 0, or
 * an error. */
static int create_somewhere(struct hak_worker *w, const char *asked, const char *why_not) {
    char own[HAK_PATH_BYTES], why[512];
    const char *folders[3];
    int error = create(w, asked);
    if (error == 0)
        return 0;
    snprintf(why, sizeof why, "%s", why_not[0] ? why_not : hak_store_message());
    int count = list_folders(asked, own, folders);
    for (int i = 0; error && i < count; i++)
        if (folders[i] != own || error == HAK_STORE_EXISTS)
            error = create_in(w, folders[i], base_name(asked));
    if (error == 0)
        snprintf(w->moved_line, sizeof w->moved_line, "the store is %s, since %s", w->capture.path,
                 why);
    return error;
}

/* The name that all keepers of a tree of processes share: the first one's, without the number that
 * those after it have behind a dot. */
static void name_tree(const struct hak_worker *w, char name[sizeof w->config.socket_name]) {
    snprintf(name, sizeof w->config.socket_name, "%s", w->config.socket_name);
    name[strcspn(name, ".")] = 0;
}

/* Whether the store has the key, with the value `due` unless that is NULL. */
static bool meta_is(struct hak_store_reader *reader, const char *key, const char *due) {
    char *value = hak_database_meta(hak_store_database(reader), key);
    bool is = value && (!due || strcmp(value, due) == 0);
    free(value);
    return is;
}

/* Whether it is a file of ours that nobody came to write anything into: its maker was killed. */
static bool is_empty(const char *path) {
    struct stat about;
    return lstat(path, &about) == 0 && S_ISREG(about.st_mode) && about.st_size == 0 &&
           about.st_uid == geteuid() && (about.st_mode & 07777) == 0600;
}

enum whose { NOBODYS, OURS, ANOTHERS };

/* The owner of the store at `path`: our keepers, where it is of the tree, which all of them name,
 * or has the session that `client` (NULL = none) goes on with. */
static enum whose find_whose(const struct hak_worker *w, const struct hak_client *client,
                             const char *path) {
    struct hak_store_reader *reader = NULL;
    char tree[sizeof w->config.socket_name], session[SESSION_KEY] = "";
    if (hak_store_open(path, &reader) != 0)
        return NOBODYS;
    name_tree(w, tree);
    if (client && client->map.head.previous_id)
        name_key("session", client->map.head.previous_id, session);
    bool is_ours = meta_is(reader, "tree", tree) || (session[0] && meta_is(reader, session, NULL));
    enum whose whose = is_ours ? OURS : meta_is(reader, "tree", NULL) ? ANOTHERS : NOBODYS;
    hak_store_close(reader);
    return whose;
}

/* Goes on with the store that keepers of this tree made, which was asked for as `asked`, wherever
 * it came to lie. HAK_STORE_MISSING: there is none; or another error, or 0. */
static int resume_tree(struct hak_worker *w, const struct hak_client *client, const char *asked) {
    char own[HAK_PATH_BYTES], path[HAK_PATH_BYTES];
    const char *folders[3];
    int count = list_folders(asked, own, folders);
    for (int i = 0; i < count; i++)
        for (int n = 1; n <= NAMES_MAX && name_in(path, folders[i], base_name(asked), n); n++) {
            if (access(path, F_OK) != 0)
                break;
            if (find_whose(w, client, path) == OURS)
                return resume(w, path);
        }
    return HAK_STORE_MISSING;
}

/* Goes on, as far as it came, with a store that the worker before was killed in making; else takes
 * it away, to be made anew in its place. 0, HAK_STORE_MISSING or another error. */
static int take_half_made(struct hak_worker *w, const struct hak_client *client) {
    const char *path = w->config.making_path;
    struct stat about;
    if (find_whose(w, client, path) == OURS)
        return resume(w, path);
    if (lstat(path, &about) == 0 && S_ISREG(about.st_mode) && about.st_uid == geteuid())
        unlink(path);
    return HAK_STORE_MISSING;
}

/* Stores the variables of the first program that tell whether its inner pools were off. The keeper,
 * and so this worker, has its environment. */
static void put_pool_switches(struct hak_worker *w) {
    static const char *const variables[] = {"PYTHONMALLOC", "G_SLICE"};
    for (size_t i = 0; i < sizeof variables / sizeof *variables; i++) {
        const char *value = getenv(variables[i]);
        char key[64], kept[64];
        snprintf(key, sizeof key, "environment.%s", variables[i]);
        snprintf(kept, sizeof kept, "%s", value ? value : "");
        if (value)
            hak_store_put_meta(w->capture.writer, key, kept);
    }
}

/* Stores what the capture is: its tree, program, command line, start, layout, level of checks, and
 * which switches of pools it has. */
static void describe(struct hak_worker *w, const struct hak_client *c) {
    const struct hak_mapping *m = &c->map;
    struct timespec real;
    clock_gettime(CLOCK_REALTIME, &real);
    uint64_t now = (uint64_t)real.tv_sec * 1000000000u + (uint64_t)real.tv_nsec;
    uint64_t started = m->head.realtime_start_ns && m->head.realtime_start_ns < now
                           ? m->head.realtime_start_ns
                           : now;
    w->capture.rows.started_ns = started;
    if (!hak_capture_begin(&w->capture))
        return;
    char tree[sizeof w->config.socket_name];
    name_tree(w, tree);
    hak_store_put_meta(w->capture.writer, "tree", tree);
    hak_store_put_meta(w->capture.writer, "program", m->head.program);
    hak_store_put_meta(w->capture.writer, "command_line", m->head.command_line);
    if (m->head.profile_only)
        hak_store_keep_profile_only(w->capture.writer);
    put_number(w, "started", started);
    put_number(w, "monotonic_start_ns", w->capture.start_ns);
    hak_store_put_meta(w->capture.writer, "machine", hak_processor_name(m->processor));
    put_number(w, "page_bytes", m->head.page_bytes);
    hak_store_put_meta(w->capture.writer, "layout", m->head.layout == 2 ? "header" : "same");
    hak_store_put_meta(w->capture.writer, "check",
                       m->head.level == HAK_CHECK_TRACE   ? "trace"
                       : m->head.level == HAK_CHECK_LIGHT ? "light"
                                                          : "normal");
    (void)note_fault_events(w);
    put_pool_switches(w);
    hak_capture_end(&w->capture, 0);
}

/* True for a store whose writer was killed. */
static bool is_unfinished(const char *path) {
    struct hak_store_reader *reader = NULL;
    struct hak_store_summary summary = {0};
    bool unfinished = hak_store_open(path, &reader) == 0 &&
                      hak_store_summarise(reader, &summary) == 0 && summary.ended_early;
    hak_store_close(reader);
    return unfinished;
}

/* Whether the program is in a sandbox: of a recorded tree, it reached its keeper no more, and sees
 * the store's folder read only. The tree's store says of it that it is not recorded; its stderr is
 * left alone. */
static bool is_in_sandbox(const struct hak_client *client, const char *asked) {
    char own[HAK_PATH_BYTES];
    const char *folders[3];
    return client->map.head.resume_store == HAK_RESUME_TREE &&
           list_folders(asked, own, folders) > 0 && access(folders[0], W_OK) != 0 && errno == EROFS;
}

void hak_opening_open(struct hak_worker *worker, struct hak_client *client) {
    const char *asked =
        worker->config.store_path[0] ? worker->config.store_path : client->map.head.store_path;
    char unnamed[64], why_not[512] = "";
    int error = HAK_STORE_MISSING;
    if (worker->store_tried)
        return;
    if (client->map.head.resume_store == HAK_RESUME_NO_STORE && !worker->config.store_path[0]) {
        worker->capture.start_ns = hak_time_ns();
        return;
    }
    worker->store_tried = true;
    if (asked[0] != '/') {
        snprintf(unnamed, sizeof unnamed, "/tmp/hakmem.%d.db", (int)client->hello.pid);
        asked = unnamed;
    }
    bool has_heir = client->map.head.resume_store == HAK_RESUME ||
                    client->map.head.resume_store == HAK_RESUME_ANEW ||
                    client->map.head.resume_store == HAK_RESUME_TREE;
    if (worker->config.resume_store)
        error = worker->capture.writer ? 0 /* for a row, before this session came */
                : find_whose(worker, NULL, asked) == ANOTHERS ? HAK_STORE_EXISTS
                                                              : resume(worker, asked);
    else if (has_heir)
        error = resume_tree(worker, client, asked);
    if (error == HAK_STORE_FULL || error == HAK_STORE_NO_ACCESS)
        snprintf(why_not, sizeof why_not, "%s", hak_store_message());
    if (error && worker->capture.writer) {
        hak_rows_leave_store(&worker->capture.rows);
        hak_store_finish(worker->capture.writer);
        worker->capture.writer = NULL;
    }
    if (error && worker->config.making_path[0])
        error = take_half_made(worker, client);
    else if (error && has_heir && is_empty(asked))
        unlink(asked);
    if (error) {
        worker->capture.next_fault = 1;
        error = create_somewhere(worker, asked, why_not);
        if (is_in_sandbox(client, asked))
            worker->moved_line[0] = 0;
        uint64_t now = hak_time_ns(), start = client->map.head.monotonic_start_ns;
        worker->capture.start_ns = start && (start < now || client->is_file) ? start : now;
        if (error == 0)
            describe(worker, client);
    }
    if (error) {
        worker->capture.writer = NULL;
        if (!is_in_sandbox(client, asked))
            hak_say("nothing can be stored: %s", hak_store_message());
        return;
    }
    worker->max_bytes = client->map.head.trace_max_bytes;
    if (worker->max_bytes && worker->max_bytes / LOG_SHARE < LOG_BYTES)
        hak_store_keep_log_below(worker->capture.writer, worker->max_bytes / LOG_SHARE);
}

void hak_opening_reopen(struct hak_worker *worker, bool for_row) {
    const char *path = worker->config.store_path;
    if (worker->capture.writer || worker->store_tried || !worker->config.resume_store || !path[0] ||
        (for_row ? find_whose(worker, NULL, path) == ANOTHERS : !is_unfinished(path)))
        return;
    worker->store_tried = resume(worker, path) != 0;
    if (worker->store_tried)
        worker->capture.writer = NULL;
}

/* Sets the rings of a session to the positions that a worker before stored. */
static void take_cursors(struct hak_worker *w, struct hak_client *c, uint32_t number) {
    for (uint32_t i = 0; i < w->cursor_count; i++) {
        const struct hak_cursor_row *row = &w->cursors[i];
        if (row->session != number || row->ring >= HAK_RINGS)
            continue;
        c->rings[row->ring].position = row->position;
        c->rings[row->ring].time = row->time;
        c->rings[row->ring].known = true;
        if (row->ring >= c->rings_high)
            c->rings_high = row->ring + 1;
    }
}

/* Goes on behind the nodes that a worker before stored (`is_known`), and gives those back to the
 * program, as that one may have died between its commit and telling it. Its nodes that are not
 * known have been written over: those stacks are counted as missing. */
static void take_nodes(struct hak_worker *w, struct hak_client *c, bool is_known) {
    if (is_known && hak_node_map_load(c, w->capture.writer) != 0)
        hak_say("%s", hak_store_message());
    hak_node_map_release_up_to(c, c->nodes.stored);
}

void hak_opening_join(struct hak_worker *worker, struct hak_client *client) {
    if (worker->capture.writer) {
        uint32_t before = find_number(worker, "session", client->map.head.previous_id);
        uint32_t known = find_number(worker, "session", client->map.head.session_id);
        client->number = known ? known : worker->next_session++;
        client->image = find_number(
            worker, "image", known ? client->map.head.session_id : client->map.head.previous_id);
        if (!client->image)
            client->image = client->number;
        if (client->map.head.resume_store == HAK_RESUME_ANEW)
            before = 0;
        client->knows_nodes = known || before;
        if (before)
            take_cursors(worker, client, before);
        if (known)
            take_cursors(worker, client, known);
        else if (hak_capture_begin(&worker->capture)) {
            char key[SESSION_KEY];
            name_key("session", client->map.head.session_id, key);
            put_number(worker, key, client->number);
            name_key("image", client->map.head.session_id, key);
            put_number(worker, key, client->image);
            if (before)
                hak_store_copy_node_map(worker->capture.writer, before, client->number);
            hak_capture_end(&worker->capture, 0);
        }
        take_nodes(worker, client, known || before);
    }
    uint32_t used = hak_mapping_ring_count(&client->map);
    if (used > client->rings_high)
        client->rings_high = used;
    for (uint32_t i = 0; i < client->rings_high; i++) {
        struct hak_ring_cursor *cursor = &client->rings[i];
        struct hak_ring_entry *ring = hak_mapping_ring(&client->map, i);
        uint64_t tail = atomic_load_explicit(&ring->tail, memory_order_relaxed);
        if (tail == 0 && cursor->position == 0)
            continue;
        if (tail > cursor->position) { /* given back, or given up while the disk was full */
            hak_client_lose(cursor, cursor->position, tail);
            cursor->position = tail;
        }
        cursor->stored = cursor->position;
        if (atomic_load(&ring->head) < tail) /* its worker died while it gave it back */
            atomic_store(&ring->head, tail);
        atomic_store_explicit(&ring->tail, cursor->position, memory_order_release);
    }
    if (worker->capture.path[0]) {
        struct hak_session *s = hak_mapping_header(&client->map);
        snprintf(s->store_path, sizeof s->store_path, "%s", worker->capture.path);
    }
}
