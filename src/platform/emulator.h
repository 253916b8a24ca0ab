/* Asks whether Valgrind runs the process: the kernel's signals come to Valgrind's own handlers
 * then, which end the process at a SIGTRAP that they did not expect. */
#ifndef HAK_PLATFORM_EMULATOR_H
#define HAK_PLATFORM_EMULATOR_H

#include <stdbool.h>
#include <stdint.h>

/* Whether Valgrind runs the program, by its documented request RUNNING_ON_VALGRIND: four rotations
 * by 128 bits in all and an exchange of a register with itself, which do nothing on a processor.
 * Signal safe. */
static inline bool hak_is_emulated(void) {
    enum { RUNNING_ON_VALGRIND = 0x1001 };
    volatile uint64_t request[6] = {RUNNING_ON_VALGRIND};
    uint64_t answer = 0;
    __asm__ volatile("rolq $3, %%rdi\n\trolq $13, %%rdi\n\t"
                     "rolq $61, %%rdi\n\trolq $51, %%rdi\n\t"
                     "xchgq %%rbx, %%rbx"
                     : "+d"(answer)
                     : "a"(request)
                     : "cc", "memory");
    return answer != 0;
}

#endif
