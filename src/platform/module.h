/* Reads a loaded module's description of itself: its segments, and its dynamic section.
 *
 * Thread and signal safety: any; nothing is allocated. The description stays as long as the module
 * is loaded: inside the callback of dl_iterate_phdr, the loader holds it. */
#ifndef HAK_PLATFORM_MODULE_H
#define HAK_PLATFORM_MODULE_H

#include <link.h>
#include "platform/platform.h"

struct hak_module {
    uintptr_t bias;                           /* is added to the file's addresses */
    uintptr_t start, end;                     /* all of it; end = 0: it has no segment */
    uintptr_t text_start, text_end;           /* executable segments; end = 0: none */
    uintptr_t read_only_start, read_only_end; /* after relocation (PT_GNU_RELRO), whole pages */
    size_t tls_bytes;                         /* of each thread */
    /* NULL where the module has none. */
    const ElfW(Sym) * symbols;
    const char *strings, *soname;
    const uint32_t *hash;                   /* DT_GNU_HASH */
    const uint16_t *versions;               /* of the symbols (DT_VERSYM) */
    const ElfW(Rela) * relocations, *calls; /* those with a symbol; those of the PLT */
    size_t relocation_count, call_count;
};

/* Reads where a module's segments, code and RELRO lie, how much TLS it has, and its dynamic
 * section. */
HAK_HIDDEN void hak_read_module(const struct dl_phdr_info *info, struct hak_module *module);

/* Reads a module's dynamic section alone; `bias` is set. */
HAK_HIDDEN void hak_read_dynamic(const ElfW(Dyn) * entry, struct hak_module *module);

static inline bool hak_module_holds(const struct hak_module *module, const void *p) {
    return (uintptr_t)p >= module->start && (uintptr_t)p < module->end;
}

/* The address that `module` defines by that name, in its default version; NULL: none. */
HAK_HIDDEN void *hak_symbol_in(const struct hak_module *module, const char *name);

#endif
