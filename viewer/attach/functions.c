/* The functions that a module of the program exports, by the symbols of its file. */
#include "viewer/attach/parts.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "base/growing.h"
#include "symbols/elf_file.h"

/* Functions whose callers may hold a lock that dlopen, the recorder or the allocator takes, or that
 * end the thread or the process; `*` = all that begin so. */
static const char *const denied[] = {
    "malloc",
    "calloc",
    "realloc",
    "free",
    "cfree",
    "memalign",
    "aligned_alloc",
    "posix_memalign",
    "valloc",
    "pvalloc",
    "reallocarray",
    "malloc_*",
    "mallinfo*",
    "mallopt",
    "mcheck*",
    "fork",
    "_Fork",
    "vfork",
    "clone", /* also where a thread that ends stands in libpthread, before glibc 2.34 */
    "posix_spawn*",
    "system",
    "popen",
    "daemon",
    "forkpty",
    "exit",
    "_exit",
    "quick_exit",
    "abort",
    "atexit",
    "on_exit",
    "cxa_*",
    "register_atfork",
    "pthread_atfork",
    "dl*",
    "libc_dl*",
    "_dl_*",
    "pthread_create",
    "pthread_exit",
    "pthread_cancel",
    "pthread_setattr_default_np",
    "thrd_create",
    "thrd_exit",
    "set*id",
    "initgroups",
    "setgroups",
    "libc_freeres",
    "nss_*",
    "gconv*",
    "iconv_open",
    "pthread_getattr_np",
};

/* True when the name fits the pattern, which may have one '*'. */
static bool matches(const char *name, const char *pattern) {
    const char *star = strchr(pattern, '*');
    if (!star)
        return strcmp(name, pattern) == 0;
    size_t before = (size_t)(star - pattern), after = strlen(star + 1), length = strlen(name);
    return length >= before + after && strncmp(name, pattern, before) == 0 &&
           strcmp(name + length - after, star + 1) == 0;
}

/* Whether a function of this name must not be interrupted. Compares by the name that users know,
 * too: __libc_malloc is malloc, __fork is fork. */
static bool is_denied_name(const char *name) {
    const char *plain = name;
    while (*plain == '_' && plain[1] == '_')
        plain++;
    plain += *plain == '_' && plain != name;
    if (strncmp(plain, "libc_", 5) == 0 && strncmp(plain, "libc_dl", 7) != 0)
        plain += 5;
    for (size_t i = 0; i < sizeof denied / sizeof *denied; i++)
        if (matches(plain, denied[i]) || matches(name, denied[i]))
            return true;
    return false;
}

/* ---- the file ---------------------------------------------------------------------------------
 */

/* Notes a function of the module, and whether it has a malloc. False without memory. */
static bool add_function(void *context, const char *name, const GElf_Sym *symbol) {
    struct module *m = context;
    int type = GELF_ST_TYPE(symbol->st_info);
    if (symbol->st_shndx == SHN_UNDEF || (type != STT_FUNC && type != STT_GNU_IFUNC))
        return true;
    if (strcmp(name, "malloc") == 0)
        m->has_malloc = true;
    if (!hak_growing_make_room(&m->function, m->functions, &m->capacity, sizeof *m->function))
        return false;
    m->function[m->functions++] =
        (struct function){.start = m->bias + symbol->st_value,
                          .end = m->bias + symbol->st_value + symbol->st_size,
                          .is_denied = is_denied_name(name)};
    return true;
}

/* The address of the module's first loaded segment, by its file, down to a whole page; 0: it has
 * none. */
static uint64_t first_address(Elf *elf) {
    size_t count = 0;
    GElf_Phdr segment;
    (void)elf_getphdrnum(elf, &count);
    for (size_t i = 0; i < count; i++)
        if (gelf_getphdr(elf, (int)i, &segment) && segment.p_type == PT_LOAD)
            return segment.p_vaddr & ~(uint64_t)4095;
    return 0;
}

bool module_read(struct module *m, const struct process *p, const char *path) {
    struct hak_elf_file file;
    *m = (struct module){0};
    for (uint32_t i = 0; i < p->mappings; i++) {
        if (strcmp(p->mapping[i].path, path) != 0)
            continue;
        m->start = m->start ? m->start : p->mapping[i].start;
        m->end = p->mapping[i].end;
    }
    /* The program may be another user's, and so the file. */
    if (!m->start || !hak_elf_open(&file, path, ELF_C_READ))
        return false;
    snprintf(m->path, sizeof m->path, "%s", path);
    m->bias = m->start - first_address(file.elf);
    hak_elf_each_symbol(file.elf, SHT_DYNSYM, add_function, m);
    hak_elf_close(&file);
    return true;
}

void module_close(struct module *m) {
    free(m->function);
    *m = (struct module){0};
}

struct wanted_symbol {
    const char *name;
    uint64_t value, bytes;
};

/* Takes the wanted symbol's value and size; false ends the search: it was found. */
static bool look_at_symbol(void *context, const char *name, const GElf_Sym *symbol) {
    struct wanted_symbol *wanted = context;
    if (symbol->st_shndx != SHN_UNDEF && strcmp(name, wanted->name) == 0) {
        wanted->value = symbol->st_value;
        wanted->bytes = symbol->st_size;
    }
    return !wanted->value;
}

bool module_find_function(const struct module *m, const char *name, struct function *out) {
    struct wanted_symbol wanted = {.name = name};
    struct hak_elf_file file;
    if (!hak_elf_open(&file, m->path, ELF_C_READ))
        return false;
    hak_elf_each_symbol(file.elf, SHT_DYNSYM, look_at_symbol, &wanted);
    hak_elf_close(&file);
    uint64_t start = m->bias + wanted.value;
    *out = (struct function){.start = start, .end = start + wanted.bytes};
    return wanted.value != 0;
}

uint64_t module_find(const struct module *m, const char *name) {
    struct function found;
    return module_find_function(m, name, &found) ? found.start : 0;
}

bool module_covers(const struct module *m, uint64_t address, bool *is_denied) {
    bool is_covered = false;
    *is_denied = false;
    for (uint32_t i = 0; i < m->functions; i++) {
        if (address < m->function[i].start || address >= m->function[i].end)
            continue;
        is_covered = true;
        *is_denied = *is_denied || m->function[i].is_denied;
    }
    return is_covered;
}
