/* Stops and starts the single steps of a program that steps through itself, on x86-64. */
#ifndef HAK_PLATFORM_X86_64_STEPPING_H
#define HAK_PLATFORM_X86_64_STEPPING_H

#include <stdbool.h>
#include <x86intrin.h>

enum { HAK_TRAP_FLAG = 0x100 }; /* the processor stops after each instruction (TF) */

/* True where the thread steps, and it does not any more. */
static inline bool hak_stop_trap_flag(void) {
    unsigned long long flags = __readeflags();
    if (flags & HAK_TRAP_FLAG) {
        __writeeflags(flags & ~(unsigned long long)HAK_TRAP_FLAG);
        return true;
    }
    return false;
}

static inline void hak_set_trap_flag(void) {
    __writeeflags(__readeflags() | HAK_TRAP_FLAG);
}

#endif
