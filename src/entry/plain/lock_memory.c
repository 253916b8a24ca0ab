/* mlockall, in libhakmem.so: gives back the pages of the registry and the heap profile that the
 * kernel fills.
 *
 * hakmem-debug.so has one of its own, which keeps the session memory out of it as well
 * (tree/lock_memory.c); libhakmem.a leaves mlockall alone, as it does dlopen.
 *
 * The call goes to the next mlockall: a sanitizer's does nothing, since locking its shadow memory
 * would take all there is. */
#include <sys/mman.h>
#include "heap_profile/heap_profile.h"
#include "hop.h"
#include "platform/raw_call.h"
#include "platform/symbols.h"
#include "pool/pool.h"

/* The mlockall behind ours, else the system call itself. */
static int call_next(int flags) {
    int (*next)(int) = (int (*)(int))hak_symbol_next("mlockall");
    return next ? next(flags)
                : (int)hak_libc_result(hak_raw_call_always(SYS_mlockall, flags, 0, 0, 0, 0, 0));
}

/* Locks the program's memory, then gives back what that filled of hakmem's tables. */
HAK_EXPORT int mlockall(int flags) {
    int result = call_next(flags);
    if (result == 0 && (flags & MCL_CURRENT) && !(flags & MCL_ONFAULT)) {
        hak_pool_empty_registry();
        if (hak_heap_profile_empty) /* not on every processor */
            hak_heap_profile_empty();
    }
    return result;
}
