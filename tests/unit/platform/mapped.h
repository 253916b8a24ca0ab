/* The memory that this process has mapped, as the kernel counts it. */
#ifndef TESTS_UNIT_PLATFORM_MAPPED_H
#define TESTS_UNIT_PLATFORM_MAPPED_H

#include "unit/suite.h"
#include <stdio.h>
#include <unistd.h>

static inline size_t mapped_bytes(void) {
    FILE *file = fopen("/proc/self/statm", "r");
    size_t pages = 0;
    ck_assert_int_eq(fscanf(file, "%zu", &pages), 1);
    fclose(file);
    return pages * (size_t)sysconf(_SC_PAGESIZE);
}

#endif
