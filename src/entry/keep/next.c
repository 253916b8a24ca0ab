/* Finds the malloc family behind hakmem-record.so. */
#include "entry/keep/keep.h"

#include <errno.h>
#include <string.h>
#include "platform/module.h"
#include "trace/trace.h"
#include "platform/symbols.h"
#include "platform/objects.h"

struct hak_keep_next hak_keep_next;

void hak_keep_ask_first_size(void) {
    if (!hak_keep_next.has_sizes)
        return;
    void *block = hak_keep_next.malloc(1);
    if (block)
        (void)hak_keep_next.malloc_usable_size(block);
    hak_keep_next.free(block);
    hak_keep_next.tells_sizes = true;
}

static const char *file_name(const char *path) {
    const char *slash = strrchr(path, '/');
    return slash ? slash + 1 : path;
}

/* The path of the module that a function lies in, as ld.so has it. */
static const char *module_of(const void *function) {
    struct hak_object object;
    bool is_known = hak_object_find((uintptr_t)function, &object) && object.module;
    return is_known && object.name[0] ? object.name : is_known ? program_invocation_name : "";
}

static bool is_in_libc(const void *function) {
    return strcmp(file_name(module_of(function)), "libc.so.6") == 0;
}

/* Finds the program's strdup and strndup, and whether they are an allocator's own, as mimalloc's
 * since version 3. False: one is not there. */
static bool find_copies(struct hak_keep_next *next) {
    void *text = hak_symbol_next("strdup"), *part = hak_symbol_next("strndup");
    if (!text || !part)
        return false;
    memcpy(&next->strdup, &text, sizeof text);
    memcpy(&next->strndup, &part, sizeof part);
    next->copies = !is_in_libc(text) || !is_in_libc(part);
    return true;
}

/* Finds the program's own malloc family, notes its module, whether all of it is glibc's, and
 * whether sizes can be asked. False: a function is missing. libc has all of them, so that none of
 * these searches fails, which would allocate the words for dlerror. */
bool hak_keep_find_next(void) {
    struct hak_keep_next *next = &hak_keep_next;
    const struct {
        const char *name;
        void *function;
    } family[] = {
        {"__libc_malloc", &next->libc.malloc},
        {"__libc_free", &next->libc.free},
        {"__libc_calloc", &next->libc.calloc},
        {"__libc_realloc", &next->libc.realloc},
        {"__libc_memalign", &next->libc.memalign},
        {"__libc_valloc", &next->libc.valloc},
        {"__libc_pvalloc", &next->libc.pvalloc},
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
    next->is_glibc = true;
    for (size_t i = 0; i < sizeof family / sizeof *family; i++) {
        void *found = hak_symbol_next(family[i].name);
        if (!found)
            return false;
        memcpy(family[i].function, &found, sizeof found);
        const char *module = module_of(found);
        if (family[i].function == &next->malloc)
            next->module = module;
        next->is_glibc = next->is_glibc && is_in_libc(found);
        next->has_sizes = *module && module == next->module; /* malloc_usable_size is the last */
    }
    return find_copies(next);
}

/* ---- its code --------------------------------------------------------------------------------
 */

/* Notes the executable range of the module that holds the function; 1 ends the search. */
static int note_text(struct dl_phdr_info *info, size_t size, void *function) {
    struct hak_module module;
    (void)size;
    hak_read_module(info, &module);
    if (!hak_module_holds(&module, function))
        return 0;
    hak_kept_text = (struct hak_kept_text){module.text_start, module.text_end};
    return 1;
}

void hak_keep_find_text(void) {
    if (!hak_keep_next.is_glibc)
        (void)dl_iterate_phdr(note_text, (void *)hak_keep_next.malloc);
}
