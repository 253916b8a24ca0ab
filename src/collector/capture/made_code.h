/* Facts of stack nodes that lie in no module, for naming them (made_code.c).
 *
 * JIT compilers put new code where old code was. A jitdump has times, so it matters when a node was
 * first seen: a mark tells the nodes that were there at a commit. */
#ifndef HAK_COLLECTOR_CAPTURE_MADE_CODE_H
#define HAK_COLLECTOR_CAPTURE_MADE_CODE_H

#include <stdbool.h>
#include <stdint.h>
#include "symbols/strings.h"

#define HAK_MADE_MARKS 4096 /* when so many are taken, every second one goes */

struct hak_made_mark {
    uint64_t ns; /* CLOCK_MONOTONIC */
    uint32_t nodes;
};

struct hak_made_code {
    bool is_seen; /* a node looked at lies in no module */
    struct hak_strings strings;
    char *report; /* lines for people, a process each: what has names, and why not all; or NULL */
    uint32_t mark_count;
    struct hak_made_mark marks[HAK_MADE_MARKS];
};

/* Notes that the first `nodes` nodes were there at `ns`. When HAK_MADE_MARKS are full, every second
 * mark is dropped. */
void hak_made_code_mark(struct hak_made_code *made, uint32_t nodes, uint64_t ns);
/* Tells when node `id` came: after `from_ns` (0: the start) and not after `until_ns` (UINT64_MAX:
 * not known). */
void hak_made_code_when(const struct hak_made_code *made, uint32_t id, uint64_t *from_ns,
                        uint64_t *until_ns);

#endif
