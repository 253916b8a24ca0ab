/* The door of the room that chooses which blocks lie alone between closed pages, and where in them.
 *
 *   HAKMEM_GUARD  --at start--> choose.c --> first_blocks.h  stack -> blocks guarded so far (sites)
 *                                            only.h          stacks that a file names
 *                                            sample.h        calls of level light's program
 *   a call --> choose.c: one of them says yes --> place.c: pages and first byte --> guarded
 *
 * Ownership: credits and samples belong to their thread, the rest to the process. No lock. It may
 * call guard/locate, guarded, heap_profile, large_map, the tracer and the platform. */
#ifndef HAK_GUARD_CHOOSE_CHOOSE_H
#define HAK_GUARD_CHOOSE_CHOOSE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "guard/choose/first_blocks.h"
#include "guard/choose/sample.h"
#include "large_map/large_map.h"

/* choose.c: which blocks are guarded; at start. hak_check_guards and hak_check_take_guarded are
 * entry's (border.h). */
HAK_HIDDEN void hak_guard_start(void);
/* hak_guarded_give, within what its closing costs. */
HAK_HIDDEN void hak_guard_give(struct hak_large *large);
/* Those of sites alone (first_blocks.h); those of the stacks that a file names (only.h). */
HAK_HIDDEN extern bool hak_guards_sites;
HAK_HIDDEN extern bool hak_guards_stacks;
/* The stack of each call is asked for before its block, and kept at hand. */
HAK_HIDDEN extern bool hak_guards_by_stack;

/* place.c: bytes of the pages that a guarded block needs, of at most PTRDIFF_MAX bytes and an
 * alignment of at most a page; and its first byte in them. Its slot has the allocation stack by
 * then. */
HAK_HIDDEN size_t hak_guarded_bytes(enum hak_guarded_side side, size_t asked_bytes,
                                    size_t alignment);
HAK_HIDDEN char *hak_place_guarded(const struct hak_large *large, size_t asked_bytes,
                                   size_t alignment);
/* place.c, for the tracer (trace.h). */
HAK_HIDDEN bool hak_place_is_less_aligned(uintptr_t address);

#endif
