/* The virtual table life: one row for each malloc to free, with both stacks, sizes and times. */
#include "store/sql/tables.h"

#include <stdlib.h>
#include <string.h>
#include "hop.h"
#include "base/growing.h"
#include "store/calls.h"
#include "store/reader/inner.h"
#include "store/history/history.h"

enum life_column {
    LIFE_ID,
    LIFE_NS,
    LIFE_TID,
    LIFE_BASE,
    LIFE_USER,
    LIFE_STACK,
    LIFE_SIZE,
    LIFE_LAST_SIZE,
    LIFE_CLASS,
    LIFE_SLOT,
    LIFE_KIND,
    LIFE_RESIZES,
    LIFE_END_ID,
    LIFE_END_NS,
    LIFE_END_TID,
    LIFE_END_STACK,
    LIFE_END_KIND,
    LIFE_LIFETIME_NS,
    LIFE_PROCESS,
    LIFE_THREAD,
    LIFE_END_THREAD,
    LIFE_GENERATION,
    LIFE_CALL,
    LIFE_END_CALL,
    LIFE_ADDR
};
static const char life_declaration[] =
    "CREATE TABLE life(id INTEGER, ns INTEGER, tid INTEGER, base INTEGER, user INTEGER,"
    " stack INTEGER, size INTEGER, last_size INTEGER, class TEXT, slot INTEGER, kind TEXT,"
    " resizes INTEGER, end_id INTEGER, end_ns INTEGER, end_tid INTEGER, end_stack INTEGER,"
    " end_kind TEXT, lifetime_ns INTEGER, process INTEGER, thread INTEGER, end_thread INTEGER,"
    " generation INTEGER, call TEXT, end_call TEXT, addr INTEGER HIDDEN)";

#define LIFE_EQUAL_COLUMNS                                                                         \
    (HAK_TABLE_BIT(LIFE_ID) | HAK_TABLE_BIT(LIFE_NS) | HAK_TABLE_BIT(LIFE_TID) |                   \
     HAK_TABLE_BIT(LIFE_BASE) | HAK_TABLE_BIT(LIFE_USER) | HAK_TABLE_BIT(LIFE_STACK) |             \
     HAK_TABLE_BIT(LIFE_END_ID) | HAK_TABLE_BIT(LIFE_END_STACK) | HAK_TABLE_BIT(LIFE_ADDR))
#define LIFE_RANGE_COLUMNS (HAK_TABLE_BIT(LIFE_ID) | HAK_TABLE_BIT(LIFE_NS))

struct life_row {
    struct hak_life_state life;
    struct hak_event end; /* id 0 = not ended */
    uint64_t base;
    uint32_t process;
};

struct life_cursor {
    struct hak_table_cursor head;
    struct hak_bases bases;
    struct hak_scan *scan;
    struct hak_follow follow;
    bool has_follow, has_addr;
    uint64_t asked_addr;
    struct life_row *rows; /* ready to be read */
    uint32_t row_count, row_room, at;
};

/* xBestIndex: takes limits on the birth's, the end's and the block's columns. */
static int plan_lives(sqlite3_vtab *vtab, sqlite3_index_info *info) {
    unsigned taken;
    (void)vtab;
    int result = hak_table_take(info, LIFE_EQUAL_COLUMNS, LIFE_RANGE_COLUMNS,
                                HAK_TABLE_BIT(LIFE_ADDR), &taken);
    if (result != SQLITE_OK)
        return result;
    double cost =
        taken & (HAK_TABLE_BIT(LIFE_BASE) | HAK_TABLE_BIT(LIFE_USER) | HAK_TABLE_BIT(LIFE_ADDR) |
                 HAK_TABLE_BIT(LIFE_ID) | HAK_TABLE_BIT(LIFE_END_ID))
            ? 1e3
        : info->idxStr[0] ? 1e6
                          : 1e8;
    info->estimatedCost = cost;
    info->estimatedRows = (sqlite3_int64)cost / 10;
    return SQLITE_OK;
}

/* ---- lives become rows -------------------------------------------------------------------------
 */

/* Keeps a finished life as a row; `end` NULL: it goes on. 0, or an error without memory. */
static int add_life(struct life_cursor *c, const struct hak_followed *block,
                    const struct hak_life_state *life, const struct hak_event *end) {
    if (!hak_growing_make_room(&c->rows, c->row_count, &c->row_room, sizeof *c->rows))
        return hak_store_no_memory(hak_table_reader(&c->head.vtab)->db.path);
    struct life_row *row = &c->rows[c->row_count++];
    *row = (struct life_row){.life = *life, .base = block->base, .process = block->process};
    if (end)
        row->end = *end;
    return 0;
}

/* The state of a forked child's block at the FORK, when its parent's has gone on since. */
struct inheritance {
    struct hak_life_state *life;
    uint64_t before; /* id */
    int stop;
};

/* Takes a parent's event before the child's first into the life. */
static void add_inherited(void *context, const struct hak_event *e) {
    struct inheritance *i = context;
    i->stop = e->id >= i->before;
    if (!i->stop)
        (void)hak_life_next(i->life, e);
}

/* Finds the life that the child's block had when it was forked. 0, or an error. */
static int find_inheritance(struct life_cursor *c, const struct hak_followed *block,
                            struct hak_life_state *life, const struct hak_event *e) {
    struct inheritance i = {.life = life, .before = e->id};
    struct hak_lineage lineage;
    int error = hak_lineage_load(hak_table_reader(&c->head.vtab), block->process, &lineage);
    return error ? error
                 : hak_block_each(hak_table_reader(&c->head.vtab), block->base, 0, &lineage,
                                  add_inherited, &i, &i.stop);
}

/* Takes one event into its block's life; an ended life becomes a row. 0, or an error. */
static int follow_event(struct life_cursor *c, const struct hak_event *e) {
    if (!e->base || !e->process)
        return 0;
    struct hak_followed *block =
        hak_follow_next(&c->follow, e->process, e->base, e->generation, e->id).block;
    if (!block)
        return hak_store_no_memory(hak_table_reader(&c->head.vtab)->db.path);
    struct hak_life_state *life = (struct hak_life_state *)(void *)block->kept;
    int error = 0;
    bool is_birth = e->kind == HAK_MALLOC || (e->kind == HAK_REALLOC && e->place != HAK_PLACE_LIVE);
    if (block->is_midway && hak_event_is_call(e)) {
        block->is_midway = false;
        if (!is_birth)
            error = find_inheritance(c, block, life, e);
    }
    struct hak_life_state before = *life;
    enum hak_life_step step = hak_life_next(life, e);
    if (step == HAK_LIFE_BORN && before.is_open && !error)
        error = add_life(c, block, &before, NULL); /* its end was lost */
    if (step == HAK_LIFE_ENDED && !error)
        error = add_life(c, block, life, e);
    return error;
}

/* Keeps the lives that are still open at the end of the capture as rows. 0, or an error. */
static int add_open(struct life_cursor *c) {
    int error = 0;
    for (uint32_t i = 0; i < c->follow.used && !error; i++) {
        const struct hak_followed *block = hak_follow_block(&c->follow, i);
        const struct hak_life_state *life =
            (const struct hak_life_state *)(const void *)block->kept;
        if (life->is_open)
            error = add_life(c, block, life, NULL);
    }
    return error;
}

/* Begins the scan of the next batch of bases. 1, 0: no more, or an error. */
static int scan_next_batch(struct life_cursor *c) {
    struct hak_scan_limits limits;
    int found = hak_bases_next(&c->bases, &limits);
    if (found <= 0)
        return found;
    limits.filter.kind_mask_low = ~(uint64_t)1;
    hak_follow_clear(&c->follow);
    int error = hak_scan_open(hak_table_reader(&c->head.vtab), &limits, false, &c->scan);
    return error ? error : 1;
}

/* Fills `rows` with at least one: 1, 0 at the end, or an error. */
static int fill(struct life_cursor *c) {
    struct hak_event e;
    c->row_count = c->at = 0;
    for (;;) {
        int result = c->scan ? 1 : scan_next_batch(c);
        if (result <= 0)
            return result;
        while (!c->row_count && (result = hak_scan_next(c->scan, &e)) == 1)
            if ((result = follow_event(c, &e)) != 0)
                return result;
        if (result < 0)
            return result;
        if (!c->row_count) {
            hak_scan_close(c->scan);
            c->scan = NULL;
            result = add_open(c);
            if (result)
                return result;
        }
        if (c->row_count)
            return 1;
    }
}

/* ---- the cursor --------------------------------------------------------------------------------
 */

static int close_lives(sqlite3_vtab_cursor *vtab) {
    struct life_cursor *c = (struct life_cursor *)vtab;
    hak_scan_close(c->scan);
    hak_bases_free(&c->bases);
    if (c->has_follow)
        hak_follow_free(&c->follow);
    free(c->rows);
    hak_table_close(vtab);
    return SQLITE_OK;
}

static bool is_life_wanted(const struct life_cursor *c) {
    const struct life_row *row = &c->rows[c->at];
    return !c->has_addr || row->base == c->asked_addr || row->life.user == c->asked_addr;
}

/* xNext: the next life that is wanted, reading batches of bases as needed. */
static int next_life(sqlite3_vtab_cursor *vtab) {
    struct life_cursor *c = (struct life_cursor *)vtab;
    int found = 1;
    do {
        c->head.number++;
        if (++c->at >= c->row_count)
            found = fill(c);
    } while (found == 1 && !is_life_wanted(c));
    c->head.is_at_end = found != 1;
    return found < 0 ? hak_table_fail(vtab->pVtab, found) : SQLITE_OK;
}

/* The limits of a query on births and on ends. */
struct asked {
    struct hak_filter birth, end;
    bool about_birth, about_end;
    uint64_t base, address;
};

/* Narrows the events that are read by one condition of the query. 1, 0 when no row can fit, or an
 * error. */
static int limit_lives(struct life_cursor *c, struct asked *a, int column, int op,
                       sqlite3_value *value) {
    uint64_t number;
    uint32_t thread;
    int found;
    if (!hak_table_number(value, op, &number))
        return 0;
    switch (column) {
    case LIFE_ID:
        a->about_birth = true;
        return hak_table_narrow(op, number, &a->birth.id_from, &a->birth.id_to);
    case LIFE_NS:
        if (number == 0 && (op == HAK_OP_EQUAL || op == HAK_OP_TO))
            return 1;
        a->about_birth = true;
        return hak_table_narrow(op, number, &a->birth.ns_from, &a->birth.ns_to);
    case LIFE_TID:
        found = hak_table_threads(hak_table_reader(&c->head.vtab), number, &thread);
        if (found == 1) {
            a->about_birth = true;
            a->birth.thread = thread;
        }
        return found < 0 ? found : found > 0;
    case LIFE_STACK:
        a->about_birth |= number != 0;
        a->birth.stack = (uint32_t)number;
        return number <= UINT32_MAX;
    case LIFE_END_ID:
        a->about_end = true;
        return hak_table_narrow(op, number, &a->end.id_from, &a->end.id_to);
    case LIFE_END_STACK:
        a->about_end |= number != 0;
        a->end.stack = (uint32_t)number;
        return number <= UINT32_MAX;
    case LIFE_BASE:
        a->base = number;
        return number != 0;
    case LIFE_ADDR: /* nobody compares again: is_life_wanted does */
        if (c->has_addr && c->asked_addr != number)
            return 0;
        c->has_addr = true;
        c->asked_addr = number;
        /* fall through */
    default: /* LIFE_USER */
        if (!a->address || column == LIFE_ADDR)
            a->address = number;
        return number != 0;
    }
}

/* Chooses the bases whose lives can meet the limits, by the rarest of them. 0, or an error. */
static int choose_bases(struct life_cursor *c, struct asked *a) {
    struct hak_store_reader *r = hak_table_reader(&c->head.vtab);
    struct hak_filter f = a->about_birth ? a->birth : a->end;
    uint64_t births = 1u << HAK_MALLOC | 1u << HAK_REALLOC;
    uint64_t ends = 1u << HAK_FREE | 1u << HAK_REALLOC_FROM;
    if (!a->about_birth && !a->about_end && !a->address)
        return a->base ? hak_bases_add(&c->bases, r, a->base) : hak_bases_all(&c->bases, r);
    f.base = a->base;
    f.address = a->address;
    f.class_index = -1;
    f.kind_mask_low = a->about_birth ? births : a->about_end ? ends : births | ends;
    return hak_bases_of(&c->bases, r, &f);
}

/* xFilter: begins with the lives that the limits admit; none where a limit cannot be met. */
static int filter_lives(sqlite3_vtab_cursor *vtab, int number, const char *plan, int argc,
                        sqlite3_value **argv) {
    struct life_cursor *c = (struct life_cursor *)vtab;
    struct asked asked = {0};
    (void)number;
    hak_scan_close(c->scan);
    c->scan = NULL;
    hak_bases_free(&c->bases);
    c->head.is_at_end = true;
    c->has_addr = false;
    c->row_count = c->at = 0;
    int error = c->has_follow ? 0
                              : hak_follow_init(&c->follow, hak_table_reader(&c->head.vtab),
                                                sizeof(struct hak_life_state));
    c->has_follow = !error;
    for (int i = 0; i < argc && !error; i++) {
        int fits = limit_lives(c, &asked, plan[2 * i] - 'a', plan[2 * i + 1], argv[i]);
        if (fits == 0)
            return SQLITE_OK;
        error = fits < 0 ? fits : 0;
    }
    if (!error)
        error = choose_bases(c, &asked);
    return error ? hak_table_fail(vtab->pVtab, error) : next_life(vtab);
}

/* Gives a column of the birth, or of the end in the place of its column of the birth. */
static void set_event_column(struct life_cursor *c, sqlite3_context *out, const struct hak_event *e,
                             enum life_column which) {
    struct hak_tables *t = hak_table_shared(&c->head.vtab);
    uint64_t tid = which == LIFE_TID && e->id ? hak_table_tid(t, e->thread) : 0;
    const uint64_t numbers[] = {
        [LIFE_ID] = e->id,
        [LIFE_TID] = tid,
        [LIFE_NS] = e->ns,
        [LIFE_STACK] = e->stack,
        [LIFE_THREAD] = e->thread,
        [LIFE_SIZE] = e->size,
        [LIFE_GENERATION] = e->generation,
    };
    if (!e->id || (which == LIFE_TID && !tid))
        return; /* NULL */
    if (which == LIFE_KIND)
        sqlite3_result_text(out, hak_table_kind(t, e->kind), -1, SQLITE_STATIC);
    else if (which == LIFE_CALL)
        sqlite3_result_text(out, hak_call_of(e), -1, SQLITE_STATIC);
    else
        sqlite3_result_int64(out, (sqlite3_int64)numbers[which]);
}

/* xColumn: gives a column of the life at hand. */
static int read_life_column(sqlite3_vtab_cursor *vtab, sqlite3_context *out, int which) {
    static const enum life_column of_end[] = {
        [LIFE_END_ID] = LIFE_ID,       [LIFE_END_NS] = LIFE_NS,         [LIFE_END_TID] = LIFE_TID,
        [LIFE_END_STACK] = LIFE_STACK, [LIFE_END_THREAD] = LIFE_THREAD, [LIFE_END_KIND] = LIFE_KIND,
        [LIFE_END_CALL] = LIFE_CALL,
    };
    struct life_cursor *c = (struct life_cursor *)vtab;
    const struct life_row *row = &c->rows[c->at];
    const struct hak_event *any = row->life.birth.id ? &row->life.birth : &row->end;
    const uint64_t numbers[] = {
        [LIFE_BASE] = row->base,
        [LIFE_USER] = row->life.user,
        [LIFE_ADDR] = c->has_addr ? c->asked_addr : row->life.user,
        [LIFE_LAST_SIZE] = row->life.last_size,
        [LIFE_RESIZES] = row->life.resizes,
        [LIFE_LIFETIME_NS] = row->end.ns - row->life.birth.ns,
        [LIFE_PROCESS] = row->process,
    };
    switch ((enum life_column)which) {
    case LIFE_CLASS:
        if (any->id)
            hak_table_class(hak_table_reader(vtab), any->class_index, out);
        break;
    case LIFE_SLOT:
        if (any->id)
            hak_table_slot(hak_table_reader(vtab), any->class_index, out);
        break;
    case LIFE_BASE:
    case LIFE_USER:
    case LIFE_ADDR:
    case LIFE_LAST_SIZE:
    case LIFE_RESIZES:
    case LIFE_PROCESS:
    case LIFE_LIFETIME_NS:
        if (which != LIFE_LIFETIME_NS || (row->life.birth.id && row->end.id))
            sqlite3_result_int64(out, (sqlite3_int64)numbers[which]);
        break;
    case LIFE_END_ID:
    case LIFE_END_NS:
    case LIFE_END_TID:
    case LIFE_END_STACK:
    case LIFE_END_THREAD:
    case LIFE_END_KIND:
    case LIFE_END_CALL:
        set_event_column(c, out, &row->end, of_end[which]);
        break;
    default:
        set_event_column(c, out, &row->life.birth, (enum life_column)which);
        break;
    }
    return SQLITE_OK;
}

HAK_TABLE_MODULE(hak_life_module, life, true, .xBestIndex = plan_lives, .xClose = close_lives,
                 .xFilter = filter_lives, .xNext = next_life, .xColumn = read_life_column);
