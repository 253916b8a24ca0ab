/* Asks Valgrind whether it runs the program, on x86-64. */
#ifndef HAK_PLATFORM_X86_64_EMULATOR_H
#define HAK_PLATFORM_X86_64_EMULATOR_H

#include <stdint.h>

/* Valgrind's answer to a request; 0 where there is no Valgrind: four rotations by 128 bits in all
 * and an exchange of a register with itself do nothing on a processor. */
static inline uint64_t hak_ask_valgrind(volatile uint64_t request[6]) {
    uint64_t answer = 0;
    __asm__ volatile("rolq $3, %%rdi\n\trolq $13, %%rdi\n\t"
                     "rolq $61, %%rdi\n\trolq $51, %%rdi\n\t"
                     "xchgq %%rbx, %%rbx"
                     : "+d"(answer)
                     : "a"(request)
                     : "cc", "memory");
    return answer;
}

#endif
