/* The symbol table of an ELF file: finds the function of an address when nothing more is known. */
#ifndef HAK_SYMBOLS_SYMBOL_TABLE_H
#define HAK_SYMBOLS_SYMBOL_TABLE_H

#include <libelf.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct hak_symbol_entry {
    uint64_t start, end;
    const char *name; /* in the file */
    int rank;         /* better names first: global, weak, local */
};

struct hak_symbol_table {
    struct hak_symbol_entry *entries;
    uint32_t count, capacity;
    unsigned lookups;
    bool is_sorted; /* by start */
};

/* Reads .symtab and .dynsym of `count` files (each may be NULL, and must stay open). */
void hak_symbol_table_load(struct hak_symbol_table *table, Elf *const *files, size_t count);
void hak_symbol_table_free(struct hak_symbol_table *table);

/* The function that holds `address`, "" = none. For one thread at a time. */
const char *hak_symbol_table_find(struct hak_symbol_table *table, uint64_t address);

#endif
