/* Runs seccomp's classic BPF: loads from the call's description, 32-bit arithmetic, jumps forward.
 * After the kernel's Documentation/networking/filter.rst and userspace-api/seccomp_filter.rst. */
#include "tree/filter.h"
#include <linux/audit.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <string.h>
#include "platform/raw_call.h"
#include "platform/readable.h"

struct machine {
    uint32_t a, x, memory[BPF_MEMWORDS];
    struct seccomp_data call;
};

/* The filter's accumulator after an arithmetic instruction. A division by 0 and a shift by 32 or
 * more give 0. */
static uint32_t calculate(uint16_t code, uint32_t a, uint32_t operand) {
    switch (BPF_OP(code)) {
    case BPF_ADD:
        return a + operand;
    case BPF_SUB:
        return a - operand;
    case BPF_MUL:
        return a * operand;
    case BPF_DIV:
        return operand ? a / operand : 0;
    case BPF_AND:
        return a & operand;
    case BPF_OR:
        return a | operand;
    case BPF_XOR:
        return a ^ operand;
    case BPF_LSH:
        return operand < 32 ? a << operand : 0;
    case BPF_RSH:
        return operand < 32 ? a >> operand : 0;
    default:
        return 0 - a; /* BPF_NEG */
    }
}

/* Whether a conditional jump of a filter is taken with `a` in the accumulator. */
static bool is_jump_taken(uint16_t code, uint32_t a, uint32_t operand) {
    switch (BPF_OP(code)) {
    case BPF_JEQ:
        return a == operand;
    case BPF_JGT:
        return a > operand;
    case BPF_JGE:
        return a >= operand;
    default:
        return (a & operand) != 0; /* BPF_JSET */
    }
}

/* The value that a load takes: a word of the call's description (0 beyond its end), a word of the
 * filter's memory, that description's size, or a constant. */
static uint32_t operand_of(const struct machine *m, const struct sock_filter *at) {
    uint32_t value = 0;
    switch (BPF_MODE(at->code)) {
    case BPF_ABS:
        if (at->k <= sizeof m->call - sizeof value)
            memcpy(&value, (const char *)&m->call + at->k, sizeof value);
        return value;
    case BPF_MEM:
        return m->memory[at->k % BPF_MEMWORDS];
    case BPF_LEN:
        return sizeof m->call;
    default:
        return at->k; /* BPF_IMM */
    }
}

/* The action that the filter returns; one that ends without a return allows the call. One that
 * another thread closes does not: the kernel may find it open. */
static uint32_t run(struct machine *m, const struct hak_filter *filter) {
    for (uint32_t i = 0; i < filter->count && i < BPF_MAXINSNS; i++) {
        struct sock_filter one;
        const struct sock_filter *at = &one;
        if (!hak_copy_or_stop(&one, &filter->code[i], sizeof one))
            return SECCOMP_RET_KILL_PROCESS;
        uint32_t operand = BPF_SRC(at->code) == BPF_X ? m->x : at->k;
        switch (BPF_CLASS(at->code)) {
        case BPF_LD:
            m->a = operand_of(m, at);
            break;
        case BPF_LDX:
            m->x = operand_of(m, at);
            break;
        case BPF_ST:
            m->memory[at->k % BPF_MEMWORDS] = m->a;
            break;
        case BPF_STX:
            m->memory[at->k % BPF_MEMWORDS] = m->x;
            break;
        case BPF_ALU:
            m->a = calculate(at->code, m->a, operand);
            break;
        case BPF_JMP:
            if (BPF_OP(at->code) == BPF_JA)
                i += at->k < filter->count ? at->k : filter->count;
            else
                i += is_jump_taken(at->code, m->a, operand) ? at->jt : at->jf;
            break;
        case BPF_RET:
            return BPF_RVAL(at->code) == BPF_A ? m->a : at->k;
        default: /* BPF_MISC */
            if (BPF_MISCOP(at->code) == BPF_TAX)
                m->x = m->a;
            else
                m->a = m->x;
        }
    }
    return SECCOMP_RET_ALLOW;
}

bool hak_filter_allows(const struct hak_filter *filter, long number, const uint64_t arguments[6]) {
    struct machine m = {.call = {.nr = (int)number, .arch = HAK_CALL_ARCHITECTURE}};
    memcpy(m.call.args, arguments, sizeof m.call.args);
    uint32_t action = run(&m, filter) & SECCOMP_RET_ACTION_FULL;
    return action == SECCOMP_RET_ALLOW || action == SECCOMP_RET_LOG;
}
