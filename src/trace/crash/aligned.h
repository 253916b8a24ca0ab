/* An access to 16 bytes that the processor refuses because a guarded block does not lie at a
 * multiple of 16, as HAKMEM_GUARD_ALIGN=size places it.
 *
 * The compiler knows that malloc's memory is aligned, and takes movaps and its like for a part of
 * such a block. The access is carried out here, and the thread goes on behind the instruction. */
#ifndef HAK_TRACE_CRASH_ALIGNED_H
#define HAK_TRACE_CRASH_ALIGNED_H

#include <signal.h>
#include <stdbool.h>
#include <ucontext.h>
#include "attributes.h"

/* At a SIGSEGV that the kernel raised without an address. True: the instruction was carried out,
 * and the handler may return. False: it is none of these. If its bytes, or some of them, lie in a
 * closed page beside a guarded block or of a freed one, `info` and `context` tell of that from then
 * on, as if the page had stopped it. */
HAK_HIDDEN bool hak_crash_carry_out(siginfo_t *info, ucontext_t *context);

/* At any SIGSEGV. True: it is an access of hak_crash_carry_out's own to the program's memory, which
 * goes on without it; the handler may return. */
HAK_HIDDEN bool hak_crash_refuses_touch(const siginfo_t *info, ucontext_t *context);

#endif
