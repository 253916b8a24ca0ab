/* Finds where the program's own frames begin: the registers that its code has where it called exit,
 * or one of hakmem's functions.
 *
 *   high   main's caller                      counts
 *          main, or who called exit           counts, if it is still there
 *          exit <- __run_exit_handlers        the C library's
 *   low    _dl_fini <- destructor <- scan     the loader's and hakmem's
 *
 * What main or others have left below belongs to nobody: a pointer there would hide a leak. The
 * registers that calls preserve may hold the only pointer of a frame further up, so they are
 * followed to exit's caller by the whole CFI. */
#include <stdlib.h>
#include "leaks/leaks.h"
#include "unwind/cfi.h"
#include "unwind/modules.h"
#include "platform/objects.h"

enum { OWN_FRAMES_MAX = 64 };

static bool is_in_own_module(uintptr_t ip) {
    return ip - hak_leak_own.module_start < hak_leak_own.module_end - hak_leak_own.module_start;
}

/* Unwinds one frame. `start` gets the first address of the function that was left, `module` where
 * its module lies. False: it cannot. */
static bool step(struct hak_registers *registers, struct hak_stack_memory *memory, uintptr_t *start,
                 uintptr_t *module) {
    struct hak_object object;
    struct hak_cfi cfi;
    uintptr_t pc = registers->value[HAK_REGISTER_IP] - 1;
    uintptr_t sp = registers->value[HAK_REGISTER_SP];
    if (!hak_object_find(pc, &object) || !hak_cfi_find(&object, pc, &cfi) ||
        cfi.row.reg[HAK_REGISTER_IP].how == HAK_CFI_UNDEFINED || cfi.signal_frame)
        return false;
    *start = cfi.start;
    *module = object.start;
    if (!hak_cfi_apply(&cfi, registers, memory))
        return false;
    return (registers->known >> HAK_REGISTER_IP & 1) && registers->value[HAK_REGISTER_SP] > sp;
}

/* Unwinds until the frame that called exit, which is found by its address; in a program that has an
 * entry of its own for it, as the second function of the C library behind the loader's. False: not
 * found. */
static bool leave_exit(struct hak_registers *registers, struct hak_stack_memory *memory) {
    uintptr_t library = 0;
    bool was_in_library = false;
    for (int i = 0; i < OWN_FRAMES_MAX; i++) {
        uintptr_t ip = registers->value[HAK_REGISTER_IP], start = 0, module = 0;
        bool is_ours = is_in_own_module(ip - 1) || hak_called_by_loader(ip - 1);
        if (!step(registers, memory, &start, &module))
            return false;
        if (start == (uintptr_t)&exit)
            return true;
        if (is_ours)
            continue;
        if (was_in_library)
            return module == library;
        was_in_library = true;
        library = module;
    }
    return false;
}

/* Unwinds to the first frame that is not hakmem's. False: there is none within OWN_FRAMES_MAX. */
static bool leave_hakmem(struct hak_registers *registers, struct hak_stack_memory *memory) {
    for (int i = 0; i < OWN_FRAMES_MAX; i++) {
        uintptr_t start, module;
        if (!is_in_own_module(registers->value[HAK_REGISTER_IP] - 1))
            return true;
        if (!step(registers, memory, &start, &module))
            return false;
    }
    return false;
}

bool hak_leak_find_frames(struct hak_registers *registers, bool of_exit) {
    struct hak_registers at = *registers;
    struct hak_stack_memory memory;
    hak_stack_memory_begin(&memory, at.value[HAK_REGISTER_SP]);
    if (!(of_exit ? leave_exit(&at, &memory) : leave_hakmem(&at, &memory)))
        return false;
    *registers = at;
    return true;
}
