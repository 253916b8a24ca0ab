/* Lists the bytes that a decoded instruction touches, by its operands and the registers: string and
 * stack instructions by rules of their own, those with one memory operand by its size (whole.c), of
 * all others nothing is said. */
#include "report/instruction/touches.h"

enum {
    STACK_BYTES = 8,
    REGISTER_BYTES = 8,
    DIRECTION = 0x400, /* of rflags: string instructions go downwards */
    OPERAND_SIZE = 0x66,
    REPEAT = 0xf3,
    REPEAT_NOT_EQUAL = 0xf2,
    RAX = 0, /* DWARF's numbers */
    RCX = 2,
    RSI = 4,
    RDI = 5,
    RSP = 7,
    RIP = 16,
};

int hak_dwarf_register(unsigned reg) {
    static const uint16_t wide[] = {X86_REG_RAX, X86_REG_RDX, X86_REG_RCX, X86_REG_RBX, X86_REG_RSI,
                                    X86_REG_RDI, X86_REG_RBP, X86_REG_RSP, X86_REG_R8,  X86_REG_R9,
                                    X86_REG_R10, X86_REG_R11, X86_REG_R12, X86_REG_R13, X86_REG_R14,
                                    X86_REG_R15, X86_REG_RIP};
    static const uint16_t halves[] = {
        X86_REG_EAX,  X86_REG_EDX,  X86_REG_ECX,  X86_REG_EBX,  X86_REG_ESI,  X86_REG_EDI,
        X86_REG_EBP,  X86_REG_ESP,  X86_REG_R8D,  X86_REG_R9D,  X86_REG_R10D, X86_REG_R11D,
        X86_REG_R12D, X86_REG_R13D, X86_REG_R14D, X86_REG_R15D, X86_REG_EIP};
    for (int i = 0; i < (int)(sizeof wide / sizeof *wide); i++)
        if (wide[i] == reg || halves[i] == reg)
            return i;
    return -1;
}

static bool is_string(const cs_insn *insn) {
    switch (insn->id) {
    case X86_INS_MOVSB:
    case X86_INS_MOVSW:
    case X86_INS_MOVSQ:
    case X86_INS_CMPSB:
    case X86_INS_CMPSW:
    case X86_INS_CMPSQ:
    case X86_INS_STOSB:
    case X86_INS_STOSW:
    case X86_INS_STOSD:
    case X86_INS_STOSQ:
    case X86_INS_LODSB:
    case X86_INS_LODSW:
    case X86_INS_LODSD:
    case X86_INS_LODSQ:
    case X86_INS_SCASB:
    case X86_INS_SCASW:
    case X86_INS_SCASD:
    case X86_INS_SCASQ:
        return true;
    case X86_INS_MOVSD: /* these names are also those of instructions on numbers */
    case X86_INS_CMPSD:
        return insn->detail->x86.op_count == 2 &&
               insn->detail->x86.operands[0].type == X86_OP_MEM &&
               insn->detail->x86.operands[1].type == X86_OP_MEM;
    default:
        return false;
    }
}

/* Reads what it writes: the processor reports such an access as a write. */
static bool reads_and_writes(unsigned id) {
    switch (id) {
    case X86_INS_ADD:
    case X86_INS_ADC:
    case X86_INS_SUB:
    case X86_INS_SBB:
    case X86_INS_AND:
    case X86_INS_OR:
    case X86_INS_XOR:
    case X86_INS_INC:
    case X86_INS_DEC:
    case X86_INS_NEG:
    case X86_INS_NOT:
    case X86_INS_SHL:
    case X86_INS_SHR:
    case X86_INS_SAR:
    case X86_INS_ROL:
    case X86_INS_ROR:
    case X86_INS_RCL:
    case X86_INS_RCR:
    case X86_INS_SHLD:
    case X86_INS_SHRD:
    case X86_INS_BTS:
    case X86_INS_BTR:
    case X86_INS_BTC:
    case X86_INS_XCHG:
    case X86_INS_XADD:
    case X86_INS_CMPXCHG:
    case X86_INS_CMPXCHG8B:
    case X86_INS_CMPXCHG16B:
        return true;
    default:
        return false;
    }
}

/* These put something else into registers that their own address may be made of. */
static bool changes_registers(unsigned id) {
    return id == X86_INS_XCHG || id == X86_INS_XADD || id == X86_INS_CMPXCHG ||
           id == X86_INS_CMPXCHG8B || id == X86_INS_CMPXCHG16B;
}

/* False: the address is not made of general registers alone. */
static bool place(struct hak_touch *touch, const struct hak_instruction *of, const cs_insn *insn,
                  const x86_op_mem *operand, const struct hak_machine *machine) {
    bool has_base = operand->base != X86_REG_INVALID;
    bool has_index = operand->index != X86_REG_INVALID && operand->index != X86_REG_RIZ &&
                     operand->index != X86_REG_EIZ;
    touch->base = has_base ? hak_dwarf_register(operand->base) : -1;
    touch->index = has_index ? hak_dwarf_register(operand->index) : -1;
    touch->scale = (unsigned)operand->scale;
    touch->is_of_rip = touch->base == RIP;
    if ((has_base && touch->base < 0) || (has_index && touch->index < 0) ||
        operand->segment == X86_REG_FS || operand->segment == X86_REG_GS)
        return false;
    touch->address = (uint64_t)operand->disp;
    if (touch->is_of_rip)
        touch->address += of->address + of->length;
    else if (touch->base >= 0)
        touch->address += machine->registers[touch->base];
    if (touch->index >= 0)
        touch->address += machine->registers[touch->index] * touch->scale;
    if (touch->is_of_rip)
        touch->base = -1;
    if (insn->detail->x86.addr_size == 4)
        touch->address &= UINT32_MAX;
    return insn->detail->x86.addr_size == 8 || insn->detail->x86.addr_size == 4;
}

static void add_touch(struct hak_instruction *out, const struct hak_touch *touch) {
    if (touch->bytes > 0 && out->touch_count < HAK_INSTRUCTION_TOUCHES)
        out->touches[out->touch_count++] = *touch;
}

/* `from` is rsp, or where it is to be. */
static void add_stack(struct hak_instruction *out, uint64_t from, unsigned ways) {
    add_touch(out, &(struct hak_touch){.address = from,
                                       .bytes = STACK_BYTES,
                                       .ways = ways,
                                       .base = RSP,
                                       .index = -1,
                                       .scale = 1});
}

/* ---- string instructions ------------------------------------------------------------------------
 */

/* movs writes its first operand and reads the second; cmps, lods and scas read, stos writes. */
static unsigned ways_of_string(const cs_insn *insn, int operand) {
    switch (insn->id) {
    case X86_INS_MOVSB:
    case X86_INS_MOVSW:
    case X86_INS_MOVSD:
    case X86_INS_MOVSQ:
        return operand == 0 ? HAK_TOUCHES_WRITE : HAK_TOUCHES_READ;
    case X86_INS_STOSB:
    case X86_INS_STOSW:
    case X86_INS_STOSD:
    case X86_INS_STOSQ:
        return HAK_TOUCHES_WRITE;
    default:
        return HAK_TOUCHES_READ;
    }
}

/* After an element rsi and rdi stand at the next one. */
static void find_string(struct hak_instruction *out, const cs_insn *insn,
                        const struct hak_machine *machine, bool is_after) {
    const cs_x86 *details = &insn->detail->x86;
    out->is_repeated = details->prefix[0] == REPEAT || details->prefix[0] == REPEAT_NOT_EQUAL;
    out->left = machine->registers[RCX] & (details->addr_size == 4 ? UINT32_MAX : UINT64_MAX);
    out->has_direction = machine->flags != 0;
    out->is_downwards = (machine->flags & DIRECTION) != 0;
    if (is_after && !out->has_direction)
        return;
    for (int i = 0; i < details->op_count; i++) {
        const cs_x86_op *operand = &details->operands[i];
        struct hak_touch touch = {.bytes = operand->size, .ways = ways_of_string(insn, i)};
        if (operand->type != X86_OP_MEM || !place(&touch, out, insn, &operand->mem, machine))
            continue;
        if (is_after)
            touch.address += out->is_downwards ? touch.bytes : -(uint64_t)touch.bytes;
        add_touch(out, &touch);
    }
}

/* ---- the stack ----------------------------------------------------------------------------------
 */

/* False: it is none of these. */
static bool find_stack(struct hak_instruction *out, const cs_insn *insn,
                       const struct hak_machine *machine, bool is_after) {
    const cs_x86 *details = &insn->detail->x86;
    const cs_x86_op *operand = &details->operands[0];
    uint64_t top = machine->registers[RSP];
    bool is_push = insn->id == X86_INS_PUSH || insn->id == X86_INS_CALL;
    bool is_pop = insn->id == X86_INS_POP || insn->id == X86_INS_RET;
    if (!is_push && !is_pop)
        return false;
    if (details->prefix[2] == OPERAND_SIZE)
        return true;
    if (!is_after || is_push)
        add_stack(out, is_push && !is_after ? top - STACK_BYTES : top,
                  is_push ? HAK_TOUCHES_WRITE : HAK_TOUCHES_READ);
    struct hak_touch touch = {.bytes = operand->size,
                              .ways = is_push ? HAK_TOUCHES_READ : HAK_TOUCHES_WRITE};
    /* pop's own rsp is the one after it. */
    bool is_placed = details->op_count == 1 && operand->type == X86_OP_MEM &&
                     place(&touch, out, insn, &operand->mem, machine);
    bool moves_with_it = touch.base == RSP && (is_pop || is_after);
    if (is_placed && !moves_with_it)
        add_touch(out, &touch);
    return true;
}

/* ---- all others ---------------------------------------------------------------------------------
 */

/* A mask chooses the bytes: its register is one of the operands. */
static bool is_masked(const cs_x86 *details) {
    for (int i = 0; i < details->op_count; i++)
        if (details->operands[i].type == X86_OP_REG && details->operands[i].reg >= X86_REG_K0 &&
            details->operands[i].reg <= X86_REG_K7)
            return true;
    return false;
}

/* A bit that a register numbers lies anywhere. */
static bool is_bit_by_register(const cs_insn *insn) {
    return (insn->id == X86_INS_BT || insn->id == X86_INS_BTS || insn->id == X86_INS_BTR ||
            insn->id == X86_INS_BTC) &&
           insn->detail->x86.operands[1].type == X86_OP_REG;
}

static void find_operand(struct hak_instruction *out, const cs_insn *insn,
                         const struct hak_machine *machine, bool is_after) {
    const cs_x86 *details = &insn->detail->x86;
    int found = -1;
    for (int i = 0; i < details->op_count; i++)
        if (details->operands[i].type == X86_OP_MEM) {
            if (found >= 0)
                return;
            found = i;
        }
    if (found < 0 || !hak_is_whole(insn->id) || is_masked(details) || is_bit_by_register(insn) ||
        (is_after && changes_registers(insn->id)))
        return;
    /* The first operand is written or compared, or read where it is the only one. */
    bool is_first = found == 0 || insn->id == X86_INS_XCHG;
    struct hak_touch touch = {.bytes = details->operands[found].size,
                              .ways = !is_first ? HAK_TOUCHES_READ
                                      : reads_and_writes(insn->id)
                                          ? HAK_TOUCHES_READ | HAK_TOUCHES_WRITE
                                          : 0};
    if (place(&touch, out, insn, &details->operands[found].mem, machine))
        add_touch(out, &touch);
}

void hak_find_touches(struct hak_instruction *out, const cs_insn *insn,
                      const struct hak_machine *machine, bool is_after) {
    if (is_string(insn))
        find_string(out, insn, machine, is_after);
    else if (!find_stack(out, insn, machine, is_after))
        find_operand(out, insn, machine, is_after);
}

void hak_find_division(struct hak_instruction *out, const cs_insn *insn) {
    const cs_x86_op *operand = &insn->detail->x86.operands[0];
    if ((insn->id != X86_INS_DIV && insn->id != X86_INS_IDIV) || operand->size < 4)
        return;
    out->is_division = true;
    out->divisor = operand->type == X86_OP_REG ? hak_dwarf_register(operand->reg) : -1;
}
