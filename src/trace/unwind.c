/* Walks a stack with compact rules, and with the whole CFI where those do not suffice. */
#include "trace/unwind.h"
#include <dlfcn.h>
#include <stdbool.h>
#include <ucontext.h>
#include "trace/cfi.h"
#include "trace/rules.h"
#include "trace/stack_memory.h"

enum { ADDRESS_BITS = 47, SIGNAL_FRAMES_MAX = 32 };

/* Where the kernel keeps registers, relative to rsp when a handler has returned to
 * __restore_rt: rsp then points to the ucontext. */
enum {
    CONTEXT_RBP = offsetof(ucontext_t, uc_mcontext.gregs[REG_RBP]),
    CONTEXT_RSP = offsetof(ucontext_t, uc_mcontext.gregs[REG_RSP]),
    CONTEXT_RIP = offsetof(ucontext_t, uc_mcontext.gregs[REG_RIP])
};

/* What a walk gives back. */
struct found {
    uintptr_t *ips;
    size_t count, max;
    size_t skip; /* innermost frames still to be left out */
};

/* Adds a frame. Returns false when there is no room. */
static inline bool add_frame(struct found *found, uintptr_t ip) {
    if (HAK_UNLIKELY(found->skip != 0)) {
        found->skip--;
        return true;
    }
    if (found->count == found->max)
        return false;
    found->ips[found->count++] = ip;
    return true;
}

/* Is `next`, the caller's frame address, one that can follow `now`? Same stack only. */
static inline bool can_follow(uintptr_t now, uintptr_t next) {
    return next > now && (next & 7) == 0;
}

/* Finds the row of `pc`. Returns false when there is none. */
static bool find_row(uintptr_t pc, struct hak_cfi *cfi) {
    struct dl_find_object object;
    return _dl_find_object((void *)pc, &object) == 0 && hak_cfi_find(&object, pc, cfi);
}

/* The walk with all registers, slower by far, for stacks with a frame whose rule needs more than
 * rsp and rbp. */
static HAK_COLD enum hak_unwind_end walk_all_registers(const struct hak_registers *start,
                                                       struct found *found) {
    struct hak_registers registers = *start;
    struct hak_stack_memory memory;
    struct hak_cfi cfi;
    unsigned signal_frames = 0;
    bool called = false; /* the pc is a return address */
    hak_stack_memory_begin(&memory, registers.value[HAK_RSP]);
    for (;;) {
        uintptr_t ip = registers.value[HAK_RIP], sp = registers.value[HAK_RSP];
        if (!add_frame(found, ip))
            return HAK_UNWIND_DEPTH;
        if (ip >> ADDRESS_BITS != 0 || !find_row(called ? ip - 1 : ip, &cfi))
            return HAK_UNWIND_NO_CFI;
        if (cfi.row.reg[HAK_RIP].how == HAK_CFI_UNDEFINED)
            return HAK_UNWIND_COMPLETE;
        if (!hak_cfi_apply(&cfi, &registers, &memory))
            return HAK_UNWIND_BAD_CFA;
        if ((registers.known >> HAK_RIP & 1) == 0 || registers.value[HAK_RIP] == 0)
            return HAK_UNWIND_COMPLETE;
        if (cfi.signal_frame) {
            if (++signal_frames > SIGNAL_FRAMES_MAX)
                return HAK_UNWIND_BAD_CFA;
            hak_stack_memory_begin(&memory, registers.value[HAK_RSP]);
        } else if (!can_follow(sp, registers.value[HAK_RSP])) {
            return HAK_UNWIND_BAD_CFA;
        }
        called = !cfi.signal_frame;
    }
}

/* The walk: the one place from which stacks come. */
static enum hak_unwind_end walk(const struct hak_registers *start, struct found *found) {
    uintptr_t ip = start->value[HAK_RIP], sp = start->value[HAK_RSP], bp = start->value[HAK_RBP];
    uintptr_t pc = ip;
    const struct found before = *found;
    struct hak_stack_memory memory;
    unsigned signal_frames = 0;
    hak_stack_memory_begin(&memory, sp);
    for (;;) {
        uintptr_t cfa, saved = 0;
        if (!add_frame(found, ip))
            return HAK_UNWIND_DEPTH;
        if (HAK_UNLIKELY(pc >> ADDRESS_BITS != 0))
            return HAK_UNWIND_NO_CFI;
        uint32_t rule = hak_rule_lookup(pc);
        if (HAK_UNLIKELY(rule == 0))
            rule = hak_rule_compile(pc);
        switch (hak_rule_kind_of(rule)) {
        case HAK_RULE_BY_RSP:
            cfa = sp + hak_rule_cfa_of(rule);
            break;
        case HAK_RULE_BY_RBP:
            cfa = bp + hak_rule_cfa_of(rule);
            break;
        case HAK_RULE_BY_SAVED:
            if (!hak_stack_read(&memory, bp - hak_rule_cfa_of(rule), &cfa))
                return HAK_UNWIND_BAD_CFA;
            break;
        case HAK_RULE_OUTERMOST:
            return HAK_UNWIND_COMPLETE;
        case HAK_RULE_NONE:
            return HAK_UNWIND_NO_CFI;
        case HAK_RULE_INTERRUPTED:
            if (++signal_frames > SIGNAL_FRAMES_MAX ||
                !hak_stack_read(&memory, sp + CONTEXT_RIP, &ip) ||
                !hak_stack_read(&memory, sp + CONTEXT_RBP, &bp) ||
                !hak_stack_read(&memory, sp + CONTEXT_RSP, &sp))
                return HAK_UNWIND_BAD_CFA;
            if (ip == 0)
                return HAK_UNWIND_COMPLETE;
            pc = ip;
            hak_stack_memory_begin(&memory, sp);
            continue;
        default:
            *found = before;
            return walk_all_registers(start, found);
        }
        if (!can_follow(sp, cfa) || !hak_stack_read(&memory, cfa - 8, &ip))
            return HAK_UNWIND_BAD_CFA;
        uintptr_t bp_words = hak_rule_bp_of(rule);
        if (bp_words != 0) {
            saved = bp_words == HAK_RULE_BP_AT_RBP ? bp : cfa - 8 * bp_words;
            if (!hak_stack_read(&memory, saved, &bp))
                return HAK_UNWIND_BAD_CFA;
        }
        if (ip == 0)
            return HAK_UNWIND_COMPLETE;
        sp = cfa;
        pc = ip - 1;
    }
}

/* A walk that is under way on this thread: its own variable, and what it put there. */
struct under_way {
    volatile uintptr_t *token; /* NULL = none */
    uintptr_t value;
};
static _Thread_local struct under_way under_way __attribute__((tls_model("initial-exec")));

/* Is this call made by a signal handler that interrupted a walk of the same thread? A handler that
 * was left by longjmp has left `under_way` behind: the walk's frame is gone then, which shows when
 * we stand at or above it, or when its variable was overwritten. */
static bool is_interrupting(uintptr_t sp) {
    const struct hak_stack_bounds *bounds = &hak_stack_bounds;
    uintptr_t token = (uintptr_t)under_way.token;
    uintptr_t span = bounds->high - bounds->low;
    if (token == 0)
        return false;
    if (token - bounds->low >= span || sp - bounds->low >= span)
        return true; /* on another stack than the walk's: nothing can be told */
    return sp < token && *under_way.token == under_way.value;
}

static size_t walk_guarded(const struct hak_registers *start, size_t skip, uintptr_t *ips,
                           size_t max, enum hak_unwind_end *end) {
    static _Thread_local uintptr_t walks __attribute__((tls_model("initial-exec")));
    struct found found = {ips, 0, max, skip};
    volatile uintptr_t token;
    if (HAK_UNLIKELY(is_interrupting((uintptr_t)&token))) {
        *end = HAK_UNWIND_INTERRUPTED;
        return 0;
    }
    token = under_way.value = ~++walks;
    under_way.token = &token;
    __atomic_signal_fence(__ATOMIC_SEQ_CST);
    *end = walk(start, &found);
    __atomic_signal_fence(__ATOMIC_SEQ_CST);
    under_way.token = NULL;
    token = 0;
    return found.count;
}

__attribute__((noinline)) size_t hak_unwind_here(uintptr_t *ips, size_t max,
                                                 enum hak_unwind_end *end) {
    struct hak_registers registers;
    hak_registers_here(&registers);
    return walk_guarded(&registers, 1, ips, max, end);
}

size_t hak_unwind_from(const struct hak_registers *registers, uintptr_t *ips, size_t max,
                       enum hak_unwind_end *end) {
    return walk_guarded(registers, 0, ips, max, end);
}

void hak_registers_from_context(struct hak_registers *registers, const void *context) {
    static const uint8_t place[HAK_REGISTERS] = {
        REG_RAX, REG_RDX, REG_RCX, REG_RBX, REG_RSI, REG_RDI, REG_RBP, REG_RSP, REG_R8,
        REG_R9,  REG_R10, REG_R11, REG_R12, REG_R13, REG_R14, REG_R15, REG_RIP};
    const ucontext_t *from = context;
    for (unsigned i = 0; i < HAK_REGISTERS; i++)
        registers->value[i] = (uint64_t)from->uc_mcontext.gregs[place[i]];
    registers->known = (1u << HAK_REGISTERS) - 1;
}
