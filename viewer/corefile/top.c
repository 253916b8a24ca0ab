/* `core FILE --top`: what holds the most memory: live blocks by the stack that allocated them where
 * the core has it, else by class. */
#include "viewer/corefile/parts.h"

#include <jansson.h>
#include <stdlib.h>
#include "base/growing.h"
#include "base/index.h"
#include "report/words/words.h"
#include "viewer/capture/capture.h"
#include "viewer/corefile/stacks.h"

enum { ROWS_SHOWN = 10, ROWS_MAX = 1 << 22 };

struct top_row {
    uint32_t stack;       /* 0: by class */
    uint32_t class_index; /* HAK_CLASS_NONE of the table: large */
    uint64_t slot_bytes;  /* 0 = large */
    uint64_t blocks, bytes;
};

struct top {
    struct core_blocks *blocks;
    struct top_row *row;
    uint64_t count;
    uint32_t room;
    struct hak_index index;
    bool no_memory;
};

/* The row of a stack or class; NULL: no memory, or too many. */
static struct top_row *find_or_add_top_row(struct top *top, uint64_t key) {
    uint64_t place = 0;
    uint32_t found = hak_index_find(&top->index, hak_index_mix(0, key), &place);
    if (found)
        return &top->row[found - 1];
    if (top->count == ROWS_MAX ||
        !hak_growing_make_room(&top->row, top->count, &top->room, sizeof *top->row) ||
        !hak_index_add(&top->index, hak_index_mix(0, key), (uint32_t)top->count + 1)) {
        top->no_memory = true;
        return NULL;
    }
    top->row[top->count] = (struct top_row){.blocks = 0};
    return &top->row[top->count++];
}

/* Adds a live block to its stack's row, or its class's if the core lacks the stack. */
static void sum_by_stack(const struct core_block *block, void *context) {
    struct top *top = context;
    uint64_t ips[CORE_STACK_MAX];
    uint32_t stack = block->alloc_stack;
    if (top->no_memory)
        return;
    struct top_row *row = find_or_add_top_row(top, (uint64_t)1 << 32 | stack);
    /* Whether a stack is in the core is looked up once: its row has it from then on. */
    if (row && row->blocks == 0)
        row->stack = stack && core_stack(top->blocks, stack, ips) > 0 ? stack : 0;
    if (row && row->stack == 0) {
        row->blocks = 1; /* stands for "not known", and is no row of the answer */
        row = find_or_add_top_row(top, block->kind == CORE_LARGE ? UINT32_MAX : block->class_index);
        if (row) {
            row->class_index = block->class_index;
            row->slot_bytes = block->kind == CORE_LARGE ? 0 : block->bytes;
        }
    }
    if (!row)
        return;
    row->blocks++;
    row->bytes += block->state ? block->asked_bytes : block->bytes;
}

/* The most bytes first. */
static int by_bytes(const void *a, const void *b) {
    const struct top_row *left = a, *right = b;
    if (left->bytes != right->bytes)
        return left->bytes < right->bytes ? 1 : -1;
    return left->blocks < right->blocks ? 1 : left->blocks > right->blocks ? -1 : 0;
}

/* ---- how it is said -------------------------------------------------------------------------- */

/* Appends a row: sums, and stack or class. */
static void add_top_row(struct hak_text *text, struct core_blocks *blocks,
                        const struct top_row *row) {
    struct hak_frames frames = {0};
    hak_text_add(text, "%s in %s ", hak_words_bytes(row->bytes),
                 hak_words_count(row->blocks, "block", "blocks"));
    if (row->stack) {
        core_stack_frames(blocks, row->stack, &frames);
        hak_text_add(text, "allocated by\n");
        view_add_frame_lines(text, &frames, 6);
        hak_frames_free(&frames);
    } else if (row->slot_bytes) {
        hak_text_add(text, "in slots of %s (%s)\n", hak_words_bytes(row->slot_bytes),
                     hak_words_class(NULL, row->class_index));
    } else {
        hak_text_add(text, "with pages of their own\n");
    }
}

/* Prints ROWS_SHOWN rows and the sum of the others. False, and said. */
static bool print_top_text(const struct top *top) {
    struct hak_text text = {0};
    struct top_row others = {.blocks = 0};
    bool has_unknown = false;
    for (size_t i = 0; i < top->count; i++) {
        const struct top_row *row = &top->row[i];
        has_unknown |= row->stack == 0;
        if (i < ROWS_SHOWN) {
            add_top_row(&text, top->blocks, row);
            continue;
        }
        others.blocks += row->blocks;
        others.bytes += row->bytes;
    }
    if (top->count == 0)
        hak_text_add(&text, "no block is live\n");
    if (top->count > ROWS_SHOWN)
        hak_text_add(&text, "%s in %s elsewhere\n", hak_words_bytes(others.bytes),
                     hak_words_count(others.blocks, "block", "blocks"));
    if (has_unknown)
        hak_text_add(&text, "Blocks whose stacks are not in this core are counted by class.\n");
    return view_print(&text);
}

/* A row as JSON: sums, class or frames. */
static json_t *top_row_json(struct core_blocks *blocks, const struct top_row *row) {
    json_t *object = json_object();
    struct hak_frames frames = {0};
    hak_json_set(object, NUMBER("blocks", row->blocks), NUMBER("bytes", row->bytes),
                 JSON("class", row->stack ? json_null()
                               : row->slot_bytes == 0
                                   ? json_string("large")
                                   : json_string(hak_words_class(NULL, row->class_index))));
    if (row->stack)
        core_stack_frames(blocks, row->stack, &frames);
    hak_json_set(object, JSON("frames", row->stack ? hak_json_frames(&frames) : json_null()));
    hak_frames_free(&frames);
    return object;
}

static bool print_top_json(struct view *view, const struct top *top) {
    json_t *document = core_document(view, top->blocks), *rows = json_array();
    for (size_t i = 0; i < top->count; i++)
        json_array_append_new(rows, top_row_json(top->blocks, &top->row[i]));
    return core_print_json(top->blocks, hak_json_set(document, JSON("top", rows)));
}

/* Drops the rows that only stand for stacks that are not known. */
static void drop_unknown(struct top *top) {
    uint64_t kept = 0;
    for (uint64_t i = 0; i < top->count; i++)
        if (top->row[i].bytes || top->row[i].stack || top->row[i].slot_bytes)
            top->row[kept++] = top->row[i];
    top->count = kept;
}

int core_top(struct view *view, struct core_blocks *blocks, uint64_t address) {
    struct top top = {.blocks = blocks};
    bool is_said = false;
    (void)address;
    core_each_live(blocks, sum_by_stack, &top);
    if (top.no_memory) {
        view_error("out of memory");
    } else {
        drop_unknown(&top);
        if (top.count)
            qsort(top.row, top.count, sizeof *top.row, by_bytes);
        is_said = view->json ? print_top_json(view, &top) : print_top_text(&top);
    }
    hak_index_free(&top.index);
    free(top.row);
    return is_said ? VIEW_OK : VIEW_UNREADABLE;
}
