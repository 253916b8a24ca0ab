/* The virtual table event: one row for each event of the log, with constraints pushed down. */
#include "store/sql/tables.h"

#include <stdlib.h>
#include <string.h>
#include "store/calls.h"
#include "store/reader/inner.h"
#include "superslab.h"
#include "trace/record.h"

enum event_column {
    EVENT_ID,
    EVENT_NS,
    EVENT_TID,
    EVENT_KIND,
    EVENT_LAYER,
    EVENT_CLASS,
    EVENT_SIZE,
    EVENT_BASE,
    EVENT_USER,
    EVENT_ADDR,
    EVENT_STACK,
    EVENT_GENERATION,
    EVENT_PROCESS,
    EVENT_THREAD,
    EVENT_OLD_ADDR,
    EVENT_SLOT,
    EVENT_SUBKIND,
    EVENT_FLAGS,
    EVENT_FUNCTION,
    EVENT_CALL
};
static const char event_declaration[] =
    "CREATE TABLE event(id INTEGER, ns INTEGER, tid INTEGER, kind TEXT, layer TEXT, class TEXT,"
    " size INTEGER, base INTEGER, user INTEGER, addr INTEGER, stack INTEGER, generation INTEGER,"
    " process INTEGER, thread INTEGER, old_addr INTEGER, slot INTEGER, subkind INTEGER,"
    " flags INTEGER, function TEXT, call TEXT)";

#define EVENT_EQUAL_COLUMNS                                                                        \
    (HAK_TABLE_BIT(EVENT_ID) | HAK_TABLE_BIT(EVENT_NS) | HAK_TABLE_BIT(EVENT_TID) |                \
     HAK_TABLE_BIT(EVENT_KIND) | HAK_TABLE_BIT(EVENT_BASE) | HAK_TABLE_BIT(EVENT_USER) |           \
     HAK_TABLE_BIT(EVENT_ADDR) | HAK_TABLE_BIT(EVENT_STACK) | HAK_TABLE_BIT(EVENT_PROCESS) |       \
     HAK_TABLE_BIT(EVENT_THREAD))
#define EVENT_RANGE_COLUMNS                                                                        \
    (HAK_TABLE_BIT(EVENT_ID) | HAK_TABLE_BIT(EVENT_NS) | HAK_TABLE_BIT(EVENT_BASE))

struct event_cursor {
    struct hak_table_cursor head;
    struct hak_scan *scan;
    struct hak_event event;
    bool has_addr; /* addr = asked_addr was asked, so that is what addr reads as */
    uint64_t asked_addr;
};

/* xBestIndex: takes limits on columns that the scan knows, and the order by id. */
static int plan_events(sqlite3_vtab *vtab, sqlite3_index_info *info) {
    unsigned taken;
    (void)vtab;
    int result = hak_table_take(info, EVENT_EQUAL_COLUMNS | HAK_TABLE_ROWID, EVENT_RANGE_COLUMNS,
                                HAK_TABLE_BIT(EVENT_ADDR), &taken);
    if (result != SQLITE_OK)
        return result;
    double cost = 1e7;
    if (taken & HAK_TABLE_BIT(EVENT_ID))
        cost = 1;
    else if (taken &
             (HAK_TABLE_BIT(EVENT_BASE) | HAK_TABLE_BIT(EVENT_USER) | HAK_TABLE_BIT(EVENT_ADDR)))
        cost = 1e3;
    else if (taken & HAK_TABLE_BIT(EVENT_STACK))
        cost = 1e4;
    else if (info->idxStr[0])
        cost = 1e6;
    info->estimatedCost = cost;
    info->estimatedRows = (sqlite3_int64)cost;
    if (taken & HAK_TABLE_BIT(EVENT_ID))
        info->idxFlags = SQLITE_INDEX_SCAN_UNIQUE;
    if (info->nOrderBy == 1 &&
        (info->aOrderBy[0].iColumn == EVENT_ID || info->aOrderBy[0].iColumn < 0)) {
        info->orderByConsumed = 1;
        info->idxNum = info->aOrderBy[0].desc;
    }
    return SQLITE_OK;
}

static int close_events(sqlite3_vtab_cursor *vtab) {
    struct event_cursor *c = (struct event_cursor *)vtab;
    hak_scan_close(c->scan);
    hak_table_close(vtab);
    return SQLITE_OK;
}

/* xNext: reads the next event; the end, or an error of SQLite. */
static int next_event(sqlite3_vtab_cursor *vtab) {
    struct event_cursor *c = (struct event_cursor *)vtab;
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

/* Limits an id to the value. False: nothing can fit. */
static bool set_equal_id(uint32_t *limit, uint64_t value) {
    uint64_t wide = *limit;
    bool can = value <= UINT32_MAX && set_equal(&wide, value);
    *limit = (uint32_t)wide;
    return can;
}

/* Limits the kinds to the named one. False: nothing can fit. */
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
static int limit_scan(struct event_cursor *c, struct hak_scan_limits *l, int column, int op,
                      sqlite3_value *value) {
    struct hak_filter *f = &l->filter;
    uint64_t number = 0;
    uint32_t thread;
    int found;
    if (column == EVENT_KIND)
        return add_kind(hak_table_shared(&c->head.vtab), f, value);
    if (!hak_table_number(value, op, &number))
        return 0;
    switch (column) {
    case EVENT_ID:
        return hak_table_narrow(op, number, &f->id_from, &f->id_to);
    case EVENT_NS:
        if (number == 0 && (op == HAK_OP_EQUAL || op == HAK_OP_TO))
            return 1; /* the scan has no upper end of 0; SQLite compares */
        return hak_table_narrow(op, number, &f->ns_from, &f->ns_to);
    case EVENT_BASE:
        if (number == 0)
            return 1; /* events without an address are in no posting; SQLite compares */
        if (op == HAK_OP_EQUAL)
            return set_equal(&f->base, number);
        if (!l->filter.base_to)
            l->filter.base_to = INT64_MAX;
        return hak_table_narrow(op, number, &l->filter.base_from, &l->filter.base_to);
    case EVENT_USER: /* SQLite compares again: only calls have a user pointer */
        if (!f->address)
            f->address = number;
        return number != 0;
    case EVENT_ADDR: /* nobody compares again: this one has to hold */
        if (number == 0 || (c->has_addr && c->asked_addr != number))
            return 0;
        c->has_addr = true;
        c->asked_addr = f->address = number;
        return 1;
    case EVENT_TID:
        found = hak_table_threads(hak_table_shared(&c->head.vtab)->reader, number, &thread);
        if (found != 1)
            return found < 0 ? found : found > 1; /* several threads had it: SQLite compares */
        number = thread;
        /* fall through */
    case EVENT_THREAD:
        return set_equal_id(&f->thread, number);
    case EVENT_PROCESS:
        return set_equal_id(&f->process, number);
    default: /* EVENT_STACK; "no stack" has no posting */
        return number == 0 || set_equal_id(&f->stack, number);
    }
}

/* xFilter: begins a scan with these limits; no rows where one cannot be met. */
static int filter_events(sqlite3_vtab_cursor *vtab, int backwards, const char *plan, int argc,
                         sqlite3_value **argv) {
    struct event_cursor *c = (struct event_cursor *)vtab;
    struct hak_scan_limits limits = hak_scan_all();
    hak_scan_close(c->scan);
    c->scan = NULL;
    c->has_addr = false;
    c->head.is_at_end = true;
    for (int i = 0; i < argc; i++) {
        int fits = limit_scan(c, &limits, plan[2 * i] - 'a', plan[2 * i + 1], argv[i]);
        if (fits <= 0)
            return fits < 0 ? hak_table_fail(vtab->pVtab, fits) : SQLITE_OK;
    }
    if (limits.filter.base_from == 0) /* that would leave out events without an address */
        limits.filter.base_to = 0;
    int error =
        hak_scan_open(hak_table_shared(&c->head.vtab)->reader, &limits, backwards != 0, &c->scan);
    return error ? hak_table_fail(vtab->pVtab, error) : next_event(vtab);
}

/* xColumn: gives a column of the event at hand. */
static int read_event_column(sqlite3_vtab_cursor *vtab, sqlite3_context *out, int which) {
    struct event_cursor *c = (struct event_cursor *)vtab;
    const struct hak_event *e = &c->event;
    struct hak_tables *t = hak_table_shared(vtab);
    const uint64_t numbers[] = {
        [EVENT_ID] = e->id,
        [EVENT_NS] = e->ns,
        [EVENT_SIZE] = e->size,
        [EVENT_BASE] = e->base,
        [EVENT_USER] = e->address,
        [EVENT_ADDR] = c->has_addr ? c->asked_addr : e->address,
        [EVENT_STACK] = e->stack,
        [EVENT_GENERATION] = e->generation,
        [EVENT_PROCESS] = e->process,
        [EVENT_THREAD] = e->thread,
        [EVENT_OLD_ADDR] = e->old_address,
        [EVENT_SUBKIND] = e->subkind,
        [EVENT_FLAGS] = e->flags,
    };
    switch ((enum event_column)which) {
    case EVENT_TID:
        sqlite3_result_int64(out, (sqlite3_int64)hak_table_tid(t, e->thread));
        break;
    case EVENT_KIND:
        sqlite3_result_text(out, hak_table_kind(t, e->kind), -1, SQLITE_STATIC);
        break;
    case EVENT_LAYER:
        if (hak_event_is_move(e))
            sqlite3_result_text(out, hak_table_place(t, e->place), -1, SQLITE_STATIC);
        break;
    case EVENT_CLASS:
        if (hak_event_is_move(e) || e->class_index != HAK_CLASS_NONE)
            hak_table_class(t->reader, e->class_index, out);
        break;
    case EVENT_SLOT:
        hak_table_slot(t->reader, e->class_index, out);
        break;
    case EVENT_FUNCTION:
        if (e->stack)
            sqlite3_result_text(out, hak_store_stack_function(t->reader, e->stack), -1,
                                SQLITE_TRANSIENT);
        if (hak_store_stack_error(t->reader)) {
            sqlite3_result_error(out, hak_store_stack_error(t->reader), -1);
            sqlite3_result_error_code(out, hak_table_code(t->reader->stacks.error_code));
        }
        break;
    case EVENT_CALL:
        sqlite3_result_text(out, hak_call_of(e), -1, SQLITE_STATIC);
        break;
    default: /* of what is no call there is no user pointer */
        if ((which != EVENT_USER || hak_event_is_call(e)) &&
            (which != EVENT_OLD_ADDR || e->old_address))
            sqlite3_result_int64(out, (sqlite3_int64)numbers[which]);
        break;
    }
    return SQLITE_OK;
}

HAK_TABLE_MODULE(hak_event_module, event, true, .xBestIndex = plan_events, .xClose = close_events,
                 .xFilter = filter_events, .xNext = next_event, .xColumn = read_event_column);
