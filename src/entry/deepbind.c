/* dlopen without RTLD_DEEPBIND, in the shared libraries.
 *
 * With that flag a library looks into libc before anything that is preloaded: its malloc and free
 * are glibc's, while the strings that it is given to free are ours. PHP opens all its extensions
 * so, and the first of them that frees what PHP allocated would crash. A malloc of the program's
 * own has no chance against the flag, so it is left out (AddressSanitizer refuses such a dlopen
 * altogether).
 *
 * It is a jump, not a call: ld.so finds RUNPATH and namespace by the address that dlopen returns
 * to. */
#include <dlfcn.h>

#include "entry/entry.h"
#include "platform/symbols.h"

HAK_HIDDEN void *(*hak_next_dlopen)(const char *, int);
HAK_HIDDEN void *hak_entry_find_dlopen(void);

/* The next dlopen. Called by the assembly alone, with its caller's arguments put aside. */
void *hak_entry_find_dlopen(void) {
    *(void **)&hak_next_dlopen = hak_symbol_next("dlopen");
    return (void *)hak_next_dlopen;
}

_Static_assert(RTLD_DEEPBIND == 8, "the mask in the assembly");

#include HAK_ARCH_FILE(dlopen.h)
