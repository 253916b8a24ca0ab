/* Adds the virtual tables event, block, life and live to a connection, and what they share. */
#include "store/sql/tables.h"

#include <stdlib.h>
#include <string.h>
#include "store/reader/state.h"
#include "superslab.h"
#include "store/sql/sql.h"

enum { KINDS = 128, PLACES = 256 };

static void let_go(void *context) {
    struct hak_tables *t = context;
    if (--t->uses > 0)
        return;
    for (int i = 0; t->kind_name && i < KINDS; i++)
        free(t->kind_name[i]);
    for (int i = 0; t->place_name && i < PLACES; i++)
        free(t->place_name[i]);
    free(t->kind_name);
    free(t->place_name);
    hak_store_close(t->reader);
    free(t);
}

static int load_names(struct hak_tables *t, const char *sql, char **names, int count) {
    struct hak_query q = hak_ask(&t->reader->db, sql, "reading its names");
    while (hak_query_next(&q)) {
        uint64_t id = hak_query_number(&q, 0);
        if (id < (uint64_t)count && hak_query_text(&q, 1)[0] && !names[id])
            names[id] = strdup(hak_query_text(&q, 1));
    }
    return hak_query_end(&q);
}

int hak_store_add_tables(struct sqlite3 *database) {
    static const struct {
        const char *name;
        const sqlite3_module *module;
    } all[] = {{"event", &hak_event_module},
               {"block", &hak_block_module},
               {"life", &hak_life_module},
               {"live", &hak_live_module},
               {"stack_node", &hak_stack_module}};
    struct hak_tables *t = calloc(1, sizeof *t);
    if (!t)
        return hak_store_fail(HAK_STORE_INTERNAL, "out of memory");
    t->uses = 1; /* this function's own, until all are registered */
    t->kind_name = calloc(KINDS, sizeof *t->kind_name);
    t->place_name = calloc(PLACES, sizeof *t->place_name);
    int error = hak_store_attach(database, &t->reader);
    if (!error && (!t->kind_name || !t->place_name))
        error = hak_store_fail(HAK_STORE_INTERNAL, "out of memory");
    if (!error)
        error = load_names(t, "SELECT id, name FROM kind", t->kind_name, KINDS);
    if (!error)
        error = load_names(t, "SELECT id, text FROM place", t->place_name, PLACES);
    for (size_t i = 0; i < sizeof all / sizeof *all && !error; i++) {
        t->uses++; /* create_module_v2 calls let_go also when it fails */
        if (sqlite3_create_module_v2(database, all[i].name, all[i].module, t, let_go) != SQLITE_OK)
            error = hak_store_fail_sqlite(database, t->reader->db.path, "adding its tables");
    }
    if (!error)
        error = hak_table_add_stack_frame(&t->reader->db);
    if (!error)
        error = hak_table_add_catalogue(&t->reader->db);
    let_go(t);
    return error;
}

int hak_table_connect(sqlite3 *database, void *shared, const char *declaration,
                      sqlite3_vtab **out) {
    int result = sqlite3_declare_vtab(database, declaration);
    struct hak_table *table = result == SQLITE_OK ? calloc(1, sizeof *table) : NULL;
    if (!table)
        return result == SQLITE_OK ? SQLITE_NOMEM : result;
    table->shared = shared;
    *out = &table->vtab;
    return SQLITE_OK;
}

int hak_table_disconnect(sqlite3_vtab *vtab) {
    free(vtab);
    return SQLITE_OK;
}

int hak_table_open(sqlite3_vtab *vtab, size_t bytes, sqlite3_vtab_cursor **out) {
    struct hak_table_cursor *c = calloc(1, bytes);
    if (!c)
        return SQLITE_NOMEM;
    ((struct hak_table *)vtab)->shared->cursors++;
    *out = &c->vtab;
    return SQLITE_OK;
}

void hak_table_close(sqlite3_vtab_cursor *vtab) {
    struct hak_tables *t = ((struct hak_table *)vtab->pVtab)->shared;
    if (--t->cursors == 0)
        hak_reader_rest(t->reader);
    free(vtab);
}

static int operator_of(unsigned char op) {
    switch (op) {
    case SQLITE_INDEX_CONSTRAINT_EQ:
        return HAK_OP_EQUAL;
    case SQLITE_INDEX_CONSTRAINT_GT:
        return HAK_OP_ABOVE;
    case SQLITE_INDEX_CONSTRAINT_GE:
        return HAK_OP_FROM;
    case SQLITE_INDEX_CONSTRAINT_LT:
        return HAK_OP_BELOW;
    case SQLITE_INDEX_CONSTRAINT_LE:
        return HAK_OP_TO;
    default:
        return 0;
    }
}

int hak_table_take(sqlite3_index_info *info, unsigned equal, unsigned range, unsigned omit,
                   unsigned *equal_taken) {
    char *plan = sqlite3_malloc(2 * info->nConstraint + 1);
    int taken = 0;
    if (!plan)
        return SQLITE_NOMEM;
    *equal_taken = 0;
    for (int i = 0; i < info->nConstraint; i++) {
        int column = info->aConstraint[i].iColumn, op = operator_of(info->aConstraint[i].op);
        if (column < 0)
            column = 0; /* the rowid is the id */
        unsigned allowed = op == HAK_OP_EQUAL ? equal : range;
        if (!info->aConstraint[i].usable || !op || column > 30 || !(allowed >> column & 1))
            continue;
        if (op == HAK_OP_EQUAL)
            *equal_taken |= 1u << column;
        plan[2 * taken] = (char)('a' + column);
        plan[2 * taken + 1] = (char)op;
        info->aConstraintUsage[i].argvIndex = ++taken;
        info->aConstraintUsage[i].omit = op == HAK_OP_EQUAL && (omit >> column & 1);
    }
    plan[2 * taken] = 0;
    info->idxStr = plan;
    info->needToFreeIdxStr = 1;
    return SQLITE_OK;
}

bool hak_table_number(sqlite3_value *value, int op, uint64_t *out) {
    int type = sqlite3_value_numeric_type(value);
    if (type == SQLITE_INTEGER) {
        int64_t number = sqlite3_value_int64(value);
        if (number < 0) {
            *out = 0; /* everything here is above it */
            return op == HAK_OP_ABOVE || op == HAK_OP_FROM;
        }
        *out = (uint64_t)number;
        return true;
    }
    if (type != SQLITE_FLOAT)
        return false;
    double number = sqlite3_value_double(value);
    if (op == HAK_OP_EQUAL || !(number > -9e18 && number < 9e18))
        return false;
    *out = number < 1 ? 0 : (uint64_t)number; /* wide enough; SQLite compares again */
    if (op == HAK_OP_BELOW || op == HAK_OP_TO)
        *out += 2;
    else if (*out)
        *out -= 1;
    return true;
}

bool hak_table_narrow(int op, uint64_t value, uint64_t *from, uint64_t *to) {
    if (op == HAK_OP_ABOVE)
        value++;
    if (op == HAK_OP_BELOW) {
        if (value == 0)
            return false;
        value--;
    }
    if ((op == HAK_OP_ABOVE || op == HAK_OP_FROM || op == HAK_OP_EQUAL) && value > *from)
        *from = value;
    if (op == HAK_OP_BELOW || op == HAK_OP_TO || op == HAK_OP_EQUAL) {
        if (value == 0)
            return false; /* ids begin at 1; an event at ns 0 is found by an open end */
        if (!*to || value < *to)
            *to = value;
    }
    return !*to || *from <= *to;
}

int hak_table_threads(struct hak_store_reader *r, uint64_t tid, uint32_t *out) {
    uint64_t values[2];
    int found = hak_database_numbers(&r->db,
                                     "SELECT count(*), coalesce(min(id), 0) FROM thread"
                                     " WHERE tid = ?1",
                                     tid, values, 2);
    *out = (uint32_t)values[1];
    return found < 0 ? found : (int)values[0];
}

uint64_t hak_table_tid(struct hak_tables *t, uint32_t thread) {
    if (t->tid_thread != thread)
        t->tid =
            hak_database_number(&t->reader->db, "SELECT tid FROM thread WHERE id = ?1", thread);
    t->tid_thread = thread;
    return t->tid;
}

void hak_table_slot(struct hak_store_reader *r, unsigned class_index, sqlite3_context *out) {
    uint64_t slot;
    if (hak_store_class(r, class_index, &slot, NULL))
        sqlite3_result_int64(out, (sqlite3_int64)slot);
}

const char *hak_table_kind(const struct hak_tables *t, unsigned kind) {
    return kind < KINDS && t->kind_name[kind] ? t->kind_name[kind] : "?";
}

const char *hak_table_place(const struct hak_tables *t, unsigned place) {
    return place < PLACES && t->place_name[place] ? t->place_name[place] : "?";
}

void hak_table_class(struct hak_store_reader *r, unsigned class_index, sqlite3_context *out) {
    unsigned band;
    char text[16];
    if (class_index == HAK_CLASS_NONE)
        sqlite3_result_text(out, "large", -1, SQLITE_STATIC);
    else if (hak_store_class(r, class_index, NULL, &band))
        sqlite3_result_text(out, sqlite3_snprintf(sizeof text, text, "C%u", band), -1,
                            SQLITE_TRANSIENT);
}
