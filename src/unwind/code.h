/* Reads code as bytes: tells whether an address is executable, and whether a call ends there.
 *
 * Used where call frame information is missing and a stack word has to prove that it is a return
 * address. Two questions are asked of it, in this order:
 *
 *   executable?    module with CFI for it: yes. Else platform/maps.h, read once, and again when an
 *                  address is not in it (seldom and less and less often while it brings nothing;
 *                  frames and words that may be return addresses are counted apart)
 *   readable?      the kernel is asked for each page that a walk touches: code of a JIT compiler
 *                  and of modules may go away at any time
 *
 * The ranges lie in two static tables of the process, one in use while the other is filled; one
 * thread at a time reads the maps, others go on with what is known. A forked child inherits them.
 * All functions are async-signal-safe, allocate nothing, take no lock and keep errno. */
#ifndef HAK_UNWIND_CODE_H
#define HAK_UNWIND_CODE_H

#include <stdbool.h>
#include <stdint.h>
#include "block.h"

/* A walk's note: the last page of code that the kernel said is readable, or 1. */
struct hak_code_reader {
    uintptr_t page;
};

/* The call whose return address was looked at. */
struct hak_code_call {
    bool is_direct;   /* the called address is known */
    uintptr_t target; /* where it leads, through a PLT entry or a jump too; 0 = not known */
};

/* Does a call instruction end at `ip`, in memory that can be executed? Fills `call` then. */
HAK_HIDDEN bool hak_code_follows_call(struct hak_code_reader *reader, uintptr_t ip,
                                      struct hak_code_call *call);

/* Copies `bytes` (at most 32) of code from `from`. Returns false when they cannot be read. */
HAK_HIDDEN bool hak_code_copy(struct hak_code_reader *reader, uintptr_t from, uint8_t *to,
                              unsigned bytes);

/* Is there call frame information for `pc`? */
HAK_HIDDEN bool hak_code_has_cfi(uintptr_t pc);

/* Is `address`, where a thread runs or goes on, in memory that can be executed, as far as is
 * known? */
HAK_HIDDEN bool hak_code_is_executable(uintptr_t address);

/* The same without looking at the maps again. */
HAK_HIDDEN bool hak_code_is_known(uintptr_t address);

/* In a forked child: the parent's reader of the maps is not here. */
HAK_HIDDEN void hak_code_fork_child(void);

#endif
