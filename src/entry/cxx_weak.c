/* The C++ runtime for libhakmem.so and hakmem-debug.so: bound where the loader sees it, else looked
 * for among what is loaded. */
#include <stdbool.h>
#include <stddef.h>
#include "platform/objects.h"
#include "platform/symbols.h"

/* Runtimes under the names by which programs need them: GNU's, LLVM's, their unwinders. */
static const char *const runtimes[] = {"libstdc++.so.6", "libc++abi.so.1", "libc++.so.1",
                                       "libgcc_s.so.1", "libunwind.so.1"};

/* The module of the caller by the name under which it is loaded; NULL: it is the program itself,
 * whose names everybody sees. */
static const char *module_of(const void *caller) {
    struct hak_object object;
    bool is_known = caller && hak_object_find((uintptr_t)caller, &object) && object.module;
    return is_known && object.name[0] ? object.name : NULL;
}

/* Whether two addresses lie in the same module. */
static bool is_same_module(const void *one, const void *other) {
    struct hak_object first, second;
    return hak_object_find((uintptr_t)one, &first) && hak_object_find((uintptr_t)other, &second) &&
           first.module == second.module;
}

/* Finds a function of the C++ runtime, in the caller's module first; with `is_beside` in no other.
 * NULL: none. */
static void *find_in_runtimes(const char *name, void *bound, const void *caller, bool is_beside) {
    const char *module = module_of(caller);
    void *found = module ? hak_symbol_of(module, name) : NULL;
    if (is_beside) {
        found = found ? found : bound;
        return found && is_same_module(found, caller) ? found : NULL;
    }
    if (!found)
        found = bound ? bound : hak_symbol_default(name);
    for (size_t i = 0; i < sizeof runtimes / sizeof *runtimes && !found; i++)
        found = hak_symbol_of(runtimes[i], name);
    return found;
}

#define HAK_CXX_BOUND __attribute__((weak))
#define HAK_CXX_FIND  find_in_runtimes
#include "entry/cxx_names.h"
