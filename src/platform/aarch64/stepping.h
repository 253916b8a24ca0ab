/* Says that no program steps through itself: on aarch64 only a debugger can let it. */
#ifndef HAK_PLATFORM_AARCH64_STEPPING_H
#define HAK_PLATFORM_AARCH64_STEPPING_H

#include <stdbool.h>

static inline bool hak_stop_trap_flag(void) {
    return false;
}

static inline void hak_set_trap_flag(void) {}

#endif
