/* Makes a store of heap profiles that were read out of a running program's memory
 * (heap_profile/table.h), so that every command that reads profiles reads them.
 *
 *   pull, pull --sampled.c--> process, modules, nodes   rows (collector/capture)
 *                         --> functions and lines       resolve (collector/capture)
 *                         --> keys, a run for each pull (store/profile/ready.h)
 *
 * It is a capture that keeps the profile alone; meta has its rate (`sampled_rate`), by which
 * readers say that all numbers are estimates. Its events are samples: those that came and went. The
 * pulls are checked data of another process (viewer/record/pull.h). One thread; it calls capture
 * and kernel. */
#ifndef HAK_COLLECTOR_SAMPLED_SAMPLED_H
#define HAK_COLLECTOR_SAMPLED_SAMPLED_H

#include <stdbool.h>
#include <stdint.h>
#include "base/amount.h"
#include "symbols/elf_file.h"

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

struct hak_sampled_program {
    int32_t pid, parent_pid;
    uint64_t start_time;                /* field 22 of its stat; 0 = not known */
    uint64_t monotonic_ns, realtime_ns; /* one moment by both clocks */
    const char *program;                /* path */
    const char *command_line;
    const char *level; /* "light", "normal" or "trace"; NULL = the plain library */
    bool has_ended;    /* behind the last pull */
    const struct hak_sampled_module *module;
    uint32_t modules;
};

/* Makes the store at `path`, which must not be there unless it `replaces` it, of one or more pulls
 * in the order of their times, all of one process; `first_end`, unless it is NULL, gets the number
 * of the first pull's last event. 0, or an error of the store, whose message says why. */
int hak_sampled_store(const struct hak_sampled_program *program,
                      const struct hak_sampled_pull *pull, int pulls, const char *path,
                      bool replaces, uint64_t *first_end);

#endif
