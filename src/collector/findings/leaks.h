/* Leaks on their way from the program's records to rows and the printed page.
 *
 *   LEAK records --drain--> a pile for each process: blocks by stack
 *   the scan's own record --> the pile is complete --committed--> hak_leaks_settle:
 *       symbols, ages and layers from the log, suppressions and baseline
 *       --> rows of `leak` and `leak_scan`, the page
 *   the report request (MEMORY_LEAK) --> the page is printed
 *
 * For the worker's thread. */
#ifndef HAK_COLLECTOR_FINDINGS_LEAKS_H
#define HAK_COLLECTOR_FINDINGS_LEAKS_H

#include <stdbool.h>
#include <stdint.h>
#include "store/event.h"
#include "base/index.h"

struct hak_capture;
struct hak_client;
struct hak_findings;

/* Blocks of one stack that were judged alike. */
struct hak_leak_group {
    uint32_t stack;       /* row of node; of several that are one place the first */
    bool has_more_stacks; /* through modules that were loaded again */
    uint8_t kind;         /* enum hak_leak */
    uint8_t layer;        /* enum hak_place, 0 = not known */
    uint32_t pool;        /* of pieces: number of their pool; 0 = of several */
    uint64_t pool_create; /* its POOL_CREATE, an event id; 0 = not known */
    uint64_t count, bytes, oldest_ns, newest_ns;
};

/* A lost block, to be found in the log again. */
struct hak_leak_block {
    uint64_t base, generation;
    uint32_t group;
};

/* One scan of one process. */
struct hak_leak_pile {
    struct hak_leak_pile *next;
    struct hak_client *client; /* of the session, NULL once it is gone */
    uint32_t process;          /* row */
    struct hak_leak_group *groups;
    uint32_t group_count, group_capacity;
    struct hak_leak_block *blocks;
    uint32_t block_count, block_capacity;
    struct hak_index by_stack; /* (stack, kind) -> group + 1 */
    bool is_complete, is_settled;
    struct hak_event scan; /* the scan's own record */
    char *text;            /* the page; NULL or "" = nothing to tell */
};

/* A row whose names were not read in time. */
struct hak_late_leak {
    uint32_t leak, stack; /* rows */
};

struct hak_leaks {
    struct hak_leak_pile *newest;
    uint32_t next_scan, next_leak; /* row ids, 0 = not asked yet */
    struct hak_late_leak *late;
    uint32_t late_count, late_capacity;
};

/* Takes in a LEAK record: adds a leak to its group, or completes the pile with the scan's own
 * record. Without memory it is lost. */
void hak_leaks_take(struct hak_leaks *leaks, struct hak_client *client,
                    const struct hak_event *event);

/* Notes the event id of the newest complete scan's own record. */
void hak_leaks_note_event(struct hak_leaks *leaks, uint32_t process, uint64_t event);

/* After a COMMIT: settles all complete piles, by which rows and pages are made. */
void hak_leaks_settle(struct hak_findings *findings, struct hak_capture *capture);

/* Gives rows of leaks whose names came late their fingerprint, as hak_fault_settle_late does for
 * faults. */
void hak_leaks_settle_late(struct hak_findings *findings, struct hak_capture *capture);

/* The page of the newest settled scan of a process, to be printed; NULL = there is nothing to tell.
 * Belongs to the pile. */
const char *hak_leaks_page(const struct hak_leaks *leaks, uint32_t process);

/* Frees the piles of a client that is gone; those that are complete and not yet settled stay,
 * without it. */
void hak_leaks_forget(struct hak_leaks *leaks, const struct hak_client *client);

/* Frees all piles, and the list of leaks that wait for names. */
void hak_leaks_free(struct hak_leaks *leaks);

#endif
