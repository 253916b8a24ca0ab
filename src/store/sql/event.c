/* The virtual table event: one row for each event of the log, with constraints pushed down. */
#include "store/sql/tables.h"

#include <stdlib.h>
#include <string.h>
#include "store/calls.h"
#include "store/reader/inner.h"
#include "superslab.h"
#include "trace/record.h"

enum column {
    ID,
    NS,
    TID,
    KIND,
    LAYER,
    CLASS,
    SIZE,
    BASE,
    USER,
    ADDR,
    STACK,
    GENERATION,
    PROCESS,
    THREAD,
    OLD_ADDR,
    SLOT,
    SUBKIND,
    FLAGS,
    FUNCTION,
    CALL
};
static const char declaration[] =
    "CREATE TABLE event(id INTEGER, ns INTEGER, tid INTEGER, kind TEXT, layer TEXT, class TEXT,"
    " size INTEGER, base INTEGER, user INTEGER, addr INTEGER, stack INTEGER, generation INTEGER,"
    " process INTEGER, thread INTEGER, old_addr INTEGER, slot INTEGER, subkind INTEGER,"
    " flags INTEGER, function TEXT, call TEXT)";

#define BIT(column) (1u << (column))
#define EQUAL_COLUMNS                                                                              \
    (BIT(ID) | BIT(NS) | BIT(TID) | BIT(KIND) | BIT(BASE) | BIT(USER) | BIT(ADDR) | BIT(STACK) |   \
     BIT(PROCESS) | BIT(THREAD))
#define RANGE_COLUMNS (BIT(ID) | BIT(NS) | BIT(BASE))

struct cursor {
    struct hak_table_cursor head;
    struct hak_scan *scan;
    struct hak_event event;
    bool has_addr; /* addr = asked_addr was asked, so that is what addr reads as */
    uint64_t asked_addr;
};

static int best_index(sqlite3_vtab *vtab, sqlite3_index_info *info) {
    unsigned taken;
    (void)vtab;
    int result =
        hak_table_take(info, EQUAL_COLUMNS | HAK_TABLE_ROWID, RANGE_COLUMNS, BIT(ADDR), &taken);
    if (result != SQLITE_OK)
        return result;
    double cost = 1e7;
    if (taken & BIT(ID))
        cost = 1;
    else if (taken & (BIT(BASE) | BIT(USER) | BIT(ADDR)))
        cost = 1e3;
    else if (taken & BIT(STACK))
        cost = 1e4;
    else if (info->idxStr[0])
        cost = 1e6;
    info->estimatedCost = cost;
    info->estimatedRows = (sqlite3_int64)cost;
    if (taken & BIT(ID))
        info->idxFlags = SQLITE_INDEX_SCAN_UNIQUE;
    if (info->nOrderBy == 1 && (info->aOrderBy[0].iColumn == ID || info->aOrderBy[0].iColumn < 0)) {
        info->orderByConsumed = 1;
        info->idxNum = info->aOrderBy[0].desc;
    }
    return SQLITE_OK;
}

static int close_cursor(sqlite3_vtab_cursor *vtab) {
    struct cursor *c = (struct cursor *)vtab;
    hak_scan_close(c->scan);
    hak_table_close(vtab);
    return SQLITE_OK;
}

static int next(sqlite3_vtab_cursor *vtab) {
    struct cursor *c = (struct cursor *)vtab;
    int found = hak_scan_next(c->scan, &c->event);
    c->head.is_at_end = found != 1;
    c->head.number = (sqlite3_int64)c->event.id;
    return found < 0 ? hak_table_fail(vtab->pVtab, found) : SQLITE_OK;
}

/* Sets a limit that must equal the one set before; false when it cannot. */
static bool set_equal(uint64_t *limit, uint64_t value) {
    if (!value || (*limit && *limit != value))
        return false;
    *limit = value;
    return true;
}
static bool set_equal_id(uint32_t *limit, uint64_t value) {
    uint64_t wide = *limit;
    bool can = value <= UINT32_MAX && set_equal(&wide, value);
    *limit = (uint32_t)wide;
    return can;
}

static bool add_kind(const struct hak_tables *t, struct hak_filter *f, sqlite3_value *value) {
    const char *name = (const char *)sqlite3_value_text(value);
    uint64_t masks[2] = {0, 0};
    for (unsigned i = 0; name && i < HAK_TABLE_KINDS; i++)
        if (t->kind_name[i] && sqlite3_stricmp(t->kind_name[i], name) == 0 &&
            strcmp(t->kind_name[i], name) == 0)
            masks[i >> 6] = (uint64_t)1 << (i & 63);
    if (f->kind_mask_low || f->kind_mask_high) {
        masks[0] &= f->kind_mask_low;
        masks[1] &= f->kind_mask_high;
    }
    f->kind_mask_low = masks[0];
    f->kind_mask_high = masks[1];
    return masks[0] || masks[1];
}

/* Puts one constraint into the limits: 1, 0 when no row can fit, or a negative error. */
static int add_limit(struct cursor *c, struct hak_scan_limits *l, int column, int op,
                     sqlite3_value *value) {
    struct hak_filter *f = &l->filter;
    uint64_t number = 0;
    uint32_t thread;
    int found;
    if (column == KIND)
        return add_kind(hak_table_shared(&c->head.vtab), f, value);
    if (!hak_table_number(value, op, &number))
        return 0;
    switch (column) {
    case ID:
        return hak_table_narrow(op, number, &f->id_from, &f->id_to);
    case NS:
        if (number == 0 && (op == HAK_OP_EQUAL || op == HAK_OP_TO))
            return 1; /* the scan has no upper end of 0; SQLite compares */
        return hak_table_narrow(op, number, &f->ns_from, &f->ns_to);
    case BASE:
        if (number == 0)
            return 1; /* events without an address are in no posting; SQLite compares */
        if (op == HAK_OP_EQUAL)
            return set_equal(&f->base, number);
        if (!l->filter.base_to)
            l->filter.base_to = INT64_MAX;
        return hak_table_narrow(op, number, &l->filter.base_from, &l->filter.base_to);
    case USER: /* SQLite compares again: only calls have a user pointer */
        if (!f->address)
            f->address = number;
        return number != 0;
    case ADDR: /* nobody compares again: this one has to hold */
        if (number == 0 || (c->has_addr && c->asked_addr != number))
            return 0;
        c->has_addr = true;
        c->asked_addr = f->address = number;
        return 1;
    case TID:
        found = hak_table_threads(hak_table_shared(&c->head.vtab)->reader, number, &thread);
        if (found != 1)
            return found < 0 ? found : found > 1; /* several threads had it: SQLite compares */
        number = thread;
        /* fall through */
    case THREAD:
        return set_equal_id(&f->thread, number);
    case PROCESS:
        return set_equal_id(&f->process, number);
    default: /* STACK; "no stack" has no posting */
        return number == 0 || set_equal_id(&f->stack, number);
    }
}

static int filter(sqlite3_vtab_cursor *vtab, int backwards, const char *plan, int argc,
                  sqlite3_value **argv) {
    struct cursor *c = (struct cursor *)vtab;
    struct hak_scan_limits limits = hak_scan_all();
    hak_scan_close(c->scan);
    c->scan = NULL;
    c->has_addr = false;
    c->head.is_at_end = true;
    for (int i = 0; i < argc; i++) {
        int fits = add_limit(c, &limits, plan[2 * i] - 'a', plan[2 * i + 1], argv[i]);
        if (fits <= 0)
            return fits < 0 ? hak_table_fail(vtab->pVtab, fits) : SQLITE_OK;
    }
    if (limits.filter.base_from == 0) /* that would leave out events without an address */
        limits.filter.base_to = 0;
    int error =
        hak_scan_open(hak_table_shared(&c->head.vtab)->reader, &limits, backwards != 0, &c->scan);
    return error ? hak_table_fail(vtab->pVtab, error) : next(vtab);
}

static int column(sqlite3_vtab_cursor *vtab, sqlite3_context *out, int which) {
    struct cursor *c = (struct cursor *)vtab;
    const struct hak_event *e = &c->event;
    struct hak_tables *t = hak_table_shared(vtab);
    const uint64_t numbers[] = {
        [ID] = e->id,
        [NS] = e->ns,
        [SIZE] = e->size,
        [BASE] = e->base,
        [USER] = e->address,
        [ADDR] = c->has_addr ? c->asked_addr : e->address,
        [STACK] = e->stack,
        [GENERATION] = e->generation,
        [PROCESS] = e->process,
        [THREAD] = e->thread,
        [OLD_ADDR] = e->old_address,
        [SUBKIND] = e->subkind,
        [FLAGS] = e->flags,
    };
    switch ((enum column)which) {
    case TID:
        sqlite3_result_int64(out, (sqlite3_int64)hak_table_tid(t, e->thread));
        break;
    case KIND:
        sqlite3_result_text(out, hak_table_kind(t, e->kind), -1, SQLITE_STATIC);
        break;
    case LAYER:
        if (hak_event_is_move(e))
            sqlite3_result_text(out, hak_table_place(t, e->place), -1, SQLITE_STATIC);
        break;
    case CLASS:
        if (hak_event_is_move(e) || e->class_index != HAK_CLASS_NONE)
            hak_table_class(t->reader, e->class_index, out);
        break;
    case SLOT:
        hak_table_slot(t->reader, e->class_index, out);
        break;
    case FUNCTION:
        if (e->stack)
            sqlite3_result_text(out, hak_store_stack_function(t->reader, e->stack), -1,
                                SQLITE_TRANSIENT);
        if (hak_store_stack_error(t->reader))
            sqlite3_result_error(out, hak_store_stack_error(t->reader), -1);
        break;
    case CALL:
        sqlite3_result_text(out, hak_call_of(e), -1, SQLITE_STATIC);
        break;
    default: /* of what is no call there is no user pointer */
        if ((which != USER || hak_event_is_call(e)) && (which != OLD_ADDR || e->old_address))
            sqlite3_result_int64(out, (sqlite3_int64)numbers[which]);
        break;
    }
    return SQLITE_OK;
}

HAK_TABLE_MODULE(hak_event_module, declaration, true);
