/* The process's cache of compact unwind rules: one 8-byte word for each pc that a stack ever held.
 *
 *   word   rule | tag            rule   kind:3 | how its frame is found (platform/ARCH/rule.h)
 *
 *   kind          the caller's frame address (CFA)
 *   BY_SP         the stack pointer + a number; the return address and the caller's frame pointer
 *                 lie at numbers from there
 *   BY_FP         likewise from the frame pointer
 *   BY_SAVED      the word at the frame pointer - a number
 *   OUTERMOST     there is no caller
 *   INTERRUPTED   the kernel's signal frame lies at the stack pointer: registers are in its
 * ucontext FULL          none of these: run the CFI itself, with all registers NONE          no CFI
 * covers the pc: frame_pointer.h may know more
 *
 * The key, which is the pc, is multiplied by an odd number within its bits, which loses nothing:
 * the top bits choose the entry, the low ones are its tag, so a word answers for exactly one pc
 * even where it lies in the second of its two places. Entries are single atomic
 * words in a direct-mapped table with two places for each key; a word that is pushed out is
 * compiled again. A table that fills is replaced by one four times as large; the old one is never
 * unmapped, since a walk may still be reading it (a third of the memory in all).
 *
 * Nobody owns it, no lock. After a fork the child has its own copy. Rules are forgotten when a
 * module is unloaded (modules.h says how that is noticed). */
#ifndef HAK_UNWIND_RULES_H
#define HAK_UNWIND_RULES_H

#include <stdatomic.h>
#include <stdint.h>
#include "arch.h"
#include "block.h"
#include "platform/objects.h"
#include HAK_ARCH_FILE(rule.h)

enum hak_rule_kind {
    HAK_RULE_BY_SP = 1,
    HAK_RULE_BY_FP,
    HAK_RULE_BY_SAVED,
    HAK_RULE_OUTERMOST,
    HAK_RULE_INTERRUPTED,
    HAK_RULE_FULL,
    HAK_RULE_NONE
};

_Static_assert(HAK_RULE_BITS + HAK_RULE_TAG_BITS == 64, "a word is a rule and its tag");
_Static_assert(HAK_RULE_TABLE_BITS + HAK_RULE_TAG_BITS > HAK_RULE_KEY_BITS,
               "but for the lowest bit of its entry's number, an entry or a tag has each bit");

/* Address of the table in use | log2 of its entries; the address is 64-byte aligned. */
HAK_HIDDEN extern char *_Atomic hak_rule_table;

static inline uint64_t hak_rule_mix(uintptr_t pc) {
    return hak_rule_key(pc) * 0x9e3779b97f4a7c15u & (((uint64_t)1 << HAK_RULE_KEY_BITS) - 1);
}

static inline unsigned hak_rule_kind_of(uint32_t rule) {
    return rule >> HAK_RULE_KIND_SHIFT;
}

/* The rule of `pc` (an address) if it is in the cache, else 0. */
static inline uint32_t hak_rule_lookup(uintptr_t pc) {
    uintptr_t packed = (uintptr_t)atomic_load_explicit(&hak_rule_table, memory_order_acquire);
    const _Atomic uint64_t *table = (const _Atomic uint64_t *)(packed & ~(uintptr_t)63);
    uint64_t mixed = hak_rule_mix(pc);
    uint64_t tag = mixed & (((uint64_t)1 << HAK_RULE_TAG_BITS) - 1);
    uint64_t place = mixed >> (HAK_RULE_KEY_BITS - (packed & 63));
    uint64_t word = atomic_load_explicit(&table[place], memory_order_relaxed);
    if (HAK_LIKELY(word >> HAK_RULE_BITS == tag))
        return (uint32_t)word & ((1u << HAK_RULE_BITS) - 1);
    word = atomic_load_explicit(&table[place ^ 1], memory_order_relaxed);
    return word >> HAK_RULE_BITS == tag ? (uint32_t)word & ((1u << HAK_RULE_BITS) - 1) : 0;
}

/* Compiles the rule of `pc` and puts it into the cache. Never 0. A pc in no module gives
 * HAK_RULE_NONE and is not kept, since a module may be loaded there later. */
HAK_HIDDEN uint32_t hak_rule_compile(uintptr_t pc);

/* Has `seen` called with each object that a rule is compiled for, before the rule can be used. */
HAK_HIDDEN void hak_rules_watch(void (*seen)(const struct hak_object *object));

/* Forgets all rules; called when a module was unloaded, before other code can take its place. */
HAK_HIDDEN void hak_rules_forget(void);

#endif
