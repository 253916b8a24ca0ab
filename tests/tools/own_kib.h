/* The memory that a test program has of its own, as the kernel counts it. */
#ifndef TESTS_TOOLS_OWN_KIB_H
#define TESTS_TOOLS_OWN_KIB_H

#include <stdio.h>

/* Anonymous resident memory of this process in KiB; 0 = /proc does not say. */
static inline long own_kib(void) {
    char line[256];
    long kib = 0;
    FILE *file = fopen("/proc/self/smaps_rollup", "r");
    while (file && fgets(line, sizeof line, file))
        if (sscanf(line, "Anonymous: %ld", &kib) == 1)
            break;
    if (file)
        fclose(file);
    return kib;
}

/* Address space of this process in KiB; 0 = /proc does not say. */
static inline long own_mapped_kib(void) {
    char line[256];
    long kib = 0;
    FILE *file = fopen("/proc/self/status", "r");
    while (file && fgets(line, sizeof line, file))
        if (sscanf(line, "VmSize: %ld", &kib) == 1)
            break;
    if (file)
        fclose(file);
    return kib;
}

#endif
