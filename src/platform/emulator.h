/* Asks whether Valgrind runs the process: the kernel's signals come to Valgrind's own handlers
 * then, which end the process at a SIGTRAP that they did not expect. */
#ifndef HAK_PLATFORM_EMULATOR_H
#define HAK_PLATFORM_EMULATOR_H

#include <stdbool.h>
#include <stdint.h>
#include "arch.h"
#include HAK_ARCH_FILE(emulator.h)

/* Whether Valgrind runs the program, by its documented request RUNNING_ON_VALGRIND. Signal safe. */
static inline bool hak_is_emulated(void) {
    enum { RUNNING_ON_VALGRIND = 0x1001 };
    volatile uint64_t request[6] = {RUNNING_ON_VALGRIND};
    return hak_ask_valgrind(request) != 0;
}

#endif
