/* Asks the keeper, before a process enters another network namespace, to listen at a path, too, for
 * programs executed there, which cannot reach its abstract socket, and to look at what comes of
 * this process. Interposes clone, whose child may share this process's memory.
 *
 * Only what goes through these functions of libc, and its syscall() (sandbox.c), is seen. */
#include <errno.h>
#include <sched.h>
#include <stdarg.h>
#include <sys/types.h>
#include "platform/raw_call.h"
#include "trace/memory/memory.h"
#include "trace/collector/collector.h"
#include "trace/trace.h"
#include "tree/exec_fit.h"
#include "tree/vfork.h"
#include "platform/symbols.h"

typedef int clone_function(int (*)(void *), void *, int, void *, ...);
static clone_function *next_clone;

/* While there is one thread: a forked child must not wait for ld.so's lock. */
__attribute__((constructor)) static void find_next_clone(void) {
    next_clone = (clone_function *)hak_symbol_next("clone");
}

HAK_HIDDEN void hak_namespace_before(long number, unsigned long first, unsigned long second);

/* Asks the collector for a path (hak_collector_ask_for_path) before this process enters another
 * network namespace by system call `number` with these arguments: clone, clone3, unshare or
 * setns. */
void hak_namespace_before(long number, unsigned long first, unsigned long second) {
    unsigned long flags = number == SYS_setns ? second : first;
    struct hak_readable known = HAK_READABLE_STACK;
    if (number == SYS_clone3 && /* whose structure begins with them */
        !hak_exec_copy(&known, &flags, (const void *)first, sizeof flags))
        flags = 0;
    bool enters = (flags & CLONE_NEWNET) || (number == SYS_setns && flags == 0);
    if (enters && hak_is_own_process())
        hak_collector_ask_for_path();
}

HAK_EXPORT int unshare(int flags) {
    hak_namespace_before(SYS_unshare, (unsigned long)flags, 0);
    return (int)hak_libc_result(hak_raw_call_always(SYS_unshare, flags, 0, 0, 0, 0, 0));
}

HAK_EXPORT int setns(int file, int kind) {
    hak_namespace_before(SYS_setns, (unsigned long)file, (unsigned long)kind);
    return (int)hak_libc_result(hak_raw_call_always(SYS_setns, file, kind, 0, 0, 0, 0));
}

/* The program's clone: prepares for a new namespace and for a child that borrows the memory, as
 * vfork's does; ENOSYS without libc's clone. */
HAK_EXPORT int clone(int (*function)(void *), void *stack, int flags, void *argument, ...) {
    va_list list;
    va_start(list, argument);
    pid_t *parent_word = va_arg(list, pid_t *);
    void *storage = va_arg(list, void *);
    pid_t *child_word = va_arg(list, pid_t *);
    va_end(list);
    if (!next_clone) {
        errno = ENOSYS;
        return -1;
    }
    hak_namespace_before(SYS_clone, (unsigned long)flags, 0);
    bool borrows = (flags & (CLONE_VM | CLONE_VFORK | CLONE_SETTLS)) == (CLONE_VM | CLONE_VFORK);
    if (borrows)
        hak_vfork_before();
    int result = next_clone(function, stack, flags, argument, parent_word, storage, child_word);
    int error = errno;
    if (borrows)
        (void)hak_vfork_after(0);
    errno = error;
    return result;
}
