/* Finds and changes the words through which modules call functions of others. */
#include "entry/attach/imports.h"

#include <elf.h>
#include <link.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include "platform/raw_call.h"
#include "platform/objects.h"

enum { PAGE_BYTES = 4096 };

/* ---- a module -------------------------------------------------------------------------------- */

struct module {
    uintptr_t bias, start, end;         /* all of its segments */
    uintptr_t read_only, read_only_end; /* pages that ld.so closed after it had filled them in */
    const Elf64_Phdr *segment;
    unsigned segments;
    const Elf64_Sym *symbols;
    const char *strings;
    const uint32_t *hash; /* DT_GNU_HASH; NULL = none */
    const Elf64_Rela *table[2];
    size_t entries[2]; /* of both */
};

/* Finds the module's range, its part that is read-only after relocation, and returns its dynamic
 * section or NULL. */
static const Elf64_Dyn *find_segments(struct module *m) {
    const Elf64_Dyn *dynamic = NULL;
    m->start = UINTPTR_MAX;
    for (unsigned i = 0; i < m->segments; i++) {
        const Elf64_Phdr *segment = &m->segment[i];
        uintptr_t from = m->bias + segment->p_vaddr, to = from + segment->p_memsz;
        if (segment->p_type == PT_DYNAMIC)
            dynamic = (const Elf64_Dyn *)from;
        if (segment->p_type == PT_GNU_RELRO) { /* as ld.so rounds it */
            m->read_only = from & -(uintptr_t)PAGE_BYTES;
            m->read_only_end = to & -(uintptr_t)PAGE_BYTES;
        }
        if (segment->p_type != PT_LOAD)
            continue;
        m->start = from < m->start ? from : m->start;
        m->end = to > m->end ? to : m->end;
    }
    return dynamic;
}

/* ld.so has added the bias to the pointers of most modules, and not to the vdso's. */
static uintptr_t pointer_of(const struct module *m, uintptr_t value) {
    return value >= m->start && value < m->end ? value : m->bias + value;
}

/* Finds the module's symbols, strings, hash table and relocations. */
static void read_dynamic(struct module *m, const Elf64_Dyn *dynamic) {
    for (; dynamic->d_tag != DT_NULL; dynamic++) {
        uintptr_t at = pointer_of(m, dynamic->d_un.d_ptr);
        switch (dynamic->d_tag) {
        case DT_SYMTAB:
            m->symbols = (const Elf64_Sym *)at;
            break;
        case DT_STRTAB:
            m->strings = (const char *)at;
            break;
        case DT_GNU_HASH:
            m->hash = (const uint32_t *)at;
            break;
        case DT_RELA:
            m->table[0] = (const Elf64_Rela *)at;
            break;
        case DT_RELASZ:
            m->entries[0] = dynamic->d_un.d_val / sizeof(Elf64_Rela);
            break;
        case DT_JMPREL:
            m->table[1] = (const Elf64_Rela *)at;
            break;
        case DT_PLTRELSZ:
            m->entries[1] = dynamic->d_un.d_val / sizeof(Elf64_Rela);
            break;
        default:
            break;
        }
    }
}

/* Reads where a module's imports are. False: one that ld.so still prepares or takes away, or one
 * with none. A module found as an object is relocated, where ld.so itself answers
 * (platform/objects.h). */
static bool read_module(struct module *m, const struct dl_phdr_info *info) {
    struct hak_object object;
    *m = (struct module){
        .bias = info->dlpi_addr, .segment = info->dlpi_phdr, .segments = info->dlpi_phnum};
    const Elf64_Dyn *dynamic = find_segments(m);
    if (!dynamic || m->start >= m->end || !hak_object_find((uintptr_t)dynamic, &object))
        return false;
    read_dynamic(m, dynamic);
    return m->symbols && m->strings;
}

/* ---- which names are defined once ------------------------------------------------------------ */

/* The hash of the name in GNU's hash tables (djb2). */
static uint32_t hash_of(const char *name) {
    uint32_t hash = 5381;
    for (; *name; name++)
        hash = hash * 33 + (unsigned char)*name;
    return hash;
}

/* The address that `name` has in the module, 0 = it defines none. (The GNU hash section: a filter,
 * buckets, and chains that end with an odd hash.) */
static uintptr_t find_defined(const struct module *m, const char *name) {
    if (!m->hash)
        return 0;
    uint32_t buckets = m->hash[0], first = m->hash[1], filter_words = m->hash[2];
    const uint32_t *bucket = m->hash + 4 + 2 * (size_t)filter_words;
    const uint32_t *chain = bucket + buckets;
    uint32_t hash = hash_of(name), i = buckets ? bucket[hash % buckets] : 0;
    if (i < first)
        return 0;
    for (;; i++) {
        const Elf64_Sym *symbol = &m->symbols[i];
        if ((chain[i - first] | 1) == (hash | 1) && symbol->st_shndx != SHN_UNDEF &&
            strcmp(m->strings + symbol->st_name, name) == 0)
            return m->bias + symbol->st_value;
        if (chain[i - first] & 1)
            return 0;
    }
}

struct looking {
    struct hak_import *imports;
    unsigned count;
};

/* Marks the imports that this module defines, too, at another address: their symbol has two
 * definitions. */
static int look_at_module(struct dl_phdr_info *info, size_t size, void *context) {
    struct looking *looking = context;
    struct module m;
    (void)size;
    if (!read_module(&m, info))
        return 0;
    for (unsigned i = 0; i < looking->count; i++) {
        uintptr_t defined = find_defined(&m, looking->imports[i].name);
        if (defined && defined != looking->imports[i].next)
            looking->imports[i].is_sole = false;
    }
    return 0;
}

struct search {
    const char *name;
    uintptr_t found;
};

/* Looks up the name in one module. 1 ends the search: it is defined here. */
static int search_module(struct dl_phdr_info *info, size_t size, void *context) {
    struct search *search = context;
    struct module m;
    (void)size;
    search->found = read_module(&m, info) ? find_defined(&m, search->name) : 0;
    return search->found != 0;
}

uintptr_t hak_imports_find(const char *name) {
    struct search search = {.name = name};
    dl_iterate_phdr(search_module, &search);
    return search.found;
}

void hak_imports_look(struct hak_import *imports, unsigned count) {
    struct looking looking = {imports, count};
    for (unsigned i = 0; i < count; i++)
        imports[i].is_sole = true;
    dl_iterate_phdr(look_at_module, &looking);
}

/* ---- the words ------------------------------------------------------------------------------- */

struct change {
    const struct hak_import *imports;
    unsigned count;
    bool back;
    uintptr_t loader; /* ld.so's bias */
    struct hak_imports_found found;
};

/* The segment that `address` lies in, if the module may write there at some time; NULL: it may
 * not. */
static const Elf64_Phdr *writable_segment(const struct module *m, uintptr_t address) {
    for (unsigned i = 0; i < m->segments; i++) {
        const Elf64_Phdr *segment = &m->segment[i];
        if (segment->p_type == PT_LOAD && (segment->p_flags & PF_W) &&
            address - m->bias - segment->p_vaddr < segment->p_memsz)
            return segment;
    }
    return NULL;
}

static bool protect(uintptr_t address, int protection) {
    return hak_raw_call(SYS_mprotect, address & -(uintptr_t)PAGE_BYTES, PAGE_BYTES, protection) ==
           0;
}

/* Puts `wanted` there, unless ld.so is faster with a look-up of its own; counts it as changed, or
 * as closed if it cannot be written. A page that can be written is not closed: before glibc 2.35
 * the module may be one that another thread's dlopen relocates. */
static void write_word(struct change *change, const struct module *m, uintptr_t address,
                       uintptr_t seen, uintptr_t wanted) {
    const Elf64_Phdr *segment = writable_segment(m, address);
    int more = segment && (segment->p_flags & PF_X) ? PROT_EXEC : 0;
    bool is_closed =
        address - m->read_only < m->read_only_end - m->read_only && !hak_raw_writable(address);
    if (!segment || !protect(address, PROT_READ | PROT_WRITE | more)) {
        change->found.closed++;
        return;
    }
    _Atomic uintptr_t *word = (_Atomic uintptr_t *)address; /* NOLINT(performance-no-int-to-ptr) */
    if (atomic_compare_exchange_strong(word, &seen, wanted))
        change->found.changed++;
    if (is_closed)
        (void)protect(address, PROT_READ | more);
}

/* The new value of a word of this import that holds `seen`; 0 = it stays. */
static uintptr_t wanted_for(const struct change *change, const struct module *m,
                            const struct hak_import *import, uintptr_t seen, bool is_jump) {
    if (!import->next)
        return 0;
    if (seen == import->ours)
        return change->back ? import->next : 0;
    if (change->back)
        return 0;
    bool is_unbound = is_jump && import->is_sole && seen >= m->start && seen < m->end &&
                      import->next - m->start >= m->end - m->start;
    return seen == import->next || is_unbound ? import->ours : 0;
}

/* Changes the word of a relocation if it is one of our imports and holds what it should. */
static void change_word(struct change *change, const struct module *m, const Elf64_Rela *entry) {
    unsigned type = ELF64_R_TYPE(entry->r_info);
    bool is_jump = type == HAK_ELF_JUMP_SLOT;
    uintptr_t address = m->bias + entry->r_offset;
    if ((!is_jump && type != HAK_ELF_GLOB_DAT && type != HAK_ELF_ABSOLUTE) ||
        entry->r_addend != 0 || address % sizeof(uintptr_t) != 0)
        return;
    const char *name = m->strings + m->symbols[ELF64_R_SYM(entry->r_info)].st_name;
    for (unsigned i = 0; i < change->count; i++) {
        const struct hak_import *import = &change->imports[i];
        if (strcmp(name, import->name) != 0)
            continue;
        uintptr_t seen = *(const volatile uintptr_t *)address;
        uintptr_t wanted = wanted_for(change, m, import, seen, is_jump);
        if (wanted)
            write_word(change, m, address, seen, wanted);
        return;
    }
}

/* Changes the module's words that hold imports, and counts the module; ld.so's own are left. */
static int change_module(struct dl_phdr_info *info, size_t size, void *context) {
    struct change *change = context;
    struct module m;
    (void)size;
    if (info->dlpi_addr == change->loader || !read_module(&m, info))
        return 0;
    change->found.modules++;
    for (unsigned t = 0; t < 2; t++)
        for (size_t i = 0; m.table[t] && i < m.entries[t]; i++)
            change_word(change, &m, &m.table[t][i]);
    return 0;
}

struct hak_imports_found hak_imports_change(const struct hak_import *imports, unsigned count,
                                            bool back) {
    struct change change = {
        .imports = imports, .count = count, .back = back, .loader = getauxval(AT_BASE)};
    dl_iterate_phdr(change_module, &change);
    return change.found;
}
