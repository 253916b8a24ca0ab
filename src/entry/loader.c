/* dlopen and dlsym in the shared libraries, so that libraries find this malloc and not libc's.
 *
 * dlopen with RTLD_DEEPBIND: a library looks into libc before anything that is preloaded: its
 * malloc and free are glibc's, while the strings that it is given to free are ours. PHP opens all
 * its extensions so, and the first of them that frees what PHP allocated would crash. A malloc of
 * the program's own has no chance against the flag, so it is left out (AddressSanitizer refuses
 * such a dlopen altogether).
 *
 * dlsym by libc's own handle: Python's ctypes and C#'s DllImport ask libc.so.6 for its free and
 * give it what strdup or getline returned, which is ours. They get the function that libc's own
 * calls lead to.
 *
 * Both jump, they do not call: ld.so finds RUNPATH, namespace and what RTLD_NEXT is by the address
 * that they return to. */
#include <dlfcn.h>
#include <string.h>

#include "entry/entry.h"
#include "platform/symbols.h"

HAK_HIDDEN void *(*hak_next_dlopen)(const char *, int);
HAK_HIDDEN void *(*hak_next_dlsym)(void *, const char *);
/* Called by the assembly alone, with its caller's arguments put aside. */
HAK_HIDDEN void *hak_entry_find_dlopen(void);
HAK_HIDDEN void *hak_entry_find_dlsym(void);
/* The assembly jumps here for a handle of a library. */
HAK_HIDDEN void *hak_entry_find_by_handle(void *handle, const char *name);

void *hak_entry_find_dlopen(void) {
    *(void **)&hak_next_dlopen = hak_symbol_next("dlopen");
    return (void *)hak_next_dlopen;
}

void *hak_entry_find_dlsym(void) {
    *(void **)&hak_next_dlsym = hak_symbol_next("dlsym");
    return (void *)hak_next_dlsym;
}

/* Whether `name` is of the malloc family, by its own name or by glibc's second one. */
static bool is_of_family(const char *name) {
    static const char *const names[] = {
        "malloc",         "calloc",
        "realloc",        "free",
        "reallocarray",   "cfree",
        "memalign",       "aligned_alloc",
        "posix_memalign", "valloc",
        "pvalloc",        "malloc_usable_size",
        "free_sized",     "free_aligned_sized",
        "malloc_trim",    "mallopt",
        "mallinfo",       "mallinfo2",
    };
    static const char second[] = "__libc_";
    if (strncmp(name, second, sizeof second - 1) == 0)
        name += sizeof second - 1;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (strcmp(name, names[i]) == 0)
            return true;
    return false;
}

/* Looks a name up as dlsym does; in the place of a function of libc's malloc family it gives the
 * one that libc's own calls of it lead to. */
void *hak_entry_find_by_handle(void *handle, const char *name) {
    if (!hak_next_dlsym && !hak_entry_find_dlsym())
        return NULL; /* nobody can have a handle */
    void *found = hak_next_dlsym(handle, name);
    if (!found || !is_of_family(name) || found != hak_symbol_of_libc(name))
        return found;
    void *in_charge = hak_symbol_default(name);
    return in_charge ? in_charge : found;
}

_Static_assert(RTLD_DEEPBIND == 8, "the mask in the assembly");
/* It knows RTLD_DEFAULT as 0 and RTLD_NEXT as -1: no constant expressions for clang. */

#include HAK_ARCH_FILE(loader.h)
