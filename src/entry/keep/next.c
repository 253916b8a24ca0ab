/* Finds the malloc family behind hakmem-record.so. */
#include "entry/keep/keep.h"

#include <dlfcn.h>
#include <string.h>

struct hak_keep_next hak_keep_next;

void hak_keep_ask_first_size(void) {
    void *block = hak_keep_next.malloc(1);
    if (block)
        (void)hak_keep_next.malloc_usable_size(block);
    hak_keep_next.free(block);
    hak_keep_next.tells_sizes = true;
}

/* libc has all of them. So none of these searches fails, which would allocate the words for
 * dlerror. */
bool hak_keep_find_next(void) {
    struct hak_keep_next *next = &hak_keep_next;
    const struct {
        const char *name;
        void *function;
    } family[] = {
        {"malloc", &next->malloc},
        {"free", &next->free},
        {"calloc", &next->calloc},
        {"realloc", &next->realloc},
        {"memalign", &next->memalign},
        {"aligned_alloc", &next->aligned_alloc},
        {"posix_memalign", &next->posix_memalign},
        {"valloc", &next->valloc},
        {"pvalloc", &next->pvalloc},
        {"malloc_usable_size", &next->malloc_usable_size},
    };
    for (size_t i = 0; i < sizeof family / sizeof *family; i++) {
        void *found = dlsym(RTLD_NEXT, family[i].name);
        if (!found)
            return false;
        memcpy(family[i].function, &found, sizeof found);
    }
    Dl_info about;
    void *malloc_address = NULL;
    memcpy(&malloc_address, &next->malloc, sizeof malloc_address);
    next->module = dladdr(malloc_address, &about) && about.dli_fname ? about.dli_fname : "";
    const char *slash = strrchr(next->module, '/');
    next->is_glibc = strcmp(slash ? slash + 1 : next->module, "libc.so.6") == 0;
    return true;
}
