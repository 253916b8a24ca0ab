/* A copy of the heap profile on its way into a file: the program lays it out in a memfd, and
 * `hakmem-collect --profile`, to which that is descriptor 3, makes a store of it.
 *
 *   0           struct hak_heap_dump      the table's head in it has the program's addresses
 *   sites_at    profile.site_count sites
 *   nodes_at    profile.node_count nodes, which were copied later: those of all these sites
 *   maps_at     maps_bytes of /proc/self/maps
 *
 * `state` and `writer` are the words that change afterwards; the program has their page mapped. For
 * the reader all of it is data from outside: it checks every number before use. */
#ifndef HAK_HEAP_PROFILE_DUMP_H
#define HAK_HEAP_PROFILE_DUMP_H

#include <stdatomic.h>
#include <stdint.h>
#include "heap_profile/table.h"

#define HAK_HEAP_DUMP_MAGIC   "hakmem copy" /* and NULs */
#define HAK_HEAP_DUMP_VERSION 1
#define HAK_HEAP_DUMP_PATH    4096

enum {
    HAK_HEAP_DUMP_FILES = 48,  /* of one program that stay; the oldest goes */
    HAK_HEAP_DUMP_ENDED = 480, /* of all programs that have ended, in one folder; likewise */
    HAK_HEAP_DUMP_MAPS_MOST = 16 << 20,
};

enum hak_heap_dump_state {
    HAK_HEAP_DUMP_RUNS = 1,
    HAK_HEAP_DUMP_WRITTEN = 2,
    HAK_HEAP_DUMP_FAILED = 3, /* and that was said on stderr, unless is_quiet */
};

struct hak_heap_dump {
    char magic[16];
    uint32_t version;
    uint32_t bytes;         /* of this struct */
    _Atomic uint32_t state; /* enum hak_heap_dump_state */
    _Atomic int32_t writer; /* pid of the process that makes the store; 0: it does not know yet */
    uint32_t is_quiet;      /* 1: a failure was said before */
    uint32_t level;         /* as hak_control.level */
    int32_t pid;
    uint64_t start_time;                /* field 22 of its stat; 0 = not known */
    uint64_t monotonic_ns, realtime_ns; /* one moment by both clocks: that of the copy */
    uint64_t table;                     /* address of the table in the program */
    uint64_t sites_at, nodes_at, maps_at, maps_bytes;
    struct hak_heap_profile profile; /* the table's head */
    uint32_t command_line_bytes;     /* arguments, each ended by NUL */
    char directory[HAK_HEAP_DUMP_PATH];
    char program[HAK_HEAP_DUMP_PATH];
    char command_line[HAK_HEAP_DUMP_PATH];
};

#endif
