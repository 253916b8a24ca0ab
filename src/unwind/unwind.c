/* Walks a stack with compact rules, and with the whole CFI where those do not suffice. */
#include "unwind/unwind.h"
#include <stdbool.h>
#include <ucontext.h>
#include "unwind/cfi.h"
#include "unwind/frame_pointer.h"
#include "unwind/rules.h"
#include "unwind/stack_memory.h"
#include "unwind/code.h"
#include "platform/objects.h"
#include "platform/platform.h"
#include HAK_ARCH_FILE(context.h)

enum { SIGNAL_FRAMES_MAX = 32 };

/* Where the kernel keeps registers, relative to the stack pointer when a handler has returned. */
enum {
    CONTEXT_FP = HAK_SIGNAL_CONTEXT_AT + HAK_CONTEXT_FP_AT,
    CONTEXT_SP = HAK_SIGNAL_CONTEXT_AT + HAK_CONTEXT_SP_AT,
    CONTEXT_IP = HAK_SIGNAL_CONTEXT_AT + HAK_CONTEXT_IP_AT,
    CONTEXT_REGISTERS = HAK_SIGNAL_CONTEXT_AT + HAK_CONTEXT_AT
};

/* The result of a walk. */
struct found {
    uintptr_t *ips;
    size_t count, max;
    size_t skip; /* innermost frames to be left out; SIZE_MAX = only count the unwinder's own */
    struct hak_unwind_marks *marks; /* or NULL */
};

/* Where the functions marked HAK_UNWINDER_ENTRY lie. */
extern const char __start_hak_unwinder_text[] HAK_HIDDEN;
extern const char __stop_hak_unwinder_text[] HAK_HIDDEN;

/* Passes over a frame; one to be left out is counted down, and with `skip` at SIZE_MAX those of the
 * unwinder itself are counted. */
static HAK_COLD void leave_frame_out(struct found *found, uintptr_t ip) {
    uintptr_t start = (uintptr_t)__start_hak_unwinder_text;
    if (found->skip != SIZE_MAX)
        found->skip--;
    else if (ip - start < (uintptr_t)__stop_hak_unwinder_text - start)
        found->count++;
}

/* Adds a frame. Returns false when there is no room. */
static inline bool add_frame(struct found *found, uintptr_t ip) {
    if (HAK_UNLIKELY(found->skip != 0)) {
        leave_frame_out(found, ip);
        return true;
    }
    if (found->count == found->max)
        return false;
    found->ips[found->count++] = ip;
    return true;
}

/* The frame that was added last: its ip is no return address. */
static HAK_COLD void mark_exact(struct found *found) {
    if (found->marks && found->count > 0 && found->count <= HAK_UNWIND_MARKED)
        found->marks->exact[(found->count - 1) / 64] |= (uint64_t)1 << ((found->count - 1) % 64);
}

/* Is `next`, the caller's frame address, one that can follow `now`? Same stack only. */
static inline bool can_follow(uintptr_t now, uintptr_t next) {
    return next > now && (next & 7) == 0;
}

/* The same behind a frame without CFI. Where calls leave the return address in a register, a
 * function that was interrupted need not have a frame. */
static inline bool can_follow_bare(const struct hak_bare_frame *frame,
                                   const struct hak_bare_caller *caller) {
    return can_follow(frame->sp, caller->cfa) ||
           (HAK_RETURN_IS_IN_REGISTER && frame->was_interrupted && caller->cfa == frame->sp);
}

/* Finds the row of `pc`. Returns false when there is none. */
static bool find_row(uintptr_t pc, struct hak_cfi *cfi) {
    struct hak_object object;
    return hak_object_find(pc, &object) && hak_cfi_find(&object, pc, cfi);
}

/* Where the context of a signal keeps the registers, in DWARF's order. */
static const uint8_t context_place[HAK_REGISTERS] = HAK_CONTEXT_PLACES;

/* All of them. */
static const hak_register_bits all_registers =
    (hak_register_bits)(((uint64_t)1 << HAK_REGISTERS) - 1);

static bool is_known(const struct hak_registers *registers, unsigned number) {
    return (registers->known >> number & 1) != 0;
}

/* Steps over a signal frame whose context lies at the stack pointer. */
static bool step_interrupted(struct hak_stack_memory *memory, struct hak_registers *registers) {
    uintptr_t context = registers->value[HAK_REGISTER_SP] + CONTEXT_REGISTERS;
    for (unsigned i = 0; i < HAK_REGISTERS; i++)
        if (!hak_stack_read(memory, context + 8 * (uintptr_t)context_place[i],
                            &registers->value[i]))
            return false;
    registers->known = all_registers;
    return true;
}

/* Steps over a frame without CFI, after which only the instruction pointer, the frame pointer and,
 * where that tells it, the stack pointer are known. */
static bool step_without_cfi(struct hak_stack_memory *memory, struct hak_registers *registers,
                             bool called) {
    uint64_t *value = registers->value;
    struct hak_bare_frame frame = {
        value[HAK_REGISTER_IP] - called, value[HAK_REGISTER_SP], value[HAK_REGISTER_FP], !called,
        HAK_RETURN_IS_IN_REGISTER && is_known(registers, HAK_REGISTER_RETURN)
            ? value[HAK_REGISTER_RETURN]
            : 0};
    struct hak_bare_caller caller;
    if (!is_known(registers, HAK_REGISTER_FP) || !hak_bare_frame_step(memory, &frame, &caller) ||
        !can_follow_bare(&frame, &caller))
        return false;
    value[HAK_REGISTER_IP] = caller.ip;
    value[HAK_REGISTER_SP] = caller.cfa;
    value[HAK_REGISTER_FP] = caller.bp;
    registers->known = (hak_register_bits)1 << HAK_REGISTER_IP |
                       (hak_register_bits)1 << HAK_REGISTER_FP |
                       (hak_register_bits)caller.tells_cfa << HAK_REGISTER_SP;
    return true;
}

/* Finds the stack pointer behind a frame without CFI: by what was saved where the frame pointer
 * points to. False: nothing tells it. */
static bool find_stack_pointer(const struct hak_cfi *cfi, struct hak_registers *registers) {
    const struct hak_cfi_row *row = &cfi->row;
    const struct hak_cfi_cell *saved = &row->reg[HAK_REGISTER_FP];
    if (is_known(registers, HAK_REGISTER_SP) || row->cfa.how != HAK_CFI_IS_OFFSET ||
        row->cfa.reg != HAK_REGISTER_SP)
        return true;
    if (saved->how != HAK_CFI_AT_OFFSET || !is_known(registers, HAK_REGISTER_FP))
        return false;
    registers->value[HAK_REGISTER_SP] = registers->value[HAK_REGISTER_FP] -
                                        (uint64_t)(int64_t)saved->value -
                                        (uint64_t)(int64_t)row->cfa.value;
    registers->known |= (hak_register_bits)1 << HAK_REGISTER_SP;
    return true;
}

/* The walk with all registers, slower by far, for stacks with a frame whose rule needs more than
 * stack and frame pointer. */
static HAK_COLD enum hak_unwind_end walk_all_registers(const struct hak_registers *start,
                                                       struct found *found) {
    struct hak_registers registers = *start;
    struct hak_stack_memory memory;
    struct hak_cfi cfi;
    unsigned signal_frames = 0;
    bool called = false; /* the pc is a return address */
    enum hak_unwind_end complete = HAK_UNWIND_COMPLETE;
    hak_stack_memory_begin(&memory, registers.value[HAK_REGISTER_SP]);
    for (;;) {
        uintptr_t ip = registers.value[HAK_REGISTER_IP], sp = registers.value[HAK_REGISTER_SP];
        if (!add_frame(found, ip))
            return HAK_UNWIND_DEPTH;
        if (signal_frames > 0 && !called)
            mark_exact(found);
        if (ip >> HAK_ADDRESS_BITS != 0)
            return HAK_UNWIND_NO_CFI;
        if (!find_row(called ? ip - 1 : ip, &cfi)) {
            unsigned kind = hak_rule_kind_of(hak_rule_compile(called ? ip - 1 : ip));
            if (kind == HAK_RULE_OUTERMOST)
                return complete;
            if (kind == HAK_RULE_INTERRUPTED) {
                if (++signal_frames > SIGNAL_FRAMES_MAX || !step_interrupted(&memory, &registers))
                    return HAK_UNWIND_BAD_CFA;
                hak_stack_memory_begin(&memory, registers.value[HAK_REGISTER_SP]);
                mark_exact(found);
                called = false;
                continue;
            }
            if (!step_without_cfi(&memory, &registers, called))
                return HAK_UNWIND_NO_CFI;
            complete = HAK_UNWIND_BY_FRAMES;
            called = true;
            continue;
        }
        if (cfi.row.reg[HAK_REGISTER_RETURN].how == HAK_CFI_UNDEFINED)
            return complete;
        if (!find_stack_pointer(&cfi, &registers))
            return HAK_UNWIND_NO_CFI;
        if (!hak_cfi_apply(&cfi, &registers, &memory))
            return HAK_UNWIND_BAD_CFA;
        if (!is_known(&registers, HAK_REGISTER_IP) || registers.value[HAK_REGISTER_IP] == 0)
            return complete;
        if (cfi.signal_frame) {
            if (++signal_frames > SIGNAL_FRAMES_MAX)
                return HAK_UNWIND_BAD_CFA;
            hak_stack_memory_begin(&memory, registers.value[HAK_REGISTER_SP]);
            mark_exact(found);
        } else if (!can_follow(sp, registers.value[HAK_REGISTER_SP]) &&
                   !(HAK_RETURN_IS_IN_REGISTER && !called &&
                     sp == registers.value[HAK_REGISTER_SP])) {
            return HAK_UNWIND_BAD_CFA;
        }
        called = !cfi.signal_frame;
    }
}

/* The walk: the one place from which stacks come. */
static enum hak_unwind_end walk(const struct hak_registers *start, struct found *found) {
    uintptr_t ip = start->value[HAK_REGISTER_IP], sp = start->value[HAK_REGISTER_SP];
    uintptr_t bp = start->value[HAK_REGISTER_FP], pc = ip;
    uintptr_t link = start->value[HAK_REGISTER_RETURN]; /* while pc is ip, where it is a register */
    bool is_sp_known = true;
    const struct found before = *found;
    struct hak_stack_memory memory;
    unsigned signal_frames = 0;
    enum hak_unwind_end complete = HAK_UNWIND_COMPLETE;
    bool is_added = false;
    hak_stack_memory_begin(&memory, sp);
    for (;;) {
        uintptr_t cfa, base = bp;
        if (!is_added && !add_frame(found, ip))
            return HAK_UNWIND_DEPTH;
        is_added = false;
        if (HAK_UNLIKELY(pc >> HAK_ADDRESS_BITS != 0))
            return HAK_UNWIND_NO_CFI;
        uint32_t rule = hak_rule_lookup(pc);
        if (HAK_UNLIKELY(rule == 0))
            rule = hak_rule_compile(pc);
        switch (hak_rule_kind_of(rule)) {
        case HAK_RULE_BY_SP:
            if (!HAK_FP_TELLS_CFA && !is_sp_known && !hak_rule_stack_pointer(rule, bp, &sp))
                return HAK_UNWIND_NO_CFI;
            base = sp;
            cfa = sp + hak_rule_cfa_of(rule);
            break;
        case HAK_RULE_BY_FP:
            cfa = bp + hak_rule_cfa_of(rule);
            break;
        case HAK_RULE_BY_SAVED:
            if (!hak_stack_read(&memory, bp - hak_rule_cfa_of(rule), &cfa))
                return HAK_UNWIND_BAD_CFA;
            break;
        case HAK_RULE_OUTERMOST:
            return complete;
        case HAK_RULE_NONE: {
            const struct hak_bare_frame frame = {pc, sp, bp, pc == ip,
                                                 HAK_RETURN_IS_IN_REGISTER && pc == ip ? link : 0};
            struct hak_bare_caller caller;
            if (!hak_bare_frame_step(&memory, &frame, &caller) || !can_follow_bare(&frame, &caller))
                return HAK_UNWIND_NO_CFI;
            complete = HAK_UNWIND_BY_FRAMES;
            is_sp_known = caller.tells_cfa;
            ip = caller.ip;
            sp = caller.cfa;
            bp = caller.bp;
            pc = ip - 1;
            continue;
        }
        case HAK_RULE_INTERRUPTED:
            if (++signal_frames > SIGNAL_FRAMES_MAX ||
                !hak_stack_read(&memory, sp + CONTEXT_IP, &ip) ||
                !hak_stack_read(&memory, sp + CONTEXT_FP, &bp) ||
                (HAK_RETURN_IS_IN_REGISTER &&
                 !hak_stack_read(&memory,
                                 sp + CONTEXT_REGISTERS +
                                     8 * (uintptr_t)context_place[HAK_REGISTER_RETURN],
                                 &link)) ||
                !hak_stack_read(&memory, sp + CONTEXT_SP, &sp))
                return HAK_UNWIND_BAD_CFA;
            is_sp_known = true;
            if (ip == 0)
                return complete;
            pc = ip;
            hak_stack_memory_begin(&memory, sp);
            mark_exact(found);
            if (!add_frame(found, ip))
                return HAK_UNWIND_DEPTH;
            mark_exact(found);
            is_added = true;
            continue;
        default:
            *found = before;
            return walk_all_registers(start, found);
        }
        if (HAK_UNLIKELY(hak_rule_keeps_return(rule))) {
            if (pc != ip)
                return complete; /* it was called, and says nothing of where it returns to */
            if (!can_follow(sp, cfa) && cfa != sp)
                return HAK_UNWIND_BAD_CFA;
            ip = link;
        } else if (!can_follow(sp, cfa) ||
                   !hak_stack_read(&memory, hak_rule_return_at(rule, base, cfa), &ip)) {
            return HAK_UNWIND_BAD_CFA;
        } else if (hak_rule_saves_fp(rule) &&
                   !hak_stack_read(&memory, hak_rule_fp_at(rule, base, cfa, bp), &bp)) {
            return HAK_UNWIND_BAD_CFA;
        }
        ip = hak_return_address(ip);
        if (ip == 0)
            return complete;
        is_sp_known = true;
        sp = cfa;
        pc = ip - 1;
    }
}

/* The stack pointer of the walk that is under way on this thread, 0 = none. */
_Thread_local volatile uintptr_t hak_unwind_under_way __attribute__((tls_model("initial-exec")));

/* Whether the thread was interrupted in a walk. A handler that was left by longjmp has left
 * hak_unwind_under_way behind; the stack itself then tells whether the walk is still there. */
HAK_COLD bool hak_unwind_is_interrupting(const struct hak_registers *start, size_t own) {
    struct found found = {NULL, 0, 0, SIZE_MAX, NULL};
    enum hak_unwind_end end = walk(start, &found);
    if (end == HAK_UNWIND_COMPLETE || end == HAK_UNWIND_BY_FRAMES || found.count > own)
        return found.count > own;
    return start->value[HAK_REGISTER_SP] < hak_unwind_under_way;
}

size_t hak_unwind_entered(const struct hak_registers *start, size_t skip, uintptr_t *ips,
                          size_t max, enum hak_unwind_end *end, struct hak_unwind_marks *marks) {
    struct found found = {ips, 0, max, skip, marks};
    *end = walk(start, &found);
    return found.count;
}

/* Walks the stack into `ips` and returns how many. 0, and HAK_UNWIND_INTERRUPTED as end, if the
 * thread is in a walk already. */
static size_t enter_and_walk(const struct hak_registers *start, size_t own, uintptr_t *ips,
                             size_t max, enum hak_unwind_end *end) {
    size_t count = 0;
    *end = HAK_UNWIND_INTERRUPTED;
    if (hak_unwind_enter(start, own)) {
        count = hak_unwind_entered(start, own, ips, max, end, NULL);
        hak_unwind_leave();
    }
    return count;
}

HAK_UNWINDER_ENTRY size_t hak_unwind_here(uintptr_t *ips, size_t max, enum hak_unwind_end *end) {
    struct hak_registers registers;
    hak_registers_here(&registers);
    return enter_and_walk(&registers, 1, ips, max, end);
}

/* A call of a wild or null function pointer: nothing executable lies there. The address to return
 * to is on top of the stack, or in the register that calls leave it in. Steps `start` to the
 * caller. Returns false when it does not look like that. */
static bool step_over_wild_call(struct hak_registers *start) {
    struct hak_stack_memory memory;
    struct hak_code_reader reader = {1};
    struct hak_code_call call;
    uintptr_t ip;
    if (hak_code_is_executable(start->value[HAK_REGISTER_IP]))
        return false;
    hak_stack_memory_begin(&memory, start->value[HAK_REGISTER_SP]);
    if (HAK_RETURN_IS_IN_REGISTER)
        ip = hak_return_address(start->value[HAK_REGISTER_RETURN]);
    else if (!hak_stack_read(&memory, start->value[HAK_REGISTER_SP], &ip))
        return false;
    if (!hak_code_follows_call(&reader, ip, &call))
        return false;
    start->value[HAK_REGISTER_IP] = ip;
    start->value[HAK_REGISTER_SP] += HAK_RETURN_IS_IN_REGISTER ? 0 : sizeof ip;
    return true;
}

HAK_UNWINDER_ENTRY size_t hak_unwind_from(const struct hak_registers *registers, uintptr_t *ips,
                                          size_t max, enum hak_unwind_end *end) {
    struct hak_registers start = *registers; /* also keeps this frame on the stack: no tail call */
    size_t wild = 0;
    __asm__ volatile("" : : "r"(&start) : "memory");
    if (max > 0 && step_over_wild_call(&start)) {
        ips[0] = registers->value[HAK_REGISTER_IP];
        wild = 1;
    }
    return wild + enter_and_walk(&start, 0, ips + wild, max - wild, end);
}

void hak_registers_from_context(struct hak_registers *registers, const void *context) {
    const ucontext_t *from = context;
    for (unsigned i = 0; i < HAK_REGISTERS; i++)
        registers->value[i] = hak_context_word(from, context_place[i]);
    registers->known = all_registers;
}
