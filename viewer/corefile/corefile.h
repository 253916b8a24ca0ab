/* `core FILE|PID [PROGRAM]`: the heap of a dead process, by its core file alone; or of a living
 * one.
 *
 *   core file --open.c--> memory.h --table.h--> names and offsets, out of the library's own table
 *        walk.c: SuperSlabs, caches, large blocks --> blocks.h --> why.c: one address
 *        stacks.c: nodes, by a block's ids --> src/symbols --> frames
 *        recording.c: the store of the process --> block, beside the answer
 *        figures.c, settings.c: sums of a process that goes on, and what it may be told, for ctl
 *
 * The table is made by the library that was loaded (src/layout.h); names of stacks alone take debug
 * information, and nothing here knows where a field lies. Calls capture (JSON, frames), cli and
 * symbols. One thread. */
#ifndef HAK_VIEWER_COREFILE_COREFILE_H
#define HAK_VIEWER_COREFILE_COREFILE_H

#include <stdbool.h>
#include <stdint.h>
#include "report/text/text.h"
#include "viewer/cli/cli.h"

int command_core(struct view *view);

enum { CORE_CLASSES_MAX = 128 };

/* A size class: struct hak_class_stats of hakmem.h. */
struct core_class_figures {
    uint64_t slot_bytes, mapped_bytes;
    uint64_t live_blocks, cached_blocks, free_blocks;
    uint64_t slack_bytes;
};

/* The figures of a process: struct hak_stats of hakmem.h. */
struct core_figures {
    const char *level; /* "none": the plain library */
    char version[33];  /* of its library */
    uint64_t mapped_bytes, live_bytes, cached_bytes, unused_bytes;
    uint64_t large_blocks, large_bytes;
    uint64_t resident_bytes, dirty_bytes, clean_bytes;
    uint64_t guarded_blocks;
    uint64_t slow_paths, remote_frees, given_back_bytes;
    uint64_t guarded_so_far, guard_ns;
    uint64_t background_threads, background_bytes, background_failures;
    bool is_slack_known; /* false: slack_bytes are bounds */
    bool is_damaged;     /* something was larger than it can be, and was left out */
    unsigned class_count;
    struct core_class_figures by_class[CORE_CLASSES_MAX];
};

/* Reads them out of the process, which goes on. False: `error` says why not. */
bool core_figures_read(int32_t pid, struct core_figures *sums, struct hak_text *error);

/* Addresses in a process of words that may be set while it runs; 0: it has none such. */
struct core_settings {
    uint64_t purge_delay;               /* 8 bytes: ticks (slab/tune.h) */
    uint64_t purge_asked, purge_served; /* 4 bytes each (front/tune.h) */
    uint64_t given_back;                /* 8 bytes; to be read alone */
    uint64_t sample_every;              /* 8 bytes, level light (guard/choose/sample.h) */
    uint64_t heap_profile;              /* plain library: the table's head (heap_profile/table.h) */
};

/* Finds them in the process. False: `error` says why not. */
bool core_settings_find(int32_t pid, struct core_settings *settings, struct hak_text *error);

/* Whether the file is the core of the process `pid`, which `signal` ended. */
bool core_is_of(const char *path, int32_t pid, uint32_t signal);

#endif
