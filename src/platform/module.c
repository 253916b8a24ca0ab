/* Reads the program headers and the dynamic section of a loaded module, and looks names up in it.
 */
#include "platform/module.h"

#include <string.h>

/* Widens the module's range by a loaded segment, and its text by an executable one. */
static void read_segment(const ElfW(Phdr) * segment, struct hak_module *module) {
    uintptr_t from = module->bias + segment->p_vaddr, to = from + segment->p_memsz;
    module->start = from < module->start ? from : module->start;
    module->end = to > module->end ? to : module->end;
    if (!(segment->p_flags & PF_X))
        return;
    module->text_start = from < module->text_start ? from : module->text_start;
    module->text_end = to > module->text_end ? to : module->text_end;
}

/* ld.so has made addresses of what it relocates in the dynamic section; in the vdso it has not. */
static const void *pointer_of(const struct hak_module *module, const ElfW(Dyn) * entry) {
    uintptr_t at = entry->d_un.d_ptr;
    return (const void *)(at < module->bias ? at + module->bias : at);
}

void hak_read_dynamic(const ElfW(Dyn) * entry, struct hak_module *module) {
    size_t without_symbol = 0, soname = 0;
    for (; entry->d_tag != DT_NULL; entry++) {
        switch (entry->d_tag) {
        case DT_SYMTAB:
            module->symbols = pointer_of(module, entry);
            break;
        case DT_STRTAB:
            module->strings = pointer_of(module, entry);
            break;
        case DT_SONAME:
            soname = entry->d_un.d_val;
            break;
        case DT_GNU_HASH:
            module->hash = pointer_of(module, entry);
            break;
        case DT_VERSYM:
            module->versions = pointer_of(module, entry);
            break;
        case DT_RELA:
            module->relocations = pointer_of(module, entry);
            break;
        case DT_RELASZ:
            module->relocation_count = entry->d_un.d_val / sizeof(ElfW(Rela));
            break;
        case DT_RELACOUNT: /* the first ones */
            without_symbol = entry->d_un.d_val;
            break;
        case DT_JMPREL:
            module->calls = pointer_of(module, entry);
            break;
        case DT_PLTRELSZ:
            module->call_count = entry->d_un.d_val / sizeof(ElfW(Rela));
            break;
        default:
            break;
        }
    }
    if (module->strings && soname)
        module->soname = module->strings + soname;
    if (module->relocations && without_symbol <= module->relocation_count) {
        module->relocations += without_symbol;
        module->relocation_count -= without_symbol;
    }
}

void hak_read_module(const struct dl_phdr_info *info, struct hak_module *module) {
    const ElfW(Dyn) *dynamic = NULL;
    *module = (struct hak_module){
        .bias = info->dlpi_addr, .start = UINTPTR_MAX, .text_start = UINTPTR_MAX};
    for (unsigned i = 0; i < info->dlpi_phnum; i++) {
        const ElfW(Phdr) *segment = &info->dlpi_phdr[i];
        uintptr_t from = info->dlpi_addr + segment->p_vaddr;
        if (segment->p_type == PT_LOAD)
            read_segment(segment, module);
        else if (segment->p_type == PT_DYNAMIC)
            dynamic = (const void *)from;
        else if (segment->p_type == PT_TLS)
            module->tls_bytes = segment->p_memsz;
        else if (segment->p_type == PT_GNU_RELRO) {
            module->read_only_start = from & ~(uintptr_t)(HAK_PAGE_BYTES - 1);
            module->read_only_end = (from + segment->p_memsz) & ~(uintptr_t)(HAK_PAGE_BYTES - 1);
        }
    }
    if (dynamic)
        hak_read_dynamic(dynamic, module);
}

/* ---- names ------------------------------------------------------------------------------------
 */

enum { VERSION_HIDDEN = 0x8000 };

static uint32_t hash_of(const char *name) {
    uint32_t hash = 5381;
    for (; *name; name++)
        hash = hash * 33 + (unsigned char)*name;
    return hash;
}

/* The symbol's address; of an IFUNC, its resolver is called and its choice returned. */
static void *value_of(const struct hak_module *module, const ElfW(Sym) * symbol) {
    void *value = (void *)(module->bias + symbol->st_value);
    if (ELF64_ST_TYPE(symbol->st_info) == STT_GNU_IFUNC) {
        void *(*choose)(void) = (void *(*)(void))value;
        return choose();
    }
    return value;
}

/* Whether two texts are equal; by hand, as what stands in symbols.c: strcmp may be a sanitizer's,
 * before its start. */
static bool is_same(const char *left, const char *right) {
    while (*left && *left == *right)
        left++, right++;
    return *left == *right;
}

/* Finds the address of a symbol that the module defines in its default version; NULL: it has none.
 * It is no variable of a thread. Goes by the GNU hash section: a filter, buckets, and chains that
 * end with an odd hash. */
void *hak_symbol_in(const struct hak_module *module, const char *name) {
    if (!module->hash || !module->symbols || !module->strings)
        return NULL;
    uint32_t buckets = module->hash[0], first = module->hash[1], filter_words = module->hash[2];
    const uint32_t *bucket = module->hash + 4 + 2 * (size_t)filter_words;
    const uint32_t *chain = bucket + buckets;
    uint32_t hash = hash_of(name), i = buckets ? bucket[hash % buckets] : 0;
    if (i < first || i == 0)
        return NULL;
    for (;; i++) {
        const ElfW(Sym) *symbol = &module->symbols[i];
        bool is_default = !module->versions || !(module->versions[i] & VERSION_HIDDEN);
        unsigned type = ELF64_ST_TYPE(symbol->st_info);
        if ((chain[i - first] | 1) == (hash | 1) && symbol->st_shndx != SHN_UNDEF && is_default &&
            type != STT_TLS && is_same(module->strings + symbol->st_name, name))
            return value_of(module, symbol);
        if (chain[i - first] & 1)
            return NULL;
    }
}
