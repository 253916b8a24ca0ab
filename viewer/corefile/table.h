/* The tables of hakmem's structures in a core (layout.h), and reading by them.
 *
 *   mapped files --program headers--> .note.hakmem --> struct core_table, one for each half
 *   core_at(table, struct's address, HAK_AT_superslab_owner) --> the field, as a number
 *
 * A table is data from outside; one that lacks a name, or has numbers that make no sense, is
 * refused. For one thread. */
#ifndef HAK_VIEWER_COREFILE_TABLE_H
#define HAK_VIEWER_COREFILE_TABLE_H

#include "layout.h"
#include "viewer/corefile/memory.h"

enum {
    CORE_TABLES_MAX = 4,
    CORE_PARTS_MAX = 256, /* program headers of a module that are read */
};

struct core_table {
    struct core_memory *core;
    const struct core_file *file; /* the module that it is of */
    uint32_t half;                /* enum hak_layout_half */
    char built[33];
    uint32_t offset[HAK_LAYOUT_IDS]; /* of a field; else the number itself */
    uint32_t bytes[HAK_LAYOUT_IDS];
    uint64_t root[HAK_LAYOUT_ROOT_COUNT];
};

struct core_tables {
    struct core_table table[CORE_TABLES_MAX];
    int count;
};

/* Finds hakmem's tables in all modules. False: `error` says that there is none, or why it does not
 * fit. */
bool core_tables_find(struct core_memory *core, struct core_tables *tables, struct hak_text *error);

/* A number of the table. */
static inline uint64_t core_value(const struct core_table *t, enum hak_layout_id id) {
    return t->offset[id];
}
/* The address of the field `id` of the struct at `address`, and its value; 0 where it is missing.
 */
static inline uint64_t core_place(const struct core_table *t, uint64_t address,
                                  enum hak_layout_id id) {
    return address + t->offset[id];
}
static inline uint64_t core_at(const struct core_table *t, uint64_t address,
                               enum hak_layout_id id) {
    return core_number(t->core, core_place(t, address, id), t->bytes[id]);
}

#endif
