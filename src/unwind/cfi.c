/* Runs the instructions of an entry of .eh_frame up to the row of one pc. */
#include "unwind/cfi.h"
#include <string.h>
#include "unwind/cfi_entry.h"
#include "unwind/code.h"
#include "platform/objects.h"
#include HAK_ARCH_FILE(plt.h)

enum { STATES_MAX = 6 };

/* The state of running instructions. No row is kept: what lies between REMEMBER_STATE and its
 * RESTORE_STATE is passed over, and run only if the pc lies in it. So a walk takes little of the
 * stack it is on, which may be that of a signal handler. */
struct run {
    const struct cfi_common *common;
    struct hak_cfi *cfi;
    const struct hak_cfi_row *initial; /* the CIE's row; NULL while that itself is made */
    uintptr_t location;
    unsigned passing; /* states that were kept and not taken again; 0: instructions are run */
    unsigned entered; /* such parts that the pc lies in */
    bool bad;
};

/* The cell of the row to be written; NULL: the register is not followed, or it is passed over. */
static struct hak_cfi_cell *cell_of(struct run *run, uint64_t reg) {
    return reg < HAK_REGISTERS && !run->passing ? &run->cfi->row.reg[reg] : NULL;
}

/* Sets a register's cell of the row; a value over 32 bits makes the run bad, a register that is not
 * followed is passed over. */
static void set(struct run *run, uint64_t reg, uint8_t how, int64_t value) {
    struct hak_cfi_cell *cell = cell_of(run, reg);
    if (value != (int32_t)value)
        run->bad = true;
    else if (cell)
        *cell = (struct hak_cfi_cell){how, 0, 0, (int32_t)value};
}

/* Sets the CFA to a register plus a value; a value over 32 bits or a register that is not followed
 * makes the run bad. */
static void set_cfa(struct run *run, uint64_t reg, int64_t value) {
    if (value != (int32_t)value || reg >= HAK_REGISTERS)
        run->bad = true;
    else if (!run->passing)
        run->cfi->row.cfa =
            (struct hak_cfi_cell){HAK_CFI_IS_OFFSET, (uint8_t)reg, 0, (int32_t)value};
}

/* Makes `cell` (NULL: a register that is not followed) an expression that begins at `c`. */
static void set_expression(struct run *run, struct cursor *c, struct hak_cfi_cell *cell,
                           uint8_t how) {
    uint64_t bytes = cursor_uleb(c);
    int64_t distance = c->at - run->cfi->origin;
    cursor_skip(c, bytes);
    if (bytes > UINT16_MAX || distance != (int32_t)distance)
        run->bad = true;
    else if (cell && !run->passing)
        *cell = (struct hak_cfi_cell){how, 0, (uint16_t)bytes, (int32_t)distance};
}

/* Gives a register the cell that the CIE's instructions gave it; within these themselves it makes
 * the run bad. */
static void restore(struct run *run, uint64_t reg) {
    struct hak_cfi_cell *cell = cell_of(run, reg);
    if (!run->initial)
        run->bad = true;
    else if (cell)
        *cell = run->initial->reg[reg];
}

enum instruction {
    NOP = 0x00,
    SET_LOC,
    ADVANCE_LOC1,
    ADVANCE_LOC2,
    ADVANCE_LOC4,
    OFFSET_EXTENDED,
    RESTORE_EXTENDED,
    UNDEFINED,
    SAME_VALUE,
    REGISTER,
    REMEMBER_STATE,
    RESTORE_STATE,
    DEF_CFA,
    DEF_CFA_REGISTER,
    DEF_CFA_OFFSET,
    DEF_CFA_EXPRESSION,
    EXPRESSION,
    OFFSET_EXTENDED_SF,
    DEF_CFA_SF,
    DEF_CFA_OFFSET_SF,
    VAL_OFFSET,
    VAL_OFFSET_SF,
    VAL_EXPRESSION,
    AARCH64_NEGATE_RA_STATE_WITH_PC = 0x2c,
    AARCH64_NEGATE_RA_STATE = 0x2d,
    GNU_ARGS_SIZE = 0x2e,
    GNU_NEGATIVE_OFFSET_EXTENDED = 0x2f,
    ADVANCE_LOC = 0x40, /* these three hold an operand in their low 6 bits */
    OFFSET = 0x80,
    RESTORE = 0xc0
};

/* Instructions about the CFA. */
static void run_cfa(struct run *run, struct cursor *c, uint8_t instruction) {
    struct hak_cfi_cell *cfa = &run->cfi->row.cfa;
    uint64_t reg;
    bool keeps_register = instruction == DEF_CFA_OFFSET || instruction == DEF_CFA_OFFSET_SF;
    if (instruction == DEF_CFA_EXPRESSION) {
        set_expression(run, c, cfa, HAK_CFI_IS_EXPRESSION);
        return;
    }
    if ((keeps_register || instruction == DEF_CFA_REGISTER) && cfa->how != HAK_CFI_IS_OFFSET &&
        !run->passing) {
        run->bad = true;
        return;
    }
    reg = keeps_register ? cfa->reg : cursor_uleb(c);
    if (instruction == DEF_CFA_REGISTER)
        set_cfa(run, reg, cfa->value);
    else if (instruction == DEF_CFA_SF || instruction == DEF_CFA_OFFSET_SF)
        set_cfa(run, reg, cursor_sleb(c) * run->common->data_align);
    else
        set_cfa(run, reg, (int64_t)cursor_uleb(c));
}

/* Instructions about one register. */
static void run_register(struct run *run, struct cursor *c, uint8_t instruction) {
    int64_t align = run->common->data_align;
    uint64_t reg = cursor_uleb(c);
    switch (instruction) {
    case OFFSET_EXTENDED:
        set(run, reg, HAK_CFI_AT_OFFSET, (int64_t)cursor_uleb(c) * align);
        break;
    case OFFSET_EXTENDED_SF:
        set(run, reg, HAK_CFI_AT_OFFSET, cursor_sleb(c) * align);
        break;
    case GNU_NEGATIVE_OFFSET_EXTENDED:
        set(run, reg, HAK_CFI_AT_OFFSET, -(int64_t)cursor_uleb(c) * align);
        break;
    case VAL_OFFSET:
        set(run, reg, HAK_CFI_IS_OFFSET, (int64_t)cursor_uleb(c) * align);
        break;
    case VAL_OFFSET_SF:
        set(run, reg, HAK_CFI_IS_OFFSET, cursor_sleb(c) * align);
        break;
    case RESTORE_EXTENDED:
        restore(run, reg);
        break;
    case UNDEFINED:
        set(run, reg, HAK_CFI_UNDEFINED, 0);
        break;
    case SAME_VALUE:
        set(run, reg, HAK_CFI_SAME, 0);
        break;
    case EXPRESSION:
        set_expression(run, c, cell_of(run, reg), HAK_CFI_AT_EXPRESSION);
        break;
    case VAL_EXPRESSION:
        set_expression(run, c, cell_of(run, reg), HAK_CFI_IS_EXPRESSION);
        break;
    case REGISTER: {
        uint64_t other = cursor_uleb(c);
        set(run, reg, HAK_CFI_IN_REGISTER, 0);
        if (other >= HAK_REGISTERS)
            run->bad = true;
        else if (cell_of(run, reg))
            cell_of(run, reg)->reg = (uint8_t)other;
        break;
    }
    default:
        run->bad = true;
        break;
    }
}

/* A place in the instructions. */
struct place {
    struct cursor at;
    uintptr_t location;
};

/* Begins to pass over instructions, to be run from `here` on if the pc lies in them, or ends it.
 * A state to take where none was kept makes the run bad. */
static void run_state(struct run *run, uint8_t instruction, const struct cursor *c,
                      struct place *here) {
    if (instruction == REMEMBER_STATE && run->passing++ == 0)
        *here = (struct place){*c, run->location};
    else if (instruction == RESTORE_STATE && run->passing-- == 0)
        run->bad = true;
}

/* Goes back to the instructions that were passed over, as the pc lies in them. Too many states make
 * the run bad. */
static void go_back(struct run *run, struct cursor *c, const struct place *here) {
    *c = here->at;
    run->location = here->location;
    run->passing = 0;
    run->bad |= ++run->entered > STATES_MAX;
}

/* Runs instructions until the row of `pc` stands. False: they cannot be understood. */
static bool run_instructions(struct run *run, struct cursor c, uintptr_t pc) {
    uint64_t align = run->common->code_align;
    struct place here = {c, run->location};
    while (!run->bad && (c.at < c.end || run->passing)) {
        if (c.at >= c.end) {
            go_back(run, &c, &here);
            continue;
        }
        uint8_t instruction = (uint8_t)cursor_fixed(&c, 1);
        uint8_t operand = instruction & 0x3f;
        uintptr_t location = run->location;
        switch (instruction & 0xc0) {
        case ADVANCE_LOC:
            location += operand * align;
            break;
        case OFFSET:
            set(run, operand, HAK_CFI_AT_OFFSET,
                (int64_t)cursor_uleb(&c) * run->common->data_align);
            break;
        case RESTORE:
            restore(run, operand);
            break;
        default:
            switch (instruction) {
            case NOP:
                break;
            case SET_LOC:
                location = cursor_pointer(&c, run->common->pointer_encoding, 0);
                break;
            case ADVANCE_LOC1:
                location += cursor_fixed(&c, 1) * align;
                break;
            case ADVANCE_LOC2:
                location += cursor_fixed(&c, 2) * align;
                break;
            case ADVANCE_LOC4:
                location += cursor_fixed(&c, 4) * align;
                break;
            case AARCH64_NEGATE_RA_STATE: /* signed or not: the signature is always taken off */
            case AARCH64_NEGATE_RA_STATE_WITH_PC:
                break;
            case GNU_ARGS_SIZE:
                (void)cursor_uleb(&c);
                break;
            case REMEMBER_STATE:
            case RESTORE_STATE:
                run_state(run, instruction, &c, &here);
                break;
            case DEF_CFA:
            case DEF_CFA_REGISTER:
            case DEF_CFA_OFFSET:
            case DEF_CFA_EXPRESSION:
            case DEF_CFA_SF:
            case DEF_CFA_OFFSET_SF:
                run_cfa(run, &c, instruction);
                break;
            default:
                run_register(run, &c, instruction);
                break;
            }
        }
        if (c.bad)
            return false;
        if (location > pc && !run->passing)
            break;
        if (location > pc)
            go_back(run, &c, &here);
        else
            run->location = location;
    }
    return !run->bad;
}

bool hak_cfi_find(const struct hak_object *object, uintptr_t pc, struct hak_cfi *cfi) {
    struct cfi_common common;
    struct cfi_description description;
    if (!hak_cfi_find_entry(object, pc, &common, &description))
        return hak_cfi_of_plt(pc, cfi);
    struct hak_cfi_row initial;
    memset(&cfi->row, 0, sizeof cfi->row);
    cfi->signal_frame = common.signal_frame;
    cfi->start = description.start;
    cfi->origin = object->eh_frame;
    struct run run = {&common, cfi, NULL, description.start, 0, 0, false};
    if (!run_instructions(&run, common.instructions, UINTPTR_MAX))
        return false;
    initial = cfi->row;
    run.initial = &initial;
    run.location = description.start;
    if (!run_instructions(&run, description.instructions, pc) || cfi->row.cfa.how == HAK_CFI_SAME)
        return false;
    hak_cfi_settle(&cfi->row);
    return true;
}
