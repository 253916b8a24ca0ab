/* The longest pause of a play, on captures written by hand. */
#include "unit/store/capture.h"
#include "viewer/replay/plan.h"

#define SECOND 1000000000ull

/* The pause of the play that is made of the capture, in ns. */
static uint64_t pause_of_play(uint64_t calls_due) {
    struct view view = {.store_path = capture.path};
    struct plan plan = {.view = &view, .streams.file = -1, .process = 1};
    capture_finish();
    must(hak_store_open(capture.path, &view.reader));
    ck_assert_int_eq(plan_make(&plan), 0);
    ck_assert_uint_eq(plan.head.calls, calls_due);
    plan_free(&plan);
    hak_store_close(view.reader);
    capture_end();
    return plan.pause_ns;
}

/* No call ends while events go by that are not played, so the pause has the time of all of them. */
TEST(the_pause_lies_between_calls_that_are_played) {
    capture_start();
    block_malloc(1, 1, 1);
    for (int i = 0; i < 10; i++) {
        capture.ns += SECOND;
        block_event(2, HAK_FREE, HAK_PLACE_FRONT, 1, 1, 24, 0); /* from before: left out */
        block_event(1, HAK_FREE, HAK_PLACE_FRONT, 1, 1, 24, HAK_RECORD_ILLEGAL);
    }
    block_free(1, 1, 2);
    ck_assert_uint_eq(pause_of_play(2) / SECOND, 10);
}

TEST(the_pause_may_lie_before_the_first_call) {
    capture_start();
    block_event(2, HAK_FREE, HAK_PLACE_FRONT, 1, 1, 24, 0);
    capture.ns += 3 * SECOND;
    block_malloc(1, 1, 1);
    capture.ns += SECOND;
    block_free(1, 1, 1);
    capture.ns += 9 * SECOND;
    block_event(2, HAK_FREE, HAK_PLACE_FRONT, 1, 1, 24, 0); /* no call comes after it */
    ck_assert_uint_eq(pause_of_play(2) / SECOND, 3);
}

RUN_TESTS()
