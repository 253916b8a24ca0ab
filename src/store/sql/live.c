/* The virtual table live: one row for each block that a process held at a moment. */
#include "store/sql/tables.h"

#include <stdlib.h>
#include "store/history/history.h"
#include "store/reader/inner.h"

enum column { BASE, USER, SIZE, CLASS, SLOT, STACK, THREAD, TID, PROCESS, BIRTH, NS, AT, AT_EVENT };
static const char declaration[] =
    "CREATE TABLE live(base INTEGER, user INTEGER, size INTEGER, class TEXT, slot INTEGER,"
    " stack INTEGER, thread INTEGER, tid INTEGER, process INTEGER, birth INTEGER, ns INTEGER,"
    " at INTEGER HIDDEN, at_event INTEGER HIDDEN)";

#define BIT(column)   (1u << (column))
#define EQUAL_COLUMNS (BIT(PROCESS) | BIT(AT) | BIT(AT_EVENT))
#define OF_BIRTH      (BIT(STACK) | BIT(THREAD) | BIT(BIRTH) | BIT(NS))

struct cursor {
    struct hak_table_cursor head;
    struct hak_live *live;
    struct hak_live_block block;
    uint64_t at, at_event;
    bool has_at, has_at_event;
};

/* The moment is no column to compare: only "at = X" can be answered. */
static int best_index(sqlite3_vtab *vtab, sqlite3_index_info *info) {
    unsigned taken = 0;
    for (int i = 0; i < info->nConstraint; i++) {
        int column = info->aConstraint[i].iColumn;
        if (column != AT && column != AT_EVENT)
            continue;
        if (info->aConstraint[i].op != SQLITE_INDEX_CONSTRAINT_EQ) {
            sqlite3_free(vtab->zErrMsg);
            vtab->zErrMsg = sqlite3_mprintf("live: give the moment as at = NS or at_event = ID");
            return SQLITE_ERROR;
        }
        if (!info->aConstraint[i].usable)
            return SQLITE_CONSTRAINT;
    }
    int result = hak_table_take(info, EQUAL_COLUMNS, 0, BIT(AT) | BIT(AT_EVENT), &taken);
    info->estimatedCost = taken & BIT(PROCESS) ? 1e6 : 1e8;
    info->estimatedRows = taken & BIT(PROCESS) ? 100000 : 1000000;
    return result;
}

static int close_cursor(sqlite3_vtab_cursor *vtab) {
    struct cursor *c = (struct cursor *)vtab;
    hak_live_close(c->live);
    hak_table_close(vtab);
    return SQLITE_OK;
}

static int next(sqlite3_vtab_cursor *vtab) {
    struct cursor *c = (struct cursor *)vtab;
    int found = hak_live_next(c->live, &c->block);
    c->head.number++;
    c->head.is_at_end = found != 1;
    return found < 0 ? hak_table_fail(vtab->pVtab, found) : SQLITE_OK;
}

static int filter(sqlite3_vtab_cursor *vtab, int number, const char *plan, int argc,
                  sqlite3_value **argv) {
    struct cursor *c = (struct cursor *)vtab;
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
        if (column == PROCESS) {
            if (value == 0 || value > UINT32_MAX ||
                (moment.process && moment.process != (uint32_t)value))
                return SQLITE_OK;
            moment.process = (uint32_t)value;
        } else if (column == AT) {
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
    return error ? hak_table_fail(vtab->pVtab, error) : next(vtab);
}

static int column(sqlite3_vtab_cursor *vtab, sqlite3_context *out, int which) {
    struct cursor *c = (struct cursor *)vtab;
    const struct hak_live_block *b = &c->block;
    const uint64_t numbers[] = {
        [BASE] = b->base,     [USER] = b->user,         [SIZE] = b->size,   [STACK] = b->stack,
        [THREAD] = b->thread, [PROCESS] = b->process,   [BIRTH] = b->birth, [NS] = b->ns,
        [AT] = c->at,         [AT_EVENT] = c->at_event,
    };
    uint64_t tid;
    switch ((enum column)which) {
    case CLASS:
        hak_table_class(hak_table_reader(vtab), b->class_index, out);
        break;
    case SLOT:
        hak_table_slot(hak_table_reader(vtab), b->class_index, out);
        break;
    case TID:
        tid = b->birth ? hak_table_tid(hak_table_shared(vtab), b->thread) : 0;
        if (tid)
            sqlite3_result_int64(out, (sqlite3_int64)tid);
        break;
    default: /* of what was born before the capture nothing is known of its birth */
        if (((BIT(which) & OF_BIRTH) == 0 || b->birth) && (which != AT || c->has_at) &&
            (which != AT_EVENT || c->has_at_event))
            sqlite3_result_int64(out, (sqlite3_int64)numbers[which]);
        break;
    }
    return SQLITE_OK;
}

HAK_TABLE_MODULE(hak_live_module, declaration, true);
