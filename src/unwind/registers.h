/* The general registers in DWARF's numbering, as the unwinder starts from them: HAK_REGISTERS of
 * them, HAK_REGISTERS_AT_CALL those that calls preserve, and those that say where we are. */
#ifndef HAK_UNWIND_REGISTERS_H
#define HAK_UNWIND_REGISTERS_H

#include <stdint.h>
#include "arch.h"
#include "attributes.h"
#include HAK_ARCH_FILE(here.h)

/* `known` has bit i set when value[i] is known. */
struct hak_registers {
    uint64_t value[HAK_REGISTERS];
    hak_register_bits known;
};

/* Takes a snapshot at one instruction of the function it is inlined into, so that the function's
 * own CFI holds for it. The snapshot can be unwound as long as that function has not returned. */
HAK_IN_PLACE void hak_registers_here(struct hak_registers *registers) {
    registers->known = HAK_REGISTERS_AT_CALL;
    hak_note_registers(registers->value);
}

#endif
