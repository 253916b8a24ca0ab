/* Reads ELF symbol tables. */
#include "symbols/symbol_table.h"

#include <stdlib.h>
#include "base/growing.h"
#include "base/sorted.h"
#include "symbols/elf_file.h"

/* A search of all entries is cheaper than to sort them, up to this number of searches: a report of
 * a fault needs few names from here. */
#define UNSORTED_LOOKUPS 64

/* Enters a function's or a label's symbol; others are skipped. True: go on. */
static bool add(void *context, const char *name, const GElf_Sym *symbol) {
    struct hak_symbol_table *t = context;
    int type = GELF_ST_TYPE(symbol->st_info), bind = GELF_ST_BIND(symbol->st_info);
    if ((type != STT_FUNC && type != STT_GNU_IFUNC && type != STT_NOTYPE) || !name[0] ||
        symbol->st_shndx == SHN_UNDEF || symbol->st_value == 0 ||
        (type == STT_NOTYPE && (bind == STB_LOCAL || symbol->st_shndx >= SHN_LORESERVE)) ||
        !hak_growing_make_room(&t->entries, t->count, &t->capacity, sizeof *t->entries))
        return true;
    t->entries[t->count++] = (struct hak_symbol_entry){.start = symbol->st_value,
                                                       .end = symbol->st_value + symbol->st_size,
                                                       .name = name,
                                                       .rank = (bind == STB_GLOBAL ? 0
                                                                : bind == STB_WEAK ? 1
                                                                                   : 2) +
                                                               (type == STT_NOTYPE ? 4 : 0)};
    return true;
}

/* By address, the better name first: global before weak before local, functions before labels. */
static int by_start(const void *left, const void *right) {
    const struct hak_symbol_entry *a = left, *b = right;
    if (a->start != b->start)
        return a->start < b->start ? -1 : 1;
    return a->rank - b->rank;
}

void hak_symbol_table_load(struct hak_symbol_table *table, Elf *const *files, size_t count) {
    for (size_t i = 0; i < count; i++)
        hak_elf_each_symbol(files[i], SHT_SYMTAB, add, table);
}

void hak_symbol_table_free(struct hak_symbol_table *table) {
    free(table->entries);
    *table = (struct hak_symbol_table){0};
}

/* Finds, as find_sorted does, the name of the symbol that begins last and holds the address, of
 * several names the better one; else of the nearest label within 4 KiB before it. "": none. */
static const char *find_unsorted(const struct hak_symbol_table *table, uint64_t address) {
    const struct hak_symbol_entry *best = NULL, *label = NULL;
    for (size_t i = 0; i < table->count; i++) {
        const struct hak_symbol_entry *e = &table->entries[i];
        if (e->start > address)
            continue;
        if (e->end == e->start && address - e->start < 4096 && (!label || by_start(label, e) < 0))
            label = e;
        if (address < e->end &&
            (!best || e->start > best->start || (e->start == best->start && e->rank < best->rank)))
            best = e;
    }
    return best ? best->name : label ? label->name : "";
}

/* The name of the nearest function that holds the address, else of a label within 4 KiB before it;
 * "": none. */
static const char *find_sorted(const struct hak_symbol_table *table, uint64_t address) {
    size_t low = HAK_FIRST_ABOVE(table->entries, table->count, start, address);
    /* Functions may lie inside others' ranges (cold parts), labels inside functions: the nearest
     * function that holds the address, else the nearest label. */
    const char *label = "";
    for (int looked = 0; low > 0 && looked < 32; looked++, low--) {
        const struct hak_symbol_entry *e = &table->entries[low - 1];
        if (e->end == e->start && !label[0] && address - e->start < 4096)
            label = e->name;
        if (address >= e->end)
            continue;
        for (; low > 1 && e[-1].start == e->start && e[-1].end >= e->end; low--)
            e--; /* the better of several names */
        return e->name;
    }
    return label;
}

const char *hak_symbol_table_find(struct hak_symbol_table *table, uint64_t address) {
    if (!table->is_sorted && table->lookups++ < UNSORTED_LOOKUPS)
        return find_unsorted(table, address);
    if (!table->is_sorted && table->count)
        qsort(table->entries, table->count, sizeof *table->entries, by_start);
    table->is_sorted = true;
    return find_sorted(table, address);
}
