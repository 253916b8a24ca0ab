/* The moment at which a commit is due: few records wait for more, but not where somebody waits for
 * them. */
#include <sys/wait.h>
#include "../fake_worker.h"
#include "../../suite.h"

static const uint64_t ms = 1000000;

static struct hak_waiting look(void) {
    return hak_cut_waiting(worker.clients, worker.client_count);
}

/* A process with a ring; both are known. */
static void set_up(void) {
    begin_worker();
    fake_claim_process(&program, 0, getpid(), UINT32_MAX, 0);
    fake_claim_ring(&program, 0, 0, 1, 64);
    add_program(1);
    commit();
}

/* Small chunks take more bytes and more commits: few records wait for more, but not for long. */
TEST(waits_for_a_chunks_worth) {
    struct hak_waiting waiting = look();
    ck_assert_uint_eq(waiting.records, 0);
    ck_assert(!hak_cut_is_due(&waiting, 49 * ms));
    ck_assert(hak_cut_is_due(&waiting, 50 * ms)); /* rows */
    for (int i = 0; i < 20; i++)
        fake_event(&program, 0, HAK_MALLOC, 1, 1, 0);
    waiting = look();
    ck_assert_uint_eq(waiting.records, 20);
    ck_assert(!waiting.half_full && !waiting.has_ended);
    ck_assert(!hak_cut_is_due(&waiting, 249 * ms));
    ck_assert(hak_cut_is_due(&waiting, 250 * ms));
    waiting.records = 65536;
    ck_assert(!hak_cut_is_due(&waiting, 49 * ms));
    ck_assert(hak_cut_is_due(&waiting, 50 * ms));
    atomic_store(&fake_ring(&program, 0)->state, HAK_RING_CLOSED);
    waiting = look();
    ck_assert(waiting.has_ended);
    ck_assert(hak_cut_is_due(&waiting, 50 * ms));
    for (int i = 0; i < 13; i++)
        fake_event(&program, 0, HAK_MALLOC, 1, 1, 0);
    waiting = look();
    ck_assert(waiting.half_full);
    ck_assert(hak_cut_is_due(&waiting, 0));
    commit();
    ck_assert_uint_eq(look().records, 0);
}

/* The end of a process that said no goodbye is reported to those alone who watched it before. */
TEST(does_not_wait_where_a_process_is_new) {
    fake_event(&program, 0, HAK_MALLOC, 1, 1, 0);
    commit();
    fake_event(&program, 0, HAK_FREE, 1, 2, 0);
    struct hak_waiting waiting = look();
    ck_assert(!waiting.has_new && !hak_cut_is_due(&waiting, 50 * ms));
    pid_t child = fork();
    if (child == 0) {
        pause();
        _exit(0);
    }
    fake_claim_process(&program, 1, child, 0, 0);
    waiting = look();
    ck_assert(!hak_cut_is_due(&waiting, 49 * ms));
    ck_assert(hak_cut_is_due(&waiting, 50 * ms));
    commit();
    fake_event(&program, 0, HAK_MALLOC, 1, 3, 0);
    waiting = look();
    ck_assert(!waiting.has_new && !hak_cut_is_due(&waiting, 50 * ms));
    end_child(child);
}

TEST(waits_for_no_more_where_somebody_waits_for_it) {
    fake_claim_ring(&program, 1, 0, 2, 64);
    fake_event(&program, 0, HAK_MALLOC, 1, 1, 0);
    fake_event(&program, 1, HAK_MALLOC, 2, 1, 0);
    commit();
    fake_event(&program, 0, HAK_FREE, 1, 2, 0);
    struct hak_waiting waiting = look();
    ck_assert(!hak_cut_is_due(&waiting, 50 * ms));
    /* A thread without a ring waits for that of one whose records were all read. */
    atomic_store(&fake_ring(&program, 1)->state, HAK_RING_CLOSED);
    waiting = look();
    ck_assert_uint_eq(waiting.records, 1);
    ck_assert(!hak_cut_is_due(&waiting, 49 * ms));
    ck_assert(hak_cut_is_due(&waiting, 50 * ms));
    commit();
    ck_assert_uint_eq(atomic_load(&fake_ring(&program, 1)->state), HAK_RING_FREE);
    fake_event(&program, 0, HAK_MALLOC, 1, 3, 0);
    waiting = look();
    ck_assert(!hak_cut_is_due(&waiting, 50 * ms));
    /* PID 1 ends, and waits until all is stored. */
    atomic_store(&program.session->closing, 1);
    waiting = look();
    ck_assert(hak_cut_is_due(&waiting, 50 * ms));
    commit();
}

RUN_TESTS(.set_up = set_up, .tear_down = end_worker)
