/* The virtual table block: one row for each block seen, that is each (process, base, class). */
#include "store/sql/tables.h"

#include <stdlib.h>
#include "base/growing.h"
#include "base/index.h"
#include "hop.h"
#include "store/reader/inner.h"
#include "superslab.h"
#include "trace/record.h"
#include "store/history/history.h"

enum block_column {
    BLOCK_BASE,
    BLOCK_PROCESS,
    BLOCK_CLASS,
    BLOCK_SLOT,
    BLOCK_MALLOCS,
    BLOCK_FREES,
    BLOCK_EVENTS,
    BLOCK_FIRST_ID,
    BLOCK_LAST_ID,
    BLOCK_FIRST_NS,
    BLOCK_LAST_NS,
    BLOCK_MAX_SIZE,
    BLOCK_ADDR
};
static const char block_declaration[] =
    "CREATE TABLE block(base INTEGER, process INTEGER, class TEXT, slot INTEGER, mallocs INTEGER,"
    " frees INTEGER, events INTEGER, first_id INTEGER, last_id INTEGER, first_ns INTEGER,"
    " last_ns INTEGER, max_size INTEGER, addr INTEGER HIDDEN)";

#define BLOCKS_AT_ADDRESS 256 /* room for so many at first */

struct block_row {
    uint64_t base;
    uint32_t process;
    uint8_t class_index;
    uint64_t slot_bytes, mallocs, frees, events, first_id, last_id, first_ns, last_ns, max_size;
};

struct block_cursor {
    struct hak_table_cursor head;
    struct hak_bases bases;
    struct block_row *rows; /* of this batch */
    struct hak_index index;
    uint32_t count, capacity, at;
    bool has_addr;
    uint64_t asked_addr;
};

/* xBestIndex: takes limits on base and address. */
static int plan_blocks(sqlite3_vtab *vtab, sqlite3_index_info *info) {
    unsigned taken = 0;
    (void)vtab;
    int result = hak_table_take(info, HAK_TABLE_BIT(BLOCK_BASE) | HAK_TABLE_BIT(BLOCK_ADDR), 0,
                                HAK_TABLE_BIT(BLOCK_ADDR), &taken);
    info->estimatedCost = taken ? 1e3 : 1e8;
    info->estimatedRows = taken ? 1 : 1000000;
    return result;
}

/* The row of the event's block, which is made if there is none; NULL without memory. */
static struct block_row *row_of(struct block_cursor *c, const struct hak_event *e) {
    uint64_t key = hak_index_mix((uint64_t)e->process << 8 | e->class_index, e->base), place = 0;
    for (uint32_t n; (n = hak_index_find(&c->index, key, &place)) != 0;) {
        struct block_row *row = &c->rows[n - 1];
        if (row->base == e->base && row->process == e->process &&
            row->class_index == e->class_index)
            return row;
    }
    if (!hak_growing_make_room(&c->rows, c->count, &c->capacity, sizeof *c->rows) ||
        !hak_index_add(&c->index, key, c->count + 1))
        return NULL;
    struct block_row *row = &c->rows[c->count++];
    *row = (struct block_row){.base = e->base,
                              .process = e->process,
                              .class_index = e->class_index,
                              .first_id = e->id,
                              .first_ns = e->ns};
    hak_store_class(hak_table_reader(&c->head.vtab), e->class_index, &row->slot_bytes, NULL);
    return row;
}

/* Counts one event for its block. False without memory. */
static bool count_event(struct block_cursor *c, const struct hak_event *e) {
    if (!e->process || e->flags & HAK_RECORD_ILLEGAL)
        return true; /* a wrong move makes no block */
    struct block_row *row = row_of(c, e);
    if (!row)
        return false;
    row->events++;
    row->last_id = e->id;
    row->last_ns = e->ns;
    row->mallocs += e->kind == HAK_MALLOC || (e->kind == HAK_REALLOC && e->place != HAK_PLACE_LIVE);
    row->frees += e->kind == HAK_FREE || e->kind == HAK_REALLOC_FROM;
    if (hak_event_is_call(e) && e->size > row->max_size)
        row->max_size = e->size;
    if (e->class_index == HAK_CLASS_NONE && e->address + e->size - e->base > row->slot_bytes)
        row->slot_bytes = e->address + e->size - e->base;
    return true;
}

/* Gathers the rows of the next batch: 1, 0 at the end, or an error. */
static int gather_next_batch(struct block_cursor *c) {
    struct hak_scan_limits limits;
    struct hak_scan *scan;
    struct hak_event e;
    int result = hak_bases_next(&c->bases, &limits);
    if (result <= 0)
        return result;
    hak_index_free(&c->index);
    c->count = c->at = 0;
    limits.filter.kind_mask_low = ~(uint64_t)1;
    limits.columns = HAK_ALL_COLUMNS & ~(1u << HAK_COLUMN_GENERATION | 1u << HAK_COLUMN_OLD);
    result = hak_scan_open(hak_table_reader(&c->head.vtab), &limits, false, &scan);
    if (result)
        return result;
    bool has_memory = true;
    while (has_memory && (result = hak_scan_next(scan, &e)) == 1)
        has_memory = count_event(c, &e);
    hak_scan_close(scan);
    if (!has_memory)
        return hak_store_fail(HAK_STORE_INTERNAL, "out of memory while listing blocks");
    return result < 0 ? result : 1;
}

/* True when the row's block holds the address that was asked for. */
static bool is_block_wanted(const struct block_cursor *c) {
    const struct block_row *row = &c->rows[c->at];
    return !c->has_addr ||
           (c->asked_addr >= row->base && c->asked_addr - row->base < row->slot_bytes);
}

/* xNext: the next block, gathering batches of bases as needed. */
static int next_block(sqlite3_vtab_cursor *vtab) {
    struct block_cursor *c = (struct block_cursor *)vtab;
    int found = 1;
    c->head.number++;
    do {
        c->at++;
        while (found == 1 && c->at >= c->count)
            found = gather_next_batch(c);
    } while (found == 1 && !is_block_wanted(c));
    c->head.is_at_end = found != 1;
    return found < 0 ? hak_table_fail(vtab->pVtab, found) : SQLITE_OK;
}

static int close_blocks(sqlite3_vtab_cursor *vtab) {
    struct block_cursor *c = (struct block_cursor *)vtab;
    hak_bases_free(&c->bases);
    hak_index_free(&c->index);
    free(c->rows);
    hak_table_close(vtab);
    return SQLITE_OK;
}

/* Adds the bases of all blocks that were around an address. 0, or an error. */
static int add_blocks_at(struct block_cursor *c, uint64_t address) {
    struct hak_block_key *keys = NULL;
    int room = BLOCKS_AT_ADDRESS / 4, count = room;
    while (count == room) {
        room *= 4;
        free(keys);
        keys = malloc((size_t)room * sizeof *keys);
        if (!keys)
            return hak_store_fail(HAK_STORE_INTERNAL, "out of memory");
        count = hak_store_blocks_at(hak_table_reader(&c->head.vtab), address, 0, keys, room);
    }
    int error = count < 0 ? count : 0;
    for (int i = 0; i < count && !error; i++)
        error = hak_bases_add(&c->bases, hak_table_reader(&c->head.vtab), keys[i].base);
    free(keys);
    return error;
}

/* xFilter: begins with the blocks that the limits admit; none where a limit cannot be met. */
static int filter_blocks(sqlite3_vtab_cursor *vtab, int number, const char *plan, int argc,
                         sqlite3_value **argv) {
    struct block_cursor *c = (struct block_cursor *)vtab;
    int error = 0;
    bool is_limited = false;
    (void)number;
    hak_bases_free(&c->bases);
    c->has_addr = false;
    c->head.is_at_end = true;
    for (int i = 0; i < argc && !error; i++) {
        uint64_t value;
        if (!hak_table_number(argv[i], plan[2 * i + 1], &value))
            return SQLITE_OK;
        if (plan[2 * i] - 'a' == BLOCK_ADDR) {
            if (c->has_addr && c->asked_addr != value)
                return SQLITE_OK;
            c->has_addr = true;
            c->asked_addr = value;
        } else if (!is_limited) {
            is_limited = true;
            error = hak_bases_add(&c->bases, hak_table_reader(&c->head.vtab), value);
        }
    }
    if (!error && !is_limited)
        error = c->has_addr ? add_blocks_at(c, c->asked_addr)
                            : hak_bases_all(&c->bases, hak_table_reader(&c->head.vtab));
    c->at = c->count; /* nothing gathered yet */
    return error ? hak_table_fail(vtab->pVtab, error) : next_block(vtab);
}

/* xColumn: gives a column of the row at hand. */
static int read_block_column(sqlite3_vtab_cursor *vtab, sqlite3_context *out, int which) {
    struct block_cursor *c = (struct block_cursor *)vtab;
    const struct block_row *row = &c->rows[c->at];
    const uint64_t numbers[] = {
        [BLOCK_BASE] = row->base,         [BLOCK_PROCESS] = row->process,
        [BLOCK_SLOT] = row->slot_bytes,   [BLOCK_MALLOCS] = row->mallocs,
        [BLOCK_FREES] = row->frees,       [BLOCK_EVENTS] = row->events,
        [BLOCK_FIRST_ID] = row->first_id, [BLOCK_LAST_ID] = row->last_id,
        [BLOCK_FIRST_NS] = row->first_ns, [BLOCK_LAST_NS] = row->last_ns,
        [BLOCK_MAX_SIZE] = row->max_size, [BLOCK_ADDR] = row->base,
    };
    if (which == BLOCK_CLASS)
        hak_table_class(hak_table_reader(&c->head.vtab), row->class_index, out);
    else
        sqlite3_result_int64(
            out,
            (sqlite3_int64)(which == BLOCK_ADDR && c->has_addr ? c->asked_addr : numbers[which]));
    return SQLITE_OK;
}

HAK_TABLE_MODULE(hak_block_module, block, true, .xBestIndex = plan_blocks, .xClose = close_blocks,
                 .xFilter = filter_blocks, .xNext = next_block, .xColumn = read_block_column);
