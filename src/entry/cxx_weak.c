/* The C++ runtime for libhakmem.so and hakmem-debug.so: bound where the loader sees it, else looked
 * for among what is loaded. */
#include <dlfcn.h>
#include <link.h>
#include <stdbool.h>
#include <stddef.h>

/* Runtimes under the names by which programs need them: GNU's, LLVM's, their unwinders. */
static const char *const runtimes[] = {"libstdc++.so.6", "libc++abi.so.1", "libc++.so.1",
                                       "libgcc_s.so.1", "libunwind.so.1"};

static void *find_in(const char *module, const char *name) {
    void *handle = dlopen(module, RTLD_LAZY | RTLD_NOLOAD);
    void *found = handle ? dlsym(handle, name) : NULL;
    /* Its code is in use by the caller: the count goes down again and it stays. */
    if (handle)
        dlclose(handle);
    return found;
}

/* The module of the caller by the name under which it is loaded; NULL: it is the program itself,
 * whose names everybody sees. */
static const char *module_of(const void *caller) {
    Dl_info about;
    struct link_map *map = NULL;
    bool is_known = caller && dladdr1(caller, &about, (void **)&map, RTLD_DL_LINKMAP) != 0;
    return is_known && map && map->l_name[0] ? map->l_name : NULL;
}

/* What fails here leaves its words for dlerror, and memory with them: so the likely places first.
 */
static bool is_same_module(const void *one, const void *other) {
    Dl_info first, second;
    return dladdr(one, &first) && dladdr(other, &second) && first.dli_fbase == second.dli_fbase;
}

static void *find(const char *name, void *bound, const void *caller, bool is_beside) {
    const char *module = module_of(caller);
    void *found = module ? find_in(module, name) : NULL;
    if (is_beside) {
        found = found ? found : bound;
        return found && is_same_module(found, caller) ? found : NULL;
    }
    if (!found)
        found = bound ? bound : dlsym(RTLD_DEFAULT, name);
    for (size_t i = 0; i < sizeof runtimes / sizeof *runtimes && !found; i++)
        found = find_in(runtimes[i], name);
    return found;
}

#define HAK_CXX_BOUND __attribute__((weak))
#define HAK_CXX_FIND  find
#include "entry/cxx_names.h"
