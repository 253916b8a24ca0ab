/* Lists the bytes that a decoded instruction touches. */
#ifndef HAK_REPORT_INSTRUCTION_TOUCHES_H
#define HAK_REPORT_INSTRUCTION_TOUCHES_H

#include "report/instruction/disassembler.h"
#include "report/instruction/instruction.h"

/* True of an instruction (X86_INS_*) whose memory operand is as large as libcapstone says. */
bool hak_is_whole(unsigned id);
/* All of them, for the test that compares them with the processor. */
const uint16_t *hak_whole_ids(size_t *count);

/* DWARF's number of a register of 8 or 4 bytes, -1 = none of those. */
int hak_dwarf_register(unsigned reg);

/* Adds to `out` the bytes that `insn` touches, direction and repetition. `is_after`: the machine is
 * as after it; touches that cannot be told from that are left out. */
void hak_find_touches(struct hak_instruction *out, const cs_insn *insn,
                      const struct hak_machine *machine, bool is_after);

/* Sets `out`'s is_division and divisor. */
void hak_find_division(struct hak_instruction *out, const cs_insn *insn);

#endif
