/* The bytes of the instruction at which the processor stopped the program, and the blocks that its
 * registers point into. A debug register stops behind an instruction, whose beginning only what
 * comes before it can tell: then code in front is copied as well. */
#include <signal.h>
#include <string.h>
#include "decode/decode.h"
#include "platform/raw_call.h"
#include "platform/platform.h"
#include "superslab.h"
#include "trace/crash/crash.h"
#include "trace/crash/processor.h"
#include "unwind/cfi.h"
#include "unwind/splice.h"
#include "platform/objects.h"
#include HAK_ARCH_FILE(instruction.h)

enum {
    WORD_BYTES = 8, /* that hak_raw_readable looks at */
    IN_FRONT_BYTES = HAK_REPORT_CODE - HAK_INSTRUCTION_BYTES_MAX,
};

static bool is_page_readable(uint64_t address) {
    return hak_raw_readable(address & ~(uint64_t)(WORD_BYTES - 1)) != 0;
}

/* Up to `most` bytes from `at` on, as far as pages can be read. */
static uint32_t readable_behind(uint64_t at, uint32_t most) {
    uint32_t to_end = (uint32_t)(HAK_PAGE_BYTES - at % HAK_PAGE_BYTES);
    if (!is_page_readable(at))
        return 0;
    return most <= to_end || is_page_readable(at + to_end) ? most : to_end;
}

/* The same in front of `at`, of which the byte right in front of it can be read. */
static uint32_t readable_in_front(uint64_t at, uint32_t most) {
    uint32_t from_start = (uint32_t)((at - 1) % HAK_PAGE_BYTES) + 1;
    if (!is_page_readable(at - 1))
        return 0;
    return most <= from_start || is_page_readable(at - most) ? most : from_start;
}

bool hak_crash_is_in_repeat(const struct hak_registers *registers, uint64_t flags,
                            uint64_t written) {
    uint64_t at = registers->value[HAK_REGISTER_IP];
    return at >= HAK_PAGE_BYTES && hak_is_in_repeat((const uint8_t *)(uintptr_t)at,
                                                    readable_behind(at, HAK_INSTRUCTION_BYTES_MAX),
                                                    registers->value, flags, written);
}

bool hak_crash_decode(uint64_t at, struct hak_decoded *decoded) {
    size_t bytes = HAK_PAGE_BYTES - at % HAK_PAGE_BYTES;
    if (!is_page_readable(at))
        bytes = 0;
    else if (bytes < HAK_DECODE_LONGEST && is_page_readable(at + bytes))
        bytes = HAK_DECODE_LONGEST;
    return HAK_DECODE_HERE((const uint8_t *)(uintptr_t)at, bytes, decoded);
}

/* Bit 55 of an address says whose half it is of; the top byte may be a tag. */
static bool is_no_address(uint64_t address) {
    const uint64_t untagged = ((uint64_t)1 << 56) - 1;
    return (address & untagged) >> HAK_ADDRESS_BITS != 0;
}

void hak_crash_find_trap(const struct hak_registers *registers, uint64_t address, uint32_t *trap,
                         uint32_t *trap_error) {
    uint64_t at = registers->value[HAK_REGISTER_IP];
    struct hak_decoded decoded = {.count = 0};
    bool is_known = *trap != 0, has_jumped = is_no_address(at) || at == address;
    bool is_barred = is_no_address(address) || is_no_address(at);
    if (!has_jumped)
        (void)hak_crash_decode(at, &decoded);
    for (unsigned i = 0; i < decoded.count; i++) {
        const struct hak_operand *operand = &decoded.operands[i];
        if (!is_known && operand->writes)
            *trap_error = HAK_PAGE_ERROR_WRITE;
        is_barred |=
            !operand->is_unknown &&
            is_no_address(hak_operand_address(operand, registers->value, at + decoded.length));
    }
    if (!is_known && has_jumped)
        *trap_error = HAK_PAGE_ERROR_FETCH;
    *trap = is_barred ? HAK_EXCEPTION_PROTECTION : HAK_EXCEPTION_PAGE;
}

/* The processor jumped to where it could not go on: the instruction there did not do it. */
static bool is_fetch(const struct hak_incident *incident) {
    return incident->address == incident->registers.value[HAK_REGISTER_IP] ||
           (incident->trap == HAK_EXCEPTION_PAGE &&
            (incident->trap_error & HAK_PAGE_ERROR_FETCH) != 0);
}

/* The thread stands at an instruction that the processor refused. Behind one it stands after a
 * breakpoint and a forbidden system call; at one that comes later, where x87 tells of a fault, or
 * where the kernel ends a thread to which no signal can be given. */
static bool stands_at_instruction(const struct hak_incident *incident) {
    if (incident->code <= 0)
        return false;
    switch (incident->signal) {
    case SIGILL:
        return true;
    case SIGFPE:
        return incident->trap != HAK_EXCEPTION_X87;
    case SIGSEGV:
    case SIGBUS:
        if (incident->code == SI_KERNEL)
            return incident->trap == HAK_EXCEPTION_STACK ||
                   incident->trap == HAK_EXCEPTION_PROTECTION;
        return !is_fetch(incident) &&
               !(incident->signal == SIGBUS && incident->code == BUS_MCEERR_AO);
    default:
        return false;
    }
}

void hak_crash_copy_code(const struct hak_incident *incident, struct hak_report_code *code) {
    bool is_behind = incident->facts.found_by == HAK_FOUND_BY_WATCH;
    bool is_at = stands_at_instruction(incident);
    uint64_t at = incident->registers.value[HAK_REGISTER_IP] + incident->is_in_last_byte;
    code->address = 0;
    code->count = code->before = 0;
    if ((!is_at && !is_behind) || at < HAK_PAGE_BYTES)
        return;
    uint32_t behind = readable_behind(at, HAK_INSTRUCTION_BYTES_MAX);
    if (is_behind && behind > 0)
        code->before = readable_in_front(at, IN_FRONT_BYTES);
    code->count = code->before + behind;
    code->address = code->count > 0 ? at - code->before : 0;
    memcpy(code->bytes, (const void *)(uintptr_t)(at - code->before), code->count);
}

/* Where the code begins that `ip` lies in, with its row; false: that is not known. */
static bool find_code(uintptr_t ip, struct hak_cfi *cfi) {
    struct hak_object object;
    return hak_object_find(ip, &object) && hak_cfi_find(&object, ip, cfi);
}

static bool find_caller_of_memmove(const struct hak_registers *registers, uintptr_t *caller) {
    struct hak_cfi here, there;
    if (!find_code(registers->value[HAK_REGISTER_IP] - 1, &here) ||
        !find_code((uintptr_t)memmove, &there) || here.start != there.start)
        return false;
    /* It has put nothing on the stack: the word there is its return address. */
    if (here.row.cfa.how != HAK_CFI_IS_OFFSET || here.row.cfa.reg != HAK_REGISTER_SP ||
        here.row.cfa.value != WORD_BYTES)
        return false;
    memcpy(caller, (const void *)registers->value[HAK_REGISTER_SP], sizeof *caller);
    return true;
}

bool hak_crash_is_in_memmove(const struct hak_registers *registers) {
    uintptr_t caller;
    return find_caller_of_memmove(registers, &caller) && !hak_is_own_text(caller);
}

bool hak_crash_is_of_own(const struct hak_registers *registers) {
    uintptr_t caller;
    return hak_is_own_text(registers->value[HAK_REGISTER_IP]) ||
           (find_caller_of_memmove(registers, &caller) && hak_is_own_text(caller));
}

void hak_crash_look_at_registers(const struct hak_incident *incident,
                                 struct hak_report_pointed *pointed, unsigned count) {
    const struct hak_fault_facts *facts = &incident->facts;
    bool is_stopped = facts->fault != 0 && (facts->found_by == HAK_FOUND_BY_ACCESS ||
                                            facts->found_by == HAK_FOUND_BY_WATCH);
    for (unsigned i = 0; i < count; i++) {
        pointed[i] = (struct hak_report_pointed){.user = 0};
        if (is_stopped && i < HAK_REGISTER_IP && (incident->registers.known >> i & 1))
            hak_crash_find_block(incident->registers.value[i], &pointed[i]);
    }
}
