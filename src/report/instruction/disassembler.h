/* libcapstone, loaded when it is first wanted. */
#ifndef HAK_REPORT_INSTRUCTION_DISASSEMBLER_H
#define HAK_REPORT_INSTRUCTION_DISASSEMBLER_H

#include <capstone/capstone.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "decode/decode.h"

/* Disassembles one instruction of `processor` into its text and length; NULL = there is no library,
 * or it is none. The result holds until the next call. */
const cs_insn *hak_disassemble(enum hak_processor processor, const uint8_t *code, size_t count,
                               uint64_t address);

#endif
