/* Tells whether a call of the malloc family was left for good, by longjmp out of a signal
 * handler. */
#include "border.h"
#include "platform/raw_call.h"
#include <signal.h>
#include <sys/syscall.h>

_Thread_local struct hak_inside hak_inside __attribute__((tls_model("initial-exec")));

static bool is_on_stack(const stack_t *stack, uintptr_t address) {
    return address - (uintptr_t)stack->ss_sp < stack->ss_size;
}

/* Whether the call that is under way was left by longjmp: not where it stands above this one, or
 * this one is on the alternate stack and that is not. Then it is forgotten. */
bool hak_check_was_left(void) {
    uintptr_t here = (uintptr_t)__builtin_frame_address(0), there = hak_inside.stack_pointer;
    stack_t alternate = {.ss_flags = SS_DISABLE};
    if (here < there)
        return false;
    if (hak_raw_call(SYS_sigaltstack, NULL, &alternate) == 0 &&
        !(alternate.ss_flags & SS_DISABLE) && is_on_stack(&alternate, here) &&
        !is_on_stack(&alternate, there))
        return false;
    hak_inside.is_nested = false;
    return true;
}
