/* Asks Valgrind whether it runs the program, on aarch64. */
#ifndef HAK_PLATFORM_AARCH64_EMULATOR_H
#define HAK_PLATFORM_AARCH64_EMULATOR_H

#include <stdint.h>

/* Valgrind's answer to a request; 0 where there is no Valgrind: four rotations by 128 bits in all
 * and a register or-ed with itself do nothing on a processor. */
static inline uint64_t hak_ask_valgrind(volatile uint64_t request[6]) {
    register uint64_t x3 __asm__("x3") = 0;
    register volatile uint64_t *x4 __asm__("x4") = request;
    __asm__ volatile("ror x12, x12, #3\n\tror x12, x12, #13\n\t"
                     "ror x12, x12, #51\n\tror x12, x12, #61\n\t"
                     "orr x10, x10, x10"
                     : "+r"(x3)
                     : "r"(x4)
                     : "cc", "memory");
    return x3;
}

#endif
