/* A machine whose debug registers never fire, as some virtual machines are: src/watch is compiled
 * with this included first, and every register that it sets stands at a word that nobody touches.
 * The kernel gives the registers, takes the moves and answers as ever. */
#ifndef HAK_TESTS_TOOLS_DEAF_H
#define HAK_TESTS_TOOLS_DEAF_H

#include <linux/perf_event.h>
#include <sys/ptrace.h>
#include <sys/user.h>
#include "platform/raw_call.h"
#include "watch/perf_attributes.h"

enum { DEAF_ADDRESS_REGISTERS = 4 };
static uint64_t deaf_word __attribute__((aligned(8), unused));

static inline long deaf_call(long number, long a, long b, long c, long d, long e, long f) {
    struct hak_perf_attributes attributes;
    long first = offsetof(struct user, u_debugreg);
    bool is_opening = number == SYS_perf_event_open;
    if (is_opening || (number == SYS_ioctl && b == (long)PERF_EVENT_IOC_MODIFY_ATTRIBUTES)) {
        attributes = *(const struct hak_perf_attributes *)(is_opening ? a : c);
        if (attributes.type == PERF_TYPE_BREAKPOINT)
            attributes.bp_addr = (uintptr_t)&deaf_word;
        *(is_opening ? &a : &c) = (long)&attributes;
    }
    if (number == SYS_ptrace && a == PTRACE_POKEUSER && c >= first &&
        c < first + DEAF_ADDRESS_REGISTERS * (long)sizeof(uint64_t))
        d = (long)&deaf_word;
    return hak_raw_call_of_six(number, a, b, c, d, e, f);
}
#define hak_raw_call_of_six deaf_call

#endif
