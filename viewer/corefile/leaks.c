/* `core FILE --leaks`: prints the leaks by kind and by allocating stack where the core has that,
 * else by class; as text and JSON. */
#include "viewer/corefile/leaks.h"

#include <inttypes.h>
#include <jansson.h>
#include <stdlib.h>
#include "base/growing.h"
#include "base/index.h"
#include "report/words/words.h"
#include "viewer/capture/capture.h"
#include "viewer/corefile/stacks.h"

enum { PLACES_SHOWN = 10, ADDRESSES = 4, ADDRESSES_JSON = 1000 };

struct leak_row {
    uint8_t kind;   /* enum hak_mark */
    bool is_large;  /* of those whose stack is not known */
    uint32_t stack; /* 0: by class */
    uint32_t class_index;
    uint64_t key;   /* of its blocks */
    uint64_t at[2]; /* place + 1 of the first and last of them; `work` leads on to the next */
    uint64_t blocks, bytes;
};

struct rows {
    struct core_leaks *leaks;
    struct leak_row *row;
    uint64_t count;
    uint32_t room;
    struct hak_index index;
    uint64_t blocks[4], bytes[4]; /* by enum hak_mark */
    bool is_partial;              /* no leak is definite */
    bool no_memory;
};

/* ---- rows ------------------------------------------------------------------------------------ */

static uint64_t user_bytes_of(const struct core_leak_block *block) {
    return block->end - block->user;
}

static bool is_lost(const struct core_leak_block *block) {
    return block->mark == HAK_MARK_DIRECT || block->mark == HAK_MARK_INDIRECT;
}

/* The key that blocks of one row share: kind and stack, or without a stack the class. */
static uint64_t key_of(const struct core_leak_block *block) {
    uint64_t kind = (uint64_t)block->mark << 40;
    if (block->alloc_stack)
        return kind | (uint64_t)1 << 32 | block->alloc_stack;
    return kind | (block->is_large ? UINT32_MAX : block->class_index);
}

/* Finds or adds the row of the block's stack (or class). NULL without memory. */
static struct leak_row *find_or_add_leak_row(struct rows *rows,
                                             const struct core_leak_block *block) {
    uint64_t ips[CORE_STACK_MAX], key = key_of(block), place = 0;
    uint32_t found = hak_index_find(&rows->index, hak_index_mix(0, key), &place);
    if (found)
        return &rows->row[found - 1];
    if (rows->count == UINT32_MAX - 1 ||
        !hak_growing_make_room(&rows->row, rows->count, &rows->room, sizeof *rows->row) ||
        !hak_index_add(&rows->index, hak_index_mix(0, key), (uint32_t)rows->count + 1)) {
        rows->no_memory = true;
        return NULL;
    }
    struct leak_row *row = &rows->row[rows->count++];
    *row = (struct leak_row){.kind = block->mark,
                             .key = key,
                             .is_large = block->is_large,
                             .class_index = block->class_index};
    /* Stacks that the core lacks are kept apart all the same: they are of different calls. */
    if (block->alloc_stack && core_stack(rows->leaks->blocks, block->alloc_stack, ips) > 0)
        row->stack = block->alloc_stack;
    return row;
}

/* Direct before indirect, then the most bytes first. */
static int by_kind_and_bytes(const void *a, const void *b) {
    const struct leak_row *left = a, *right = b;
    if (left->kind != right->kind)
        return left->kind < right->kind ? 1 : -1;
    if (left->bytes != right->bytes)
        return left->bytes < right->bytes ? 1 : -1;
    return left->key > right->key ? 1 : left->key < right->key ? -1 : 0;
}

/* Makes rows of the lost blocks; the blocks of a row are linked through `work`. */
static void make_rows(struct rows *rows) {
    struct core_leaks *leaks = rows->leaks;
    for (size_t i = 0; i < leaks->count && !rows->no_memory; i++) {
        const struct core_leak_block *block = &leaks->block[i];
        rows->blocks[block->mark]++;
        rows->bytes[block->mark] += user_bytes_of(block);
        struct leak_row *row = is_lost(block) ? find_or_add_leak_row(rows, block) : NULL;
        if (row) {
            row->blocks++;
            row->bytes += user_bytes_of(block);
            if (row->at[1])
                leaks->marking.work[row->at[1] - 1] = i + 1;
            else
                row->at[0] = i + 1;
            row->at[1] = i + 1;
            leaks->marking.work[i] = 0;
        }
    }
    if (rows->count > 1)
        qsort(rows->row, rows->count, sizeof *rows->row, by_kind_and_bytes);
}

/* The words for direct or indirect; "possible" where the core lacks memory. */
static const char *kind_of(const struct rows *rows, unsigned mark) {
    if (rows->is_partial)
        return mark == HAK_MARK_DIRECT ? "possible" : "possible, indirect";
    return mark == HAK_MARK_DIRECT ? "direct" : "indirect";
}

static const char *class_words(const struct leak_row *row) {
    return row->is_large ? "large" : hak_words_class(NULL, row->class_index);
}

/* ---- text ------------------------------------------------------------------------------------ */

/* Appends a row: kind, sums, stack or class, and the first addresses. */
static void add_leak_row(struct hak_text *text, const struct rows *rows,
                         const struct leak_row *row) {
    const struct core_leaks *leaks = rows->leaks;
    struct hak_frames frames = {0};
    unsigned shown = 0;
    hak_text_add(text, "%s: %s in %s ", kind_of(rows, row->kind), hak_words_bytes(row->bytes),
                 hak_words_count(row->blocks, "block", "blocks"));
    if (row->stack) {
        core_stack_frames(leaks->blocks, row->stack, &frames);
        hak_text_add(text, "allocated by\n");
        view_add_frame_lines(text, &frames, 6);
        hak_frames_free(&frames);
    } else {
        hak_text_add(text, row->is_large ? "with pages of their own\n" : "of class %s\n",
                     class_words(row));
    }
    for (uint64_t at = row->at[0]; at && shown < ADDRESSES; at = leaks->marking.work[at - 1])
        hak_text_add(text, "%s0x%" PRIx64, shown++ ? ", " : "  at ", leaks->block[at - 1].user);
    hak_text_add(text, row->blocks > ADDRESSES ? ", ...\n" : "\n");
}

/* Appends the sums of all rows, and how many rows are not shown. */
static void add_leak_sum(struct hak_text *text, const struct rows *rows) {
    uint64_t lost = rows->blocks[HAK_MARK_DIRECT] + rows->blocks[HAK_MARK_INDIRECT];
    uint64_t all = lost + rows->blocks[HAK_MARK_REACHED];
    if (rows->count > PLACES_SHOWN)
        hak_text_add(text, "and %s more\n",
                     hak_words_count(rows->count - PLACES_SHOWN, "place", "places"));
    if (lost == 0)
        hak_text_add(text, "no leak among %s\n", hak_words_count(all, "live block", "live blocks"));
    else
        hak_text_add(text, "%s in %s %s leaked, of %s\n",
                     hak_words_bytes(rows->bytes[HAK_MARK_DIRECT] + rows->bytes[HAK_MARK_INDIRECT]),
                     hak_words_count(lost, "block", "blocks"),
                     rows->is_partial ? "may have"
                     : lost == 1      ? "has"
                                      : "have",
                     hak_words_count(all, "live block", "live blocks"));
}

/* How much of the program's memory the core lacks. */
static void add_lack(struct hak_text *text, const struct rows *rows) {
    if (rows->leaks->marking.missing_bytes)
        hak_text_add(text,
                     "%s of the program's memory are not in this core: pointers there may reach "
                     "some of them\n",
                     hak_words_bytes(rows->leaks->marking.missing_bytes));
}

static bool print_leaks_text(const struct rows *rows) {
    struct hak_text text = {0};
    for (size_t i = 0; i < rows->count && i < PLACES_SHOWN; i++)
        add_leak_row(&text, rows, &rows->row[i]);
    add_leak_sum(&text, rows);
    add_lack(&text, rows);
    return view_print(&text);
}

/* ---- JSON ------------------------------------------------------------------------------------ */

/* A row as JSON: kind, sums, class or frames, and up to ADDRESSES_JSON addresses. */
static json_t *leak_row_json(const struct rows *rows, const struct leak_row *row) {
    struct core_leaks *leaks = rows->leaks;
    json_t *object = json_object(), *list = json_array();
    struct hak_frames frames = {0};
    hak_json_set(object, WORD("kind", row->kind == HAK_MARK_DIRECT ? "direct" : "indirect"),
                 NUMBER("blocks", row->blocks), NUMBER("bytes", row->bytes),
                 JSON("class", row->stack ? json_null() : json_string(class_words(row))));
    if (row->stack)
        core_stack_frames(leaks->blocks, row->stack, &frames);
    hak_json_set(object, JSON("frames", row->stack ? hak_json_frames(&frames) : json_null()));
    hak_frames_free(&frames);
    for (uint64_t at = row->at[0]; at && json_array_size(list) < ADDRESSES_JSON;
         at = leaks->marking.work[at - 1]) {
        hak_json_add(list, ADDRESS("user", leaks->block[at - 1].user),
                     NUMBER("bytes", user_bytes_of(&leaks->block[at - 1])));
    }
    return hak_json_set(object, JSON("at", list));
}

static bool print_leaks_json(struct view *view, const struct rows *rows) {
    json_t *document = core_document(view, rows->leaks->blocks), *object = json_object(),
           *list = json_array();
    hak_json_set(
        object, FLAG("complete", !rows->is_partial),
        NUMBER("missing_bytes", rows->leaks->marking.missing_bytes),
        NUMBER("reachable_blocks", rows->blocks[HAK_MARK_REACHED]),
        NUMBER("lost_blocks", rows->blocks[HAK_MARK_DIRECT] + rows->blocks[HAK_MARK_INDIRECT]),
        NUMBER("lost_bytes", rows->bytes[HAK_MARK_DIRECT] + rows->bytes[HAK_MARK_INDIRECT]));
    for (size_t i = 0; i < rows->count; i++)
        json_array_append_new(list, leak_row_json(rows, &rows->row[i]));
    hak_json_set(object, JSON("rows", list));
    return core_print_json(rows->leaks->blocks, hak_json_set(document, JSON("leaks", object)));
}

/* ---- the command ----------------------------------------------------------------------------- */

int core_leaks(struct view *view, struct core_blocks *blocks, uint64_t address) {
    struct core_leaks leaks = {.blocks = blocks};
    struct rows rows = {.leaks = &leaks};
    bool is_said = false;
    (void)address;
    if (blocks->memory.is_live) {
        view_error("core --leaks: the registers of a process that is there are not known; make a "
                   "core of it (gcore, or generate-core-file in gdb)");
        return VIEW_USAGE;
    }
    core_leaks_scan(&leaks);
    blocks->half[0].is_damaged |= leaks.is_damaged;
    rows.is_partial = leaks.marking.missing_bytes || blocks->memory.thread_count == 0 ||
                      core_lack(blocks) != NULL;
    if (!leaks.no_memory)
        make_rows(&rows);
    if (leaks.no_memory || rows.no_memory)
        view_error("out of memory");
    else
        is_said = view->json ? print_leaks_json(view, &rows) : print_leaks_text(&rows);
    hak_index_free(&rows.index);
    free(rows.row);
    free(leaks.block);
    free(leaks.marking.work);
    free(leaks.marking.heads);
    free(leaks.marking.left_out);
    if (!is_said)
        return VIEW_UNREADABLE;
    if (rows.is_partial)
        return VIEW_INCOMPLETE;
    return rows.count ? VIEW_FAULT : VIEW_OK;
}
