/* A program answers `hakmem-trace ctl`: each request has one answer, and a look of level light that
 * cannot serve it now leaves it for the next one. */
#include "unit/trace/fake_collector.h"
#include <sys/mman.h>
#include "guard/guard.h"
#include "trace/collector/collector.h"
#include "trace/control.h"
#include "trace/crash/crash.h"

enum { BYTES = 16 << 20 };

static struct fake_collector collector;
static int lives_visited;

static void each(bool again, void (*visit)(void *, const struct hak_guarded_life *),
                 void *context) {
    struct hak_guarded_life life = {.user = 0x7f0000001010,
                                    .asked_bytes = 40,
                                    .born_ticks = hak_current.tsc_start + 100,
                                    .born_thread = 1};
    (void)again;
    lives_visited++;
    visit(context, &life);
}

static void count(uint64_t *calls, uint64_t *blocks) {
    *calls = 4812;
    *blocks = 17;
}

static const struct hak_trace_checks checks = {.each_life = each, .count_guarded = count};

/* The collector has a mapping of its own: the program's is gone when it has let go of it. */
static void begin(void) {
    fake_begin(&collector, BYTES, 16 << 10);
    void *copy = mremap(collector.session, 0, BYTES, MREMAP_MAYMOVE);
    ck_assert_ptr_ne(copy, MAP_FAILED);
    collector.session = copy;
    hak_trace_set_checks(&checks);
    hak_options.trace = false;
    hak_options.stores_faults = true;
    strcpy(collector.session->store_path, "/tmp/of_this_test.db");
    strcpy(hak_current.keeper_name, "hakmem-test-nobody-listens");
    atomic_store(&collector.session->worker_heartbeat_ns, UINT64_MAX);
}

static void ask(uint32_t number) {
    hak_control.level = HAK_CHECK_LIGHT + 1;
    atomic_store(&hak_control.request, number);
    ck_assert(hak_trace_is_asked());
}

static void is_served(uint32_t number, enum hak_control_result result) {
    ck_assert_uint_eq(atomic_load(&hak_control.done), number);
    ck_assert_uint_eq(atomic_load(&hak_control.result), result);
    ck_assert(!hak_trace_is_asked());
}

TEST(lives_and_counts_go_into_the_session) {
    ask(7);
    hak_trace_serve_asked();
    is_served(7, HAK_CONTROL_DONE);
    ck_assert_int_eq(lives_visited, 1);
    fake_drain(&collector);
    ck_assert_uint_eq(fake_count(&collector, HAK_MALLOC), 1);
    const struct hak_report_request *area = fake_at(&collector, collector.session->report_offset);
    ck_assert_uint_eq(area->calls, 4812);
    ck_assert_uint_eq(area->guarded_blocks, 17);
    ck_assert_uint_eq(atomic_load(&area->state), HAK_REPORT_IDLE); /* no report is due */
}

/* The request names its process and has its counts. */
TEST(the_request_of_another_process_stays) {
    struct hak_report_request *area = fake_at(&collector, collector.session->report_offset);
    area->process = 7;
    area->calls = 5;
    atomic_store(&area->state, HAK_REPORT_WRITING);
    ask(7);
    hak_trace_serve_asked();
    is_served(7, HAK_CONTROL_DONE);
    ck_assert_uint_eq(area->process, 7);
    ck_assert_uint_eq(area->calls, 5);
    ck_assert_uint_eq(atomic_load(&area->state), HAK_REPORT_WRITING);
}

TEST(the_session_is_let_go_of_behind_it) {
    ask(7);
    hak_trace_serve_asked();
    const struct hak_process_entry *process = &fake_processes(&collector)[0];
    ck_assert_uint_eq(atomic_load(&process->state), HAK_PROCESS_ENDED);
    ck_assert(atomic_load(&process->flags) & HAK_PROCESS_WENT_ON);
    ck_assert(atomic_load(&collector.session->closing));
    ck_assert(hak_current.is_left);
    ck_assert_str_eq(hak_report_session_store(), "/tmp/of_this_test.db");
}

/* The reporter brings the same, and holds the session; the request stands. */
TEST(while_another_reports_it_is_left_for_the_next_look) {
    ck_assert(hak_crash_enter_alone());
    ask(7);
    hak_trace_serve_asked();
    ck_assert(hak_trace_is_asked());
    ck_assert_int_eq(lives_visited, 0);
    hak_crash_leave_stored(false);
}

/* Two threads have seen the same request: the second one finds it served. */
TEST(a_request_is_served_once) {
    ask(7);
    hak_trace_serve_asked();
    hak_trace_serve_asked();
    is_served(7, HAK_CONTROL_DONE);
    ck_assert_int_eq(lives_visited, 1);
    ck_assert(hak_crash_enter_alone()); /* nobody is left in it */
    hak_crash_leave_stored(false);
}

TEST(where_nothing_is_stored_it_says_so) {
    hak_options.stores_faults = false;
    ask(7);
    hak_trace_serve_asked();
    is_served(7, HAK_CONTROL_NO_COLLECTOR);
    ck_assert_int_eq(lives_visited, 0);
    ck_assert(!hak_current.is_left);
}

/* The store is not one to go on with: what is known goes into the next one as well. */
TEST(a_worker_that_never_comes_has_stored_nothing) {
    atomic_store(&collector.session->worker_heartbeat_ns, 0);
    ask(7);
    hak_trace_serve_asked();
    is_served(7, HAK_CONTROL_NO_COLLECTOR);
    ck_assert(hak_current.is_left);
}

TEST(a_child_in_the_memory_of_its_parent_serves_nothing) {
    ask(7);
    pid_t child = vfork();
    if (child == 0) {
        hak_trace_serve_asked();
        _exit(0);
    }
    ck_assert_int_gt(child, 0);
    ck_assert(hak_trace_is_asked());
    ck_assert_int_eq(lives_visited, 0);
}

TEST(signals_are_as_before) {
    sigset_t before, after;
    ask(7);
    ck_assert_int_eq(sigprocmask(SIG_BLOCK, NULL, &before), 0);
    hak_trace_serve_asked();
    ck_assert_int_eq(sigprocmask(SIG_BLOCK, NULL, &after), 0);
    for (int number = 1; number < 65; number++)
        ck_assert_int_eq(sigismember(&before, number), sigismember(&after, number));
}

/* ---- where the program is recorded ------------------------------------------------------------
 */

static void ask_for(enum hak_control_ask what, const char *name) {
    strcpy(hak_control.name, name);
    atomic_store(&hak_control.ask, what);
    ask(9);
    hak_control.level = HAK_CHECK_NORMAL + 1;
}

TEST(a_mark_is_one_record) {
    hak_options.trace = true;
    ask_for(HAK_CONTROL_MARK, "of this test");
    hak_trace_serve_asked();
    is_served(9, HAK_CONTROL_DONE);
    fake_drain(&collector);
    ck_assert_uint_eq(fake_count(&collector, HAK_MARK), 1);
    ck_assert(!hak_current.is_left);
}

TEST(a_mark_in_level_light_comes_with_a_store) {
    ask_for(HAK_CONTROL_MARK, "seldom");
    hak_control.level = HAK_CHECK_LIGHT + 1;
    hak_trace_serve_asked();
    is_served(9, HAK_CONTROL_DONE);
    fake_drain(&collector);
    ck_assert_uint_eq(fake_count(&collector, HAK_MARK), 1);
    ck_assert_int_eq(lives_visited, 1);
    ck_assert(hak_current.is_left);
}

TEST(a_program_that_is_not_recorded_gets_no_mark) {
    ask_for(HAK_CONTROL_MARK, "nowhere");
    hak_trace_serve_asked();
    is_served(9, HAK_CONTROL_NOT_HERE);
    atomic_store(&hak_control.done, 0);
    ask_for(HAK_CONTROL_STORE, "");
    hak_trace_serve_asked();
    is_served(9, HAK_CONTROL_NOT_HERE);
}

static bool errand(uint64_t *found) {
    *found = 3;
    hak_trace_serve_asked(); /* what it calls may come by here */
    return true;
}
static bool fails(uint64_t *found) {
    *found = 0;
    return false;
}

TEST(errands_are_run_and_say_what_they_found) {
    hak_control_errands.sweep = errand;
    hak_control_errands.leaks = fails;
    ask_for(HAK_CONTROL_SWEEP, "");
    hak_trace_serve_asked();
    is_served(9, HAK_CONTROL_DONE);
    ck_assert_uint_eq(atomic_load(&hak_control.found), 3);
    atomic_store(&hak_control.done, 0);
    ask_for(HAK_CONTROL_LEAKS, "");
    hak_trace_serve_asked();
    is_served(9, HAK_CONTROL_FAILED);
    atomic_store(&hak_control.done, 0);
    hak_control_errands.leaks = NULL;
    hak_trace_serve_asked();
    is_served(9, HAK_CONTROL_NOT_HERE);
}

TEST(what_is_taken_back_is_not_served) {
    hak_control_errands.sweep = errand;
    ask_for(HAK_CONTROL_SWEEP, "");
    atomic_store(&hak_control.request, 0);
    ck_assert(!hak_trace_is_asked());
    hak_trace_serve_asked();
    ck_assert_uint_eq(atomic_load(&hak_control.done), 0);
    ck_assert_uint_eq(atomic_load(&hak_control.found), 0);
}

TEST(a_forked_child_was_not_asked) {
    hak_control_errands.sweep = errand;
    ask_for(HAK_CONTROL_SWEEP, "");
    hak_trace_forget_asked();
    hak_trace_serve_asked();
    ck_assert_uint_eq(atomic_load(&hak_control.found), 0);
    ask_for(HAK_CONTROL_SWEEP, "");
    hak_trace_serve_asked();
    is_served(9, HAK_CONTROL_DONE);
}

/* A ctl of bad intent: the name has no end. */
TEST(a_name_without_an_end_has_200_bytes) {
    hak_options.trace = true;
    ask_for(HAK_CONTROL_MARK, "");
    memset(hak_control.name, 'x', sizeof hak_control.name);
    hak_trace_serve_asked();
    is_served(9, HAK_CONTROL_DONE);
    fake_drain(&collector);
    ck_assert_uint_eq(fake_count(&collector, HAK_MARK), 1);
    /* 9, THREAD_START's, and one of the mremap in begin, which is the program's here. */
    ck_assert_uint_eq(fake_count(&collector, HAK_CONTINUATION), 11);
}

RUN_TESTS(.set_up = begin)
