/* Makes a program no bare one any more: blocks of twenty sizes, half of them given back. */
#ifndef TESTS_GUARDED_BUSY_H
#define TESTS_GUARDED_BUSY_H

#include <stdlib.h>
#include <string.h>

enum { busy_rounds = 60, busy_sizes = 20 };
static char *busy_kept[busy_rounds][busy_sizes];

static void be_busy(void) {
    for (int round = 0; round < busy_rounds; round++)
        for (int size = 0; size < busy_sizes; size++) {
            size_t bytes = 8 + 24 * (size_t)size;
            busy_kept[round][size] = memset(malloc(bytes), 'b', bytes);
        }
    for (int round = 0; round < busy_rounds; round++)
        for (int size = round % 2; size < busy_sizes; size += 2)
            free(busy_kept[round][size]);
}

#endif
