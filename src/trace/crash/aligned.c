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

#if HAK_HAS_ALIGNED_ACCESSES

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
    hak_block_signals_but((uint64_t)1 << (SIGSEGV - 1), signals); /* see the accesses below */
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

/* ---- accesses that may fail --------------------------------------------------------------------
 *
 * Another thread may close the block's pages at any moment, and the program may have forbidden to
 * write there. Each of these functions touches the program's memory by one instruction, its name
 * with `_at` behind it; a fault there goes on at hak_crash_refused, with the address. */

struct touched {
    uint64_t result;  /* TOUCH_REFUSED, or what the function says */
    uint64_t address; /* of the byte that could not be accessed */
};
enum { TOUCH_DIFFERS, TOUCH_DONE, TOUCH_REFUSED };

HAK_HIDDEN struct touched hak_crash_load(uint8_t to[HAK_VECTOR_BYTES], const uint8_t *from);
HAK_HIDDEN struct touched hak_crash_store(const uint8_t from[HAK_VECTOR_BYTES], uint8_t *to);
/* Writes `value` if it finds `*due`, which is what it found afterwards. */
HAK_HIDDEN struct touched hak_crash_exchange(uint64_t *due, uint8_t *at, uint64_t value);
HAK_HIDDEN extern const char hak_crash_load_at[], hak_crash_store_at[], hak_crash_exchange_at[],
    hak_crash_refused[];
#include HAK_ARCH_FILE(aligned.h)

bool hak_crash_refuses_touch(const siginfo_t *info, ucontext_t *context) {
    greg_t *general = context->uc_mcontext.gregs;
    const char *at = (const char *)general[REG_RIP];
    if (info->si_code <= 0 ||
        (at != hak_crash_load_at && at != hak_crash_store_at && at != hak_crash_exchange_at))
        return false;
    general[REG_RIP] = (greg_t)hak_crash_refused;
    general[REG_RDX] = (greg_t)info->si_addr;
    return true;
}

/* ---- cmpxchg16b --------------------------------------------------------------------------------
 */

/* A write of one half alone by another thread is not lost: the other half is put back. */
static struct touched exchange(struct hak_signal_frame *frame, uint8_t *at) {
    greg_t *general = frame->general;
    uint64_t low = (uint64_t)general[REG_RAX], high = (uint64_t)general[REG_RDX];
    uint64_t put_back = high, new_high = (uint64_t)general[REG_RCX];
    struct touched touched = hak_crash_exchange(&high, at + 8, new_high);
    bool has_high = touched.result == TOUCH_DONE;
    if (touched.result == TOUCH_REFUSED)
        return touched;
    /* Else it only finds out what is there. */
    touched = hak_crash_exchange(&low, at, has_high ? (uint64_t)general[REG_RBX] : low);
    bool is_done = has_high && touched.result == TOUCH_DONE;
    if (has_high && !is_done)
        (void)hak_crash_exchange(&new_high, at + 8, put_back);
    if (touched.result == TOUCH_REFUSED)
        return touched;
    general[REG_EFL] = is_done ? general[REG_EFL] | ZERO_FLAG : general[REG_EFL] & ~ZERO_FLAG;
    if (!is_done) {
        general[REG_RAX] = (greg_t)low;
        general[REG_RDX] = (greg_t)high;
    }
    touched.result = TOUCH_DONE;
    return touched;
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

/* On room.operand. An exception of numbers that traps is the program's: the instruction is left to
 * it, and false. */
static bool operate(struct hak_signal_frame *frame, const uint8_t *code,
                    const struct hak_decoded *decoded) {
    uint32_t controls, before;
    greg_t *flags = &frame->general[REG_EFL];
    if (!write_code(code, decoded))
        return false;
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
    uint64_t code = registers->value[HAK_REGISTER_IP];
    return hak_crash_decode(code, decoded) && decoded->aligned != HAK_ALIGNED_NOT &&
           !decoded->operands->is_unknown;
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
        address += registers->value[HAK_REGISTER_IP] + decoded->length;
    return operand->is_narrow ? (uint32_t)address : address;
}

static void tell_of_page(siginfo_t *info, ucontext_t *context, uint64_t address, bool is_write) {
    greg_t *general = context->uc_mcontext.gregs;
    info->si_code = SEGV_ACCERR;
    info->si_addr = (void *)(uintptr_t)address;
    general[REG_TRAPNO] = HAK_EXCEPTION_PAGE;
    general[REG_ERR] = ERROR_OF_USER | (is_write ? HAK_PAGE_ERROR_WRITE : 0);
    general[REG_CR2] = (greg_t)address;
}

/* TOUCH_DIFFERS: it cannot be carried out. */
static struct touched carry_out(struct hak_signal_frame *frame, const uint8_t *code,
                                const struct hak_decoded *decoded, uint8_t *at) {
    uint8_t value[HAK_VECTOR_BYTES];
    struct touched touched = {0};
    switch (decoded->aligned) {
    case HAK_ALIGNED_LOAD:
        touched = hak_crash_load(value, at);
        if (touched.result == TOUCH_DONE)
            hak_frame_write_vector(frame, decoded->vector, value, decoded->is_vex);
        break;
    case HAK_ALIGNED_STORE:
        hak_frame_read_vector(frame, decoded->vector, value);
        touched = hak_crash_store(value, at);
        break;
    case HAK_ALIGNED_EXCHANGE:
        touched = exchange(frame, at);
        break;
    case HAK_ALIGNED_OPERATION:
        touched = hak_crash_load(room.operand, at);
        if (touched.result == TOUCH_DONE && !operate(frame, code, decoded))
            touched.result = TOUCH_DIFFERS;
        break;
    case HAK_ALIGNED_NOT:
        break;
    }
    return touched;
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
    take_turn(&signals);
    struct touched touched =
        carry_out(&frame, (const uint8_t *)(uintptr_t)registers.value[HAK_REGISTER_IP], &decoded,
                  (uint8_t *)(uintptr_t)address);
    end_turn(&signals);
    if (touched.result == TOUCH_REFUSED)
        tell_of_page(info, context, touched.address, decoded.operands->writes);
    if (touched.result == TOUCH_DONE)
        context->uc_mcontext.gregs[REG_RIP] += decoded.length;
    return touched.result == TOUCH_DONE;
}

#else

bool hak_crash_refuses_touch(const siginfo_t *info, ucontext_t *context) {
    (void)info;
    (void)context;
    return false;
}

bool hak_crash_carry_out(siginfo_t *info, ucontext_t *context) {
    (void)info;
    (void)context;
    return false;
}

#endif
