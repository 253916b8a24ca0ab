/* The small symbol table that some distributions leave in stripped programs: section
 * .gnu_debugdata, an ELF file compressed by xz ("MiniDebugInfo"). */
#ifndef HAK_SYMBOLS_MINIMAL_SYMBOLS_H
#define HAK_SYMBOLS_MINIMAL_SYMBOLS_H

#include <libelf.h>

struct hak_minimal_symbols {
    Elf *elf; /* NULL = there are none */
    char *bytes;
};

/* Decompresses the section of `elf` (may be NULL); at most 256 MiB, so that a file cannot eat the
 * collector's memory. A broken or larger section gives no symbols. */
void hak_minimal_symbols_load(struct hak_minimal_symbols *minimal, Elf *elf);
void hak_minimal_symbols_free(struct hak_minimal_symbols *minimal);

#endif
