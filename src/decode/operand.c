/* Computes an operand's address, and its base after the instruction, from registers. */
#include "decode/decode.h"

static uint64_t index_of(const struct hak_operand *operand, const uint64_t *registers) {
    uint64_t value = registers[operand->index];
    if (operand->index_part == HAK_INDEX_UNSIGNED_HALF)
        value = (uint32_t)value;
    if (operand->index_part == HAK_INDEX_SIGNED_HALF)
        value = (uint64_t)(int64_t)(int32_t)value;
    return value * operand->scale;
}

uint64_t hak_operand_address(const struct hak_operand *operand, const uint64_t *registers,
                             uint64_t end) {
    uint64_t address = (uint64_t)operand->displacement;
    if (operand->is_of_rip)
        address += end;
    if (operand->base >= 0)
        address += registers[operand->base];
    if (operand->index >= 0)
        address += index_of(operand, registers);
    if (operand->is_narrow)
        address &= UINT32_MAX;
    if (operand->is_rounded)
        address -= address % operand->bytes;
    return address;
}

uint64_t hak_operand_moved_base(const struct hak_operand *operand, const uint64_t *registers) {
    if (operand->base < 0)
        return 0;
    uint64_t by = operand->moved_by >= 0 ? registers[operand->moved_by] : 0;
    return registers[operand->base] + (uint64_t)operand->moves + by;
}
