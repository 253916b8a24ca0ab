/* The table of the sampled heap profile: who holds how much, by stack, estimated from few blocks.
 * It lies in the program's memory, and `hakmem-trace ctl PID profile` reads it from outside
 * (process_vm_readv): there is no thread, signal or call of the program for it.
 *
 *   hak_control.heap_profile, or the root heap_profile of libhakmem.so (layout.def)
 *                            --> struct hak_heap_profile
 *                                   |  sites[site_count]   one for each sampled stack: sums
 *                                   |  nodes[node_count]   a stack is a chain: node -> parent -> 0
 *
 * A block of `size` bytes is sampled with a probability p that is known then; it counts as 1/p
 * blocks and as size/p bytes, which makes each sum unbiased (the estimator of Horvitz and
 * Thompson). Sums only grow. Of one site live = came - went; a reader that reads while the program
 * runs may see a block that went and not yet that it came, and takes 0 then.
 *
 * Entries are written before the count that makes them visible (release), and never change but for
 * the sums. All addresses are the program's. Everything here is data from outside for the reader:
 * it checks every number before use. */
#ifndef HAK_HEAP_PROFILE_TABLE_H
#define HAK_HEAP_PROFILE_TABLE_H

#include <stdatomic.h>
#include <stdint.h>

#define HAK_HEAP_PROFILE_MAGIC   "hakmem profile" /* and two NUL */
#define HAK_HEAP_PROFILE_VERSION 1

enum {
    HAK_HEAP_PROFILE_FRACTION_BITS = 16, /* of counts: 1 << 16 is one block */
    HAK_HEAP_PROFILE_DEPTH = 64,         /* frames of a stack at most, the outermost are left out */
};

/* One frame: a return address (the first frame's is of the call of malloc). Node 0 is no frame. */
struct hak_heap_profile_node {
    uint64_t address;
    uint32_t parent; /* the frame that called it; 0: the outermost one that is known */
    uint32_t next;   /* of the writer's hash table */
};

/* Bytes, and counts with HAK_HEAP_PROFILE_FRACTION_BITS, are estimates; samples are counted. */
struct hak_heap_profile_site {
    uint32_t node; /* the innermost frame; 0: stacks that had no place in the table, all together */
    uint32_t next; /* of the writer's hash table */
    _Atomic uint64_t came_samples, went_samples;
    _Atomic uint64_t came_blocks, went_blocks;
    _Atomic uint64_t came_bytes, went_bytes;
    _Atomic uint64_t lived_us; /* of those that went, each as many times as it counts: block-us */
};

struct hak_heap_profile {
    char magic[16];
    uint32_t version;
    uint32_t bytes;    /* of this struct */
    uint64_t rate;     /* mean bytes between two samples, HAKMEM_HEAP_PROFILE */
    uint64_t start_ns; /* CLOCK_MONOTONIC at the first sample */
    const struct hak_heap_profile_site *sites;
    const struct hak_heap_profile_node *nodes;
    uint32_t site_capacity, node_capacity;
    _Atomic uint32_t site_count; /* site 0 is the one without a stack */
    _Atomic uint32_t node_count;
    _Atomic uint64_t unplaced;  /* samples whose stack had no place: in site 0 */
    _Atomic uint64_t unsampled; /* that were due and had no memory: their bytes are missing */
    _Atomic uint64_t unsampled_bytes;
};

#endif
