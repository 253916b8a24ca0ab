/* prctl and syscall, in libhakmem.so: notice that the program puts itself into a seccomp sandbox.
 * From then on process_madvise is not made any more (platform/discard.h): a filter that was
 * written without hakmem in mind may end the program for it. All other calls are those of any
 * malloc.
 *
 * hakmem-debug.so runs the filter to see what it lets through (tree/sandbox.c). libhakmem.a leaves
 * both names alone, and never makes that call. A filter that is set by an instruction of the
 * program's own is not seen. */
#include <linux/seccomp.h>
#include <stdarg.h>
#include <sys/prctl.h>
#include "hop.h"
#include "newer.h"
#include "platform/discard.h"
#include "platform/raw_call.h"

_Atomic unsigned hak_sandboxes_entered;

/* Makes the call that enters a sandbox, which other threads may be in before it returns. Where it
 * fails, as a call that only asks for what the kernel knows does, nothing has changed. */
static long enter(long number, const unsigned long arguments[5]) {
    atomic_fetch_add(&hak_sandboxes_entered, 1);
    hak_prepare_for_sandbox();
    long result =
        hak_raw_call(number, arguments[0], arguments[1], arguments[2], arguments[3], arguments[4]);
    if (result < 0)
        atomic_fetch_sub(&hak_sandboxes_entered, 1);
    return result;
}

HAK_EXPORT int prctl(int what, ...) {
    unsigned long arguments[5] = {(unsigned long)what};
    va_list list;
    va_start(list, what);
    for (int i = 1; i < 5; i++)
        arguments[i] = va_arg(list, unsigned long);
    va_end(list);
    if (what == PR_SET_SECCOMP)
        return (int)hak_libc_result(enter(SYS_prctl, arguments));
    return (int)hak_libc_result(
        hak_raw_call(SYS_prctl, what, arguments[1], arguments[2], arguments[3], arguments[4]));
}

HAK_HIDDEN long hak_sandbox_seccomp(long number, long operation, long flags, void *argument);
HAK_HIDDEN long hak_syscall_fail(long result);
HAK_HIDDEN void hak_namespace_before(void);

/* The program's seccomp by syscall(). */
long hak_sandbox_seccomp(long number, long operation, long flags, void *argument) {
    const unsigned long arguments[5] = {(unsigned long)operation, (unsigned long)flags,
                                        (unsigned long)argument};
    if (operation == SECCOMP_SET_MODE_STRICT || operation == SECCOMP_SET_MODE_FILTER)
        return hak_libc_result(enter(number, arguments));
    return hak_libc_result(hak_raw_call(number, operation, flags, argument));
}

long hak_syscall_fail(long result) {
    return hak_libc_result(result);
}

/* Namespaces mean nothing here: nobody records. */
void hak_namespace_before(void) {}

#include HAK_ARCH_FILE(syscall.h)
