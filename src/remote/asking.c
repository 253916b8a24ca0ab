/* Asks the server's own tables (runs, findings) and gives the answer row by row. */
#include "remote/asking.h"

#include <stdlib.h>
#include <string.h>
#include "remote/link.h"
#include "remote/schema.h"
#include "store/error.h"

enum { CELLS_MAX = 64 };

struct hak_remote_asking {
    struct hak_link link;
};

static char *last_line(void) {
    return strdup(hak_store_message());
}

int hak_remote_asking_open(const char *url, bool writes, struct hak_remote_asking **out,
                           char **name, char **why) {
    struct hak_remote_asking *asking = calloc(1, sizeof *asking);
    *out = NULL;
    *name = *why = NULL;
    int error = asking ? hak_link_open(&asking->link, url) : hak_store_no_memory("the server");
    /* All questions of one command see the same moment. */
    if (!error)
        error = hak_link_do(&asking->link,
                            writes ? "START TRANSACTION"
                                   : "START TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY",
                            "beginning");
    if (!error)
        error = hak_remote_schema_check(&asking->link);
    if (!error && !(*name = strdup(asking->link.name)))
        error = hak_store_no_memory("the server");
    if (!error) {
        *out = asking;
        return 0;
    }
    *why = last_line();
    hak_remote_asking_close(asking);
    return error;
}

void hak_remote_asking_close(struct hak_remote_asking *asking) {
    if (asking)
        hak_link_close(&asking->link);
    free(asking);
}

/* A value as the protocol has it; `room` holds a number. */
static struct hak_link_value put_value(const struct hak_remote_cell *value, unsigned char room[8],
                                       Oid *type) {
    uint64_t bits = (uint64_t)value->number;
    *type = value->kind == HAK_REMOTE_STRING        ? HAK_LINK_BYTEA
            : value->kind == HAK_REMOTE_REAL_NUMBER ? HAK_LINK_FLOAT8
                                                    : HAK_LINK_INT8;
    if (value->kind == HAK_REMOTE_NULL)
        return (struct hak_link_value){NULL, 0};
    if (value->kind == HAK_REMOTE_STRING)
        return (struct hak_link_value){value->text, (int)value->bytes};
    if (value->kind == HAK_REMOTE_REAL_NUMBER)
        memcpy(&bits, &value->real, sizeof bits);
    hak_link_put(bits, room);
    return (struct hak_link_value){room, 8};
}

/* Reads a cell of an answer; false: it is none of its column's kind. */
static bool get_cell(const PGresult *rows, int row, int column, struct hak_remote_cell *out) {
    uint64_t bits;
    *out = (struct hak_remote_cell){.text = ""};
    if (PQgetisnull(rows, row, column))
        return true;
    switch (PQftype(rows, column)) {
    case HAK_LINK_BOOL:
    case HAK_LINK_INT2:
    case HAK_LINK_INT4:
    case HAK_LINK_INT8:
        out->kind = HAK_REMOTE_INTEGER;
        if (!hak_link_number(rows, row, column, &bits))
            return false;
        out->number = (int64_t)bits;
        return true;
    case HAK_LINK_FLOAT8:
        out->kind = HAK_REMOTE_REAL_NUMBER;
        return hak_link_real(rows, row, column, &out->real);
    default:
        out->kind = HAK_REMOTE_STRING;
        out->text = hak_link_text(rows, row, column, &out->bytes);
        return out->text != NULL;
    }
}

/* Hands each row to `row` as cells, at most CELLS_MAX columns. An error: a cell has an unexpected
 * type. */
static int give_rows(const struct hak_link *link, const PGresult *rows, const char *doing,
                     hak_remote_row *row, void *context) {
    struct hak_remote_cell cell[CELLS_MAX] = {0};
    int columns = PQnfields(rows) < CELLS_MAX ? PQnfields(rows) : CELLS_MAX;
    for (int i = 0; i < PQntuples(rows); i++) {
        for (int k = 0; k < columns; k++)
            if (!get_cell(rows, i, k, &cell[k]))
                return hak_link_fail_cell(link, doing);
        row(context, cell, columns);
    }
    return 0;
}

int hak_remote_ask(struct hak_remote_asking *asking, const char *sql,
                   const struct hak_remote_cell *values, int count, const char *doing,
                   hak_remote_row *row, void *context, char **why) {
    unsigned char room[HAK_LINK_VALUES_MAX][8];
    struct hak_link_value value[HAK_LINK_VALUES_MAX];
    Oid type[HAK_LINK_VALUES_MAX];
    *why = NULL;
    if (count > HAK_LINK_VALUES_MAX) {
        int error = hak_store_fail(HAK_STORE_INTERNAL, "%s: too many values", doing);
        *why = last_line();
        return error;
    }
    for (int i = 0; i < count; i++)
        value[i] = put_value(&values[i], room[i], &type[i]);
    PGresult *result = hak_link_exec_values(&asking->link, sql, type, value, count);
    ExecStatusType status = PQresultStatus(result);
    bool is_done = status == PGRES_TUPLES_OK || status == PGRES_COMMAND_OK;
    int error = is_done ? 0 : hak_link_fail(&asking->link, result, doing);
    if (!error && row)
        error = give_rows(&asking->link, result, doing, row, context);
    if (error)
        *why = last_line();
    PQclear(result);
    return error;
}
