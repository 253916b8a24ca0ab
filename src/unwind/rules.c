/* Compiles CFI rows into compact rules and keeps them; rules.h has the picture. */
#include "unwind/rules.h"
#include <elf.h>
#include <link.h>
#include <string.h>
#include "unwind/cfi.h"
#include "unwind/code.h"
#include "platform/raw_call.h"
#include "platform/objects.h"

enum { FIRST_TABLE_BITS = HAK_RULE_TABLE_BITS, LAST_TABLE_BITS = 20 };

static _Alignas(64) _Atomic uint64_t first_table[1 << FIRST_TABLE_BITS];
char *_Atomic hak_rule_table = (char *)first_table + FIRST_TABLE_BITS;

static _Atomic uint32_t inserted;  /* into the table in use, about */
static _Atomic uint32_t forgotten; /* how often all was forgotten */
static void (*object_seen)(const struct hak_object *);

void hak_rules_watch(void (*seen)(const struct hak_object *object)) {
    object_seen = seen;
}

#include HAK_ARCH_FILE(rule_of_row.h)

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
    if (has_no_caller(&cfi->row.reg[HAK_REGISTER_RETURN]))
        return pack_rule(HAK_RULE_OUTERMOST, 0, 0);
    if (cfi->signal_frame)
        return pack_rule(is_signal_return(object, pc) ? HAK_RULE_INTERRUPTED : HAK_RULE_FULL, 0, 0);
    return rule_of_row(cfi);
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
    uint64_t place = mixed >> (HAK_RULE_KEY_BITS - (packed & 63));
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
        return pack_rule(is_signal_return(NULL, pc) ? HAK_RULE_INTERRUPTED : HAK_RULE_NONE, 0, 0);
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
    if (pc >> HAK_ADDRESS_BITS == 0)
        insert(pc, rule, forgotten_before);
    return rule;
}

void hak_rules_forget(void) {
    atomic_fetch_add(&forgotten, 1);
    /* Words that are entered behind this are taken out by who enters them. */
    atomic_thread_fence(memory_order_release);
    uintptr_t packed = (uintptr_t)atomic_load(&hak_rule_table);
    _Atomic uint64_t *table = (_Atomic uint64_t *)(packed & ~(uintptr_t)63);
    for (size_t i = 0; i < (size_t)1 << (packed & 63); i++)
        atomic_store_explicit(&table[i], 0, memory_order_relaxed);
    atomic_thread_fence(memory_order_seq_cst);
}
