/* Tests of src/trace/python/lines.c: lines by CPython's table of locations, whatever it holds. */
#include "trace/python/lines.h"
#include <stdlib.h>
#include "unit/suite.h"

enum { ENTRY = 0x80, SHORT = 0, ONE_LINE = 10, NO_COLUMN = 13, LONG = 14, NONE = 15 };
#define HEAD(kind, instructions) (ENTRY | (kind) << 3 | (-1 + (instructions)))

TEST(each_kind_of_entry) {
    static const uint8_t table[] = {
        HEAD(NONE, 1),                        /* 0 */
        HEAD(NO_COLUMN, 2),    2,             /* 1, 2: line 11 */
        HEAD(SHORT, 1),        0x12,          /* 3: the same */
        HEAD(ONE_LINE + 2, 8), 1,    2,       /* 4 to 11: line 13 */
        HEAD(LONG, 1),         7,    1, 2, 3, /* 12: line 10 */
        HEAD(NO_COLUMN, 1),    0x48, 3,       /* 13: line 110 */
    };
    static const uint32_t due[] = {0, 11, 11, 11, 13, 13, 13, 13, 13, 13, 13, 13, 10, 110};
    for (uint32_t i = 0; i < sizeof due / sizeof *due; i++)
        ck_assert_uint_eq(hak_python_line(table, sizeof table, 10, i), due[i]);
    ck_assert_uint_eq(hak_python_line(table, sizeof table, 10, 14), 10); /* behind the end */
    ck_assert_uint_eq(hak_python_line(table, 0, 10, 0), 10);
}

/* The sanitizers and the clock say whether it leaves the table. */
TEST(any_bytes) {
    unsigned seed = 1;
    for (int round = 0; round < 100000; round++) {
        size_t bytes = (size_t)rand_r(&seed) % 40;
        uint8_t *table = malloc(bytes + 1);
        for (size_t i = 0; i < bytes; i++)
            table[i] = (uint8_t)(rand_r(&seed) >> 7);
        hak_python_line(table, bytes, 1, (uint32_t)rand_r(&seed) % 64);
        free(table);
    }
}

RUN_TESTS()
