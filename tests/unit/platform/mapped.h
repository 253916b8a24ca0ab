/* The memory that this process has mapped, by its map: an emulator shows the program's there, and
 * counts its own in statm. */
#ifndef TESTS_UNIT_PLATFORM_MAPPED_H
#define TESTS_UNIT_PLATFORM_MAPPED_H

#include "unit/suite.h"
#include <stdio.h>

static inline size_t mapped_bytes(void) {
    FILE *file = fopen("/proc/self/maps", "r");
    char line[512];
    size_t start, end, bytes = 0;
    ck_assert_ptr_nonnull(file);
    while (fgets(line, sizeof line, file))
        if (sscanf(line, "%zx-%zx ", &start, &end) == 2)
            bytes += end - start;
    fclose(file);
    return bytes;
}

#endif
