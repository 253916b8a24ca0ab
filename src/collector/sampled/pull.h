/* Reads the sampled heap profile (heap_profile/table.h) and the modules of a program that runs, out
 * of its memory.
 *
 *   hak_control.heap_profile --> the table's head: site_count --> sites
 *                                the head again:   node_count --> nodes (older than their site)
 *
 * All of it is data of another process: each number is checked, and memory is bounded by
 * HAK_PULL_SITES_MAX and HAK_PULL_NODES_MAX. Sums change while they are read; of a site went is
 * taken as at most what came. For one thread. */
#ifndef HAK_COLLECTOR_SAMPLED_PULL_H
#define HAK_COLLECTOR_SAMPLED_PULL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>
#include "base/amount.h"
#include "base/maps.h"
#include "symbols/elf_file.h"

#define HAK_PULL_SITES_MAX (1u << 20)
#define HAK_PULL_NODES_MAX (1u << 22)

/* A frame: `parent` is the number of a node before it, 0 = it is the outermost. */
struct hak_sampled_node {
    uint64_t address; /* a return address; 0 = one that cannot be shown: the stack goes on with
                       * the parent */
    uint32_t parent;
};

/* The sums of a stack, from the first sample on; what went is never more than what came. */
struct hak_sampled_site {
    uint32_t node; /* the innermost frame; 0 = no stack */
    struct hak_amount came, went;
};

/* The profile at one moment; node 0 is no frame. */
struct hak_sampled_pull {
    struct hak_sampled_node *node;
    struct hak_sampled_site *site;
    uint32_t nodes, sites;
    uint64_t rate;         /* mean bytes between two samples */
    uint64_t start_ns, ns; /* CLOCK_MONOTONIC: the first sample, and when it was read */
    uint64_t came_samples, went_samples;
    uint64_t unplaced;  /* samples whose stack found no place in the table */
    uint64_t unsampled; /* that are missing, for want of memory */
    uint64_t broken;    /* sites whose stack made no sense: they have none */
};

/* A file in the program's memory. */
struct hak_sampled_module {
    uint64_t start, end, bias; /* bias: what is added to the addresses in the file */
    char *path;
    char build_id[HAK_BUILD_ID_TEXT]; /* "" = none */
};

/* Reads another process's memory. False: not all of it is there. */
struct hak_pull_memory {
    bool (*read)(void *context, uint64_t address, void *to, size_t bytes);
    void *context;
};

enum hak_pull_state {
    HAK_PULL_DONE,
    HAK_PULL_NO_SAMPLE,     /* the table is there, and empty */
    HAK_PULL_OTHER_VERSION, /* `why` says which */
    HAK_PULL_BROKEN,        /* `why` says what is wrong with it, or that it cannot be read */
    HAK_PULL_NO_MEMORY,
};

/* Reads the table at `address` as it is at `now_ns` (CLOCK_MONOTONIC). The caller frees `out` in
 * any case; `why` is "" where the state says all. */
enum hak_pull_state hak_pull_table(const struct hak_pull_memory *memory, uint64_t address,
                                   uint64_t now_ns, struct hak_sampled_pull *out, char why[200]);
void hak_pull_free(struct hak_sampled_pull *pull);

/* The files that a process has mapped to run. */
struct hak_pull_modules {
    struct hak_sampled_module *module;
    uint32_t modules, room;
};

/* Lists the files of which the process may run code, with their build ids, as its memory has them.
 * False: its mappings cannot be read, or no memory. The caller frees them in any case. */
bool hak_pull_list_modules(const struct hak_pull_memory *memory, pid_t pid,
                           struct hak_pull_modules *out);
/* The same of mappings that were read before, lowest first; it changes none. */
bool hak_pull_find_modules(const struct hak_pull_memory *memory, struct hak_map_line *line,
                           uint32_t lines, struct hak_pull_modules *out);
void hak_pull_free_modules(struct hak_pull_modules *modules);

#endif
