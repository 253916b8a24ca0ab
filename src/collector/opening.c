/* Creates the store of a capture or goes on with one, and takes over its cursors. */
#include "collector/opening.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include "store/array.h"
#include "store/reader.h"

#define LOG_BYTES ((uint64_t)8 << 20) /* of the write-ahead log */
#define LOG_SHARE 32                  /* of a small disk cap */

#define BUSY_TRIES 50
#define NAMES_MAX  100

static int note_cursor(void *context, const struct hak_cursor_row *row) {
    struct hak_worker *w = context;
    if (!hak_array_make_room(&w->cursors, w->cursor_count, &w->cursor_capacity, sizeof *w->cursors))
        return HAK_STORE_INTERNAL;
    w->cursors[w->cursor_count++] = *row;
    return 0;
}

static void note_session(struct hak_worker *w, uint32_t number) {
    if (number >= w->next_session && number < UINT32_MAX)
        w->next_session = number + 1;
}

/* Goes on with the store at `path`. The worker before may still be dying: that is waited for. */
static int resume(struct hak_worker *w, const char *path) {
    int error = HAK_STORE_BUSY;
    for (int tries = 0; error == HAK_STORE_BUSY && tries < BUSY_TRIES; tries++) {
        if (tries > 0)
            usleep(100000);
        error = hak_store_resume(path, &w->writer);
    }
    if (error)
        return error;
    snprintf(w->store_path, sizeof w->store_path, "%s", path);
    error = hak_rows_load(&w->rows, w->writer);
    if (error == 0)
        error = hak_store_each_cursor(w->writer, note_cursor, w);
    struct hak_store_high_marks marks = {0};
    if (error == 0)
        error = hak_store_high_marks(w->writer, &marks);
    w->next_fault = marks.fault + 1;
    for (uint32_t i = 0; i < w->rows.process_count; i++)
        note_session(w, w->rows.processes[i].row.session);
    for (uint32_t i = 0; i < w->cursor_count; i++)
        note_session(w, w->cursors[i].session);
    if (error == 0)
        hak_resolve_load(&w->resolve, w->writer);
    const char *started = error ? NULL : hak_store_get_meta(w->writer, "started");
    w->resolve.started_ns = started ? strtoull(started, NULL, 10) : 0;
    const char *start = error ? NULL : hak_store_get_meta(w->writer, "monotonic_start_ns");
    w->capture_start_ns = start ? strtoull(start, NULL, 10) : 0;
    return error;
}

static int create(struct hak_worker *w, const char *path) {
    int error = hak_store_create(path, (int)w->config.replace_store, &w->writer);
    if (error == 0)
        snprintf(w->store_path, sizeof w->store_path, "%s", path);
    return error;
}

static const char *base_name(const char *path) {
    const char *slash = strrchr(path, '/');
    return slash && slash[1] ? slash + 1 : path;
}

/* name.db, name.2.db, name.3.db, ... in `folder`. */
static int create_in(struct hak_worker *w, const char *folder, const char *name) {
    char path[HAK_PATH_BYTES];
    int error = HAK_STORE_EXISTS;
    size_t stem = strlen(name);
    const char *ending = "";
    if (stem > 3 && strcmp(name + stem - 3, ".db") == 0) {
        stem -= 3;
        ending = ".db";
    }
    for (int i = 1; error == HAK_STORE_EXISTS && i <= NAMES_MAX; i++) {
        char number[16] = "";
        if (i > 1)
            snprintf(number, sizeof number, ".%d", i);
        if (snprintf(path, sizeof path, "%s/%.*s%s%s", folder, (int)stem, name, number, ending) >=
            (int)sizeof path)
            return HAK_STORE_NO_ACCESS;
        error = create(w, path);
    }
    return error;
}

static int create_somewhere(struct hak_worker *w, const char *asked) {
    char folder[HAK_PATH_BYTES], why[512];
    int error = create(w, asked);
    if (error == 0)
        return 0;
    snprintf(why, sizeof why, "%s", hak_store_message());
    snprintf(folder, sizeof folder, "%s", asked);
    char *slash = strrchr(folder, '/');
    if (slash)
        *slash = 0;
    if (error == HAK_STORE_EXISTS && slash)
        error = create_in(w, folder, base_name(asked));
    const char *temporary[] = {getenv("TMPDIR"), "/tmp"};
    for (int i = 0; error && i < 2; i++)
        if (temporary[i] && temporary[i][0] == '/')
            error = create_in(w, temporary[i], base_name(asked));
    if (error == 0)
        snprintf(w->moved_line, sizeof w->moved_line, "the store is %s, since %s", w->store_path,
                 why);
    return error;
}

static void put_number(struct hak_worker *w, const char *key, uint64_t value) {
    char text[32];
    snprintf(text, sizeof text, "%llu", (unsigned long long)value);
    hak_store_put_meta(w->writer, key, text);
}

/* What the first program was started with: whether its inner pools were off is known from these.
 * The keeper, and so this worker, has its environment. */
static void put_pool_switches(struct hak_worker *w) {
    static const char *const variables[] = {"PYTHONMALLOC", "G_SLICE"};
    for (size_t i = 0; i < sizeof variables / sizeof *variables; i++) {
        const char *value = getenv(variables[i]);
        char key[64], kept[64];
        snprintf(key, sizeof key, "environment.%s", variables[i]);
        snprintf(kept, sizeof kept, "%s", value ? value : "");
        if (value)
            hak_store_put_meta(w->writer, key, kept);
    }
}

static void describe(struct hak_worker *w, const struct hak_client *c) {
    const struct hak_mapping *m = &c->map;
    struct timespec real;
    clock_gettime(CLOCK_REALTIME, &real);
    uint64_t now = (uint64_t)real.tv_sec * 1000000000u + (uint64_t)real.tv_nsec;
    uint64_t started =
        m->realtime_start_ns && m->realtime_start_ns < now ? m->realtime_start_ns : now;
    w->resolve.started_ns = started;
    if (hak_store_begin(w->writer) != 0)
        return;
    hak_store_put_meta(w->writer, "program", m->program);
    hak_store_put_meta(w->writer, "command_line", m->command_line);
    put_number(w, "started", started);
    put_number(w, "monotonic_start_ns", w->capture_start_ns);
    hak_store_put_meta(w->writer, "layout", m->layout == 2 ? "header" : "same");
    hak_store_put_meta(w->writer, "check", m->level == 0 ? "trace" : "normal");
    put_pool_switches(w);
    hak_store_commit(w->writer);
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

void hak_opening_open(struct hak_worker *worker, struct hak_client *client) {
    const char *asked =
        worker->config.store_path[0] ? worker->config.store_path : client->map.store_path;
    char unnamed[64];
    int error = HAK_STORE_MISSING;
    if (worker->store_tried)
        return;
    if (client->map.resume_store == HAK_RESUME_NO_STORE && !worker->config.store_path[0]) {
        worker->capture_start_ns = hak_clock_monotonic_ns();
        return;
    }
    worker->store_tried = true;
    if (asked[0] != '/') {
        snprintf(unnamed, sizeof unnamed, "/tmp/hakmem.%d.db", (int)client->hello.pid);
        asked = unnamed;
    }
    bool go_on = worker->config.resume_store || client->map.resume_store == HAK_RESUME ||
                 (client->map.resume_store == HAK_RESUME_UNFINISHED && is_unfinished(asked));
    if (go_on)
        error = resume(worker, asked);
    if (error && worker->writer) {
        hak_rows_leave_store(&worker->rows);
        hak_store_finish(worker->writer);
        worker->writer = NULL;
    }
    if (error) {
        worker->next_fault = 1;
        error = create_somewhere(worker, asked);
        uint64_t now = hak_clock_monotonic_ns(), start = client->map.monotonic_start_ns;
        worker->capture_start_ns = start && (start < now || client->is_file) ? start : now;
        if (error == 0)
            describe(worker, client);
    }
    if (error) {
        char line[700];
        worker->writer = NULL;
        snprintf(line, sizeof line, "nothing can be stored: %s", hak_store_message());
        hak_worker_say(line);
        return;
    }
    worker->max_bytes = client->map.trace_max_bytes;
    if (worker->max_bytes && worker->max_bytes / LOG_SHARE < LOG_BYTES)
        hak_store_keep_log_below(worker->writer, worker->max_bytes / LOG_SHARE);
}

void hak_opening_reopen(struct hak_worker *worker) {
    if (worker->store_tried || !worker->config.resume_store || !worker->config.store_path[0])
        return;
    worker->store_tried = true;
    if (is_unfinished(worker->config.store_path) && resume(worker, worker->config.store_path) != 0)
        worker->writer = NULL;
}

static uint32_t number_of_session(struct hak_worker *w, uint64_t id) {
    char key[48];
    snprintf(key, sizeof key, "session.%016llx", (unsigned long long)id);
    const char *number = id ? hak_store_get_meta(w->writer, key) : NULL;
    return number ? (uint32_t)strtoul(number, NULL, 10) : 0;
}

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

void hak_opening_join(struct hak_worker *worker, struct hak_client *client) {
    if (worker->writer) {
        uint32_t before = number_of_session(worker, client->map.previous_id);
        uint32_t known = number_of_session(worker, client->map.session_id);
        client->number = known ? known : worker->next_session++;
        client->knows_nodes = known || before;
        if (before)
            take_cursors(worker, client, before);
        if (known)
            take_cursors(worker, client, known);
        else if (hak_store_begin(worker->writer) == 0) {
            char key[48];
            snprintf(key, sizeof key, "session.%016llx",
                     (unsigned long long)client->map.session_id);
            put_number(worker, key, client->number);
            hak_store_commit(worker->writer);
        }
    }
    uint32_t used = hak_mapping_ring_count(&client->map);
    if (used > client->rings_high)
        client->rings_high = used;
    for (uint32_t i = 0; i < client->rings_high; i++) {
        struct hak_ring_cursor *cursor = &client->rings[i];
        uint64_t tail =
            atomic_load_explicit(&hak_mapping_ring(&client->map, i)->tail, memory_order_relaxed);
        if (tail == 0 && cursor->position == 0)
            continue;
        if (tail > cursor->position) /* given up while the disk was full */
            cursor->position = tail;
        cursor->stored = cursor->position;
        atomic_store_explicit(&hak_mapping_ring(&client->map, i)->tail, cursor->position,
                              memory_order_release);
    }
    if (worker->store_path[0]) {
        struct hak_session *s = hak_mapping_header(&client->map);
        snprintf(s->store_path, sizeof s->store_path, "%s", worker->store_path);
    }
}
