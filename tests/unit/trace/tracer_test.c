/* The process that shares the memory: it runs, stops a thread, reads it and lets it go. */
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <sys/syscall.h>
#include <unistd.h>
#include "platform/raw_call.h"
#include "trace/tracer.h"
#include "trace/wait.h"
#include "unit/suite.h"

enum { STACK_BYTES = 64 << 10, PATIENCE_MS = 20000 };

static _Alignas(16) char stack[STACK_BYTES];
static _Atomic int other;
static _Atomic bool is_over;
static _Atomic unsigned heard;
static _Atomic uint64_t ticks; /* of the other thread */

struct errand {
    int thread;
    long seized;
    bool stood, stopped_well;
    int signal;
    struct user_regs_struct registers;
};

static void on_signal(int number) {
    (void)number;
    heard++;
}

static void *tick(void *unused) {
    other = gettid();
    while (!is_over)
        ticks++;
    return unused;
}

static void begin(pthread_t *thread) {
    signal(SIGUSR1, on_signal);
    pthread_create(thread, NULL, tick, NULL);
    while (other == 0)
        usleep(100);
}

static void end(pthread_t thread) {
    is_over = true;
    pthread_join(thread, NULL);
}

static void stop_it(void *context) {
    struct errand *errand = context;
    errand->seized = hak_tracer_seize(errand->thread);
    if (errand->seized != 0)
        return;
    if (errand->signal) /* it comes before the stop does */
        (void)hak_raw_call(SYS_tkill, errand->thread, errand->signal);
    hak_sleep_ms(errand->signal ? 100 : 0);
    errand->stood = hak_tracer_stop(
        errand->thread, hak_monotonic_ns() + PATIENCE_MS * HAK_MILLISECOND_NS, &errand->signal);
    uint64_t before = ticks;
    hak_sleep_ms(20);
    errand->stopped_well = before == ticks && hak_tracer_read(errand->thread, &errand->registers);
    hak_tracer_release(errand->thread, errand->signal);
}

/* False: nobody may be traced here. */
static bool run(struct errand *errand) {
    errand->thread = other;
    ck_assert_int_eq(hak_tracer_run(stack, sizeof stack, stop_it, errand), HAK_TRACER_DONE);
    if (errand->seized == -EPERM)
        return false;
    ck_assert(errand->stood && errand->stopped_well);
    return true;
}

TEST(stops_a_thread_and_lets_it_go) {
    struct errand errand = {0};
    pthread_t thread;
    begin(&thread);
    if (run(&errand)) {
        uint64_t then = ticks;
        ck_assert_int_eq(errand.signal, 0);
        ck_assert_uint_ne(errand.registers.rip, 0);
        for (unsigned waits = 0; waits < PATIENCE_MS && ticks == then; waits++)
            usleep(1000);
        ck_assert_uint_ne(ticks, then);
    }
    end(thread);
}

/* A signal that stopped it first is handed to it. */
TEST(hands_it_the_signal_that_came) {
    struct errand errand = {.signal = SIGUSR1};
    pthread_t thread;
    begin(&thread);
    if (run(&errand)) {
        ck_assert_int_eq(errand.signal, SIGUSR1);
        for (unsigned waits = 0; waits < PATIENCE_MS && heard == 0; waits++)
            usleep(1000);
        ck_assert_uint_eq(heard, 1);
    }
    end(thread);
}

static void fault(void *unused) {
    (void)unused;
    __builtin_trap();
}

TEST(a_fault_ends_it_alone) {
    ck_assert_int_eq(hak_tracer_run(stack, sizeof stack, fault, NULL), HAK_TRACER_DIED);
}

RUN_TESTS()
