/* The virtual table profile: what each process held by allocation stack at a moment, and what came
 * and went before it. */
#include "store/sql/tables.h"

#include <stdlib.h>
#include <string.h>
#include "base/growing.h"
#include "store/history/history.h"
#include "store/reader/inner.h"

enum column {
    PROCESS,
    STACK,
    FIRST_SUM,
    LIVE_BLOCKS = FIRST_SUM,
    LIVE_BYTES,
    CAME_BLOCKS,
    CAME_BYTES,
    WENT_BLOCKS,
    WENT_BYTES,
    BRIEF_BLOCKS,
    BRIEF_BYTES,
    BEFORE_BLOCKS,
    BEFORE_BYTES,
    SINCE,
    SINCE_EVENT,
    AT,
    AT_EVENT
};
static const char declaration[] =
    "CREATE TABLE profile(process INTEGER, stack INTEGER, live_blocks INTEGER, live_bytes INTEGER,"
    " came_blocks INTEGER, came_bytes INTEGER, went_blocks INTEGER, went_bytes INTEGER,"
    " brief_blocks INTEGER, brief_bytes INTEGER, before_blocks INTEGER, before_bytes INTEGER,"
    " since HIDDEN, since_event INTEGER HIDDEN, at HIDDEN, at_event INTEGER HIDDEN)";

#define BIT(column) (1u << (column))
#define MOMENTS     (BIT(SINCE) | BIT(SINCE_EVENT) | BIT(AT) | BIT(AT_EVENT))
/* Columns that need nothing but the moment. */
#define OF_MOMENT (BIT(PROCESS) | BIT(STACK) | BIT(LIVE_BLOCKS) | BIT(LIVE_BYTES) | MOMENTS)

struct row {
    uint32_t process, stack;
    struct hak_flow_sum live, came, went, brief, before;
};

struct cursor {
    struct hak_table_cursor head;
    struct row *row; /* by process and stack */
    uint32_t rows, room, at;
    bool is_short_of_memory;
    sqlite3_value *moment[4]; /* as they were asked for: SINCE and what follows it; NULL = not */
};

/* Moments are no columns to compare: only "at = X" can be answered. */
static int best_index(sqlite3_vtab *vtab, sqlite3_index_info *info) {
    unsigned taken = 0;
    for (int i = 0; i < info->nConstraint; i++) {
        int column = info->aConstraint[i].iColumn;
        if (column < SINCE)
            continue;
        if (info->aConstraint[i].op != SQLITE_INDEX_CONSTRAINT_EQ) {
            sqlite3_free(vtab->zErrMsg);
            vtab->zErrMsg = sqlite3_mprintf("profile: give moments as at = NS, at = 'peak', "
                                            "at_event = ID, since = NS or since_event = ID");
            return SQLITE_ERROR;
        }
        if (!info->aConstraint[i].usable)
            return SQLITE_CONSTRAINT;
    }
    int result = hak_table_take(info, BIT(PROCESS) | MOMENTS, 0, MOMENTS, &taken);
    info->idxNum = (info->colUsed & ~(sqlite3_uint64)OF_MOMENT) == 0;
    info->estimatedCost = taken & BIT(PROCESS) ? 1e6 : 1e7;
    info->estimatedRows = taken & BIT(PROCESS) ? 10000 : 100000;
    return result;
}

static void forget(struct cursor *c) {
    for (size_t i = 0; i < sizeof c->moment / sizeof *c->moment; i++) {
        sqlite3_value_free(c->moment[i]);
        c->moment[i] = NULL;
    }
    c->rows = c->at = 0;
}

static int close_cursor(sqlite3_vtab_cursor *vtab) {
    struct cursor *c = (struct cursor *)vtab;
    forget(c);
    free(c->row);
    hak_table_close(vtab);
    return SQLITE_OK;
}

/* ---- rows --------------------------------------------------------------------------------------
 */

static void add_row(void *context, const struct hak_flow_row *row) {
    struct cursor *c = context;
    if (c->is_short_of_memory ||
        !hak_growing_make_room(&c->row, c->rows, &c->room, sizeof *c->row)) {
        c->is_short_of_memory = true;
        return;
    }
    c->row[c->rows++] = (struct row){.process = row->process,
                                     .stack = row->stack,
                                     .live = row->live,
                                     .came = row->came,
                                     .went = row->went,
                                     .brief = row->brief,
                                     .before = row->before};
}

static int compare(const void *a, const void *b) {
    const struct row *x = a, *y = b;
    return x->process != y->process ? (x->process < y->process ? -1 : 1)
           : x->stack != y->stack   ? (x->stack < y->stack ? -1 : 1)
                                    : 0;
}

/* One row for each process and stack. */
static void join_rows(struct cursor *c) {
    uint32_t rows = 0;
    if (c->rows)
        qsort(c->row, c->rows, sizeof *c->row, compare);
    for (uint32_t i = 0; i < c->rows; i++) {
        const struct row *from = &c->row[i];
        if (rows == 0 || compare(&c->row[rows - 1], from) != 0) {
            c->row[rows++] = *from;
            continue;
        }
        struct row *to = &c->row[rows - 1];
        hak_flow_add(&to->live, from->live);
        hak_flow_add(&to->came, from->came);
        hak_flow_add(&to->went, from->went);
        hak_flow_add(&to->brief, from->brief);
        hak_flow_add(&to->before, from->before);
    }
    c->rows = rows;
}

/* ---- moments -----------------------------------------------------------------------------------
 */

struct moment {
    uint64_t event; /* 0 = the end, where is_end, else before the first */
    bool is_end;
};

/* 0; 1: no row can fit; or an error. */
static int read_moment(struct cursor *c, int column, sqlite3_value *value, uint32_t process,
                       struct moment *out) {
    struct hak_store_reader *r = hak_table_reader(&c->head.vtab);
    uint64_t number, ns;
    const char *text =
        sqlite3_value_type(value) == SQLITE_TEXT ? (const char *)sqlite3_value_text(value) : NULL;
    *out = (struct moment){0};
    if (text && strcmp(text, "peak") == 0 && (column == AT || column == SINCE)) {
        int found = hak_span_find_peak(r, process, &out->event, &ns);
        return found < 0 ? found : 0;
    }
    if (!hak_table_number(value, HAK_OP_EQUAL, &number))
        return 1;
    if (column == AT_EVENT || column == SINCE_EVENT) {
        struct hak_store_summary summary;
        int error = hak_store_summarise(r, &summary);
        out->is_end = !error && number > summary.trimmed_events + summary.events;
        out->event = out->is_end || number <= summary.trimmed_events ? 0 : number;
        return error;
    }
    int found = hak_span_find_event(r, number, &out->event);
    out->is_end = found == 0;
    return found < 0 ? found : 0;
}

static int read_rows(struct cursor *c, bool is_only_moment, uint32_t process, struct moment since,
                     struct moment at) {
    const struct hak_span_query query = {since.event, at.event, process, is_only_moment};
    uint64_t unknown;
    bool is_empty = (!at.event && !at.is_end) || since.is_end ||
                    (at.event && since.event && at.event <= since.event);
    c->is_short_of_memory = false;
    int error =
        is_empty ? 0 : hak_span_read(hak_table_reader(&c->head.vtab), &query, add_row, c, &unknown);
    if (!error && c->is_short_of_memory)
        error = hak_store_no_memory(hak_table_reader(&c->head.vtab)->db.path);
    join_rows(c);
    return error;
}

static int filter(sqlite3_vtab_cursor *vtab, int number, const char *plan, int argc,
                  sqlite3_value **argv) {
    struct cursor *c = (struct cursor *)vtab;
    struct moment since = {0}, at = {.is_end = true};
    uint64_t process = 0;
    bool has_since = false;
    int result = 0;
    forget(c);
    c->head.number = 0;
    c->head.is_at_end = true;
    for (int i = 0; i < argc; i++)
        if (plan[2 * i] - 'a' == PROCESS && (!hak_table_number(argv[i], HAK_OP_EQUAL, &process) ||
                                             !process || process > UINT32_MAX))
            return SQLITE_OK;
    for (int i = 0; i < argc && result == 0; i++) {
        int column = plan[2 * i] - 'a';
        if (column == PROCESS)
            continue;
        bool is_at = column == AT || column == AT_EVENT;
        has_since |= !is_at;
        sqlite3_value_free(c->moment[column - SINCE]);
        c->moment[column - SINCE] = sqlite3_value_dup(argv[i]);
        result = read_moment(c, column, argv[i], (uint32_t)process, is_at ? &at : &since);
    }
    if (result == 0)
        result = read_rows(c, number && !has_since, (uint32_t)process, since, at);
    c->head.is_at_end = result != 0 || c->rows == 0;
    return result < 0 ? hak_table_fail(vtab->pVtab, result) : SQLITE_OK;
}

static int next(sqlite3_vtab_cursor *vtab) {
    struct cursor *c = (struct cursor *)vtab;
    c->head.number++;
    c->head.is_at_end = ++c->at >= c->rows;
    return SQLITE_OK;
}

static int column(sqlite3_vtab_cursor *vtab, sqlite3_context *out, int which) {
    const struct cursor *c = (const struct cursor *)vtab;
    const struct row *row = &c->row[c->at];
    const struct hak_flow_sum *sums[] = {&row->live, &row->came, &row->went, &row->brief,
                                         &row->before};
    if (which >= SINCE && c->moment[which - SINCE])
        sqlite3_result_value(out, c->moment[which - SINCE]);
    else if (which == PROCESS)
        sqlite3_result_int64(out, row->process);
    else if (which == STACK)
        sqlite3_result_int64(out, row->stack);
    else if (which < SINCE) {
        const struct hak_flow_sum *sum = sums[(which - FIRST_SUM) / 2];
        bool is_bytes = (which - FIRST_SUM) % 2;
        sqlite3_result_int64(out, (sqlite3_int64)(is_bytes ? sum->bytes : sum->blocks));
    }
    return SQLITE_OK;
}

HAK_TABLE_MODULE(hak_profile_module, declaration, false);
