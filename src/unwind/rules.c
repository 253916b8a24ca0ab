/* Compiles CFI rows into compact rules and keeps them; rules.h has the picture. */
#include "unwind/rules.h"
#include <elf.h>
#include <link.h>
#include <string.h>
#include "unwind/cfi.h"
#include "unwind/code.h"
#include "platform/raw_call.h"
#include "platform/objects.h"

enum { FIRST_TABLE_BITS = 11, LAST_TABLE_BITS = 20, CFA_MAX = 0xffff, BP_MAX = 250 };

static _Alignas(64) _Atomic uint64_t first_table[1 << FIRST_TABLE_BITS];
char *_Atomic hak_rule_table = (char *)first_table + FIRST_TABLE_BITS;

static _Atomic uint32_t inserted;  /* into the table in use, about */
static _Atomic uint32_t forgotten; /* how often all was forgotten */
static void (*object_seen)(const struct hak_object *);

void hak_rules_watch(void (*seen)(const struct hak_object *object)) {
    object_seen = seen;
}

static uint32_t pack_rule(unsigned kind, uintptr_t cfa_words, uintptr_t bp) {
    return (uint32_t)(kind << HAK_RULE_KIND_SHIFT | cfa_words << HAK_RULE_CFA_SHIFT | bp);
}

/* True when `mov $__NR_rt_sigreturn, %rax; syscall` begins at `pc`, or behind it, where a handler
 * returns to: the kernel's signal frame then begins 8 bytes below rsp and rsp points to its
 * ucontext. */
static bool is_signal_return(const struct hak_object *object, uintptr_t pc) {
    static const uint8_t code[] = {0x48, 0xc7, 0xc0, 0x0f, 0x00, 0x00, 0x00, 0x0f, 0x05};
    uint8_t here[sizeof code + 1];
    if (object->end - pc < sizeof here ||
        !hak_code_copy(&(struct hak_code_reader){1}, pc, here, sizeof here))
        return false;
    return memcmp(here, code, sizeof code) == 0 || memcmp(here + 1, code, sizeof code) == 0;
}

/* `breg6 offset; deref` with a multiple of 8 at or below rbp: gcc's form for functions that realign
 * their stack. Returns the words below rbp, or -1. */
static int saved_cfa_words(const struct hak_cfi *cfi) {
    enum { BREG_RBP = 0x76, DEREF = 0x06 };
    const uint8_t *e = cfi->origin + cfi->row.cfa.value;
    if (cfi->row.cfa.bytes != 3 || e[0] != BREG_RBP || (e[1] & 0x80) != 0 || e[2] != DEREF)
        return -1;
    int offset = (e[1] & 0x40) != 0 ? (int)e[1] - 0x80 : (int)e[1];
    return offset <= 0 && offset % 8 == 0 ? -offset / 8 : -1;
}

/* How the rule finds the caller's rbp; -1 when it cannot. */
static int saved_bp(const struct hak_cfi *cfi) {
    enum { BREG_RBP = 0x76 };
    const struct hak_cfi_cell *cell = &cfi->row.reg[HAK_RBP];
    const uint8_t *e = cfi->origin + cell->value;
    if (cell->how == HAK_CFI_SAME)
        return 0;
    if (cell->how == HAK_CFI_AT_OFFSET && cell->value % 8 == 0 && cell->value <= -8 &&
        cell->value >= -8 * BP_MAX)
        return -cell->value / 8;
    if (cell->how == HAK_CFI_AT_EXPRESSION && cell->bytes == 2 && e[0] == BREG_RBP && e[1] == 0)
        return HAK_RULE_BP_AT_RBP;
    return -1;
}

/* Is `pc` in the code at which its module is entered by the kernel? ld.so's has no CFI, and calls
 * the constructors of libraries. */
static bool is_entry_code(const struct hak_object *object, uintptr_t pc) {
    enum { ENTRY_CODE_BYTES = 96 };
    const Elf64_Ehdr *header = (const Elf64_Ehdr *)object->start;
    if (object->end - (uintptr_t)header < sizeof *header || !hak_raw_readable((uintptr_t)header) ||
        memcmp(header->e_ident, ELFMAG, SELFMAG) != 0 || header->e_entry == 0)
        return false;
    return pc - (object->bias + header->e_entry) < ENTRY_CODE_BYTES;
}

/* Packs the row into a rule of 32 bits; HAK_RULE_FULL where it cannot be told by one, outermost
 * where it has no return address. */
static uint32_t encode_rule(const struct hak_cfi *cfi, const struct hak_object *object,
                            uintptr_t pc) {
    const struct hak_cfi_row *row = &cfi->row;
    const struct hak_cfi_cell *ra = &row->reg[HAK_RIP];
    if (ra->how == HAK_CFI_UNDEFINED || ra->how == HAK_CFI_SAME)
        return pack_rule(HAK_RULE_OUTERMOST, 0, 0);
    if (cfi->signal_frame)
        return pack_rule(is_signal_return(object, pc) ? HAK_RULE_INTERRUPTED : HAK_RULE_FULL, 0, 0);
    int bp = saved_bp(cfi);
    if (ra->how != HAK_CFI_AT_OFFSET || ra->value != -8 || bp < 0 ||
        row->reg[HAK_RSP].how != HAK_CFI_SAME)
        return pack_rule(HAK_RULE_FULL, 0, 0);
    if (row->cfa.how == HAK_CFI_IS_EXPRESSION) {
        int words = saved_cfa_words(cfi);
        return words < 0 ? pack_rule(HAK_RULE_FULL, 0, 0)
                         : pack_rule(HAK_RULE_BY_SAVED, (uintptr_t)words, (uintptr_t)bp);
    }
    int32_t offset = row->cfa.value;
    if (offset < 0 || offset % 8 != 0 || offset / 8 > CFA_MAX)
        return pack_rule(HAK_RULE_FULL, 0, 0);
    if (row->cfa.reg == HAK_RSP)
        return pack_rule(HAK_RULE_BY_RSP, (uintptr_t)offset / 8, (uintptr_t)bp);
    if (row->cfa.reg == HAK_RBP)
        return pack_rule(HAK_RULE_BY_RBP, (uintptr_t)offset / 8, (uintptr_t)bp);
    return pack_rule(HAK_RULE_FULL, 0, 0);
}

/* Puts a four times larger, empty table in place of a full one. */
static void grow(char *packed) {
    unsigned bits = (unsigned)((uintptr_t)packed & 63) + 2;
    if (bits > LAST_TABLE_BITS)
        return;
    void *table = hak_raw_map(sizeof(uint64_t) << bits);
    if (!table)
        return;
    if (atomic_compare_exchange_strong(&hak_rule_table, &packed, (char *)table + bits))
        atomic_store(&inserted, 0);
    else
        hak_raw_unmap(table, sizeof(uint64_t) << bits);
}

/* Enters a rule, the older of two in one place moves to its second place. It is taken out again if
 * rules were forgotten since; a table half full grows. */
static void insert(uintptr_t pc, uint32_t rule, uint32_t forgotten_before) {
    char *in_use = atomic_load(&hak_rule_table);
    uintptr_t packed = (uintptr_t)in_use;
    _Atomic uint64_t *table = (_Atomic uint64_t *)(packed & ~(uintptr_t)63);
    uint64_t mixed = hak_rule_mix(pc);
    uint64_t word = mixed << HAK_RULE_BITS | rule;
    uint64_t place = mixed >> (HAK_RULE_PC_BITS - (packed & 63));
    uint64_t old = atomic_load_explicit(&table[place], memory_order_relaxed);
    if (old != 0) /* the newer of two moves to the first place, the older to the second */
        atomic_store_explicit(&table[place ^ 1], old, memory_order_relaxed);
    atomic_store(&table[place], word);
    if (atomic_load(&forgotten) != forgotten_before) {
        atomic_store(&table[place], 0);
        atomic_store(&table[place ^ 1], 0);
        return;
    }
    if (atomic_fetch_add_explicit(&inserted, 1, memory_order_relaxed) >> ((packed & 63) - 1) != 0)
        grow(in_use);
}

uint32_t hak_rule_compile(uintptr_t pc) {
    uint32_t forgotten_before = atomic_load(&forgotten);
    struct hak_object object;
    struct hak_cfi cfi;
    if (!hak_object_find(pc, &object))
        return pack_rule(HAK_RULE_NONE, 0, 0);
    if (object_seen)
        object_seen(&object);
    uint32_t rule = pack_rule(HAK_RULE_NONE, 0, 0);
    if (hak_cfi_find(&object, pc, &cfi))
        rule = encode_rule(&cfi, &object, pc);
    else if (is_signal_return(&object, pc))
        rule = pack_rule(HAK_RULE_INTERRUPTED, 0, 0); /* a restorer of the program's own */
    else if (is_entry_code(&object, pc) ||
             (hak_cfi_find(&object, pc + 1, &cfi) && cfi.start == pc + 1))
        rule = pack_rule(HAK_RULE_OUTERMOST, 0, 0); /* no call returns to the start of a function:
                                                  the address was put there, as makecontext does */
    if (pc >> HAK_RULE_PC_BITS == 0)
        insert(pc, rule, forgotten_before);
    return rule;
}

void hak_rules_forget(void) {
    atomic_fetch_add(&forgotten, 1);
    uintptr_t packed = (uintptr_t)atomic_load(&hak_rule_table);
    _Atomic uint64_t *table = (_Atomic uint64_t *)(packed & ~(uintptr_t)63);
    for (size_t i = 0; i < (size_t)1 << (packed & 63); i++)
        atomic_store_explicit(&table[i], 0, memory_order_relaxed);
    atomic_thread_fence(memory_order_seq_cst);
}
