/* Remembers when the last sweep found all blocks whole, for the report of damage that is found
 * later. */
#include "guard/clean_look.h"
#include "guard/pages.h"

/* When all live, and all freed, blocks were last found whole. Written by one sweep at a time, ticks
 * last; read without a lock. */
static struct clean_look {
    _Atomic uint64_t ticks;        /* before the first block was looked at; 0 = never */
    _Atomic uint64_t by_and_stack; /* enum hak_found_by << 32 | stack */
} looks[2];                        /* live, freed */

void hak_clean_look_note(bool is_freed, uint64_t ticks, uint64_t by_and_stack) {
    struct clean_look *clean = &looks[is_freed];
    atomic_store(&clean->ticks, 0);
    atomic_store(&clean->by_and_stack, by_and_stack);
    atomic_store(&clean->ticks, ticks);
}

/* A page was closed while other threads ran: one may have written into it between the look at its
 * blocks and the closing. */
_Atomic bool hak_closed_beside_others;

/* When the first of a freed slot's open pages was opened: nobody wrote into the slot from the
 * closing of its pages, before which it was found whole, until then. 0: a page was never closed, or
 * other threads may have written while one was. It says nothing of a slot that was freed after that
 * time. */
static uint64_t opened_ticks(const struct hak_located *at) {
    uint64_t first = UINT64_MAX;
    if (!at->superslab || atomic_load(&hak_closed_beside_others))
        return 0;
    const _Atomic uint64_t *ticks = at->superslab->opened_ticks[hak_slab_index_of(at->base)];
    for (uint32_t open = hak_pages_of(at) & ~hak_closed_pages_of(at); open; open &= open - 1) {
        uint64_t opened = atomic_load_explicit(&ticks[__builtin_ctz(open)], memory_order_relaxed);
        first = opened < first ? opened : first;
    }
    return first == UINT64_MAX ? 0 : first;
}

void hak_clean_look_add(struct hak_fault_facts *facts, const struct hak_located *at) {
    bool is_freed = facts->fault == HAK_FAULT_WRITE_AFTER_FREE;
    const struct clean_look *clean = &looks[is_freed];
    uint64_t ticks = atomic_load(&clean->ticks);
    uint64_t how = atomic_load(&clean->by_and_stack);
    uint64_t opened = is_freed ? opened_ticks(at) : 0;
    if (ticks != 0 && atomic_load(&clean->ticks) == ticks) {
        facts->clean_ticks = ticks;
        facts->clean_by = (uint32_t)(how >> 32);
        facts->clean_stack = (uint32_t)how;
    }
    if (opened > facts->clean_ticks) {
        facts->clean_ticks = opened;
        facts->clean_by = HAK_FOUND_BY_OPENING;
        facts->clean_stack = 0;
    }
}
