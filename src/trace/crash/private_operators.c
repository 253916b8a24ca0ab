/* Looks into a module's file for operators new and delete of its own. */
#include "trace/crash/private_operators.h"

#include <elf.h>
#include <link.h>
#include "platform/platform.h"
#include "platform/raw_call.h"
#include "platform/objects.h"

enum {
    REMEMBERED = 256,
    WINDOW = 4096,            /* bytes read at once */
    OPERATOR_NAME_BYTES = 20, /* longest name that is looked for, and its end */
    SAME_NAMES = 8,           /* places of one name in a string table */
    SECTIONS_MAX = 4096,
};

enum question { IS_IN_NEW = 1, HAS_DELETE, IS_CLOSED };

/* A module's file, and what it has of symbols. */
struct module_file {
    long file;
    Elf64_Ehdr header;
    Elf64_Shdr symbols, names;               /* .symtab; sh_type 0 = stripped */
    Elf64_Shdr dynamic_symbols, other_names; /* .dynsym */
    Elf64_Shdr constants;                    /* .rodata */
};

static union {
    char bytes[WINDOW];
    Elf64_Sym symbols[WINDOW / sizeof(Elf64_Sym)];
} window; /* of the thread that reports */

static bool read_at(long file, uint64_t at, void *to, size_t bytes) {
    return hak_raw_call(SYS_pread64, file, to, bytes, at) == (long)bytes;
}

static size_t smaller(uint64_t a, size_t b) {
    return a < b ? (size_t)a : b;
}

static bool same_bytes(const char *a, const char *b, size_t bytes) {
    for (size_t i = 0; i < bytes; i++)
        if (a[i] != b[i])
            return false;
    return true;
}

static bool find_tables(struct module_file *m) {
    static const char constants[] = ".rodata";
    Elf64_Shdr names, section;
    uint64_t at = m->header.e_shoff;
    unsigned count = m->header.e_shnum < SECTIONS_MAX ? m->header.e_shnum : SECTIONS_MAX;
    if (m->header.e_shentsize != sizeof section ||
        !read_at(m->file, at + m->header.e_shstrndx * sizeof names, &names, sizeof names))
        return false;
    for (unsigned i = 0; i < count; i++) {
        char name[sizeof constants];
        if (!read_at(m->file, at + i * sizeof section, &section, sizeof section))
            return false;
        bool is_full = section.sh_type == SHT_SYMTAB;
        if ((is_full || section.sh_type == SHT_DYNSYM) && section.sh_link < count) {
            *(is_full ? &m->symbols : &m->dynamic_symbols) = section;
            if (!read_at(m->file, at + section.sh_link * sizeof section,
                         is_full ? &m->names : &m->other_names, sizeof section))
                return false;
        } else if (read_at(m->file, names.sh_offset + section.sh_name, name, sizeof name) &&
                   same_bytes(name, constants, sizeof constants)) {
            m->constants = section;
        }
    }
    return m->dynamic_symbols.sh_type != SHT_NULL;
}

/* False when it cannot be read, or is not what was loaded. The caller closes `file` (negative = it
 * is not open). */
static bool open_module(struct module_file *m, const struct hak_object *object) {
    const char *path = object->name;
    *m = (struct module_file){.file = hak_open(path && path[0] ? path : "/proc/self/exe")};
    return m->file >= 0 && read_at(m->file, 0, &m->header, sizeof m->header) &&
           same_bytes((const char *)&m->header, (const char *)object->start, sizeof m->header) &&
           same_bytes((const char *)m->header.e_ident, ELFMAG, SELFMAG) && find_tables(m);
}

/* Where `name`, of `bytes` with its end or without, lies in a string table: offsets, also of ends
 * of longer names. */
static unsigned find_name(long file, const Elf64_Shdr *table, const char *name, size_t bytes,
                          uint32_t offsets[SAME_NAMES]) {
    unsigned found = 0;
    for (uint64_t at = 0; at < table->sh_size && found < SAME_NAMES;
         at += WINDOW - OPERATOR_NAME_BYTES) {
        size_t have = smaller(table->sh_size - at, WINDOW);
        if (!read_at(file, table->sh_offset + at, window.bytes, have))
            break;
        /* A name that begins in the last NAME_BYTES comes with the next window, too. */
        size_t end = have < WINDOW ? have : WINDOW - OPERATOR_NAME_BYTES;
        for (size_t i = 0; i < end && i + bytes <= have && found < SAME_NAMES; i++)
            if (window.bytes[i] == name[0] && same_bytes(window.bytes + i, name, bytes))
                offsets[found++] = (uint32_t)(at + i);
    }
    return found;
}

/* Calls `is_it` with each symbol of `table` until one is. */
static bool any_symbol(long file, const Elf64_Shdr *table, const void *context,
                       bool (*is_it)(const Elf64_Sym *, const void *)) {
    for (uint64_t at = 0; at < table->sh_size; at += sizeof window.symbols) {
        size_t have = smaller(table->sh_size - at, sizeof window.symbols);
        if (!read_at(file, table->sh_offset + at, window.symbols, have))
            return false;
        for (size_t i = 0; i < have / sizeof(Elf64_Sym); i++)
            if (is_it(&window.symbols[i], context))
                return true;
    }
    return false;
}

struct covering {
    const struct module_file *module;
    uint64_t address; /* in the file's own terms */
};

static bool is_new_at(const Elf64_Sym *symbol, const void *context) {
    const struct covering *c = context;
    char name[4];
    return ELF64_ST_TYPE(symbol->st_info) == STT_FUNC && symbol->st_shndx != SHN_UNDEF &&
           c->address - symbol->st_value < symbol->st_size &&
           read_at(c->module->file, c->module->names.sh_offset + symbol->st_name, name,
                   sizeof name) &&
           (same_bytes(name, "_Znw", sizeof name) || same_bytes(name, "_Zna", sizeof name));
}

struct named {
    uint32_t offsets[SAME_NAMES];
    unsigned count;
};

static bool is_defined(const Elf64_Sym *symbol, const void *context) {
    const struct named *n = context;
    for (unsigned i = 0; i < n->count; i++)
        if (symbol->st_name == n->offsets[i])
            return symbol->st_shndx != SHN_UNDEF;
    return false;
}

static bool has_delete(const struct module_file *m) {
    static const char name[] = "_ZdlPv";
    struct named named;
    named.count = find_name(m->file, &m->names, name, sizeof name, named.offsets);
    return named.count > 0 && any_symbol(m->file, &m->symbols, &named, is_defined);
}

/* A stripped module that neither takes operators from others nor gives them, and has the name of
 * what operator new throws: it has its own. */
static bool is_closed(const struct module_file *m) {
    static const char *const operators[] = {"_Znw", "_Zna", "_Zdl", "_Zda"};
    static const char thrown[] = "St9bad_alloc";
    uint32_t offsets[SAME_NAMES];
    for (unsigned i = 0; i < sizeof operators / sizeof *operators; i++)
        if (find_name(m->file, &m->other_names, operators[i], 4, offsets) > 0)
            return false;
    return find_name(m->file, &m->constants, thrown, sizeof thrown, offsets) > 0;
}

/* Answers by place and module, so that another module at an old one's place is looked at. */
static struct remembered {
    uintptr_t place;
    const void *module;
    uint8_t question;
    bool answer;
} remembered[REMEMBERED];

static struct remembered *recall(enum question question, uintptr_t place, const void *module,
                                 bool *is_known) {
    uint64_t hash = (place + (uintptr_t)question) * 0x9e3779b97f4a7c15u;
    struct remembered *r = &remembered[hash % REMEMBERED];
    *is_known = r->place == place && r->module == module && r->question == question;
    if (!*is_known)
        *r = (struct remembered){.place = place, .module = module, .question = (uint8_t)question};
    return r;
}

/* Asks once what is the same for the whole module. */
static bool ask_module(enum question question, const struct module_file *m,
                       const struct hak_object *object) {
    bool is_known;
    struct remembered *r = recall(question, object->start, object->module, &is_known);
    if (!is_known)
        r->answer = question == IS_CLOSED ? is_closed(m) : has_delete(m);
    return r->answer;
}

static bool read_module(enum question question, uintptr_t ip, const struct hak_object *object) {
    struct module_file m;
    bool answer = false;
    if (open_module(&m, object)) {
        struct covering c = {&m, ip - 1 - object->bias};
        if (m.symbols.sh_type == SHT_NULL)
            answer = ask_module(IS_CLOSED, &m, object);
        else if (question == HAS_DELETE)
            answer = ask_module(HAS_DELETE, &m, object);
        else
            answer = any_symbol(m.file, &m.symbols, &c, is_new_at);
    }
    if (m.file >= 0)
        hak_close(m.file);
    return answer;
}

static bool ask(enum question question, uintptr_t ip) {
    struct hak_object object;
    bool is_known;
    if (!ip || !hak_object_find(ip - 1, &object) || !object.module)
        return false;
    struct remembered *r = recall(question, ip, object.module, &is_known);
    if (is_known)
        return r->answer;
    bool answer = read_module(question, ip, &object);
    recall(question, ip, object.module, &is_known)->answer = answer;
    return answer;
}

bool hak_is_in_private_new(uintptr_t ip) {
    return ask(IS_IN_NEW, ip);
}

bool hak_has_private_delete(uintptr_t ip) {
    return ask(HAS_DELETE, ip);
}
