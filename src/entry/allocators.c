/* Finds the other allocators in the process, and asks them whether a pointer is theirs. */
#include "entry/allocators.h"

#include <errno.h>
#include <stdatomic.h>
#include <string.h>
#include "platform/address.h"
#include "platform/module.h"

enum { SILENT = 4, NAME_BYTES = 64, OWNED = 1 };

/* Functions that a module has to export; NULL = not needed. */
static const struct family {
    const char *name, *owns, *gives, *sizes;
} families[HAK_EXTERNAL_UNKNOWN] = {
    [HAK_EXTERNAL_GLIBC] = {"glibc", NULL, "__libc_free", "malloc_usable_size"},
    [HAK_EXTERNAL_MIMALLOC] = {"mimalloc", "mi_is_in_heap_region", "mi_free", "mi_usable_size"},
    [HAK_EXTERNAL_TCMALLOC] = {"tcmalloc", "MallocExtension_GetOwnership", "tc_free",
                               "tc_malloc_size"},
};

/* Functions of a family, NULL until it was found. `gives` is stored last. */
static struct {
    int (*owns)(const void *); /* the low byte counts: a bool or an enum, 1 = its own */
    size_t (*sizes)(const void *);
    _Atomic(void (*)(void *)) gives;
} found[HAK_EXTERNAL_UNKNOWN];

static char silent[SILENT][NAME_BYTES];
static _Atomic unsigned silent_count;

static _Atomic bool is_searching;
static _Atomic unsigned long long searched_at; /* modules loaded and unloaded until the last look */

/* ---- the symbols of a module ----------------------------------------------------------------- */

/* The hash of the name in GNU's hash tables (djb2). */
static uint32_t hash_of(const char *name) {
    uint32_t hash = 5381;
    for (; *name; name++)
        hash = hash * 33 + (unsigned char)*name;
    return hash;
}

/* The function that the module exports by this name; 0 = none. (The table is that of "ELF symbol
 * hash tables", Drepper, How to write shared libraries, 1.5.3, in GNU's form.) */
static uintptr_t find_function(const struct hak_module *module, const char *name) {
    uint32_t hash = hash_of(name), bucket_count = module->hash[0], first = module->hash[1];
    const uint32_t *buckets = module->hash + 4 + module->hash[2] * 2; /* behind the Bloom filter */
    const uint32_t *chains = buckets + bucket_count;
    uint32_t i = bucket_count ? buckets[hash % bucket_count] : 0;
    if (i < first || i == 0)
        return 0;
    for (;; i++) {
        const ElfW(Sym) *symbol = &module->symbols[i];
        uint32_t other = chains[i - first];
        if ((other | 1) == (hash | 1) && symbol->st_shndx != SHN_UNDEF &&
            ELF64_ST_TYPE(symbol->st_info) == STT_FUNC &&
            strcmp(module->strings + symbol->st_name, name) == 0)
            return module->bias + symbol->st_value;
        if (other & 1)
            return 0;
    }
}

/* ---- looking through the modules ------------------------------------------------------------- */

/* Notes the functions by which the module frees and measures its blocks. False: it does not have
 * all of them. */
static bool add_family(const struct hak_module *module, enum hak_external_owner owner) {
    const struct family *family = &families[owner];
    uintptr_t owns = family->owns ? find_function(module, family->owns) : 0;
    uintptr_t gives = find_function(module, family->gives);
    uintptr_t sizes = find_function(module, family->sizes);
    if ((family->owns && !owns) || !gives || !sizes)
        return false;
    found[owner].owns = (int (*)(const void *))owns;
    found[owner].sizes = (__typeof__(found[owner].sizes))sizes;
    atomic_store_explicit(&found[owner].gives, (void (*)(void *))gives, memory_order_release);
    return true;
}

/* Notes the name of a module that has a malloc but cannot tell its blocks, for the summary; at most
 * SILENT of them. */
static void note_silent_object(const char *path) {
    const char *slash = strrchr(path, '/');
    unsigned count = atomic_load_explicit(&silent_count, memory_order_relaxed);
    size_t bytes = strlen(slash ? slash + 1 : path);
    if (count == SILENT || bytes == 0 || bytes >= NAME_BYTES)
        return;
    memcpy(silent[count], slash ? slash + 1 : path, bytes + 1);
    atomic_store_explicit(&silent_count, count + 1, memory_order_release);
}

/* This library, in any version, or the other one of the two behind it. */
static bool is_hakmem(const char *soname) {
    static const char plain[] = "libhakmem.so";
    return strncmp(soname, plain, sizeof plain - 1) == 0 || strcmp(soname, "hakmem-debug.so") == 0;
}

/* Looks for the allocator in a module; one with a malloc and free that cannot tell its blocks is
 * noted as silent. The first one forgets what was found before, or ends the search if no module
 * came or went since. */
static int look_at(struct dl_phdr_info *info, size_t size, void *is_first) {
    (void)size;
    unsigned long long changes = info->dlpi_adds + info->dlpi_subs;
    struct hak_module module;
    if (*(bool *)is_first) {
        if (atomic_exchange(&searched_at, changes) == changes)
            return 1;
        for (unsigned i = 0; i < HAK_EXTERNAL_UNKNOWN; i++)
            atomic_store_explicit(&found[i].gives, NULL, memory_order_relaxed);
        atomic_store_explicit(&silent_count, 0, memory_order_relaxed);
        *(bool *)is_first = false;
    }
    hak_read_module(info, &module);
    const char *soname = module.soname ? module.soname : "";
    if (!module.symbols || !module.strings)
        return 0;
    if (!module.hash) { /* only the kernel's is known to have no malloc */
        if (strncmp(soname, "linux-vdso.so", sizeof "linux-vdso.so" - 1) != 0)
            note_silent_object(info->dlpi_name);
        return 0;
    }
    if (strcmp(soname, "libc.so.6") == 0)
        (void)add_family(&module, HAK_EXTERNAL_GLIBC);
    else if (!is_hakmem(soname) && !add_family(&module, HAK_EXTERNAL_MIMALLOC) &&
             !add_family(&module, HAK_EXTERNAL_TCMALLOC) && find_function(&module, "malloc") &&
             find_function(&module, "free"))
        note_silent_object(info->dlpi_name);
    return 0;
}

/* Looks through the loaded modules for other allocators; it does nothing where no module came or
 * went, or while another thread is at it. */
static void find_allocators(void) {
    bool is_first = true;
    if (atomic_exchange(&is_searching, true))
        return;
    (void)dl_iterate_phdr(look_at, &is_first);
    atomic_store(&is_searching, false);
}

/* Another thread was at it: modules are looked through anew. */
void hak_allocators_after_fork(void) {
    if (atomic_exchange(&is_searching, false))
        atomic_store(&searched_at, 0);
}

/* ---- asking ---------------------------------------------------------------------------------- */

/* The function that frees the owner's blocks; NULL: not found. */
static void (*give_of(enum hak_external_owner owner))(void *) {
    return owner < HAK_EXTERNAL_UNKNOWN
               ? atomic_load_explicit(&found[owner].gives, memory_order_acquire)
               : NULL;
}

/* Finds the allocator that owns a pointer; UNKNOWN: none does. glibc's is asked last, as blocks of
 * others may lie in the brk heap behind what looks like a head. errno stays. */
enum hak_external_owner hak_allocators_owner(const void *pointer) {
    int saved_errno = errno;
    enum hak_external_owner owner = HAK_EXTERNAL_UNKNOWN;
    find_allocators();
    for (unsigned i = HAK_EXTERNAL_MIMALLOC; i < HAK_EXTERNAL_UNKNOWN; i++)
        if (owner == HAK_EXTERNAL_UNKNOWN && give_of(i) && (found[i].owns(pointer) & 0xff) == OWNED)
            owner = i;
    if (owner == HAK_EXTERNAL_UNKNOWN && give_of(HAK_EXTERNAL_GLIBC) &&
        hak_address_kind_of(pointer) == HAK_ADDRESS_C_HEAP)
        owner = HAK_EXTERNAL_GLIBC;
    errno = saved_errno;
    return owner;
}

size_t hak_allocators_bytes(enum hak_external_owner owner, const void *pointer) {
    return give_of(owner) ? found[owner].sizes(pointer) : 0;
}

void hak_allocators_free(enum hak_external_owner owner, void *pointer) {
    void (*give)(void *) = give_of(owner);
    int saved_errno = errno;
    if (give)
        give(pointer);
    errno = saved_errno;
}

const char *hak_allocators_name(enum hak_external_owner owner) {
    return owner < HAK_EXTERNAL_UNKNOWN ? families[owner].name : "";
}

const char *hak_allocators_silent(unsigned index) {
    return index < atomic_load_explicit(&silent_count, memory_order_acquire) ? silent[index] : NULL;
}

bool hak_allocators_are_known(void) {
    return !atomic_load(&is_searching) && give_of(HAK_EXTERNAL_GLIBC) && !hak_allocators_silent(0);
}
