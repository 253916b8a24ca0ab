/* Resolves stack nodes to frames, a little at a time, and keeps the results to store. */
#include "collector/capture/resolve.h"

#include <stdlib.h>
#include <string.h>
#include "collector/kernel/kernel.h"
#include "base/growing.h"
#include "trace/frame_node.h"

#define LEVELS_MAX  32
#define STACK_DEPTH 4096
#define REPORT_MS   5000 /* that a report waits for files; the program waits 10 s for it */

bool hak_resolve_make(struct hak_resolve *resolve) {
    *resolve = (struct hak_resolve){.symbols = hak_symbols_make()};
    resolve->recent = calloc(HAK_RESOLVE_RECENT, sizeof *resolve->recent);
    return resolve->symbols && resolve->recent;
}

void hak_resolve_free(struct hak_resolve *resolve) {
    hak_symbols_free(resolve->symbols);
    free(resolve->recent);
    hak_index_free(&resolve->done);
    free(resolve->pending);
    hak_strings_free(&resolve->made.strings);
    free(resolve->made.report);
}

/* (image, offset) are told apart by a hash of 64 bits: a clash would leave one frame unnamed. */
uint64_t hak_resolve_key(uint32_t image, uint64_t offset) {
    return hak_index_mix(hak_index_mix(1, image), offset);
}

void hak_resolve_load(struct hak_resolve *resolve, struct hak_store_writer *writer) {
    struct hak_query q =
        hak_ask(hak_store_writer_database(writer),
                "SELECT module, offset FROM frame WHERE level = 0", "reading its symbols");
    while (hak_query_next(&q))
        hak_index_add(&resolve->done, hak_resolve_key(hak_query_id(&q, 0), hak_query_number(&q, 1)),
                      1);
    hak_query_end(&q);
}

/* The symbol file of a module, opened the first time it is asked for; NULL: the module is none or
 * has no absolute path. */
static struct hak_symbol_file *open_module_file(struct hak_resolve *r, struct hak_rows *rows,
                                                struct hak_module_info *m) {
    const struct hak_process_info *p = m ? hak_rows_process_info(rows, m->row.process) : NULL;
    if (!p || m->row.path[0] != '/')
        return NULL;
    if (!m->file)
        m->file = hak_symbols_open(r->symbols, m->row.path, m->row.build_id,
                                   p->row.end_ns ? 0 : p->outer_pid,
                                   rows->started_ns ? rows->started_ns + m->load_ns : 0);
    return m->file;
}

bool hak_resolve_keep_frame(struct hak_resolve *r, uint32_t module, uint64_t offset, uint32_t level,
                            const struct hak_symbol *s) {
    if (!hak_growing_make_room(&r->pending, r->pending_count, &r->pending_capacity,
                               sizeof *r->pending))
        return false;
    r->pending[r->pending_count++] = (struct hak_frame_row){.module = module,
                                                            .offset = offset,
                                                            .level = level,
                                                            .line = s->line,
                                                            .function = s->function,
                                                            .file = s->file};
    return true;
}

/* Where what is said of a node's address is remembered; holds `key` when that came lately. */
uint64_t *hak_resolve_recent(const struct hak_resolve *r, const struct hak_node_row *n,
                             uint64_t *key) {
    uint64_t of_ip = hak_index_mix(0, n->ip);
    *key = hak_index_mix(hak_index_mix(of_ip, n->process), n->generation) | 1;
    return &r->recent[*key >> 32 & (HAK_RESOLVE_RECENT - 1)];
}

/* Notes the path of a module whose names come too late for the report, once, HAK_RESOLVE_LATE at
 * most. */
static void note_late(struct hak_resolve *r, const char *path) {
    for (int i = 0; i < HAK_RESOLVE_LATE; i++) {
        const char **late = &r->report.late[i];
        if (!*late)
            *late = path;
        if (strcmp(*late, path) == 0)
            return;
    }
}

/* Waits until the module's file is loaded, within the time that the report has left. False: it is
 * not, which is noted. */
static bool await_names(struct hak_resolve *r, const struct hak_module_info *m) {
    bool is_loaded = hak_symbols_wait(m->file, &r->report.left_ms);
    if (!is_loaded)
        note_late(r, m->row.path);
    return is_loaded;
}

/* The texts that the nodes up to a line node spell: `name` from its end on, then `file`. */
struct spelling {
    char name[HAK_FRAME_NODES_MAX * HAK_FRAME_TEXT_BYTES + 1];
    char file[HAK_FRAME_NODES_MAX * HAK_FRAME_TEXT_BYTES + 1];
};

/* Puts the bytes of a node in front of `text`, which begins at `*at`. */
static void put_before(char *text, size_t *at, uint64_t ip) {
    size_t bytes = ip >> HAK_FRAME_TEXT_SHIFT & 7;
    if (bytes > HAK_FRAME_TEXT_BYTES || bytes > *at)
        return;
    *at -= bytes;
    for (size_t i = 0; i < bytes; i++)
        text[*at + i] = (char)(ip >> 8 * i);
}

/* Names a frame of an interpreter by its line node, and the nodes that spell it. */
static void resolve_frame_node(struct hak_resolve *r, const struct hak_rows *rows, uint64_t ip) {
    struct hak_node_row n;
    struct spelling s;
    size_t name_at = sizeof s.name - 1, file_at = sizeof s.file - 1;
    uint64_t place = 0, key = hak_resolve_key(0, ip);
    if (hak_index_find(&r->done, key, &place) ||
        !hak_rows_node(rows, hak_frame_node_number(ip), &n) ||
        hak_frame_node_kind(n.ip) != HAK_FRAME_NODE_LINE)
        return;
    s.name[name_at] = s.file[file_at] = '\0';
    struct hak_symbol symbol = {.line = hak_frame_node_number(n.ip)};
    for (int i = 0; i < HAK_FRAME_NODES_MAX && n.parent && hak_rows_node(rows, n.parent, &n); i++)
        if (hak_frame_node_kind(n.ip) == HAK_FRAME_NODE_NAME)
            put_before(s.name, &name_at, n.ip);
        else if (hak_frame_node_kind(n.ip) == HAK_FRAME_NODE_FILE)
            put_before(s.file, &file_at, n.ip);
    symbol.function = hak_strings_mark(&r->made.strings, s.name + name_at, "");
    symbol.file = hak_strings_join(&r->made.strings, "", s.file + file_at);
    hak_resolve_keep_frame(r, 0, ip, 0, &symbol);
    hak_index_add(&r->done, key, 1);
}

/* Resolves the frames of a node, unless it was one of the last that were. False: its file is not
 * loaded yet, and nothing was done. */
static bool resolve_node(struct hak_resolve *r, struct hak_rows *rows, const struct hak_node_row *n,
                         bool is_for_report) {
    uint64_t node_key, *recent = hak_resolve_recent(r, n, &node_key);
    if (*recent == node_key)
        return true;
    enum hak_frame_node kind = hak_frame_node_kind(n->ip);
    if (kind != HAK_FRAME_NODE_NONE) {
        if (kind == HAK_FRAME_NODE_FRAME)
            resolve_frame_node(r, rows, n->ip);
        return true;
    }
    uint32_t module = hak_rows_module_of(rows, n->process, n->generation, n->ip);
    struct hak_module_info *m = hak_rows_module_info(rows, module);
    if (!m) {
        struct hak_process_info *p = hak_rows_process_info(rows, n->process);
        r->made.is_seen = true;
        if (p && p->made_files)
            hak_made_files_look(p->made_files, p->outer_pid);
        return true;
    }
    uint64_t offset = n->ip - m->row.load_bias, place = 0,
             key = hak_resolve_key(m->row.image, offset);
    if (!hak_index_find(&r->done, key, &place)) {
        struct hak_symbol_file *file = open_module_file(r, rows, m);
        if (file && !(is_for_report ? await_names(r, m) : hak_symbols_wait(file, NULL)))
            return false;
        struct hak_symbol levels[LEVELS_MAX];
        /* A node's ip is a return address: the call before it is meant. */
        int count = file ? hak_symbols_find(file, offset - 1, levels, LEVELS_MAX) : 0;
        for (int i = 0; i < count; i++)
            hak_resolve_keep_frame(r, m->row.image, offset, (uint32_t)i, &levels[i]);
        hak_index_add(&r->done, key, 1);
    }
    *recent = node_key;
    return true;
}

static bool is_over(uint64_t until) {
    return hak_time_ns() >= until;
}

enum hak_resolve_state hak_resolve_some(struct hak_resolve *resolve, struct hak_rows *rows,
                                        uint64_t budget_ns) {
    uint64_t until = hak_time_ns() + budget_ns;
    while (resolve->next_module < rows->module_count) {
        open_module_file(resolve, rows, &rows->modules[resolve->next_module++]);
        if (is_over(until))
            return HAK_RESOLVE_MORE;
    }
    while (resolve->next_node < rows->node_count) {
        struct hak_node_row n;
        if (hak_rows_node(rows, resolve->next_node + 1, &n) &&
            !resolve_node(resolve, rows, &n, false))
            return HAK_RESOLVE_WAIT;
        resolve->next_node++;
        if (resolve->next_node % 16 == 0 && is_over(until))
            return HAK_RESOLVE_MORE;
    }
    return HAK_RESOLVE_DONE;
}

void hak_resolve_begin_report(struct hak_resolve *resolve) {
    resolve->report = (struct hak_resolve_report){.left_ms = REPORT_MS};
}

void hak_resolve_stack(struct hak_resolve *resolve, struct hak_rows *rows, uint32_t stack) {
    struct hak_node_row n;
    for (int depth = 0; depth < STACK_DEPTH && hak_rows_node(rows, stack, &n); depth++) {
        resolve_node(resolve, rows, &n, true);
        stack = n.parent;
    }
}

int hak_resolve_frames(struct hak_resolve *resolve, struct hak_rows *rows, uint32_t process,
                       const uint64_t *ips, int count, bool exact, struct hak_frame *out, int max) {
    int filled = 0;
    for (int i = 0; i < count && filled < max; i++) {
        uint32_t module = hak_rows_module_of(rows, process, UINT32_MAX, ips[i]);
        struct hak_module_info *m = hak_rows_module_info(rows, module);
        struct hak_frame plain = {.ip = ips[i],
                                  .module = m ? m->row.path : "",
                                  .module_offset = ips[i] - (m ? m->row.load_bias : 0),
                                  .function = "",
                                  .file = "",
                                  .is_hakmem = m && hak_is_own_module(m->row.path)};
        struct hak_symbol_file *file = open_module_file(resolve, rows, m);
        struct hak_symbol levels[LEVELS_MAX];
        uint64_t back = exact && i == 0 ? 0 : 1;
        int found = file && await_names(resolve, m)
                        ? hak_symbols_find(file, plain.module_offset - back, levels, LEVELS_MAX)
                        : 0;
        if (found == 0)
            out[filled++] = plain;
        for (int level = 0; level < found && filled < max; level++) {
            out[filled] = plain;
            out[filled].function = levels[level].function;
            out[filled].file = levels[level].file;
            out[filled].line = levels[level].line;
            out[filled++].inlined = level + 1 < found;
        }
    }
    return filled;
}

int hak_resolve_flush(struct hak_resolve *resolve, struct hak_store_writer *writer) {
    int error = 0;
    for (uint32_t i = 0; i < resolve->pending_count && error == 0; i++)
        error = hak_store_put_frame(writer, &resolve->pending[i]);
    resolve->pending_put = resolve->pending_count;
    return error;
}

void hak_resolve_committed(struct hak_resolve *resolve) {
    if (resolve->pending_put == 0)
        return;
    memmove(resolve->pending, resolve->pending + resolve->pending_put,
            (resolve->pending_count - resolve->pending_put) * sizeof *resolve->pending);
    resolve->pending_count -= resolve->pending_put;
    resolve->pending_put = 0;
}

bool hak_resolve_is_dirty(const struct hak_resolve *resolve) {
    return resolve->pending_count > 0;
}
