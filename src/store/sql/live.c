/* The virtual table live: one row for each block that a process held at a moment. */
#include "store/sql/tables.h"

#include <stdlib.h>
#include "store/history/history.h"
#include "store/reader/inner.h"

enum live_column {
    LIVE_BASE,
    LIVE_USER,
    LIVE_SIZE,
    LIVE_CLASS,
    LIVE_SLOT,
    LIVE_STACK,
    LIVE_THREAD,
    LIVE_TID,
    LIVE_PROCESS,
    LIVE_BIRTH,
    LIVE_NS,
    LIVE_AT,
    LIVE_AT_EVENT
};
static const char live_declaration[] =
    "CREATE TABLE live(base INTEGER, user INTEGER, size INTEGER, class TEXT, slot INTEGER,"
    " stack INTEGER, thread INTEGER, tid INTEGER, process INTEGER, birth INTEGER, ns INTEGER,"
    " at INTEGER HIDDEN, at_event INTEGER HIDDEN)";

#define LIVE_EQUAL_COLUMNS                                                                         \
    (HAK_TABLE_BIT(LIVE_PROCESS) | HAK_TABLE_BIT(LIVE_AT) | HAK_TABLE_BIT(LIVE_AT_EVENT))
#define OF_BIRTH                                                                                   \
    (HAK_TABLE_BIT(LIVE_STACK) | HAK_TABLE_BIT(LIVE_THREAD) | HAK_TABLE_BIT(LIVE_BIRTH) |          \
     HAK_TABLE_BIT(LIVE_NS))

struct live_cursor {
    struct hak_table_cursor head;
    struct hak_live *live;
    struct hak_live_block block;
    uint64_t at, at_event;
    bool has_at, has_at_event;
};

/* The moment is no column to compare: only "at = X" can be answered. */
static int plan_live_blocks(sqlite3_vtab *vtab, sqlite3_index_info *info) {
    unsigned taken = 0;
    for (int i = 0; i < info->nConstraint; i++) {
        int column = info->aConstraint[i].iColumn;
        if (column != LIVE_AT && column != LIVE_AT_EVENT)
            continue;
        if (info->aConstraint[i].op != SQLITE_INDEX_CONSTRAINT_EQ) {
            sqlite3_free(vtab->zErrMsg);
            vtab->zErrMsg = sqlite3_mprintf("live: give the moment as at = NS or at_event = ID");
            return SQLITE_ERROR;
        }
        if (!info->aConstraint[i].usable)
            return SQLITE_CONSTRAINT;
    }
    int result = hak_table_take(info, LIVE_EQUAL_COLUMNS, 0,
                                HAK_TABLE_BIT(LIVE_AT) | HAK_TABLE_BIT(LIVE_AT_EVENT), &taken);
    info->estimatedCost = taken & HAK_TABLE_BIT(LIVE_PROCESS) ? 1e6 : 1e8;
    info->estimatedRows = taken & HAK_TABLE_BIT(LIVE_PROCESS) ? 100000 : 1000000;
    return result;
}

static int close_live_blocks(sqlite3_vtab_cursor *vtab) {
    struct live_cursor *c = (struct live_cursor *)vtab;
    hak_live_close(c->live);
    hak_table_close(vtab);
    return SQLITE_OK;
}

/* xNext: reads the next live block; the end, or an error of SQLite. */
static int next_live_block(sqlite3_vtab_cursor *vtab) {
    struct live_cursor *c = (struct live_cursor *)vtab;
    int found = hak_live_next(c->live, &c->block);
    c->head.number++;
    c->head.is_at_end = found != 1;
    return found < 0 ? hak_table_fail(vtab->pVtab, found) : SQLITE_OK;
}

/* xFilter: begins with the blocks live at the moment that the limits name, else at the end. */
static int filter_live_blocks(sqlite3_vtab_cursor *vtab, int number, const char *plan, int argc,
                              sqlite3_value **argv) {
    struct live_cursor *c = (struct live_cursor *)vtab;
    struct hak_live_moment moment = {0};
    (void)number;
    hak_live_close(c->live);
    c->live = NULL;
    c->head.is_at_end = true;
    c->has_at = c->has_at_event = false;
    for (int i = 0; i < argc; i++) {
        uint64_t value;
        int column = plan[2 * i] - 'a';
        if (!hak_table_number(argv[i], HAK_OP_EQUAL, &value))
            return SQLITE_OK;
        if (column == LIVE_PROCESS) {
            if (value == 0 || value > UINT32_MAX ||
                (moment.process && moment.process != (uint32_t)value))
                return SQLITE_OK;
            moment.process = (uint32_t)value;
        } else if (column == LIVE_AT) {
            c->at = value;
            c->has_at = true;
            moment.ns = value ? value : 1; /* 0 would be "all" */
        } else {
            c->at_event = value;
            c->has_at_event = true;
            if (value == 0)
                return SQLITE_OK; /* before the first event */
            moment.id = value;
        }
    }
    int error = hak_live_open(hak_table_reader(vtab), &moment, &c->live);
    return error ? hak_table_fail(vtab->pVtab, error) : next_live_block(vtab);
}

/* xColumn: gives a column of the block at hand. */
static int read_live_column(sqlite3_vtab_cursor *vtab, sqlite3_context *out, int which) {
    struct live_cursor *c = (struct live_cursor *)vtab;
    const struct hak_live_block *b = &c->block;
    const uint64_t numbers[] = {
        [LIVE_BASE] = b->base,         [LIVE_USER] = b->user,     [LIVE_SIZE] = b->size,
        [LIVE_STACK] = b->stack,       [LIVE_THREAD] = b->thread, [LIVE_PROCESS] = b->process,
        [LIVE_BIRTH] = b->birth,       [LIVE_NS] = b->ns,         [LIVE_AT] = c->at,
        [LIVE_AT_EVENT] = c->at_event,
    };
    uint64_t tid;
    switch ((enum live_column)which) {
    case LIVE_CLASS:
        hak_table_class(hak_table_reader(vtab), b->class_index, out);
        break;
    case LIVE_SLOT:
        hak_table_slot(hak_table_reader(vtab), b->class_index, out);
        break;
    case LIVE_TID:
        tid = b->birth ? hak_table_tid(hak_table_shared(vtab), b->thread) : 0;
        if (tid)
            sqlite3_result_int64(out, (sqlite3_int64)tid);
        break;
    default: /* of what was born before the capture nothing is known of its birth */
        if (((HAK_TABLE_BIT(which) & OF_BIRTH) == 0 || b->birth) &&
            (which != LIVE_AT || c->has_at) && (which != LIVE_AT_EVENT || c->has_at_event))
            sqlite3_result_int64(out, (sqlite3_int64)numbers[which]);
        break;
    }
    return SQLITE_OK;
}

HAK_TABLE_MODULE(hak_live_module, live, true, .xBestIndex = plan_live_blocks,
                 .xClose = close_live_blocks, .xFilter = filter_live_blocks,
                 .xNext = next_live_block, .xColumn = read_live_column);
