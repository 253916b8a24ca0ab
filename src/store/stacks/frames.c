/* Turns a stack node into frames for people: modules by process and generation, symbols by offset.
 */
#include "store/stacks/stacks.h"

#include <stdlib.h>
#include <string.h>
#include "store/error.h"

#define DEPTH_MAX     4096 /* of a chain of nodes; a longer one is damage */
#define LEVELS_MAX    64   /* of one node: a call and what is inlined there */
#define NAMELESS_KEPT 16   /* nodes on the way to a name that are kept with it */

static const char reading[] = "reading a stack";

/* Keeps a copy of a text for the caller. Offsets now, pointers when all is there (the buffer
 * moves); 0 = "". */
static size_t keep_text(struct hak_stack_reader *r, const char *text) {
    size_t bytes = strlen(text) + 1;
    if (bytes <= 1 || !hak_buffer_reserve(&r->text, bytes))
        return 0;
    size_t at = r->text.size;
    memcpy(r->text.data + at, text, bytes);
    r->text.size += bytes;
    return at;
}

/* Keeps the message of an error, the first one. Returns `code`. */
static int keep_error(struct hak_stack_reader *r, int code) {
    if (code < 0 && !r->error) {
        r->error_code = code;
        r->error = strdup(hak_store_message());
    }
    return code;
}

bool hak_is_own_module(const char *path) {
    const char *name = strrchr(path, '/');
    name = name ? name + 1 : path;
    return strncmp(name, "hakmem-", 7) == 0 || strncmp(name, "libhakmem", 9) == 0;
}

/* Adds the frames of one node: every inlined level, or one without a name. Texts are offsets + 1
 * yet. Returns how many, or an error. */
static int add_frames(struct hak_stack_reader *r, const struct hak_node_row *n,
                      struct hak_frame *out, int room) {
    struct hak_frame plain = {.ip = n->ip, .module_offset = n->ip};
    uint32_t image = 0, row = 0;
    int error = keep_error(r, hak_modules_find(&r->modules, &r->db, n, &row));
    if (error < 0)
        return error;
    struct hak_query module =
        hak_ask(&r->db, "SELECT image, load_bias, path FROM module WHERE id = ?1", reading, row);
    if (row && hak_query_next(&module)) {
        image = hak_query_id(&module, 0);
        plain.module_offset = n->ip - hak_query_number(&module, 1);
        plain.is_hakmem = hak_is_own_module(hak_query_text(&module, 2));
        plain.module = (const char *)keep_text(r, hak_query_text(&module, 2));
    }
    error = keep_error(r, hak_query_end(&module));
    if (error)
        return error;
    struct hak_query q = hak_ask(&r->db,
                                 "SELECT function, file, line FROM frame"
                                 " WHERE module = ?1 AND offset = ?2 ORDER BY level",
                                 reading, image, plain.module_offset);
    int found = 0;
    while (found < room && hak_query_next(&q)) {
        if (found)
            out[found - 1].inlined = true;
        out[found] = plain;
        out[found].function = (const char *)keep_text(r, hak_query_text(&q, 0));
        out[found].file = (const char *)keep_text(r, hak_query_text(&q, 1));
        out[found].line = hak_query_id(&q, 2);
        found++;
    }
    error = keep_error(r, hak_query_end(&q));
    if (!found && room)
        out[found++] = plain;
    return error ? error : found;
}

static const char *text_at(const struct hak_stack_reader *r, const char *offset) {
    return (const char *)r->text.data + (uintptr_t)offset;
}

/* The node `id`: 1 found, 0 not there, or an error, which is kept. */
static int get_node(struct hak_stack_reader *r, uint32_t id, struct hak_node_row *out) {
    return keep_error(r, hak_node_reader_get(r->nodes, id, out));
}

/* Empties the texts of the last question; offset 0 is "". */
static int begin_texts(struct hak_stack_reader *r) {
    r->text.size = 0;
    if (!hak_buffer_reserve(&r->text, 1))
        return hak_store_no_memory(r->db.path);
    r->text.data[r->text.size++] = 0; /* offset 0 is the empty text */
    return 0;
}

/* Turns the offsets of texts into pointers, when no more text is added. */
static void place_texts(const struct hak_stack_reader *r, struct hak_frame *frames, int count) {
    for (int i = 0; i < count; i++) {
        frames[i].module = text_at(r, frames[i].module);
        frames[i].function = text_at(r, frames[i].function);
        frames[i].file = text_at(r, frames[i].file);
    }
}

int hak_stacks_node(struct hak_stack_reader *r, uint32_t id, struct hak_node_row *out) {
    return get_node(r, id, out);
}

int hak_stacks_node_frames(struct hak_stack_reader *r, const struct hak_node_row *node,
                           struct hak_frame *out, int max) {
    int error = begin_texts(r);
    int count = error ? error : add_frames(r, node, out, max);
    place_texts(r, out, count);
    return count;
}

int hak_stacks_frames(struct hak_stack_reader *r, uint32_t stack, struct hak_frame *out, int max) {
    int count = 0, error = begin_texts(r);
    if (error)
        return error;
    for (int depth = 0; stack && count < max && depth < DEPTH_MAX; depth++) {
        struct hak_node_row n;
        int found = get_node(r, stack, &n);
        if (found < 0)
            return found;
        if (!found)
            break;
        int added = add_frames(r, &n, out + count, max - count);
        if (added < 0)
            return added;
        count += added;
        stack = n.parent;
    }
    place_texts(r, out, count);
    return count;
}

/* The first name among the levels of one node; NULL when it is hakmem's own or has none. */
static const char *function_of_node(struct hak_stack_reader *r, const struct hak_node_row *n) {
    struct hak_frame levels[LEVELS_MAX];
    if (begin_texts(r))
        return NULL;
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

void hak_stack_reader_release(struct hak_stack_reader *r) {
    hak_functions_free(&r->functions);
    hak_modules_free(&r->modules);
}

void hak_stack_reader_free(struct hak_stack_reader *r) {
    hak_stack_reader_release(r);
    hak_node_reader_free(r->nodes);
    hak_buffer_free(&r->text);
    free(r->error);
}
