/* Reads the sampled heap profile (heap_profile/table.h) and the modules of a program that runs, out
 * of its memory.
 *
 *   hak_control.heap_profile --> the table's head: site_count --> sites
 *                                the head again:   node_count --> nodes   (a site's nodes are
 * older)
 *
 * All of it is data of another process: each number is checked, and memory is bounded by
 * PULL_SITES_MAX and PULL_NODES_MAX. Sums change while they are read; of a site went is taken as at
 * most what came. For one thread. */
#ifndef HAK_VIEWER_RECORD_PULL_H
#define HAK_VIEWER_RECORD_PULL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>
#include "collector/sampled/sampled.h"

#define PULL_SITES_MAX (1u << 20)
#define PULL_NODES_MAX (1u << 22)

/* Reads another process's memory. False: not all of it is there. */
struct pull_memory {
    bool (*read)(void *context, uint64_t address, void *to, size_t bytes);
    void *context;
};

enum pull_state {
    PULL_DONE,
    PULL_NO_SAMPLE,     /* the table is there, and empty */
    PULL_OTHER_VERSION, /* `why` says which */
    PULL_BROKEN,        /* `why` says what is wrong with it, or that it cannot be read */
    PULL_NO_MEMORY,
};

/* Reads the table at `address` as it is at `now_ns` (CLOCK_MONOTONIC). The caller frees `out` in
 * any case; `why` is "" where the state says all. */
enum pull_state pull_table(const struct pull_memory *memory, uint64_t address, uint64_t now_ns,
                           struct hak_sampled_pull *out, char why[200]);
void pull_free(struct hak_sampled_pull *pull);

/* The files that a process has mapped to run. */
struct pull_modules {
    struct hak_sampled_module *module;
    uint32_t modules, room;
};

/* Lists the files of which the process may run code, with their build ids, as its memory has them.
 * False: its mappings cannot be read, or no memory. The caller frees them in any case. */
bool pull_list_modules(const struct pull_memory *memory, pid_t pid, struct pull_modules *out);
void pull_free_modules(struct pull_modules *modules);

#endif
