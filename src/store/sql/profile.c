/* The virtual table profile: the blocks that each process held by allocation stack at a moment, and
 * those that came and went before it. */
#include "store/sql/tables.h"

#include <stdlib.h>
#include <string.h>
#include "base/growing.h"
#include "store/history/history.h"
#include "store/reader/inner.h"

enum profile_column {
    PROFILE_PROCESS,
    PROFILE_STACK,
    PROFILE_FIRST_SUM,
    PROFILE_LIVE_BLOCKS = PROFILE_FIRST_SUM,
    PROFILE_LIVE_BYTES,
    PROFILE_CAME_BLOCKS,
    PROFILE_CAME_BYTES,
    PROFILE_WENT_BLOCKS,
    PROFILE_WENT_BYTES,
    PROFILE_BRIEF_BLOCKS,
    PROFILE_BRIEF_BYTES,
    PROFILE_BEFORE_BLOCKS,
    PROFILE_BEFORE_BYTES,
    PROFILE_SINCE,
    PROFILE_SINCE_EVENT,
    PROFILE_AT,
    PROFILE_AT_EVENT
};
static const char profile_declaration[] =
    "CREATE TABLE profile(process INTEGER, stack INTEGER, live_blocks INTEGER, live_bytes INTEGER,"
    " came_blocks INTEGER, came_bytes INTEGER, went_blocks INTEGER, went_bytes INTEGER,"
    " brief_blocks INTEGER, brief_bytes INTEGER, before_blocks INTEGER, before_bytes INTEGER,"
    " since HIDDEN, since_event INTEGER HIDDEN, at HIDDEN, at_event INTEGER HIDDEN)";

#define MOMENTS                                                                                    \
    (HAK_TABLE_BIT(PROFILE_SINCE) | HAK_TABLE_BIT(PROFILE_SINCE_EVENT) |                           \
     HAK_TABLE_BIT(PROFILE_AT) | HAK_TABLE_BIT(PROFILE_AT_EVENT))
/* Columns that need nothing but the moment. */
#define OF_MOMENT                                                                                  \
    (HAK_TABLE_BIT(PROFILE_PROCESS) | HAK_TABLE_BIT(PROFILE_STACK) |                               \
     HAK_TABLE_BIT(PROFILE_LIVE_BLOCKS) | HAK_TABLE_BIT(PROFILE_LIVE_BYTES) | MOMENTS)

struct profile_row {
    uint32_t process, stack;
    struct hak_amount live, came, went, brief, before;
};

struct moment {
    uint64_t event; /* 0 = the end, where is_end, else before the first */
    bool is_end, is_peak;
};

enum { NO_ROW = 1, REFUSED = 2 };

struct profile_cursor {
    struct hak_table_cursor head;
    struct profile_row *row; /* by process and stack */
    uint32_t rows, room, next;
    bool is_short_of_memory, has_since;
    uint32_t process; /* row id, 0 = all */
    struct moment since, at;
    sqlite3_value *asked[4]; /* from PROFILE_SINCE on, as they were asked for; NULL = not */
};

static const char moments[] = "give moments as at = NS, at = 'peak', at_event = ID, since = NS or "
                              "since_event = ID";

/* Moments are no columns to compare: only "at = X" can be answered. */
static int plan_profile(sqlite3_vtab *vtab, sqlite3_index_info *info) {
    unsigned taken = 0;
    for (int i = 0; i < info->nConstraint; i++) {
        int column = info->aConstraint[i].iColumn;
        if (column < PROFILE_SINCE)
            continue;
        if (info->aConstraint[i].op != SQLITE_INDEX_CONSTRAINT_EQ) {
            sqlite3_free(vtab->zErrMsg);
            vtab->zErrMsg = sqlite3_mprintf("profile: %s", moments);
            return SQLITE_ERROR;
        }
        if (!info->aConstraint[i].usable)
            return SQLITE_CONSTRAINT;
    }
    int result = hak_table_take(info, HAK_TABLE_BIT(PROFILE_PROCESS) | MOMENTS, 0, MOMENTS, &taken);
    info->idxNum = (info->colUsed & ~(sqlite3_uint64)OF_MOMENT) == 0;
    info->estimatedCost = taken & HAK_TABLE_BIT(PROFILE_PROCESS) ? 1e6 : 1e7;
    info->estimatedRows = taken & HAK_TABLE_BIT(PROFILE_PROCESS) ? 10000 : 100000;
    return result;
}

/* Forgets rows and the limits they were read for. */
static void forget(struct profile_cursor *c) {
    for (size_t i = 0; i < sizeof c->asked / sizeof *c->asked; i++) {
        sqlite3_value_free(c->asked[i]);
        c->asked[i] = NULL;
    }
    c->rows = c->next = 0;
}

static int close_profile(sqlite3_vtab_cursor *vtab) {
    struct profile_cursor *c = (struct profile_cursor *)vtab;
    forget(c);
    free(c->row);
    hak_table_close(vtab);
    return SQLITE_OK;
}

/* ---- rows --------------------------------------------------------------------------------------
 */

/* Appends a row of the profile. */
static void add_profile_row(void *context, const struct hak_flow_row *row) {
    struct profile_cursor *c = context;
    if (c->is_short_of_memory ||
        !hak_growing_make_room(&c->row, c->rows, &c->room, sizeof *c->row)) {
        c->is_short_of_memory = true;
        return;
    }
    c->row[c->rows++] = (struct profile_row){.process = row->process,
                                             .stack = row->stack,
                                             .live = row->live,
                                             .came = row->came,
                                             .went = row->went,
                                             .brief = row->brief,
                                             .before = row->before};
}

/* By process, then stack. */
static int compare(const void *a, const void *b) {
    const struct profile_row *x = a, *y = b;
    return x->process != y->process ? (x->process < y->process ? -1 : 1)
           : x->stack != y->stack   ? (x->stack < y->stack ? -1 : 1)
                                    : 0;
}

/* Sorts the rows and sums them up to one for each process and stack. */
static void join_rows(struct profile_cursor *c) {
    uint32_t rows = 0;
    if (c->rows)
        qsort(c->row, c->rows, sizeof *c->row, compare);
    for (uint32_t i = 0; i < c->rows; i++) {
        const struct profile_row *from = &c->row[i];
        if (rows == 0 || compare(&c->row[rows - 1], from) != 0) {
            c->row[rows++] = *from;
            continue;
        }
        struct profile_row *to = &c->row[rows - 1];
        hak_amount_add(&to->live, from->live);
        hak_amount_add(&to->came, from->came);
        hak_amount_add(&to->went, from->went);
        hak_amount_add(&to->brief, from->brief);
        hak_amount_add(&to->before, from->before);
    }
    c->rows = rows;
}

/* ---- moments -----------------------------------------------------------------------------------
 */

/* Reads an event id as a moment: the end of the log if it lies behind; where only the profile is
 * kept, the end of a run that is nearest. 0, or an error. */
static int read_event(struct hak_store_reader *r, uint64_t id, struct moment *out) {
    struct hak_store_summary summary;
    struct hak_heap_end end = {.event = id};
    int error = hak_store_summarise(r, &summary);
    out->is_end = !error && id > summary.trimmed_events + summary.events;
    if (error || out->is_end || id <= summary.trimmed_events)
        return error;
    if (hak_store_is_profile_only(r))
        error = hak_heap_nearest(r, id, 0, &end);
    out->event = end.event;
    return error;
}

/* Says why the question cannot be answered. Returns REFUSED. */
static int refuse(struct profile_cursor *c, const char *words) {
    sqlite3_vtab *vtab = c->head.vtab.pVtab;
    sqlite3_free(vtab->zErrMsg);
    vtab->zErrMsg = sqlite3_mprintf("profile: %s", words);
    return REFUSED;
}

/* Reads a moment of a query: a number of ns or an event, or "peak". 0; NO_ROW: none can fit;
 * REFUSED: the message is set; or an error of the store. */
static int read_moment(struct profile_cursor *c, int column, sqlite3_value *value,
                       struct moment *out) {
    struct hak_store_reader *r = hak_table_reader(&c->head.vtab);
    uint64_t number, ns;
    bool is_event = column == PROFILE_AT_EVENT || column == PROFILE_SINCE_EVENT;
    *out = (struct moment){0};
    if (sqlite3_value_type(value) == SQLITE_TEXT) {
        if (is_event || strcmp((const char *)sqlite3_value_text(value), "peak") != 0)
            return refuse(c, moments);
        out->is_peak = true;
        int found = hak_span_find_peak(r, c->process, &out->event, &ns);
        if (found == 1 && hak_store_is_profile_only(r))
            return read_event(r, out->event, out);
        return found < 0 ? found : 0;
    }
    if (!hak_table_number(value, HAK_OP_EQUAL, &number))
        return NO_ROW;
    if (is_event)
        return read_event(r, number, out);
    int found = hak_span_find_event(r, number, &out->event);
    out->is_end = found == 0;
    return found < 0 ? found : 0;
}

/* Makes a beginning at the end of the log an event: what came since then is nothing. 0, or an
 * error. */
static int settle_since(struct profile_cursor *c) {
    struct hak_store_summary summary;
    if (!c->since.is_end)
        return 0;
    int error = hak_store_summarise(hak_table_reader(&c->head.vtab), &summary);
    c->since = (struct moment){.event = summary.trimmed_events + summary.events};
    return error;
}

/* Reads the rows of the span; at a moment that cannot be, none. 0, or an error. */
static int read_rows(struct profile_cursor *c, bool is_only_moment) {
    struct hak_store_reader *r = hak_table_reader(&c->head.vtab);
    const struct hak_span_query query = {c->since.event, c->at.event, c->process, is_only_moment};
    uint64_t unknown, event, ns;
    bool is_empty =
        (!c->at.event && !c->at.is_end) || (c->at.event && c->at.event < c->since.event);
    int error = 0;
    c->is_short_of_memory = false;
    if (is_empty)
        return 0;
    if (c->at.is_peak && is_only_moment && !c->process && hak_store_is_profile_only(r)) {
        error = hak_span_read_kept_peak(r, add_profile_row, c, &event, &ns);
        c->at.event = event;
    } else {
        error = hak_span_read(r, &query, add_profile_row, c, &unknown);
    }
    if (error >= 0 && c->is_short_of_memory)
        error = hak_store_no_memory(hak_store_database(r)->path);
    join_rows(c);
    return error < 0 ? error : 0;
}

/* Reads the moments of a query, each end given once. 0, or an error that was said. */
static int read_moments(struct profile_cursor *c, const char *plan, int argc,
                        sqlite3_value **argv) {
    int result = 0, ends[2] = {0, 0};
    for (int i = 0; i < argc && result == 0; i++) {
        int column = plan[2 * i] - 'a';
        if (column == PROFILE_PROCESS)
            continue;
        bool is_at = column == PROFILE_AT || column == PROFILE_AT_EVENT;
        if (ends[is_at]++)
            return refuse(c, "one moment for each end: at or at_event, since or since_event");
        c->asked[column - PROFILE_SINCE] = sqlite3_value_dup(argv[i]);
        result = read_moment(c, column, argv[i], is_at ? &c->at : &c->since);
    }
    c->has_since = ends[0];
    return result ? result : settle_since(c);
}

/* xFilter: reads all rows of the span that the limits name. */
static int filter_profile(sqlite3_vtab_cursor *vtab, int number, const char *plan, int argc,
                          sqlite3_value **argv) {
    struct profile_cursor *c = (struct profile_cursor *)vtab;
    uint64_t process = 0;
    forget(c);
    c->head.number = 0;
    c->head.is_at_end = true;
    c->since = (struct moment){0};
    c->at = (struct moment){.is_end = true};
    for (int i = 0; i < argc; i++)
        if (plan[2 * i] - 'a' == PROFILE_PROCESS &&
            (!hak_table_number(argv[i], HAK_OP_EQUAL, &process) || !process ||
             process > UINT32_MAX))
            return SQLITE_OK;
    c->process = (uint32_t)process;
    int result = read_moments(c, plan, argc, argv);
    if (result == 0)
        result = read_rows(c, number && !c->has_since);
    c->head.is_at_end = result != 0 || c->rows == 0;
    return result == REFUSED ? SQLITE_ERROR
           : result < 0      ? hak_table_fail(vtab->pVtab, result)
                             : SQLITE_OK;
}

/* xNext: goes to the next row. */
static int next_profile_row(sqlite3_vtab_cursor *vtab) {
    struct profile_cursor *c = (struct profile_cursor *)vtab;
    c->head.number++;
    c->head.is_at_end = ++c->next >= c->rows;
    return SQLITE_OK;
}

/* The event that stands for a moment: the one that was taken, which may be another than the one
 * that was asked for. NULL: the end, or before the first. */
static void give_event(sqlite3_context *out, const struct moment *moment) {
    if (moment->event)
        sqlite3_result_int64(out, (sqlite3_int64)moment->event);
}

/* xColumn: gives a column of the row at hand; of the moments what was asked for. */
static int read_profile_column(sqlite3_vtab_cursor *vtab, sqlite3_context *out, int which) {
    const struct profile_cursor *c = (const struct profile_cursor *)vtab;
    const struct profile_row *row = &c->row[c->next];
    const struct hak_amount *sums[] = {&row->live, &row->came, &row->went, &row->brief,
                                       &row->before};
    if (which == PROFILE_AT_EVENT || which == PROFILE_SINCE_EVENT)
        give_event(out, which == PROFILE_AT_EVENT ? &c->at : &c->since);
    else if (which >= PROFILE_SINCE && c->asked[which - PROFILE_SINCE])
        sqlite3_result_value(out, c->asked[which - PROFILE_SINCE]);
    else if (which == PROFILE_PROCESS)
        sqlite3_result_int64(out, row->process);
    else if (which == PROFILE_STACK)
        sqlite3_result_int64(out, row->stack);
    else if (which < PROFILE_SINCE) {
        const struct hak_amount *sum = sums[(which - PROFILE_FIRST_SUM) / 2];
        bool is_bytes = (which - PROFILE_FIRST_SUM) % 2;
        sqlite3_result_int64(out, (sqlite3_int64)(is_bytes ? sum->bytes : sum->blocks));
    }
    return SQLITE_OK;
}

HAK_TABLE_MODULE(hak_profile_module, profile, false, .xBestIndex = plan_profile,
                 .xClose = close_profile, .xFilter = filter_profile, .xNext = next_profile_row,
                 .xColumn = read_profile_column);
