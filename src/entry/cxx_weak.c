/* The C++ runtime for libhakmem.so and hakmem-debug.so: bound where the loader sees it, else looked
 * for among what is loaded. */
#include <dlfcn.h>
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

static void *find(const char *name, const void *caller) {
    void *found = NULL;
    Dl_info about;
    if (caller && dladdr(caller, &about) && about.dli_fname)
        found = find_in(about.dli_fname, name);
    if (!found)
        found = dlsym(RTLD_DEFAULT, name);
    for (size_t i = 0; i < sizeof runtimes / sizeof *runtimes && !found; i++)
        found = find_in(runtimes[i], name);
    return found;
}

#define HAK_CXX_BOUND __attribute__((weak))
#define HAK_CXX_FIND  find
#include "entry/cxx_names.h"
