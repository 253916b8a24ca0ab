/* Helpers for tests of debug registers at blocks: a handler that asks what each stop is, and
 * counts. Include it once in each test program, behind world.h. */
#ifndef HAK_TEST_GUARD_STOPPED_H
#define HAK_TEST_GUARD_STOPPED_H

#include <signal.h>
#include <ucontext.h>
#include "guard/watched/watched.h"

static volatile unsigned stops, found[4];
static struct hak_fault_facts facts;

static bool copies;
static bool is_in_memmove(const struct hak_registers *registers) {
    (void)registers;
    return copies;
}

static void read_registers(struct hak_registers *registers, const ucontext_t *context) {
    static const uint8_t from[HAK_REGISTERS] = {
        REG_RAX, REG_RDX, REG_RCX, REG_RBX, REG_RSI, REG_RDI, REG_RBP, REG_RSP, REG_R8,
        REG_R9,  REG_R10, REG_R11, REG_R12, REG_R13, REG_R14, REG_R15, REG_RIP};
    registers->known = (1u << HAK_REGISTERS) - 1;
    for (unsigned i = 0; i < HAK_REGISTERS; i++)
        registers->value[i] = (uint64_t)context->uc_mcontext.gregs[from[i]];
}

static void on_trap(int number, siginfo_t *info, void *context) {
    struct hak_fault_facts now;
    struct hak_registers registers;
    (void)number;
    read_registers(&registers, context);
    struct hak_stopped stopped = {.registers = &registers,
                                  .flags =
                                      (uint64_t)((ucontext_t *)context)->uc_mcontext.gregs[REG_EFL],
                                  .is_in_memmove = is_in_memmove};
    enum hak_trapped what = hak_watched_trapped(info, &stopped, &now);
    stops++;
    found[what]++;
    if (what == HAK_TRAPPED_FAULT || what == HAK_TRAPPED_LATE)
        facts = now;
}

static inline void count_stops(void) {
    struct sigaction action = {.sa_sigaction = on_trap, .sa_flags = SA_SIGINFO};
    sigaction(SIGTRAP, &action, NULL);
}

#endif
