/* Interposes vfork, so that the child, which runs in its parent's memory, writes nothing into its
 * parent's ring.
 *
 * It returns twice on one stack, so it is assembly: the return address is kept in a register while
 * the child runs, since the child's calls overwrite where it lay. */
#include <unistd.h>
#include "platform/raw_call.h"
#include "trace/crash/crash.h"
#include "trace/memory/memory.h"
#include "trace/collector/collector.h"
#include "trace/ring/ring.h"
#include "trace/trace.h"
#include "tree/vfork.h"

#include HAK_ARCH_FILE(vfork.h)

static _Thread_local struct {
    uint32_t depth;
    uint8_t setting_up;
} before __attribute__((tls_model("initial-exec")));

void hak_vfork_before(void) {
    if (hak_current_ready() && hak_is_own_process())
        hak_collector_replace_dead(HAK_COLLECTOR_DEAD_MS);
    if (hak_vfork_children++ == 0) {
        before.depth = hak_writer.depth;
        before.setting_up = hak_writer.setting_up;
    }
}

/* In the parent, when the child is gone or has executed another program: after the last of nested
 * calls, gives up what the child left unfinished. Returns `result` as libc does. */
long hak_vfork_after(long result) {
    if (--hak_vfork_children == 0) {
        if (hak_writer.depth != before.depth)
            hak_ring_give_up_unfinished();
        hak_ring_share_abandon();
        hak_crash_vfork_child_is_gone();
        hak_writer.setting_up = before.setting_up;
    }
    return hak_libc_result(result);
}
