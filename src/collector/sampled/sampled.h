/* Makes a store of heap profiles that were read out of a running program's memory
 * (heap_profile/table.h), so that every command that reads profiles reads them.
 *
 *   pull, pull --sampled.c--> process, modules, nodes   rows (collector/capture)
 *                         --> functions and lines       resolve (collector/capture)
 *                         --> keys, a run for each pull (store/profile/ready.h)
 *
 *   table, mappings --pull.h--> checked data      of a program that runs, or of a copy in a file
 *   copy --dump.c--> a store among those of the same program     hakmem-collect --profile
 *              files.h: its name, and which older ones go
 *
 * It is a capture that keeps the profile alone; meta has its rate (`sampled_rate`), by which
 * readers say that all numbers are estimates. Its events are samples: those that came and went. The
 * pulls are checked data of another process. One thread; it calls capture
 * and kernel. */
#ifndef HAK_COLLECTOR_SAMPLED_SAMPLED_H
#define HAK_COLLECTOR_SAMPLED_SAMPLED_H

#include <stdbool.h>
#include <stdint.h>
#include "collector/sampled/pull.h"

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

/* hakmem-collect --profile: makes a file of the copy that a program left in `file`
 * (heap_profile/dump.h), and says in its first page what became of it. Returns the exit status. */
int hak_dump_main(int file);

#endif
