/* Reads the constraints of a query on a virtual table, as numbers and ranges. */
#include "store/virtual_table.h"

#include <stdint.h>

/* The operator of a constraint of SQLite's as one of ours; 0: it is none of them. */
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
        if (column < 0 && !(equal & HAK_TABLE_ROWID))
            continue;
        if (column < 0)
            column = 0;
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
    bool is_upper = op == HAK_OP_BELOW || op == HAK_OP_TO;
    if (type != SQLITE_FLOAT) { /* every number is below a text; SQLite compares again */
        *out = is_upper ? INT64_MAX : 0;
        return op != HAK_OP_EQUAL;
    }
    double number = sqlite3_value_double(value);
    if (!(number > -9e18 && number < 9e18)) { /* beyond every row, on one side of them */
        *out = is_upper ? INT64_MAX : 0;
        return op != HAK_OP_EQUAL && is_upper == (number > 0);
    }
    if (op == HAK_OP_EQUAL) {
        *out = number > 0 ? (uint64_t)number : 0;
        return (double)*out == number;
    }
    *out = number < 1 ? 0 : (uint64_t)number; /* wide enough; SQLite compares again */
    if (is_upper)
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
