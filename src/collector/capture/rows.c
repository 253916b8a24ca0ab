/* Keeps the rows of processes, threads, modules and nodes, and puts the changed ones. */
#include "collector/capture/rows.h"

#include <stdlib.h>
#include <string.h>
#include "base/growing.h"

enum { DIRTY_PROCESS = 0, DIRTY_THREAD = 1, DIRTY_MODULE = 2 };
#define DIRTY_SHIFT 30
#define ROWS_MAX    (1u << DIRTY_SHIFT)
#define INDEX_MAX   (1u << 22) /* nodes in one of the two indices: at most 112 MiB */

/* Makes room for one more element of `each` bytes. False, and rows->out_of_memory is set: no
 * memory, or ROWS_MAX are there. */
static bool reserve(struct hak_rows *rows, void *array, uint32_t count, uint32_t *capacity,
                    size_t each) {
    if (count < *capacity)
        return true;
    if (count < ROWS_MAX - 1 && hak_growing_make_room(array, count, capacity, each))
        return true;
    rows->out_of_memory = true;
    return false;
}

/* The element that was added at the end of the list, of `each` bytes; NULL: as reserve says. */
static void *add_item(struct hak_rows *rows, struct hak_rows_list *list, size_t each) {
    if (!reserve(rows, &list->items, list->count, &list->capacity, each))
        return NULL;
    return (char *)list->items + list->count++ * each;
}

/* Those that were put are committed. */
static void drop_put(struct hak_rows_list *list, size_t each) {
    list->count -= list->put;
    if (list->put > 0 && list->count > 0)
        memmove(list->items, (char *)list->items + list->put * each, list->count * each);
    list->put = 0;
}

/* A copy of the text, "" where it is NULL or memory ends. */
static char *copy(const char *text) {
    char *mine = strdup(text ? text : "");
    if (!mine)
        mine = strdup("");
    return mine;
}

void hak_rows_free(struct hak_rows *rows) {
    for (uint32_t i = 0; i < rows->process_count; i++) {
        free((char *)rows->processes[i].row.program);
        free((char *)rows->processes[i].row.command_line);
        free((char *)rows->processes[i].row.note);
        free(rows->processes[i].modules);
        hak_made_files_close(rows->processes[i].made_files);
    }
    for (uint32_t i = 0; i < rows->thread_count; i++)
        free((char *)rows->threads[i].row.name);
    for (uint32_t i = 0; i < rows->module_count; i++) {
        free((char *)rows->modules[i].row.path);
        free((char *)rows->modules[i].row.build_id);
    }
    free(rows->processes);
    free(rows->threads);
    free(rows->modules);
    free(rows->nodes);
    free(rows->losses.items);
    free(rows->suppressed.items);
    free(rows->dirty.items);
    hak_index_free(&rows->thread_index);
    hak_index_free(&rows->image_index);
    hak_node_index_free(&rows->new_nodes);
    hak_node_index_free(&rows->old_nodes);
    *rows = (struct hak_rows){0};
}

struct hak_process_info *hak_rows_process_info(struct hak_rows *rows, uint32_t id) {
    return id && id <= rows->process_count ? &rows->processes[id - 1] : NULL;
}
struct hak_thread_info *hak_rows_thread_info(struct hak_rows *rows, uint32_t id) {
    return id && id <= rows->thread_count ? &rows->threads[id - 1] : NULL;
}
struct hak_module_info *hak_rows_module_info(struct hak_rows *rows, uint32_t id) {
    return id && id <= rows->module_count ? &rows->modules[id - 1] : NULL;
}

/* Whether a row is to be put; NULL = there is no such row. */
static bool *dirty_of(struct hak_rows *rows, uint32_t kind, uint32_t id) {
    switch (kind) {
    case DIRTY_PROCESS:
        return id && id <= rows->process_count ? &rows->processes[id - 1].dirty : NULL;
    case DIRTY_THREAD:
        return id && id <= rows->thread_count ? &rows->threads[id - 1].dirty : NULL;
    default:
        return id && id <= rows->module_count ? &rows->modules[id - 1].dirty : NULL;
    }
}

/* Enters a row in the list of those to be put, unless it is in it; without memory it is left
 * out. */
static void touch(struct hak_rows *rows, uint32_t kind, uint32_t id) {
    bool *is_dirty = dirty_of(rows, kind, id);
    uint32_t *row = is_dirty && !*is_dirty ? add_item(rows, &rows->dirty, sizeof *row) : NULL;
    if (!row)
        return;
    *row = kind << DIRTY_SHIFT | (id - 1);
    *is_dirty = true;
}

void hak_rows_touch_process(struct hak_rows *rows, uint32_t id) {
    touch(rows, DIRTY_PROCESS, id);
}
void hak_rows_touch_thread(struct hak_rows *rows, uint32_t id) {
    touch(rows, DIRTY_THREAD, id);
}
void hak_rows_touch_module(struct hak_rows *rows, uint32_t id) {
    touch(rows, DIRTY_MODULE, id);
}

struct hak_who hak_rows_who(const struct hak_process_info *row) {
    return (struct hak_who){row->outer_pid, row->row.pid, row->pid_space, row->row.start_time};
}

bool hak_rows_is_process(const struct hak_process_info *row, const struct hak_who *who) {
    bool both_started = row->row.start_time && who->start_time;
    if (both_started && row->row.start_time != who->start_time)
        return false;
    if (row->outer_pid > 0 && who->outer > 0)
        return row->outer_pid == who->outer;
    if (row->pid_space && who->space)
        return row->pid_space == who->space && row->row.pid == who->inner;
    /* The row of a store that another worker wrote, or of a process without /proc. */
    int32_t number = who->inner > 0 ? who->inner : who->outer;
    return number > 0 && row->row.pid == number && (both_started || who->inner > 0);
}

uint32_t hak_rows_find_process(const struct hak_rows *rows, const struct hak_who *who,
                               uint32_t below) {
    uint32_t id = below <= rows->process_count ? below - 1 : rows->process_count;
    while (id > 0 && !hak_rows_is_process(&rows->processes[id - 1], who))
        id--;
    return id;
}

uint32_t hak_rows_add_process(struct hak_rows *rows, const struct hak_process_row *row) {
    if (!reserve(rows, &rows->processes, rows->process_count, &rows->process_capacity,
                 sizeof *rows->processes))
        return 0;
    struct hak_process_info *p = &rows->processes[rows->process_count++];
    *p = (struct hak_process_info){.row = *row};
    p->row.id = rows->process_count;
    p->row.program = copy(row->program);
    p->row.command_line = copy(row->command_line);
    p->row.note = copy(row->note ? row->note : "");
    hak_rows_touch_process(rows, p->row.id);
    return p->row.id;
}

/* A key of a module's path and build-id. */
static uint64_t image_key(const struct hak_module_row *row) {
    uint64_t key = 0;
    for (const char *c = row->path; *c; c++)
        key = hak_index_mix(key, (uint8_t)*c);
    for (const char *c = row->build_id; *c; c++)
        key = hak_index_mix(key, (uint8_t)*c);
    return key;
}

/* The first module with the path and build-id of `m`, which is the newest one. */
static uint32_t image_of(struct hak_rows *rows, const struct hak_module_row *m) {
    uint64_t key = image_key(m), place = 0;
    uint32_t id;
    while ((id = hak_index_find(&rows->image_index, key, &place)) != 0) {
        const struct hak_module_row *first = &rows->modules[id - 1].row;
        if (strcmp(first->path, m->path) == 0 && strcmp(first->build_id, m->build_id) == 0)
            return id;
    }
    hak_index_add(&rows->image_index, key, m->id);
    return m->id;
}

uint32_t hak_rows_add_module(struct hak_rows *rows, const struct hak_module_row *row,
                             uint64_t load_ns) {
    struct hak_process_info *p = hak_rows_process_info(rows, row->process);
    if (!p || !reserve(rows, &p->modules, p->module_count, &p->module_capacity, sizeof *p->modules))
        return 0;
    if (!reserve(rows, &rows->modules, rows->module_count, &rows->module_capacity,
                 sizeof *rows->modules))
        return 0;
    struct hak_module_info *m = &rows->modules[rows->module_count++];
    *m = (struct hak_module_info){.row = *row, .load_ns = load_ns};
    m->row.id = rows->module_count;
    m->row.path = copy(row->path);
    m->row.build_id = copy(row->build_id);
    m->row.image = image_of(rows, &m->row);
    p->modules[p->module_count++] = m->row.id;
    hak_rows_touch_module(rows, m->row.id);
    return m->row.id;
}

uint32_t hak_rows_known_thread(const struct hak_rows *rows, uint32_t process, uint32_t number) {
    uint64_t place = 0;
    return hak_index_find(&rows->thread_index, (uint64_t)process << 32 | number, &place);
}

uint32_t hak_rows_thread(struct hak_rows *rows, uint32_t process, uint32_t number, int32_t tid,
                         uint64_t ns) {
    uint64_t key = (uint64_t)process << 32 | number, place = 0;
    uint32_t id = hak_index_find(&rows->thread_index, key, &place);
    if (id)
        return id;
    if (!reserve(rows, &rows->threads, rows->thread_count, &rows->thread_capacity,
                 sizeof *rows->threads) ||
        !hak_index_add(&rows->thread_index, key, rows->thread_count + 1))
        return 0;
    struct hak_thread_info *t = &rows->threads[rows->thread_count++];
    *t = (struct hak_thread_info){.row = {.id = rows->thread_count,
                                          .process = process,
                                          .number = number,
                                          .tid = tid,
                                          .start_ns = ns,
                                          .name = copy("")}};
    hak_rows_touch_thread(rows, t->row.id);
    return t->row.id;
}

bool hak_rows_name_thread(struct hak_rows *rows, uint32_t id, const char *name) {
    struct hak_thread_info *t = hak_rows_thread_info(rows, id);
    if (!t)
        return false;
    if (strcmp(t->row.name, name) != 0) {
        free((char *)t->row.name);
        t->row.name = copy(name);
        hak_rows_touch_thread(rows, id);
    }
    return true;
}

void hak_rows_note(struct hak_rows *rows, uint32_t id, const char *note) {
    struct hak_process_info *p = hak_rows_process_info(rows, id);
    char *mine = p ? strdup(note) : NULL; /* which may be a part of the one before */
    if (!mine)
        return;
    free((char *)p->row.note);
    p->row.note = mine;
    hak_rows_touch_process(rows, id);
}

void hak_rows_settle_made_files(struct hak_rows *rows, uint32_t process) {
    struct hak_process_info *p = hak_rows_process_info(rows, process);
    struct hak_made_files *files = p ? p->made_files : NULL;
    if (!files)
        return;
    hak_made_files_settle(files, p->row.pid,
                          rows->started_ns ? rows->started_ns + p->row.start_ns : 0);
    if (files->map >= 0 || files->dumps[0] >= 0 || files->refused)
        return;
    hak_made_files_close(files);
    p->made_files = NULL;
}

uint32_t hak_rows_add_node(struct hak_rows *rows, uint32_t parent, uint32_t process,
                           uint32_t generation, uint64_t ip) {
    if (!reserve(rows, &rows->nodes, rows->node_count - rows->nodes_stored, &rows->node_capacity,
                 sizeof *rows->nodes) ||
        rows->node_count >= ROWS_MAX - 1)
        return 0;
    struct hak_node_row *n = &rows->nodes[rows->node_count - rows->nodes_stored];
    *n = (struct hak_node_row){++rows->node_count, parent, process, generation, ip};
    return n->id;
}

static void add_loss(struct hak_rows *rows, struct hak_loss_row loss) {
    struct hak_loss_row *row = add_item(rows, &rows->losses, sizeof *row);
    if (row)
        *row = loss;
}

void hak_rows_add_loss(struct hak_rows *rows, uint32_t process, uint32_t thread, uint64_t from_ns,
                       uint64_t to_ns, uint64_t count, const char *reason) {
    struct hak_process_info *p = hak_rows_process_info(rows, process);
    if (p) {
        p->row.lost += count;
        hak_rows_touch_process(rows, process);
    }
    if (rows->losses.count) { /* a stretch that goes on is one row */
        struct hak_loss_row *last =
            (struct hak_loss_row *)rows->losses.items + rows->losses.count - 1;
        if (last->process == process && last->thread == thread && last->reason == reason &&
            from_ns >= last->from_ns) {
            last->count += count;
            if (to_ns > last->to_ns)
                last->to_ns = to_ns;
            return;
        }
    }
    add_loss(rows, (struct hak_loss_row){.process = process,
                                         .thread = thread,
                                         .from_ns = from_ns,
                                         .to_ns = to_ns,
                                         .count = count,
                                         .reason = reason});
}

void hak_rows_add_suppressed(struct hak_rows *rows, uint64_t event) {
    uint64_t *row = add_item(rows, &rows->suppressed, sizeof *row);
    if (row)
        *row = event;
}

/* Not joined with others, nor counted as lost: the program did not want them. */
void hak_rows_stop(struct hak_rows *rows, uint32_t process, uint64_t ns) {
    struct hak_process_info *p = hak_rows_process_info(rows, process);
    if (p)
        p->is_stopped = true;
    add_loss(rows, (struct hak_loss_row){.process = process,
                                         .from_ns = ns,
                                         .to_ns = HAK_LOSS_OPEN,
                                         .count = 1,
                                         .reason = HAK_LOSS_STOPPED});
}

void hak_rows_go_on(struct hak_rows *rows, uint32_t process, uint64_t ns) {
    struct hak_process_info *p = hak_rows_process_info(rows, process);
    if (p)
        p->is_stopped = false;
    add_loss(rows, (struct hak_loss_row){.process = process, .to_ns = ns, .is_stop_end = true});
}

/* Nodes are told apart by a hash of 64 bits: of ten million, two are taken for one another with a
 * probability of three in a million. */
static uint64_t node_key(uint32_t parent, uint32_t process, uint32_t generation, uint64_t ip) {
    uint64_t of_ip = hak_index_mix(0, ip); /* else bits of ip and of process make up for another */
    return hak_index_mix(hak_index_mix(of_ip, (uint64_t)parent << 32 | process), generation);
}

/* Brings the indices up to the newest node. A full one becomes the old one, whose nodes are
 * forgotten: so the latest `max` to 2 * `max` are known. False without memory. */
static bool index_nodes(struct hak_rows *rows) {
    struct hak_node_index *index = &rows->new_nodes;
    uint32_t max = rows->index_max ? rows->index_max : INDEX_MAX;
    struct hak_node_row n;
    if (index->base + index->count == 0 && rows->node_count > max)
        index->base = rows->node_count - max;
    for (uint32_t id; (id = index->base + index->count + 1) <= rows->node_count;) {
        if (index->count >= max) {
            hak_node_index_free(&rows->old_nodes);
            rows->old_nodes = *index;
            *index = (struct hak_node_index){.base = id - 1};
        }
        if (!hak_rows_node(rows, id, &n))
            n = (struct hak_node_row){0}; /* is never found: no node has an ip of 0 */
        if (!hak_node_index_add(index, n.parent, node_key(n.parent, n.process, n.generation, n.ip)))
            return false;
    }
    return true;
}

uint32_t hak_rows_find_node(struct hak_rows *rows, uint32_t parent, uint32_t process,
                            uint32_t generation, uint64_t ip) {
    uint64_t key = node_key(parent, process, generation, ip);
    if (!index_nodes(rows)) {
        rows->out_of_memory = true;
        return 0; /* no second row of the same node */
    }
    uint32_t id = hak_node_index_find(&rows->new_nodes, parent, key);
    if (id == 0)
        id = hak_node_index_find(&rows->old_nodes, parent, key);
    return id ? id : hak_rows_add_node(rows, parent, process, generation, ip);
}

bool hak_rows_node(const struct hak_rows *rows, uint32_t id, struct hak_node_row *out) {
    if (id == 0 || id > rows->node_count)
        return false;
    if (id <= rows->nodes_stored)
        return rows->writer && hak_store_get_node(rows->writer, id, out) > 0;
    *out = rows->nodes[id - rows->nodes_stored - 1];
    return true;
}

/* The newest-loaded module of the process, up to `generation`, that holds the address; 0: none
 * does. */
static uint32_t module_among(const struct hak_rows *rows, const struct hak_process_info *p,
                             uint32_t generation, uint64_t ip) {
    uint32_t best = 0, best_generation = 0;
    for (uint32_t i = p->module_count; i > 0; i--) {
        const struct hak_module_info *m = &rows->modules[p->modules[i - 1] - 1];
        if (ip < m->row.start || ip >= m->row.end || m->row.generation > generation ||
            (best && m->row.generation <= best_generation))
            continue;
        best = m->row.id;
        best_generation = m->row.generation;
    }
    return best;
}

uint32_t hak_rows_module_of(const struct hak_rows *rows, uint32_t process, uint32_t generation,
                            uint64_t ip) {
    uint32_t found = 0;
    if (process > rows->process_count)
        return 0;
    for (int ancestors = 0; !found && process && ancestors < 64; ancestors++) {
        const struct hak_process_info *p = &rows->processes[process - 1];
        found = module_among(rows, p, generation, ip);
        process = p->row.parent <= rows->process_count ? p->row.parent : 0;
    }
    return found;
}

/* Puts the row of `dirty`. */
static int put_row(const struct hak_rows *rows, struct hak_store_writer *writer, uint32_t dirty) {
    uint32_t at = dirty & (ROWS_MAX - 1);
    switch (dirty >> DIRTY_SHIFT) {
    case DIRTY_PROCESS:
        return hak_store_put_process(writer, &rows->processes[at].row);
    case DIRTY_THREAD:
        return hak_store_put_thread(writer, &rows->threads[at].row);
    default:
        return hak_store_put_module(writer, &rows->modules[at].row);
    }
}

int hak_rows_flush(struct hak_rows *rows, struct hak_store_writer *writer) {
    const uint32_t *dirty = rows->dirty.items;
    const struct hak_loss_row *losses = rows->losses.items;
    const uint64_t *suppressed = rows->suppressed.items;
    int error = 0;
    rows->writer = writer;
    for (uint32_t i = 0; i < rows->dirty.count && error == 0; i++)
        error = put_row(rows, writer, dirty[i]);
    for (uint32_t i = 0; i < rows->node_count - rows->nodes_stored && error == 0; i++)
        error = hak_store_put_node(writer, &rows->nodes[i]);
    for (uint32_t i = 0; i < rows->losses.count && error == 0; i++)
        error = hak_store_put_loss(writer, &losses[i]);
    for (uint32_t i = 0; i < rows->suppressed.count && error == 0; i++)
        error = hak_store_put_suppressed(writer, suppressed[i]);
    rows->nodes_put = rows->node_count;
    rows->dirty.put = rows->dirty.count;
    rows->losses.put = rows->losses.count;
    rows->suppressed.put = rows->suppressed.count;
    return error;
}

void hak_rows_committed(struct hak_rows *rows) {
    const uint32_t *dirty = rows->dirty.items;
    for (uint32_t i = 0; i < rows->dirty.put; i++)
        *dirty_of(rows, dirty[i] >> DIRTY_SHIFT, (dirty[i] & (ROWS_MAX - 1)) + 1) = false;
    if (rows->nodes_put > rows->nodes_stored && rows->nodes_put < rows->node_count)
        memmove(rows->nodes, rows->nodes + (rows->nodes_put - rows->nodes_stored),
                (rows->node_count - rows->nodes_put) * sizeof *rows->nodes);
    rows->nodes_stored = rows->nodes_put;
    drop_put(&rows->dirty, sizeof *dirty);
    drop_put(&rows->losses, sizeof(struct hak_loss_row));
    drop_put(&rows->suppressed, sizeof(uint64_t));
}

void hak_rows_leave_store(struct hak_rows *rows) {
    rows->writer = NULL;
}

void hak_rows_rolled_back(struct hak_rows *rows) {
    rows->dirty.put = rows->losses.put = rows->suppressed.put = 0;
    rows->nodes_put = rows->nodes_stored;
}
