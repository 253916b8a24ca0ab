/* Asks the server's own tables (runs, findings) and gives the answer row by row. */
#include "remote/asking.h"

#include <stdlib.h>
#include <string.h>
#include "remote/link.h"
#include "store/error.h"

/* PostgreSQL's numbers of types, the same in all that speak its protocol. */
enum { TYPE_BOOL = 16, TYPE_BYTEA = 17, TYPE_INT8 = 20, TYPE_INT2 = 21, TYPE_INT4 = 23 };
enum { TYPE_FLOAT4 = 700, TYPE_FLOAT8 = 701 };
enum { VALUES_MAX = 64, CELLS_MAX = 64 };

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
                            writes ? "BEGIN" : "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY",
                            "beginning");
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
static void put_value(const struct hak_remote_cell *value, unsigned char room[8], Oid *type,
                      const char **data, int *bytes) {
    uint64_t bits = (uint64_t)value->number;
    *type = value->kind == HAK_REMOTE_STRING        ? TYPE_BYTEA
            : value->kind == HAK_REMOTE_REAL_NUMBER ? TYPE_FLOAT8
                                                    : TYPE_INT8;
    *data = (const char *)room;
    *bytes = 8;
    if (value->kind == HAK_REMOTE_NULL)
        *data = NULL;
    else if (value->kind == HAK_REMOTE_STRING) {
        *data = value->text;
        *bytes = (int)value->bytes;
    } else if (value->kind == HAK_REMOTE_REAL_NUMBER)
        memcpy(&bits, &value->real, sizeof bits);
    hak_link_put(bits, room);
}

static struct hak_remote_cell get_cell(const PGresult *result, int row, int column) {
    struct hak_remote_cell cell = {.text = ""};
    if (PQgetisnull(result, row, column))
        return cell;
    const char *data = PQgetvalue(result, row, column);
    int bytes = PQgetlength(result, row, column);
    uint64_t bits = hak_link_get(data, bytes);
    switch (PQftype(result, column)) {
    case TYPE_BOOL:
    case TYPE_INT2:
    case TYPE_INT4:
    case TYPE_INT8:
        cell.kind = HAK_REMOTE_INTEGER;
        cell.number = (int64_t)bits;
        break;
    case TYPE_FLOAT8:
        cell.kind = HAK_REMOTE_REAL_NUMBER;
        memcpy(&cell.real, &bits, sizeof cell.real);
        break;
    default:
        cell.kind = HAK_REMOTE_STRING;
        cell.text = data; /* a NUL stands behind it */
        cell.bytes = (size_t)bytes;
    }
    return cell;
}

static void give_rows(const PGresult *result, hak_remote_row *row, void *context) {
    struct hak_remote_cell cell[CELLS_MAX];
    int columns = PQnfields(result), rows = PQntuples(result);
    for (int i = 0; i < rows; i++) {
        for (int k = 0; k < columns && k < CELLS_MAX; k++)
            cell[k] = get_cell(result, i, k);
        row(context, cell, columns < CELLS_MAX ? columns : CELLS_MAX);
    }
}

int hak_remote_ask(struct hak_remote_asking *asking, const char *sql,
                   const struct hak_remote_cell *values, int count, const char *doing,
                   hak_remote_row *row, void *context, char **why) {
    unsigned char room[VALUES_MAX][8];
    const char *data[VALUES_MAX];
    int bytes[VALUES_MAX], binary[VALUES_MAX];
    Oid type[VALUES_MAX];
    *why = NULL;
    if (count > VALUES_MAX) {
        int error = hak_store_fail(HAK_STORE_INTERNAL, "%s: too many values", doing);
        *why = last_line();
        return error;
    }
    for (int i = 0; i < count; i++) {
        put_value(&values[i], room[i], &type[i], &data[i], &bytes[i]);
        binary[i] = 1;
    }
    PGresult *result =
        PQexecParams(asking->link.connection, sql, count, type, data, bytes, binary, 1);
    ExecStatusType status = PQresultStatus(result);
    bool is_done = status == PGRES_TUPLES_OK || status == PGRES_COMMAND_OK;
    int error = is_done ? 0 : hak_link_fail(&asking->link, result, doing);
    if (error)
        *why = last_line();
    else if (row)
        give_rows(result, row, context);
    PQclear(result);
    return error;
}
