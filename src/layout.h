/* The table by which others read the allocator's structures without debug information: each library
 * carries it, and hakmem-trace core and the gdb script go by it alone.
 *
 *   .note.hakmem, an ELF note of owner "hakmem", found through the module's program headers
 *     --struct hak_layout_note--> struct hak_layout, entries {name, offset, bytes}
 *                             --> roots: for each variable its distance from there, and its name
 *
 * Made by the compiler out of layout.def (verify/layout.c). All distances are counted from where
 * they stand, so that nothing of it has to be relocated. A stripped library keeps it, and so does a
 * program that is linked with libhakmem.a. hakmem-debug.so has two, for its two halves
 * (light.h).
 *
 * Data only. It never changes. */
#ifndef HAK_LAYOUT_H
#define HAK_LAYOUT_H

#include <stdint.h>

#define HAK_LAYOUT_OWNER   "hakmem"
#define HAK_LAYOUT_SECTION ".note.hakmem"

/* Grows when a name of layout.def means something else than before; names may come and go. */
#define HAK_LAYOUT_VERSION 1

/* Type of the note; numbers, since the assembler reads them, too. */
#define HAK_LAYOUT_NOTE        101
#define HAK_LAYOUT_OWNER_BYTES 7

/* Contents of the note; distances from itself. */
struct hak_layout_note {
    int64_t table;
    int64_t roots;
    uint64_t root_bytes;
};

/* The allocator that the table describes. */
enum hak_layout_half { HAK_LAYOUT_PLAIN, HAK_LAYOUT_CHECKS, HAK_LAYOUT_LIGHT };

/* "superslab.owner": where the field lies in its struct and how long it is. A name without a dot is
 * a number, `offset`; "slab.bytes" is the length of a whole struct. Those have `bytes` 0. */
struct hak_layout_entry {
    char name[32];
    uint32_t offset;
    uint32_t bytes;
};

struct hak_layout {
    uint32_t version;     /* HAK_LAYOUT_VERSION */
    uint32_t half;        /* enum hak_layout_half */
    uint32_t count;       /* entries that follow */
    uint32_t entry_bytes; /* of each */
    char built[32];       /* HAK_VERSION */
};

/* Numbers of the entries, and of the roots, for their readers. */
enum hak_layout_id {
#define FIELD(name, type, field) HAK_AT_##name##_##field,
#define WHOLE(name, type)        HAK_AT_##name##_bytes,
#define VALUE(name, value)       HAK_AT_##name,
#include "layout.def"
    HAK_LAYOUT_IDS
};
enum hak_layout_root {
#define ROOT(name, symbol) HAK_ROOT_##name,
#include "layout.def"
    HAK_LAYOUT_ROOT_COUNT
};

#endif
