/* `core FILE --layers`: counts the blocks of each class in each layer's lists, at this moment. */
#include "viewer/corefile/parts.h"

#include <jansson.h>
#include <stdlib.h>
#include "report/words/words.h"
#include "viewer/capture/capture.h"

enum { CLASSES_MAX = 128, PLACES_MAX = 32, LARGE = CLASSES_MAX };

struct counts {
    uint64_t blocks[CLASSES_MAX + 1][PLACES_MAX];
    uint64_t slot_bytes[CLASSES_MAX + 1];
    uint64_t of_place[PLACES_MAX];
};

/* Counts the block in its class and place. */
static void count_place(const struct core_block *block, void *context) {
    struct counts *counts = context;
    unsigned row = block->kind == CORE_LARGE ? LARGE : block->class_index;
    unsigned place = block->is_live ? HAK_PLACE_LIVE : block->place;
    if (row > LARGE || place >= PLACES_MAX)
        return;
    counts->blocks[row][place]++;
    counts->of_place[place]++;
    counts->slot_bytes[row] = row == LARGE ? 0 : block->bytes;
}

/* True when the class has any block. */
static bool has_row(const struct counts *counts, unsigned row) {
    for (unsigned place = 0; place < PLACES_MAX; place++)
        if (counts->blocks[row][place])
            return true;
    return false;
}

/* A row for each class, a column for each place that has blocks. */
static void add_table(struct hak_text *text, const struct counts *counts, const struct view *view) {
    struct table table = {0};
    table_add_text_heading(&table, "class");
    table_add_heading(&table, "slot");
    for (unsigned place = 0; place < PLACES_MAX; place++)
        if (counts->of_place[place])
            table_add_heading(&table, hak_words_place((uint8_t)place));
    for (unsigned row = 0; row <= LARGE; row++) {
        if (!has_row(counts, row))
            continue;
        table_add_cell(&table, row == LARGE ? "large" : hak_words_class(NULL, row));
        table_add_count(&table, counts->slot_bytes[row]);
        for (unsigned place = 0; place < PLACES_MAX; place++)
            if (counts->of_place[place])
                table_add_count(&table, counts->blocks[row][place]);
    }
    table_append(text, &table, view);
}

/* The counts of each class and place as JSON; classes without blocks are left out. */
static json_t *layers_json(const struct view *view, const struct core_blocks *blocks,
                           const struct counts *counts) {
    json_t *document = core_document(view, blocks), *rows = json_array();
    for (unsigned row = 0; row <= LARGE; row++) {
        if (!has_row(counts, row))
            continue;
        json_t *one = json_object(), *places = json_object();
        hak_json_set(one, TEXT("class", row == LARGE ? "large" : hak_words_class(NULL, row)),
                     KNOWN("slot_bytes", row != LARGE, counts->slot_bytes[row]));
        for (unsigned place = 0; place < PLACES_MAX; place++)
            if (counts->blocks[row][place])
                hak_json_set(places,
                             NUMBER(hak_words_place((uint8_t)place), counts->blocks[row][place]));
        hak_json_set(one, JSON("blocks", places));
        json_array_append_new(rows, one);
    }
    return hak_json_set(document, JSON("layers", rows));
}

int core_layers(struct view *view, struct core_blocks *blocks, uint64_t address) {
    struct hak_text text = {0};
    struct counts *counts = calloc(1, sizeof *counts);
    bool is_printed = false;
    (void)address;
    if (!counts) {
        view_error("out of memory");
        return VIEW_UNREADABLE;
    }
    core_each(blocks, count_place, counts);
    if (view->json) {
        is_printed = core_print_json(blocks, layers_json(view, blocks, counts));
    } else {
        add_table(&text, counts, view);
        is_printed = view_print(&text);
    }
    free(counts);
    return is_printed ? VIEW_OK : VIEW_UNREADABLE;
}
