/* The facts that a dying program leaves for its report, and how it dies. Each test's child is the
 * program, the test itself plays the collector. */
#include "unit/trace/fake_collector.h"
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include "platform/block_signals.h"
#include "platform/objects.h"
#include "trace/collector/collector.h"
#include "trace/crash/crash.h"
#include "trace/wait.h"
#include "unwind/splice.h"

static struct fake_collector collector;

/* Runs `program` as a forked child of a session. Returns its wait status. Writes reports (as far as
 * setting DONE goes) while `answers`; counts them in `reports`. Its text on stderr goes into
 * `said`. A program that gave its report up because 10 s were over, as it may where processors are
 * scarce, runs again: `runs` counts. */
static uint32_t runs;
static int reports;
static uint64_t unreported; /* faults that these reports count */
static struct hak_report_request last_report;
static char said[20000];
static bool waits_for_another; /* the report is written when another thread is named in it */

static int run_once(void (*program)(void), bool answers) {
    int status, ends[2];
    struct hak_report_request *area = hak_current.report;
    ck_assert_int_eq(pipe2(ends, O_CLOEXEC | O_NONBLOCK), 0);
    pid_t child = fork();
    ck_assert_int_ge(child, 0);
    if (child == 0) {
        dup2(ends[1], 2);
        struct rlimit none = {0, 0};
        setrlimit(RLIMIT_CORE, &none);
        program();
        _exit(77);
    }
    close(ends[1]);
    reports = 0;
    unreported = 0;
    while (waitpid(child, &status, WNOHANG) == 0) {
        if (answers && atomic_load(&area->state) == HAK_REPORT_READY &&
            (!waits_for_another || atomic_load(&area->others[0].thread) != 0)) {
            atomic_store(&area->state, HAK_REPORT_WRITING);
            memcpy(&last_report, area, sizeof last_report);
            reports++;
            unreported += last_report.unreported_before;
            atomic_store(&area->state, HAK_REPORT_DONE);
            hak_wake(&area->state);
        }
        usleep(1000);
    }
    ssize_t got = read(ends[0], said, sizeof said - 1);
    said[got > 0 ? got : 0] = 0;
    close(ends[0]);
    fake_drain(&collector);
    return status;
}

static int run_program(void (*program)(void), bool answers) {
    int status;
    runs = 0;
    do {
        collector.count = 0;
        runs++;
        status = run_once(program, answers);
    } while (answers && strstr(said, "the collector did not finish the whole one within 10 s"));
    return status;
}

static void begin(void) {
    fake_begin(&collector, 16 << 20, 16 << 10);
    strcpy(hak_current.keeper_name, "hakmem-test-nobody-listens");
    record_number(0);
    hak_crash_start();
}

static const struct hak_fault_facts double_free = {.fault = 202,
                                                   .kind = HAK_FREE,
                                                   .found_address = 0x7f0000001010,
                                                   .base = 0x7f0000001000,
                                                   .class_found = HAK_CLASS_NONE,
                                                   .class_due = 3,
                                                   .record_count = 12,
                                                   .epoch = 5};

static void commit_fault(void) {
    hak_trace_fault(&double_free);
}

TEST(a_fault_is_handed_over_and_ends_in_abort) {
    int status = run_program(commit_fault, true);
    ck_assert(WIFSIGNALED(status));
    ck_assert_int_eq(WTERMSIG(status), SIGABRT);
    ck_assert_int_eq(reports, 1);
    ck_assert_str_eq(said, "");
    ck_assert_uint_eq(last_report.process, runs);
    ck_assert_uint_eq(last_report.facts.fault, 202);
    ck_assert_uint_eq(last_report.signal, 0);
    ck_assert_uint_gt(last_report.frame_count, 2);
    ck_assert_uint_gt(last_report.stack_bytes, 100);
    ck_assert_uint_eq(last_report.registers[16], last_report.frames[0]);
    const struct seen *fault = NULL;
    for (size_t i = 0; i < collector.count; i++)
        if (collector.seen[i].ring == last_report.ring &&
            collector.seen[i].position == last_report.fault_position)
            fault = &collector.seen[i];
    ck_assert_ptr_nonnull(fault);
    struct hak_event_fields fields = hak_record_unpack(&fault->record, NULL);
    ck_assert_uint_eq(fields.kind, HAK_FAULT);
    ck_assert_uint_eq(fields.size, 202);
    ck_assert_uint_eq(fields.address, double_free.found_address);
    ck_assert_uint_eq(fields.delta_bytes, 16);
    ck_assert_uint_eq(fields.record_count, 12);
}

TEST(without_a_collector_the_report_is_raw) {
    atomic_store(&collector.session->keeper_heartbeat_ns, 0);
    int status = run_program(commit_fault, false);
    ck_assert(WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT);
    ck_assert_ptr_nonnull(strstr(said, "hakmem: HKM-202 double-free at 0x7f0000001010"));
    ck_assert_ptr_nonnull(strstr(said, "(the program)+0x"));
    ck_assert_ptr_nonnull(strstr(said, "SUMMARY: hakmem: double-free address=0x7f0000001010"));
}

static pthread_t taking_over;

/* Once the report is asked for, before its thread may find the collector dead: no thread writes
 * into a ring then. */
static void *take_over_meanwhile(void *unused) {
    (void)unused;
    uint64_t id = hak_current.session->session_id;
    while (atomic_load(&hak_current.report->state) != HAK_REPORT_READY)
        usleep(1000);
    while (hak_current.session->session_id == id) {
        hak_collector_replace_dead(1);
        usleep(1000);
    }
    return NULL;
}

static void fault_while_another_thread_takes_over(void) {
    strcpy(hak_options.collect, "/nowhere/hakmem-collect");
    atomic_store(&hak_current.session->keeper_heartbeat_ns, hak_monotonic_ns());
    if (pthread_create(&taking_over, NULL, take_over_meanwhile, NULL) != 0)
        _exit(78);
    hak_trace_fault(&double_free);
}

/* The request does not come along: it is made again, and left for the next collector. */
TEST(a_takeover_while_a_report_is_waited_for_does_not_keep_the_program) {
    int status = run_program(fault_while_another_thread_takes_over, false);
    ck_assert(WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT);
    ck_assert_ptr_nonnull(strstr(said, "HKM-202 double-free"));
    ck_assert_uint_eq(fake_count(&collector, HAK_FAULT), 1);
    /* That of the old memory stays as it was. */
    ck_assert_uint_eq(atomic_load(&hak_current.report->state), HAK_REPORT_READY);
}

static int report_in_clone(void *unused) {
    (void)unused;
    hak_trace_fault(&double_free);
    return 0;
}

static _Atomic bool is_frozen;

static void *report_behind_clone(void *unused) {
    struct hak_report_other mine = {.fault = 202};
    while (!atomic_load(&is_frozen))
        usleep(1000);
    (void)hak_crash_enter(&mine);
    return unused;
}

/* A clone that shares the memory is killed while it waits for its report; another thread lets the
 * area go while the memory is exchanged, as by a takeover. */
static void enter_while_memory_is_exchanged(void) {
    static char stack[256 << 10] __attribute__((aligned(16)));
    pthread_t other;
    uint64_t signals;
    pid_t reporter = clone(report_in_clone, stack + sizeof stack, CLONE_VM | SIGCHLD, NULL);
    while (atomic_load(&hak_current.report->state) != HAK_REPORT_READY)
        usleep(1000);
    kill(reporter, SIGKILL);
    waitpid(reporter, NULL, 0);
    if (pthread_create(&other, NULL, report_behind_clone, NULL) != 0)
        _exit(78);
    hak_block_signals(&signals);
    hak_current_freeze(hak_ring_others_write);
    atomic_store(&is_frozen, true);
    hak_current.session->session_id++;
    hak_current_thaw();
    hak_restore_signals(&signals);
    pthread_join(other, NULL);
    hak_crash_leave();
    _exit(9);
}

/* A state that is set behind the copy would be lost, and nobody would know. */
TEST(a_request_is_not_left_while_the_memory_is_exchanged) {
    int status = run_program(enter_while_memory_is_exchanged, false);
    ck_assert(WIFEXITED(status) && WEXITSTATUS(status) == 9);
    ck_assert_uint_eq(atomic_load(&hak_current.report->state), HAK_REPORT_READY);
}

/* A collector that is stopped: it listens, and its heart does not beat. */
static void stop_collector(void) {
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int length = sprintf(hak_current.keeper_name, "hakmem-test-stopped-%d", (int)getpid());
    strcpy(address.sun_path + 1, hak_current.keeper_name);
    int listening = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    ck_assert_int_eq(bind(listening, (struct sockaddr *)&address,
                          (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 + (size_t)length)),
                     0);
    ck_assert_int_eq(listen(listening, 64), 0);
    atomic_store(&collector.session->keeper_heartbeat_ns, 0);
}

static void *claim_area_of_another(void *unused) {
    while (atomic_load(&hak_current.report->state) != HAK_REPORT_READY)
        usleep(1000);
    hak_current.report->answer = HAK_ANSWER_SUPPRESSED;
    hak_current.report->process = 7;
    return unused;
}

static void fault_while_another_process_asks(void) {
    pthread_t other;
    if (pthread_create(&other, NULL, claim_area_of_another, NULL) != 0)
        _exit(78);
    hak_trace_fault(&double_free);
}

/* The thread was stopped until its report had been left behind for long: the area is another
 * process's, which waits for its own report. The answer is that one's, too. */
TEST(the_request_of_another_process_is_not_given_up) {
    stop_collector();
    int status = run_program(fault_while_another_process_asks, false);
    ck_assert(WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT);
    ck_assert_str_eq(said, "");
    ck_assert_uint_eq(atomic_load(&hak_current.report->state), HAK_REPORT_READY);
}

static void *claim_area_and_die(void *unused) {
    while (atomic_load(&hak_current.report->state) != HAK_REPORT_READY)
        usleep(1000);
    atomic_store(&hak_current.report->state, HAK_REPORT_FILLING);
    hak_wake(&hak_current.report->state);
    return unused;
}

static void fault_while_another_process_dies(void) {
    pthread_t other;
    if (pthread_create(&other, NULL, claim_area_and_die, NULL) != 0)
        _exit(78);
    hak_trace_fault(&double_free);
}

/* As before; the other process was killed before it wrote that the area is its own. */
TEST(a_claim_of_a_process_that_was_killed_is_not_waited_for) {
    stop_collector();
    int status = run_program(fault_while_another_process_dies, false);
    ck_assert(WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT);
    ck_assert_str_eq(said, "");
    ck_assert_uint_eq(atomic_load(&hak_current.report->state), HAK_REPORT_FILLING);
}

/* The collector stores it when it comes. */
TEST(a_request_that_is_given_up_is_left) {
    struct hak_report_request *area = hak_current.report;
    stop_collector();
    (void)run_program(commit_fault, false);
    ck_assert_uint_eq(atomic_load(&area->state), HAK_REPORT_LEFT);
    ck_assert_uint_eq(area->facts.fault, 202);
    ck_assert_uint_eq(area->process, 1);
    ck_assert_uint_gt(area->frame_count, 2);
    ck_assert_uint_eq(fake_lost(&collector), 0);
}

static const struct hak_fault_facts leaks = {
    .fault = 401, .class_found = HAK_CLASS_NONE, .class_due = HAK_CLASS_NONE};

static void report_leaks(void) {
    hak_trace_fault(&leaks);
}

/* Their rows are in the store without it. */
TEST(leaks_leave_nothing) {
    stop_collector();
    (void)run_program(report_leaks, false);
    ck_assert_uint_eq(atomic_load(&hak_current.report->state), HAK_REPORT_IDLE);
    ck_assert_uint_eq(fake_lost(&collector), 0);
}

/* A file of rings keeps the newest request; the rows of leaks need none. */
TEST(in_a_file_a_report_that_is_written_over_counts_as_lost, .until = 2) {
    hak_current.report->facts = _i ? leaks : double_free;
    atomic_store(&hak_current.report->state, HAK_REPORT_READY);
    hak_current.overwrites = true;
    (void)run_program(commit_fault, false);
    hak_current.overwrites = false;
    ck_assert_uint_eq(hak_current.report->facts.fault, 202);
    ck_assert_uint_eq(fake_lost(&collector), _i ? 0 : 1);
}

/* The one before is not written over: the fault has its record, and its report is counted. */
TEST(behind_a_request_that_is_left_a_report_counts_as_lost, .until = 2) {
    struct hak_report_request *area = hak_current.report;
    uint32_t state = _i ? HAK_REPORT_KEEPING : HAK_REPORT_LEFT;
    stop_collector();
    area->facts.fault = 203;
    atomic_store(&area->state, state);
    int status = run_program(commit_fault, false);
    ck_assert(WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT);
    ck_assert_ptr_nonnull(strstr(said, "(raw report: the collector has not moved for 3 s)"));
    ck_assert_uint_eq(atomic_load(&area->state), state);
    ck_assert_uint_eq(area->facts.fault, 203);
    ck_assert_uint_eq(fake_count(&collector, HAK_FAULT), 1);
    ck_assert_uint_eq(fake_lost(&collector), 1);
    for (size_t i = 0; i < collector.count; i++)
        if (hak_record_kind_of(&collector.seen[i].record) == HAK_LOSS)
            ck_assert_uint_eq(fake_fields(&collector, i).subkind, HAK_LOSS_REPORT);
}

static void fault_without_trace(void) {
    hak_current.session = NULL;
    atomic_store(hak_current.alive, HAK_ALIVE_WIPED);
    hak_trace_fault(&double_free);
}

TEST(unrecorded_programs_report_raw_too) {
    int status = run_program(fault_without_trace, true);
    ck_assert(WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT);
    ck_assert_ptr_nonnull(strstr(said, "HKM-202 double-free"));
    ck_assert_int_eq(reports, 0);
}

__attribute__((noinline)) static void fault_at(int place) {
    __asm__ volatile("" : : "r"(place) : "memory");
    hak_trace_fault(&double_free);
}

static void two_places_often(void) {
    hak_options.on_fault = HAK_ON_FAULT_CONTINUE;
    hak_own_text = (struct hak_own_text){0}; /* here the program and hakmem are one module */
    for (int i = 0; i < 100; i++)
        fault_at(i);
    fault_at(1000);
    _exit(9);
}

TEST(continue_reports_each_place_once) {
    int status = run_program(two_places_often, true);
    ck_assert(WIFEXITED(status));
    ck_assert_int_eq(WEXITSTATUS(status), 9);
    ck_assert_int_eq(reports, 2);
}

static void one_place_again_after_a_second(void) {
    hak_options.on_fault = HAK_ON_FAULT_CONTINUE;
    static const volatile unsigned naps[15] = {[9] = 1100 * 1000};
    static const volatile unsigned longer[15] = {[10] = 3599}; /* no branch: one call, one place */
    hak_options.report_every = 1;
    for (int i = 0; i < 15; i++) {
        usleep(naps[i]);
        hak_options.report_every += longer[i];
        fault_at(i);
    }
    hak_raw_say_unreported();
    _exit(9);
}

TEST(a_place_is_reported_again_after_its_time) {
    int status = run_program(one_place_again_after_a_second, true);
    ck_assert(WIFEXITED(status) && WEXITSTATUS(status) == 9);
    ck_assert_int_ge(reports, 2);
    ck_assert_uint_eq((uint64_t)reports + unreported, 10);
    ck_assert_ptr_nonnull(strstr(said, "hakmem: 5 more faults like those reported"));
}

static void *fault_in_thread(void *barrier) {
    pthread_barrier_wait(barrier);
    fault_at(1);
    return NULL;
}

static void many_threads_at_once(void) {
    pthread_barrier_t barrier;
    pthread_t threads[8];
    pthread_barrier_init(&barrier, NULL, 8);
    for (int i = 0; i < 8; i++)
        pthread_create(&threads[i], NULL, fault_in_thread, &barrier);
    for (int i = 0; i < 8; i++)
        pthread_join(threads[i], NULL);
}

TEST(of_two_threads_at_once_one_reports) {
    int status = run_program(many_threads_at_once, true);
    ck_assert(WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT);
    ck_assert_int_eq(reports, 1);
}

TEST(who_fails_meanwhile_is_named) {
    waits_for_another = true;
    int status = run_program(many_threads_at_once, true);
    waits_for_another = false;
    ck_assert(WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT);
    ck_assert_int_eq(reports, 1);
    ck_assert_uint_ne(last_report.others[0].thread, last_report.thread);
    ck_assert_uint_eq(last_report.others[0].fault, 202);
    ck_assert_uint_eq(last_report.others[0].signal, 0);
    ck_assert_uint_eq(last_report.others[0].address, double_free.found_address);
}

static void fault_with_broken_memory(void) {
    hak_current.report = (struct hak_report_request *)16;
    hak_trace_fault(&double_free);
}

TEST(a_report_that_fails_goes_on_raw) {
    int status = run_program(fault_with_broken_memory, true);
    ck_assert(WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT);
    ck_assert_int_eq(reports, 0);
    ck_assert_ptr_nonnull(strstr(said, "hakmem: HKM-202 double-free at 0x7f0000001010"));
    ck_assert_ptr_nonnull(strstr(said, "(raw report: the report itself met a fault)"));
    ck_assert_ptr_nonnull(strstr(said, "SUMMARY: hakmem: double-free address=0x7f0000001010"));
    ck_assert_uint_eq(fake_lost(&collector), 1);
}

static void fault_after_one_was_killed(void) {
    atomic_store(&hak_current.report->state, HAK_REPORT_FILLING);
    hak_trace_fault(&double_free);
}

TEST(an_area_left_behind_is_taken) {
    int status = run_program(fault_after_one_was_killed, true);
    ck_assert(WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT);
    ck_assert_int_eq(reports, 1);
    ck_assert_str_eq(said, "");
}

/* ---- crash signals ------------------------------------------------------------------------- */

static volatile uintptr_t nothing = 0x18;
static void read_nothing(void) {
    *(volatile int *)nothing = 1;
}
static volatile int endless = 1;
static int fill_stack(int depth) {
    volatile char room[4096];
    room[depth % 4096] = (char)depth;
    return endless ? fill_stack(depth + 1) + room[0] : 0;
}
static void overflow_stack(void) {
    fill_stack(0);
}
static void stop_itself(void) {
    abort();
}
static void undefined(void) {
    __asm__ volatile("ud2");
}
static void breakpoint(void) {
    __asm__ volatile("int3");
}
static void divide(void) {
    volatile int zero = 0;
    zero = 7 / zero;
}
static void beyond_the_file(void) {
    int file = memfd_create("empty", 0);
    volatile char *page = mmap(NULL, 4096, PROT_READ, MAP_SHARED, file, 0);
    (void)*page;
}
static void kill_itself(void) {
    kill(getpid(), SIGSEGV);
}

static const struct {
    void (*program)(void);
    int number;
    uint64_t address;
} crashes[] = {
    {read_nothing, SIGSEGV, 0x18}, {overflow_stack, SIGSEGV, 0}, {stop_itself, SIGABRT, 0},
    {undefined, SIGILL, 0},        {breakpoint, SIGTRAP, 0},     {divide, SIGFPE, 0},
    {beyond_the_file, SIGBUS, 0},  {kill_itself, SIGSEGV, 0},
};

TEST(a_crash_is_reported_and_keeps_its_signal, .until = sizeof crashes / sizeof *crashes) {
    int status = run_program(crashes[_i].program, true);
    ck_assert(WIFSIGNALED(status));
    ck_assert_int_eq(WTERMSIG(status), crashes[_i].number);
    ck_assert_int_eq(reports, 1);
    ck_assert_uint_eq(last_report.signal, (uint32_t)crashes[_i].number);
    ck_assert_uint_eq(last_report.facts.fault, 0);
    if (crashes[_i].address)
        ck_assert_uint_eq(last_report.signal_address, crashes[_i].address);
    ck_assert_uint_ge(last_report.frame_count, 2);
}

static volatile int handled;
static void count_and_leave(int number, siginfo_t *info, void *context) {
    (void)context;
    handled++;
    _exit(number == SIGSEGV && info->si_addr == (void *)0x18 ? 42 : 43);
}
static void with_handler(void) {
    struct sigaction mine = {.sa_sigaction = count_and_leave, .sa_flags = SA_SIGINFO | SA_NODEFER};
    struct sigaction back;
    sigaddset(&mine.sa_mask, SIGUSR2);
    sigaction(SIGSEGV, NULL, &back);
    if (back.sa_handler != SIG_DFL)
        _exit(1);
    sigaction(SIGSEGV, &mine, &back);
    if (back.sa_handler != SIG_DFL)
        _exit(2);
    sigaction(SIGSEGV, NULL, &back);
    if (back.sa_sigaction != count_and_leave || !(back.sa_flags & SA_NODEFER) ||
        !sigismember(&back.sa_mask, SIGUSR2) || sigismember(&back.sa_mask, SIGUSR1))
        _exit(3);
    read_nothing();
}

TEST(the_programs_handler_runs_and_nothing_is_reported) {
    int status = run_program(with_handler, true);
    ck_assert(WIFEXITED(status));
    ck_assert_int_eq(WEXITSTATUS(status), 42);
    ck_assert_int_eq(reports, 0);
}

static void restore_and_return(int number) {
    signal(number, SIG_DFL);
}
static void handler_that_gives_up(void) {
    if (signal(SIGSEGV, restore_and_return) != SIG_DFL)
        _exit(1);
    if (signal(SIGSEGV, restore_and_return) != restore_and_return)
        _exit(2);
    read_nothing();
}
static void once_only(int number) {
    (void)number;
    handled++;
}
static void reset_handler(void) {
    struct sigaction mine = {.sa_handler = once_only, .sa_flags = (int)SA_RESETHAND};
    sigaction(SIGSEGV, &mine, NULL);
    read_nothing();
}

TEST(it_is_reported_when_the_process_dies_all_the_same, .until = 2) {
    int status = run_program(_i ? reset_handler : handler_that_gives_up, true);
    ck_assert(WIFSIGNALED(status) && WTERMSIG(status) == SIGSEGV);
    ck_assert_int_eq(reports, 1);
    ck_assert_uint_eq(last_report.signal_address, 0x18);
}

/* ssignal reaches the kernel without passing ours; what is read back must be true all the same. */
static void behind_our_back(void) {
    struct sigaction back;
    ssignal(SIGSEGV, once_only);
    sigaction(SIGSEGV, NULL, &back);
    if (back.sa_handler != once_only || signal(SIGSEGV, SIG_DFL) != once_only)
        _exit(1);
    read_nothing();
}

TEST(handlers_set_another_way_are_seen) {
    int status = run_program(behind_our_back, true);
    ck_assert(WIFSIGNALED(status) && WTERMSIG(status) == SIGSEGV);
    ck_assert_int_eq(reports, 1);
}

static void ignored(void) {
    if (signal(SIGTRAP, SIG_IGN) != SIG_DFL || signal(SIGTRAP, SIG_IGN) != SIG_IGN)
        _exit(1);
    raise(SIGTRAP);
    signal(SIGABRT, SIG_IGN);
    raise(SIGABRT);
    errno = 0;
    if (sigaction(SIGKILL, &(struct sigaction){.sa_handler = SIG_IGN}, NULL) == 0 ||
        errno != EINVAL)
        _exit(2);
    _exit(55);
}

TEST(ignored_signals_stay_ignored) {
    int status = run_program(ignored, true);
    ck_assert(WIFEXITED(status) && WEXITSTATUS(status) == 55);
    ck_assert_int_eq(reports, 0);
}

static void crash_in_the_middle_of_a_record(void) {
    uint64_t at, ticks;
    record_number(1);
    ck_assert(hak_ring_reserve(1, &at, &ticks));
    read_nothing();
}

TEST(an_unfinished_record_does_not_hide_the_fault) {
    int status = run_program(crash_in_the_middle_of_a_record, true);
    ck_assert(WIFSIGNALED(status) && WTERMSIG(status) == SIGSEGV);
    ck_assert_int_eq(reports, 1);
    ck_assert_uint_eq(fake_count(&collector, HAK_FAULT), 1);
    ck_assert_uint_eq(fake_lost(&collector), 1);
}

RUN_TESTS(.prepare = hak_objects_start, .set_up = begin)
