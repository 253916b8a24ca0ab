/* The blocks of a core: read once, by the table of each half, then asked.
 *
 *   registry --> superslab[]   by address, each with its heap
 *   heaps --> caches, mid lists, mail boxes --> cached[]   by address: where each free block lies
 *   address map --> large[]    by address: live, kept, guarded
 *
 *   address --core_find--> struct core_block
 *
 * A slot that its slab calls used and that lies in no cache is the program's; the checks' half says
 * it itself, in the slot's state. Lists are followed only as far as their counts go, through memory
 * that is there: what is broken is for check.c. For one thread. */
#ifndef HAK_VIEWER_COREFILE_BLOCKS_H
#define HAK_VIEWER_COREFILE_BLOCKS_H

#include "hop.h"
#include "symbols/symbols.h"
#include "viewer/corefile/table.h"

enum {
    CORE_CACHES_MAX = 4096, /* caches of one front that are followed */
    CORE_SHARED_HEAP = 1,   /* id of the heap that no thread owns */
    CORE_HEADER_BYTES = 16, /* in front of a block, where the half has headers */
};

struct core_superslab {
    uint64_t address;
    uint32_t owner; /* heap id, or owner_reserve */
};

/* A free block out of its slab. */
struct core_cached {
    uint64_t base;
    uint64_t order;      /* from the one that is handed out next, which is 0 */
    uint16_t heap;       /* in whose cache it lies */
    uint8_t place;       /* enum hak_place */
    uint8_t class_index; /* of the cache */
    bool is_linked;      /* the links lie in the blocks */
};

/* A list's count that differs from the count found. */
enum { CORE_ODD_MAX = 100 };
struct core_odd {
    uint64_t found, expected;
    const char *what;
    uint16_t heap;
    uint8_t place;
};

struct core_large {
    uint64_t base, bytes;
    uint64_t address; /* of the struct */
    bool is_live, is_guarded;
};

struct core_heap {
    uint64_t address;
    uint64_t thread; /* of its struct hak_thread; 0 = no thread has the heap */
    int32_t tid;     /* 0 = not known */
};

/* The contents of one half, and the limits of the walk that reads them. */
struct core_half {
    const struct core_table *table;
    struct core_superslab *superslab;
    size_t superslab_count;
    struct core_cached *cached; /* by base */
    size_t cached_count;
    struct core_large *large; /* by base; none overlaps, or the table is damaged */
    size_t large_count;
    struct core_heap *heap; /* by id */
    size_t heap_count;      /* ids below it */
    struct core_odd odd[CORE_ODD_MAX];
    size_t odd_count;
    uint32_t superslab_room, cached_room, large_room, heap_room;
    /* Limits left for the walk: each entry lies in memory of its own, so a list that exceeds them
     * is damaged, and is followed no further. */
    uint64_t places_left;     /* pointers and nodes of lists, of 8 bytes or more */
    uint64_t superslabs_left; /* whose first page is there */
    uint64_t cached_most;     /* blocks that SuperSlabs and pages can hold */
    bool is_damaged;
};

struct core_blocks {
    struct core_memory memory;
    struct core_tables tables;
    struct core_half half[CORE_TABLES_MAX];
    struct hak_symbols *symbols; /* NULL until a stack is named (stacks.h) */
    bool no_memory;
};

enum core_kind {
    CORE_NONE,       /* in nothing of hakmem's */
    CORE_SLOT,       /* in a slot of a slab */
    CORE_LARGE,      /* in a large or guarded block */
    CORE_HEAD,       /* in the head of a SuperSlab */
    CORE_FREE_SLAB,  /* in a slab that serves no class */
    CORE_SLAB_START, /* in a slab, beside its slots */
    CORE_RESERVE,    /* in a SuperSlab that waits for an owner */
};

struct core_block {
    enum core_kind kind;
    const struct core_half *half;
    uint64_t base, bytes;       /* the slot, or the pages */
    uint64_t user, asked_bytes; /* where its state says so, else `base`, and 0 */
    uint64_t superslab, slab;   /* 0 = none */
    uint64_t state;             /* address of its struct hak_slot; 0 = none */
    unsigned slab_index, slot, class_index;
    uint32_t heap;
    bool is_live;
    bool is_guarded;
    uint8_t place;                    /* enum hak_place; of a live one LIVE */
    const struct core_cached *cached; /* where it lies while it is free; NULL = in no cache */
    const struct core_large *large;
    unsigned subkind, lives;
    uint32_t alloc_stack, free_stack;
    uint64_t caller; /* of a large one: return address of the call; 0 = not known */
};

/* The source to read: a core file, or, where `pid` is not 0, a process, by an open descriptor of
 * its memory (-1: none). */
struct core_source {
    const char *path, *program;
    int32_t pid;
    int fd;
};

/* Opens a core or a live process and reads all that is needed of its blocks. 0, or an exit status:
 * the error is printed. */
int core_blocks_open(struct core_blocks *blocks, const struct core_source *source);

/* Frees all tables of the process and closes its stacks and memory. */
void core_blocks_close(struct core_blocks *blocks);

/* Finds what holds `address`, in a SuperSlab or a large block of any half. Always fills `block`:
 * CORE_NONE if nothing does. */
void core_find(struct core_blocks *blocks, uint64_t address, struct core_block *block);
/* Finds the block of a slab by its number; false: the slab has none such, or serves no class. */
bool core_find_slot(const struct core_half *half, const struct core_superslab *superslab,
                    unsigned slab_index, unsigned slot, struct core_block *block);
/* Describes the block that a large one is. */
void core_find_large(const struct core_half *half, const struct core_large *large,
                     struct core_block *block);
/* The SuperSlab that holds the address; NULL = none does. */
const struct core_superslab *core_find_superslab(const struct core_half *half, uint64_t address);
/* Its numbers, by the slab's index, and the class that the head of the SuperSlab has of it. */
uint64_t core_slab_at(const struct core_table *t, uint64_t superslab, unsigned index);
unsigned core_class_of_slab(const struct core_table *t, uint64_t superslab, unsigned index);
/* The slab's bitmap has the slot among its free ones. */
bool core_is_free_in_slab(const struct core_table *t, uint64_t slab, unsigned slot);
/* Slots that the slab ever handed out; 0 where it serves no class. */
unsigned core_slots(const struct core_half *half, uint64_t superslab, unsigned slab_index);

/* Calls `visit` for each block of a half that was ever handed out and is still there, by address,
 * large ones last; of all halves; for each live one. */
typedef void core_visit(const struct core_block *block, void *context);

/* Visits each block of a half: slots of its SuperSlabs (without the reserve's), then large
 * blocks. */
void core_each_of(const struct core_half *half, core_visit *visit, void *context);
void core_each(struct core_blocks *blocks, core_visit *visit, void *context);
void core_each_live(struct core_blocks *blocks, core_visit *visit, void *context);

/* The heap's thread; 0 = it has none, or it is not known. */
int32_t core_thread_of(const struct core_half *half, uint32_t heap);

/* The level: enum of options.h. */
uint64_t core_level(const struct core_blocks *blocks);

#endif
