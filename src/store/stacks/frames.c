/* Turns a stack node into frames for people: modules by process and generation, symbols by offset.
 */
#include "store/stacks/stacks.h"

#include <stdlib.h>
#include <string.h>
#include "store/error.h"

#define DEPTH_MAX     4096 /* of a chain of nodes; a longer one is damage */
#define ANCESTORS_MAX 64
#define LEVELS_MAX    64 /* of one node: a call and what is inlined there */
#define NAMELESS_KEPT 16 /* nodes on the way to a name that are kept with it */

static int prepare(struct hak_stack_reader *r) {
    static const char module_sql[] =
        "SELECT image, load_bias, path FROM module WHERE process = ?1 AND start <= ?2"
        " AND \"end\" > ?2 AND generation <= ?3 ORDER BY generation DESC, id DESC LIMIT 1";
    static const char frame_sql[] = "SELECT function, file, line FROM frame"
                                    " WHERE module = ?1 AND offset = ?2 ORDER BY level";
    static const char parent_sql[] = "SELECT parent FROM process WHERE id = ?1";
    static const char doing[] = "preparing to read stacks";
    return hak_database_keep(&r->db, &r->module, module_sql, doing) &&
                   hak_database_keep(&r->db, &r->frame, frame_sql, doing) &&
                   hak_database_keep(&r->db, &r->parent, parent_sql, doing)
               ? 0
               : HAK_STORE_INTERNAL;
}

/* Keeps a copy of a text for the caller. Offsets now, pointers when all is there (the buffer
 * moves); 0 = "". */
static size_t keep_text(struct hak_stack_reader *r, const unsigned char *text) {
    size_t bytes = text ? strlen((const char *)text) + 1 : 0;
    if (bytes <= 1 || !hak_buffer_reserve(&r->text, bytes))
        return 0;
    size_t at = r->text.size;
    memcpy(r->text.data + at, text, bytes);
    r->text.size += bytes;
    return at;
}

/* Leaves r->module at the row of the module in which `n` lies; a forked child has its parent's. */
static bool find_module(struct hak_stack_reader *r, const struct hak_node_row *n) {
    uint32_t process = n->process;
    for (int i = 0; process && i < ANCESTORS_MAX; i++) {
        sqlite3_reset(r->module);
        sqlite3_bind_int64(r->module, 1, process);
        sqlite3_bind_int64(r->module, 2, (sqlite3_int64)n->ip);
        sqlite3_bind_int64(r->module, 3, n->generation);
        if (sqlite3_step(r->module) == SQLITE_ROW)
            return true;
        sqlite3_bind_int64(r->parent, 1, process);
        process = sqlite3_step(r->parent) == SQLITE_ROW
                      ? (uint32_t)sqlite3_column_int64(r->parent, 0)
                      : 0;
        sqlite3_reset(r->parent);
    }
    return false;
}

static bool is_own_code(const char *path) {
    const char *name = strrchr(path, '/');
    name = name ? name + 1 : path;
    return strncmp(name, "hakmem-", 7) == 0 || strncmp(name, "libhakmem", 9) == 0;
}

/* Frames of one node: every inlined level, or one without a name. Texts are offsets + 1 yet. */
static int add_frames(struct hak_stack_reader *r, const struct hak_node_row *n,
                      struct hak_frame *out, int room) {
    bool has_module = find_module(r, n);
    struct hak_frame plain = {.ip = n->ip, .module_offset = n->ip};
    if (has_module) {
        const unsigned char *path = sqlite3_column_text(r->module, 2);
        plain.module_offset = n->ip - (uint64_t)sqlite3_column_int64(r->module, 1);
        plain.is_hakmem = is_own_code(path ? (const char *)path : "");
        plain.module = (const char *)keep_text(r, path);
    }
    sqlite3_bind_int64(r->frame, 1, has_module ? sqlite3_column_int64(r->module, 0) : 0);
    sqlite3_bind_int64(r->frame, 2, (sqlite3_int64)plain.module_offset);
    int found = 0;
    while (found < room && sqlite3_step(r->frame) == SQLITE_ROW) {
        if (found)
            out[found - 1].inlined = true;
        out[found] = plain;
        out[found].function = (const char *)keep_text(r, sqlite3_column_text(r->frame, 0));
        out[found].file = (const char *)keep_text(r, sqlite3_column_text(r->frame, 1));
        out[found].line = (uint32_t)sqlite3_column_int64(r->frame, 2);
        found++;
    }
    sqlite3_reset(r->frame);
    sqlite3_reset(r->module);
    if (!found && room)
        out[found++] = plain;
    return found;
}

static const char *text_at(const struct hak_stack_reader *r, const char *offset) {
    return (const char *)r->text.data + (uintptr_t)offset;
}

/* The node `id`: 1 found, 0 not there, or an error, which is kept. */
static int get_node(struct hak_stack_reader *r, uint32_t id, struct hak_node_row *out) {
    int found = hak_node_reader_get(r->nodes, id, out);
    if (found < 0 && !r->error)
        r->error = strdup(hak_store_message());
    return found;
}

int hak_stacks_frames(struct hak_stack_reader *r, uint32_t stack, struct hak_frame *out, int max) {
    int count = 0, error = prepare(r);
    r->text.size = 0;
    if (error)
        return error;
    if (!hak_buffer_reserve(&r->text, 1))
        return hak_store_no_memory(r->db.path);
    r->text.data[r->text.size++] = 0; /* offset 0 is the empty text */
    for (int depth = 0; stack && count < max && depth < DEPTH_MAX; depth++) {
        struct hak_node_row n;
        int found = get_node(r, stack, &n);
        if (found < 0)
            return found;
        if (!found)
            break;
        count += add_frames(r, &n, out + count, max - count);
        stack = n.parent;
    }
    for (int i = 0; i < count; i++) {
        out[i].module = text_at(r, out[i].module);
        out[i].function = text_at(r, out[i].function);
        out[i].file = text_at(r, out[i].file);
    }
    return count;
}

/* The first name among the levels of one node; NULL when it is hakmem's own or has none. */
static const char *function_of_node(struct hak_stack_reader *r, const struct hak_node_row *n) {
    struct hak_frame levels[LEVELS_MAX];
    r->text.size = 0;
    if (!hak_buffer_reserve(&r->text, 1))
        return NULL;
    r->text.data[r->text.size++] = 0;
    int count = add_frames(r, n, levels, LEVELS_MAX);
    for (int i = 0; i < count; i++) {
        const char *name = text_at(r, levels[i].function);
        if (!levels[i].is_hakmem && name[0])
            return name;
    }
    return NULL;
}

const char *hak_stacks_function(struct hak_stack_reader *r, uint32_t stack) {
    uint32_t passed[NAMELESS_KEPT], node = stack;
    int passed_count = 0;
    const char *name = NULL;
    if (prepare(r) != 0)
        return NULL;
    for (int depth = 0; node && depth < DEPTH_MAX; depth++) {
        struct hak_node_row n;
        if (hak_functions_find(&r->functions, node, &name))
            break;
        int found = get_node(r, node, &n);
        if (found < 0)
            return NULL;
        if (found == 0)
            break;
        name = function_of_node(r, &n);
        if (passed_count < NAMELESS_KEPT)
            passed[passed_count++] = node;
        if (name)
            break;
        node = n.parent;
    }
    for (int i = 0; i < passed_count; i++)
        hak_functions_add(&r->functions, passed[i], name);
    return name;
}

int hak_stack_reader_init(struct hak_stack_reader *r, const struct hak_database *db) {
    *r = (struct hak_stack_reader){.db = *db};
    return hak_node_reader_make(db, &r->nodes);
}

void hak_stack_reader_rest(struct hak_stack_reader *r) {
    sqlite3_finalize(r->module);
    sqlite3_finalize(r->frame);
    sqlite3_finalize(r->parent);
    r->module = r->frame = r->parent = NULL;
    if (r->nodes)
        hak_node_reader_rest(r->nodes);
    hak_functions_free(&r->functions);
}

void hak_stack_reader_free(struct hak_stack_reader *r) {
    hak_stack_reader_rest(r);
    hak_node_reader_free(r->nodes);
    hak_buffer_free(&r->text);
    free(r->error);
}
