/* The little stack machine of DWARF expressions (DWARF 5, section 2.5), as far as call frame
 * information may use it. */
#include "unwind/cfi.h"
#include "unwind/cfi_cursor.h"

enum { STACK_WORDS = 32, STEPS_MAX = 512 };

enum operation {
    OP_ADDR = 0x03,
    OP_DEREF = 0x06,
    OP_CONST1U = 0x08,
    OP_CONST1S,
    OP_CONST2U,
    OP_CONST2S,
    OP_CONST4U,
    OP_CONST4S,
    OP_CONST8U,
    OP_CONST8S,
    OP_CONSTU,
    OP_CONSTS,
    OP_DUP = 0x12,
    OP_DROP,
    OP_OVER,
    OP_PICK,
    OP_SWAP,
    OP_ROT,
    OP_ABS = 0x19,
    OP_AND,
    OP_DIV,
    OP_MINUS,
    OP_MOD,
    OP_MUL,
    OP_NEG,
    OP_NOT,
    OP_OR,
    OP_PLUS,
    OP_PLUS_UCONST,
    OP_SHL,
    OP_SHR,
    OP_SHRA,
    OP_XOR,
    OP_BRA,
    OP_EQ,
    OP_GE,
    OP_GT,
    OP_LE,
    OP_LT,
    OP_NE,
    OP_SKIP,
    OP_LIT0 = 0x30,
    OP_LIT31 = 0x4f,
    OP_REG0 = 0x50,
    OP_REG31 = 0x6f,
    OP_BREG0 = 0x70,
    OP_BREG31 = 0x8f,
    OP_BREGX = 0x92,
    OP_DEREF_SIZE = 0x94,
    OP_NOP = 0x96
};

struct machine {
    uint64_t word[STACK_WORDS];
    unsigned depth;
    bool bad;
};

static void push(struct machine *m, uint64_t value) {
    if (m->depth == STACK_WORDS)
        m->bad = true;
    else
        m->word[m->depth++] = value;
}

static uint64_t pop(struct machine *m) {
    if (m->depth == 0) {
        m->bad = true;
        return 0;
    }
    return m->word[--m->depth];
}

/* The word `below` places under the top. */
static uint64_t pick(struct machine *m, uint64_t below) {
    if (below >= m->depth) {
        m->bad = true;
        return 0;
    }
    return m->word[m->depth - 1 - below];
}

/* The register's value; 0, and the machine is bad, if it is not known. */
static uint64_t register_value(struct machine *m, const struct hak_registers *registers,
                               uint64_t number) {
    if (number >= HAK_REGISTERS || (registers->known >> number & 1) == 0) {
        m->bad = true;
        return 0;
    }
    return registers->value[number];
}

/* Reads 1, 2, 4 or 8 bytes at `address`, through the aligned words that hold them. */
static uint64_t load(struct machine *m, struct hak_stack_memory *memory, uint64_t address,
                     unsigned bytes) {
    uintptr_t first, second = 0;
    unsigned shift = (unsigned)(address & 7) * 8;
    if (bytes == 0 || bytes > 8 || !hak_stack_read(memory, address & ~(uint64_t)7, &first) ||
        (shift + 8 * bytes > 64 &&
         !hak_stack_read(memory, (address & ~(uint64_t)7) + 8, &second))) {
        m->bad = true;
        return 0;
    }
    uint64_t value = shift ? first >> shift | second << (64 - shift) : first;
    return bytes == 8 ? value : value & (((uint64_t)1 << 8 * bytes) - 1);
}

/* Operations on the two topmost words: `a` lay below `b`. */
static uint64_t compute(struct machine *m, uint8_t operation, uint64_t a, uint64_t b) {
    int64_t sa = (int64_t)a, sb = (int64_t)b;
    switch (operation) {
    case OP_AND:
        return a & b;
    case OP_OR:
        return a | b;
    case OP_XOR:
        return a ^ b;
    case OP_PLUS:
        return a + b;
    case OP_MINUS:
        return a - b;
    case OP_MUL:
        return a * b;
    case OP_SHL:
        return b < 64 ? a << b : 0;
    case OP_SHR:
        return b < 64 ? a >> b : 0;
    case OP_SHRA:
        b = b < 64 ? b : 63;
        return sa < 0 ? ~(~a >> b) : a >> b;
    case OP_EQ:
        return a == b;
    case OP_NE:
        return a != b;
    case OP_GE:
        return sa >= sb;
    case OP_GT:
        return sa > sb;
    case OP_LE:
        return sa <= sb;
    case OP_LT:
        return sa < sb;
    case OP_MOD:
        if (b != 0)
            return a % b;
        break;
    case OP_DIV:
        if (b != 0 && !(sa == INT64_MIN && sb == -1))
            return (uint64_t)(sa / sb);
        break;
    default:
        break;
    }
    m->bad = true;
    return 0;
}

/* Moves the cursor by a signed 16-bit distance within the expression. */
static void jump(struct cursor *c, const uint8_t *start, int64_t distance) {
    int64_t target = c->at - start + distance;
    if (target < 0 || target > c->end - start)
        c->bad = true;
    else
        c->at = start + target;
}

/* Runs an operation that pushes one word: a constant, a register, memory. Returns false when `op`
 * is none of these. */
static bool push_operand(struct machine *m, struct cursor *c, uint8_t op,
                         const struct hak_registers *registers, struct hak_stack_memory *memory) {
    if (op >= OP_LIT0 && op <= OP_LIT31) {
        push(m, (uint64_t)op - OP_LIT0);
    } else if (op >= OP_REG0 && op <= OP_REG31) {
        push(m, register_value(m, registers, (uint64_t)op - OP_REG0));
    } else if (op >= OP_BREG0 && op <= OP_BREG31) {
        uint64_t offset = (uint64_t)cursor_sleb(c);
        push(m, register_value(m, registers, (uint64_t)op - OP_BREG0) + offset);
    } else {
        uint64_t number;
        switch (op) {
        case OP_ADDR:
            push(m, cursor_fixed(c, 8));
            break;
        case OP_CONST1U:
            push(m, cursor_fixed(c, 1));
            break;
        case OP_CONST1S:
            push(m, (uint64_t)cursor_fixed_signed(c, 1));
            break;
        case OP_CONST2U:
            push(m, cursor_fixed(c, 2));
            break;
        case OP_CONST2S:
            push(m, (uint64_t)cursor_fixed_signed(c, 2));
            break;
        case OP_CONST4U:
            push(m, cursor_fixed(c, 4));
            break;
        case OP_CONST4S:
            push(m, (uint64_t)cursor_fixed_signed(c, 4));
            break;
        case OP_CONST8U:
        case OP_CONST8S:
            push(m, cursor_fixed(c, 8));
            break;
        case OP_CONSTU:
            push(m, cursor_uleb(c));
            break;
        case OP_CONSTS:
            push(m, (uint64_t)cursor_sleb(c));
            break;
        case OP_BREGX:
            number = cursor_uleb(c);
            push(m, register_value(m, registers, number) + (uint64_t)cursor_sleb(c));
            break;
        case OP_DEREF:
            push(m, load(m, memory, pop(m), 8));
            break;
        case OP_DEREF_SIZE:
            number = cursor_fixed(c, 1);
            push(m, load(m, memory, pop(m), (unsigned)number));
            break;
        default:
            return false;
        }
    }
    return true;
}

/* Runs an operation that rearranges the stack, changes its top or moves the cursor. */
static void rearrange(struct machine *m, struct cursor *c, const uint8_t *start, uint8_t op) {
    uint64_t a, b, top;
    int64_t distance;
    switch (op) {
    case OP_DUP:
        push(m, pick(m, 0));
        break;
    case OP_DROP:
        (void)pop(m);
        break;
    case OP_OVER:
        push(m, pick(m, 1));
        break;
    case OP_PICK:
        push(m, pick(m, cursor_fixed(c, 1)));
        break;
    case OP_SWAP:
        a = pop(m), b = pop(m);
        push(m, a), push(m, b);
        break;
    case OP_ROT:
        top = pop(m), a = pop(m), b = pop(m);
        push(m, top), push(m, b), push(m, a);
        break;
    case OP_ABS:
        top = pop(m), push(m, (int64_t)top < 0 ? 0 - top : top);
        break;
    case OP_NEG:
        push(m, 0 - pop(m));
        break;
    case OP_NOT:
        push(m, ~pop(m));
        break;
    case OP_PLUS_UCONST:
        push(m, pop(m) + cursor_uleb(c));
        break;
    case OP_SKIP:
        jump(c, start, cursor_fixed_signed(c, 2));
        break;
    case OP_BRA:
        distance = cursor_fixed_signed(c, 2);
        if (pop(m) != 0)
            jump(c, start, distance);
        break;
    case OP_NOP:
        break;
    default:
        b = pop(m), a = pop(m);
        push(m, compute(m, op, a, b));
        break;
    }
}

bool hak_cfi_evaluate(const uint8_t *expression, size_t bytes,
                      const struct hak_registers *registers, const uint64_t *start,
                      struct hak_stack_memory *memory, uint64_t *result) {
    struct cursor c = {expression, expression + bytes, false};
    struct machine m;
    m.depth = 0;
    m.bad = false;
    if (start)
        push(&m, *start);
    for (unsigned steps = 0; c.at < c.end; steps++) {
        uint8_t op = (uint8_t)cursor_fixed(&c, 1);
        if (!push_operand(&m, &c, op, registers, memory))
            rearrange(&m, &c, expression, op);
        if (m.bad || c.bad || steps == STEPS_MAX)
            return false;
    }
    *result = pop(&m);
    return !m.bad;
}
