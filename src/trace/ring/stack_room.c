/* Makes the collector take stack nodes out of the session's ring when that is full, as room.c
 * does with records. */
#include "options.h"
#include "trace/memory/memory.h"
#include "trace/ring/ring.h"
#include "trace/ring/stack_room.h"
#include "trace/wait.h"

void hak_stack_room_ask(void) {
    if (hak_current_ready())
        hak_ring_doorbell(hak_current.session);
}

bool hak_stack_room_wait(uint64_t *begin_ns) {
    if (hak_options.trace_full == HAK_FULL_DROP || !hak_current_ready())
        return false;
    if (*begin_ns == 0)
        *begin_ns = hak_monotonic_ns();
    return hak_ring_wait_a_slice(atomic_load(&hak_current.session->commits), *begin_ns);
}
