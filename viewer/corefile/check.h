/* `core FILE --check`: finds damage in the allocator's structures, and in the bytes in and around
 * its blocks.
 *
 *   books.c     counts against bitmaps, states against lists, each free block in one place
 *   bytes.c     headers, canaries, the bytes of freed blocks       --> struct core_finding
 *   findings.c  where they are noted, and which threads were inside the allocator
 *   check.c     all of them, as text and JSON
 *
 * The words are those of hak_verify (src/verify), the codes those of faults.def. Each finding says
 * what was found and what is due, where; a guess stands apart. */
#ifndef HAK_VIEWER_COREFILE_CHECK_H
#define HAK_VIEWER_COREFILE_CHECK_H

#include <inttypes.h>
#include "report/text/text.h"
#include "viewer/corefile/blocks.h"

enum { CORE_FINDINGS_MAX = 100, CORE_DAMAGE_SHOWN = 16 };

/* faults.def, by name. */
enum core_fault_code {
    CORE_BOOKS = 0, /* a disagreement of what the allocator keeps: it has no code */
#define FAULT(name, number, text, bracket, injection, sentence, advice) CORE_##name = number,
#include "faults.def"
};

/* Bytes that are not what is due there. */
struct core_damage {
    uint64_t first, last; /* addresses; last belongs to it */
    uint64_t bytes;       /* how many differ; 0 = none */
    bool is_open;         /* up to the end of what is known: there may be more */
};

struct core_finding {
    enum core_fault_code code;
    struct hak_text text;    /* the first line */
    struct core_block block; /* kind CORE_NONE: it is about none */
    uint64_t address;        /* the pointer found, or the first damaged byte; 0 = none */
    struct core_damage damage;
    unsigned shown; /* bytes of these two, from damage.first on */
    uint8_t found[CORE_DAMAGE_SHOWN], due[CORE_DAMAGE_SHOWN];
    const char *guess; /* NULL = none */
};

struct core_check {
    struct core_blocks *blocks;
    struct core_finding *finding; /* CORE_FINDINGS_MAX of them */
    size_t count;
    uint64_t faults, disagreements; /* all of them, also those without a place there */
    uint64_t superslabs, slots, large, borders, freed; /* that were looked at */
    bool some_at_work;                                 /* a thread stopped inside the allocator */
    bool *is_at_work[CORE_TABLES_MAX];                 /* by heap */
    bool no_memory;
};

/* The place of a disagreement; the beginning of its line. */
struct core_where {
    const struct core_half *half;
    uint64_t superslab, block; /* 0 = none */
    unsigned slab;             /* 0 = none */
    unsigned class_index;      /* of the slab */
    uint32_t heap;             /* 0 = none */
    const char *list;          /* NULL = none */
};

/* Fills `is_at_work` of half `n`. False: out of memory. (findings.c) */
bool core_find_at_work(struct core_check *check, int n);

/* The heap's thread stopped inside the allocator, or a fork left it behind: what it keeps may be on
 * its way. (findings.c) */
bool core_is_at_work(const struct core_check *check, const struct core_half *half, uint32_t heap);

/* Counts a fault and returns the next finding's place, with code and block filled in; NULL: it is
 * counted only. */
struct core_finding *core_note_fault(struct core_check *check, enum core_fault_code code,
                                     const struct core_block *block);
/* Notes a disagreement there, in words like those of printf; those of an amount that was `found`
 * where `expected` was due. A heap whose thread is at work is left out. (findings.c) */
void core_note(struct core_check *check, const struct core_where *where, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
static inline void core_note_differs(struct core_check *check, const struct core_where *where,
                                     const char *what, uint64_t found, uint64_t expected) {
    core_note(check, where, "%s: found %" PRIu64 ", expected %" PRIu64, what, found, expected);
}
static inline void core_note_unless_same(struct core_check *check, const struct core_where *where,
                                         const char *what, uint64_t found, uint64_t expected) {
    if (found != expected)
        core_note_differs(check, where, what, found, expected);
}

/* Looks at what a half keeps: SuperSlabs, slabs, lists, large blocks. (books.c) */
void core_check_books(struct core_check *check, const struct core_half *half);

/* Looks at the bytes in and around its blocks. (bytes.c) */
void core_check_bytes(struct core_check *check, const struct core_half *half);

/* bytes.c: whether the header of a list stands before the block, which has one. */
bool core_list_header_stands(const struct core_block *block);

#endif
