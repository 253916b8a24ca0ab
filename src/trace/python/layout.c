/* Finds CPython's functions by the hash tables of the modules, and what its version looks like. */
#include "trace/python/layout.h"

#include <link.h>
#include "platform/module.h"

/* From the headers of each version; a release does not change them within its minor number. */
static const struct hak_python_layout layouts[] = {
    {.minor = 11,
     .has_control_frame = 1,
     .has_entry_mark = 1,
     .thread_frame = 56,
     .control_frame = 8,
     .code = 32,
     .previous = 48,
     .instruction = 56,
     .mark = 68,
     .first_line = 72,
     .file = 112,
     .name = 128,
     .lines = 136,
     .instructions = 184,
     .text_bytes = 48,
     .wide_bytes = 72},
    {.minor = 12,
     .has_control_frame = 1,
     .thread_frame = 56,
     .control_frame = 0,
     .code = 0,
     .previous = 8,
     .instruction = 56,
     .mark = 70,
     .first_line = 68,
     .file = 112,
     .name = 128,
     .lines = 136,
     .instructions = 192,
     .version = 92,
     .text_bytes = 40,
     .wide_bytes = 56},
    {.minor = 13,
     .thread_frame = 72,
     .code = 0,
     .previous = 8,
     .instruction = 56,
     .mark = 70,
     .first_line = 68,
     .file = 112,
     .name = 128,
     .lines = 136,
     .instructions = 200,
     .version = 92,
     .text_bytes = 40,
     .wide_bytes = 56},
    {.minor = 14,
     .thread_frame = 72,
     .code = 0,
     .previous = 8,
     .instruction = 56,
     .mark = 74,
     .first_line = 68,
     .file = 112,
     .name = 128,
     .lines = 136,
     .instructions = 208,
     .version = 92,
     .text_bytes = 40,
     .wide_bytes = 56},
};

enum { VERSION, THIS_THREAD, CODE_TYPE, TEXT_TYPE, BYTES_TYPE, EVALUATE, NAMES };
static const char *const names[NAMES] = {"Py_Version",   "PyGILState_GetThisThreadState",
                                         "PyCode_Type",  "PyUnicode_Type",
                                         "PyBytes_Type", "_PyEval_EvalFrameDefault"};

struct search {
    uintptr_t found[NAMES], bytes[NAMES];
};

static bool is_equal(const char *a, const char *b) {
    while (*a && *a == *b)
        a++, b++;
    return *a == *b;
}

/* The hash of the name in GNU's hash tables (djb2). */
static uint32_t hash_of(const char *name) {
    uint32_t h = 5381;
    for (; *name; name++)
        h = h * 33 + (uint8_t)*name;
    return h;
}

/* A symbol that the module defines, by DT_GNU_HASH: a filter of words, then buckets, then chains.
 * NULL: it defines none. */
static const ElfW(Sym) * find_symbol(const struct hak_module *module, const char *name) {
    const uint32_t *head = module->hash;
    uint32_t hash = hash_of(name), buckets = head[0], first = head[1], words = head[2];
    const uint64_t *filter = (const uint64_t *)(head + 4);
    const uint32_t *bucket = (const uint32_t *)(filter + words), *chain = bucket + buckets;
    if (buckets == 0 || words == 0)
        return NULL;
    uint64_t word = filter[hash / 64 % words];
    if (!(word >> hash % 64 & word >> (hash >> head[3]) % 64 & 1))
        return NULL;
    uint32_t i = bucket[hash % buckets];
    for (bool is_last = i < first; !is_last; i++) {
        is_last = chain[i - first] & 1;
        const ElfW(Sym) *symbol = &module->symbols[i];
        if ((chain[i - first] | 1) == (hash | 1) && symbol->st_shndx != SHN_UNDEF &&
            is_equal(module->strings + symbol->st_name, name))
            return symbol;
    }
    return NULL;
}

/* Looks for the names in one loaded module; all modules are searched, the first definition of a
 * name counts. */
static int search_module(struct dl_phdr_info *info, size_t bytes, void *to) {
    struct search *search = to;
    struct hak_module module;
    (void)bytes;
    hak_read_module(info, &module);
    if (!module.hash || !module.symbols || !module.strings)
        return 0;
    for (int i = 0; i < NAMES; i++) {
        const ElfW(Sym) *symbol = search->found[i] ? NULL : find_symbol(&module, names[i]);
        if (symbol) {
            search->found[i] = module.bias + symbol->st_value;
            search->bytes[i] = symbol->st_size;
        }
    }
    return 0;
}

enum hak_python_there hak_python_find(struct hak_python *python) {
    struct search search = {{0}, {0}};
    *python = (struct hak_python){0};
    dl_iterate_phdr(search_module, &search);
    if (!search.found[EVALUATE])
        return HAK_PYTHON_NONE;
    for (int i = 0; i < NAMES; i++)
        if (!search.found[i])
            return HAK_PYTHON_OTHER_VERSION;
    uint64_t version = *(const volatile unsigned long *)search.found[VERSION];
    for (size_t i = 0; i < sizeof layouts / sizeof *layouts; i++)
        if (version >> 24 == 3 && (version >> 16 & 255) == layouts[i].minor)
            python->layout = &layouts[i];
    python->this_thread = (void *(*)(void))search.found[THIS_THREAD];
    python->code_type = search.found[CODE_TYPE];
    python->text_type = search.found[TEXT_TYPE];
    python->bytes_type = search.found[BYTES_TYPE];
    python->evaluate = search.found[EVALUATE];
    python->evaluate_bytes = search.bytes[EVALUATE];
    return python->layout ? HAK_PYTHON_KNOWN : HAK_PYTHON_OTHER_VERSION;
}
