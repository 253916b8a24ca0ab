/* HAKMEM_GUARD=only:FILE: the blocks of the allocation stacks that FILE names, as `hunt` writes it
 * (docs/specs/guarded.md).
 *
 *   FILE --start--> rules, each with its frames        (read once, in memory of our own)
 *   stack id --> verdict table: which rule, or none    (found once for each stack)
 *                     |
 *                     +--> size, thread, number within the rule --> guarded or not
 *
 * Stacks are compared frame by frame from the innermost one on: module (build id, else the name of
 * its file) and offset, so that it does not matter where a module lies. No lock: what two threads
 * find at once is the same. */
#ifndef HAK_GUARD_CHOOSE_ONLY_H
#define HAK_GUARD_CHOOSE_ONLY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "block.h"

/* Reads the file, once, before there are threads. False: it cannot be read, or not understood,
 * which is said on stderr; no block is chosen then. */
HAK_HIDDEN bool hak_only_start(const char *path);

/* The file's terms for a block that it chooses. */
struct hak_only_choice {
    uint16_t watch_from; /* bytes behind its last one at which a debug register may stand */
    bool is_expected;    /* it is the block whose number the file gives, or next to it */
};

/* Is the block to be guarded that thread `thread` allocates with `stack`? `is_partial`: the stack
 * was cut, and may end before the rule's frames do. Any thread, async-signal-safe. */
HAK_HIDDEN bool hak_only_chooses(uint32_t stack, bool is_partial, size_t asked_bytes,
                                 uint32_t thread, struct hak_only_choice *choice);

#endif
