/* Carries out instructions that ask for aligned memory on guarded blocks that are less aligned.
 *
 *   load, store   between memory and the vector register in the frame of the signal
 *   cmpxchg16b    by two exchanges of eight bytes, under a lock that all accesses here take
 *   others        run on an aligned copy of their bytes, in a page of code of their own, with the
 *                 registers of the frame */
#include "trace/crash/aligned.h"

#include <errno.h>
#include <string.h>
#include "decode/decode.h"
#include "platform/block_signals.h"
#include "platform/platform.h"
#include "platform/raw_call.h"
#include "trace/crash/crash.h"
#include "trace/crash/frame.h"
#include "trace/crash/processor.h"
#include "trace/trace.h"

enum {
    RAISED = 0x3f,   /* of MXCSR: exceptions that were met */
    MASKED = 0x1f80, /* those that do not trap, RAISED * 2 << 6 */
    MASK_SHIFT = 7,
    ARITHMETIC = 0x8d5, /* of rflags */
    ZERO_FLAG = 0x40,
    ERROR_OF_USER = 4,
    PATIENCE = 1000, /* tries until the holder of the lock may be gone */
};

/* ---- the lock ----------------------------------------------------------------------------------
 */

static _Atomic uint32_t turn_of; /* kernel's id of a thread */

/* A thread that another one's fork left behind in the parent never gives it back. */
static void take_turn(uint64_t *signals) {
    uint32_t nobody = 0, self = (uint32_t)hak_raw_call(SYS_gettid);
    hak_block_signals(signals);
    for (unsigned tries = 1; !atomic_compare_exchange_strong(&turn_of, &nobody, self); tries++) {
        bool is_gone = tries % PATIENCE == 0 &&
                       hak_raw_call(SYS_tgkill, hak_raw_call(SYS_getpid), nobody, 0) == -ESRCH;
        if (is_gone && atomic_compare_exchange_strong(&turn_of, &nobody, self))
            return;
        (void)hak_raw_call(SYS_sched_yield);
        nobody = 0;
    }
}

static void end_turn(const uint64_t *signals) {
    atomic_store(&turn_of, 0);
    hak_restore_signals(signals);
}

/* ---- cmpxchg16b --------------------------------------------------------------------------------
 */

static bool exchange_half(uint8_t *at, uint64_t *due, uint64_t value) {
    bool is_done;
    __asm__ volatile("lock cmpxchgq %3, %1"
                     : "=@ccz"(is_done), "+m"(*(uint64_t *)(void *)at), "+a"(*due)
                     : "r"(value)
                     : "memory");
    return is_done;
}

/* A write of one half alone by another thread is not lost: the other half is put back. */
static void exchange(struct hak_signal_frame *frame, uint8_t *at) {
    greg_t *general = frame->general;
    uint64_t low = (uint64_t)general[REG_RAX], high = (uint64_t)general[REG_RDX];
    uint64_t put_back = high, new_high = (uint64_t)general[REG_RCX];
    bool has_high = exchange_half(at + 8, &high, new_high);
    bool is_done = has_high && exchange_half(at, &low, (uint64_t)general[REG_RBX]);
    if (has_high && !is_done)
        (void)exchange_half(at + 8, &new_high, put_back);
    general[REG_EFL] = is_done ? general[REG_EFL] | ZERO_FLAG : general[REG_EFL] & ~ZERO_FLAG;
    if (is_done)
        return;
    if (!has_high)
        memcpy(&low, at, sizeof low);
    general[REG_RAX] = (greg_t)low;
    general[REG_RDX] = (greg_t)high;
}

/* ---- all others --------------------------------------------------------------------------------
 */

/* For the holder of the lock. */
static struct {
    uint8_t own[HAK_LEGACY_BYTES], its[HAK_LEGACY_BYTES], operand[HAK_VECTOR_BYTES];
    uint64_t flags;
} room __attribute__((aligned(64)));
static uint8_t *code_page;

/* Calls `code` with the legacy registers `its` and rsi = `operand`, and `flags`, which are those
 * behind it afterwards. */
HAK_HIDDEN void hak_crash_run(uint8_t *its, const uint8_t *operand, const uint8_t *code,
                              uint8_t *own, uint64_t *flags);
__asm__(".text\n"
        ".type hak_crash_run, @function\n"
        ".hidden hak_crash_run\n"
        "hak_crash_run:\n"
        ".cfi_startproc\n"
        "fxsave64 (%rcx)\n"
        "fxrstor64 (%rdi)\n"
        "pushq (%r8)\n"
        ".cfi_adjust_cfa_offset 8\n"
        "popfq\n"
        ".cfi_adjust_cfa_offset -8\n"
        "call *%rdx\n"
        "pushfq\n"
        ".cfi_adjust_cfa_offset 8\n"
        "popq (%r8)\n"
        ".cfi_adjust_cfa_offset -8\n"
        "fxsave64 (%rdi)\n"
        "fxrstor64 (%rcx)\n"
        "ret\n"
        ".cfi_endproc\n"
        ".size hak_crash_run, . - hak_crash_run\n");

/* False: nobody may write code here. */
static bool write_code(const uint8_t *code, const struct hak_decoded *decoded) {
    if (!code_page)
        code_page = hak_raw_map(HAK_PAGE_BYTES);
    else if (hak_raw_call(SYS_mprotect, code_page, HAK_PAGE_BYTES, PROT_READ | PROT_WRITE) != 0)
        return false;
    if (!code_page)
        return false;
    unsigned length = hak_decode_at_rsi(code, decoded, code_page);
    code_page[length] = 0xc3; /* ret */
    return hak_raw_call(SYS_mprotect, code_page, HAK_PAGE_BYTES, PROT_READ | PROT_EXEC) == 0;
}

/* An exception of numbers that traps is the program's: the instruction is left to it. */
static bool operate(struct hak_signal_frame *frame, const uint8_t *code,
                    const struct hak_decoded *decoded, const uint8_t *at) {
    uint32_t controls, before;
    greg_t *flags = &frame->general[REG_EFL];
    if (!write_code(code, decoded))
        return false;
    memcpy(room.operand, at, HAK_VECTOR_BYTES);
    hak_frame_copy_legacy(frame, room.its);
    memcpy(&before, room.its + HAK_MXCSR_AT, sizeof before);
    controls = (before | MASKED) & ~(uint32_t)RAISED;
    memcpy(room.its + HAK_MXCSR_AT, &controls, sizeof controls);
    room.flags = (uint64_t)*flags & ARITHMETIC;
    hak_crash_run(room.its, room.operand, code_page, room.own, &room.flags);
    memcpy(&controls, room.its + HAK_MXCSR_AT, sizeof controls);
    uint32_t raised = controls & RAISED;
    if (raised & ~(before >> MASK_SHIFT))
        return false;
    before |= raised;
    memcpy(frame->legacy + HAK_MXCSR_AT, &before, sizeof before);
    hak_frame_write_vector(frame, decoded->vector,
                           room.its + HAK_VECTORS_AT + decoded->vector * HAK_VECTOR_BYTES, false);
    *flags = (greg_t)(((uint64_t)*flags & ~(uint64_t)ARITHMETIC) | (room.flags & ARITHMETIC));
    return true;
}

/* ---- the instruction ---------------------------------------------------------------------------
 */

static bool find_instruction(const struct hak_registers *registers, struct hak_decoded *decoded) {
    uint64_t code = registers->value[HAK_RIP];
    size_t bytes = HAK_PAGE_BYTES - code % HAK_PAGE_BYTES;
    if (!hak_raw_readable(code & ~(uint64_t)7))
        return false;
    if (bytes < HAK_DECODE_LONGEST && hak_raw_readable(code + bytes))
        bytes = HAK_DECODE_LONGEST;
    return hak_decode((const uint8_t *)(uintptr_t)code, bytes, decoded) &&
           decoded->aligned != HAK_ALIGNED_NOT && !decoded->operands->is_unknown;
}

static uint64_t address_of_operand(const struct hak_registers *registers,
                                   const struct hak_decoded *decoded) {
    const struct hak_operand *operand = decoded->operands;
    uint64_t address = (uint64_t)operand->displacement;
    if (operand->base >= 0)
        address += registers->value[operand->base];
    if (operand->index >= 0)
        address += registers->value[operand->index] * operand->scale;
    if (operand->is_of_rip)
        address += registers->value[HAK_RIP] + decoded->length;
    return operand->is_narrow ? (uint32_t)address : address;
}

/* The first of the bytes at `address` that lies in a closed page; 0 = none. */
static uint64_t first_closed(uint64_t address) {
    uint64_t page = address & ~(uint64_t)(HAK_PAGE_BYTES - 1), next = page + HAK_PAGE_BYTES;
    if (!hak_raw_readable(page))
        return address;
    return address + HAK_VECTOR_BYTES > next && !hak_raw_readable(next) ? next : 0;
}

static void tell_of_page(siginfo_t *info, ucontext_t *context, uint64_t address, bool is_write) {
    greg_t *general = context->uc_mcontext.gregs;
    info->si_code = SEGV_ACCERR;
    info->si_addr = (void *)(uintptr_t)address;
    general[REG_TRAPNO] = HAK_EXCEPTION_PAGE;
    general[REG_ERR] = ERROR_OF_USER | (is_write ? HAK_PAGE_ERROR_WRITE : 0);
    general[REG_CR2] = (greg_t)address;
}

static bool carry_out(struct hak_signal_frame *frame, const uint8_t *code,
                      const struct hak_decoded *decoded, uint8_t *at) {
    uint8_t value[HAK_VECTOR_BYTES];
    switch (decoded->aligned) {
    case HAK_ALIGNED_LOAD:
        memcpy(value, at, HAK_VECTOR_BYTES);
        hak_frame_write_vector(frame, decoded->vector, value, decoded->is_vex);
        return true;
    case HAK_ALIGNED_STORE:
        hak_frame_read_vector(frame, decoded->vector, value);
        memcpy(at, value, HAK_VECTOR_BYTES);
        return true;
    case HAK_ALIGNED_EXCHANGE:
        exchange(frame, at);
        return true;
    case HAK_ALIGNED_OPERATION:
        return operate(frame, code, decoded, at);
    case HAK_ALIGNED_NOT:
        break;
    }
    return false;
}

bool hak_crash_carry_out(siginfo_t *info, ucontext_t *context) {
    struct hak_registers registers;
    struct hak_decoded decoded;
    struct hak_signal_frame frame;
    uint64_t signals;
    if (info->si_code != SI_KERNEL ||
        context->uc_mcontext.gregs[REG_TRAPNO] != HAK_EXCEPTION_PROTECTION ||
        !hak_frame_find(context, &frame))
        return false;
    hak_registers_from_context(&registers, context);
    if (!find_instruction(&registers, &decoded))
        return false;
    uint64_t address = address_of_operand(&registers, &decoded);
    if (address % HAK_VECTOR_BYTES == 0 || !hak_crash_is_less_aligned(address))
        return false;
    uint64_t closed = first_closed(address);
    if (closed != 0) {
        tell_of_page(info, context, closed, decoded.operands->writes);
        return false;
    }
    take_turn(&signals);
    bool is_done = carry_out(&frame, (const uint8_t *)(uintptr_t)registers.value[HAK_RIP], &decoded,
                             (uint8_t *)(uintptr_t)address);
    end_turn(&signals);
    if (is_done)
        context->uc_mcontext.gregs[REG_RIP] += decoded.length;
    return is_done;
}
