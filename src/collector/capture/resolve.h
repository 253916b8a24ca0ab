/* Puts the names behind stacks into the store: for each (module, offset) that a stack node names
 * the function, file and line, inlined levels included, once.
 *
 * Modules are opened when they are first told of; the debug information of those in which a node
 * lies is read in the background. Nodes are resolved while the worker has nothing else to do, the
 * stacks of a fault at once, the rest when the store is closed. */
#ifndef HAK_COLLECTOR_CAPTURE_RESOLVE_H
#define HAK_COLLECTOR_CAPTURE_RESOLVE_H

#include <stdbool.h>
#include <stdint.h>
#include "base/index.h"
#include "collector/capture/made_code.h"
#include "collector/capture/rows.h"
#include "symbols/symbols.h"
#include "store/reader/reader.h"
#include "store/writer/writer.h"

#define HAK_RESOLVE_RECENT 8192
#define HAK_RESOLVE_LATE   4

struct hak_resolve_report {
    uint32_t left_ms; /* that it may yet wait for files */
    /* Paths of modules whose names it lacks, each once, and then NULL; more are not kept. */
    const char *late[HAK_RESOLVE_LATE + 1];
};

struct hak_resolve {
    struct hak_symbols *symbols;
    struct hak_index done; /* (module, offset) that are in the store or pending */
    /* Hashes of (process, generation, ip) that came not long ago: most nodes name the same few. */
    uint64_t *recent;              /* HAK_RESOLVE_RECENT */
    uint32_t next_node;            /* nodes up to this one are resolved */
    uint32_t next_module;          /* modules up to this one are opened */
    struct hak_frame_row *pending; /* resolved, not yet in the store; strings are their own */
    uint32_t pending_count, pending_capacity, pending_put;
    struct hak_made_code made;
    struct hak_resolve_report report; /* that is being made */
};

bool hak_resolve_make(struct hak_resolve *resolve);

/* Frees symbols, names and the list of frames that wait. */
void hak_resolve_free(struct hak_resolve *resolve);

/* Notes which nodes are resolved in a store that an earlier worker wrote: they are not resolved
 * again. */
void hak_resolve_load(struct hak_resolve *resolve, struct hak_store_writer *writer);

/* Opens modules and resolves nodes for at most `budget_ns`. */
enum hak_resolve_state {
    HAK_RESOLVE_DONE, /* there is nothing left */
    HAK_RESOLVE_WAIT, /* a file is being loaded */
    HAK_RESOLVE_MORE, /* the budget is used up */
};

/* Opens symbol files of new modules and resolves new nodes for `budget_ns` at most. Returns whether
 * all is done, more is to do, or a file is still being loaded. */
enum hak_resolve_state hak_resolve_some(struct hak_resolve *resolve, struct hak_rows *rows,
                                        uint64_t budget_ns);

/* Names frames in no module by the files of JIT compilers (made_code.c). Once, when all processes
 * have ended: some write their names only then; after the nodes were resolved. */
void hak_resolve_made_code(struct hak_resolve *resolve, struct hak_rows *rows);

/* A report begins. The two functions below wait for files that are being loaded: 5 s for all that
 * one report asks. Modules not loaded by then give no names to it, and are in `report.late`. */
void hak_resolve_begin_report(struct hak_resolve *resolve);

/* Resolves all frames of stack `stack` now. */
void hak_resolve_stack(struct hak_resolve *resolve, struct hak_rows *rows, uint32_t stack);

/* The frames of `ips` as they were found in `process` at the newest generation, innermost first;
 * the first ip is a pc itself when `exact`, all others are return addresses. Strings belong to
 * `resolve` until the next call. Returns how many (at most max). */
int hak_resolve_frames(struct hak_resolve *resolve, struct hak_rows *rows, uint32_t process,
                       const uint64_t *ips, int count, bool exact, struct hak_frame *out, int max);

/* In a transaction: puts the resolved frames into the store. 0, or an error. Then as rows.h. */
int hak_resolve_flush(struct hak_resolve *resolve, struct hak_store_writer *writer);

/* Drops the frames that the last flush put, now that they are committed. */
void hak_resolve_committed(struct hak_resolve *resolve);
bool hak_resolve_is_dirty(const struct hak_resolve *resolve);

/* Keeps a frame that is to be stored, for made_code.c; `s` has strings that live as long as
 * `resolve`. False without memory. */
bool hak_resolve_keep_frame(struct hak_resolve *resolve, uint32_t module, uint64_t offset,
                            uint32_t level, const struct hak_symbol *s);
uint64_t hak_resolve_key(uint32_t image, uint64_t offset);
uint64_t *hak_resolve_recent(const struct hak_resolve *resolve, const struct hak_node_row *node,
                             uint64_t *key);

#endif
