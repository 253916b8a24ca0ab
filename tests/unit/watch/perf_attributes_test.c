/* The events that hakmem asks for mean to the kernel's own structure what they mean to ours. */
#include <linux/hw_breakpoint.h>
#include <linux/perf_event.h>
#include <stddef.h>
#include <string.h>
#include "unit/suite.h"
#include "watch/registers.h"

#ifdef PERF_ATTR_SIZE_VER7
static struct perf_event_attr theirs_of(const struct hak_perf_attributes *ours) {
    struct perf_event_attr theirs;
    memset(&theirs, 0, sizeof theirs);
    memcpy(&theirs, ours, sizeof *ours);
    return theirs;
}

TEST(a_register_is_asked_for) {
    struct hak_perf_attributes ours = hak_perf_stop(0x12345678, 4, 5);
    struct perf_event_attr theirs = theirs_of(&ours);
    ck_assert_uint_eq(theirs.type, PERF_TYPE_BREAKPOINT);
    ck_assert_uint_eq(theirs.size, PERF_ATTR_SIZE_VER7);
    ck_assert_uint_eq(theirs.bp_type, HW_BREAKPOINT_W);
    ck_assert_uint_eq(theirs.bp_addr, 0x12345678);
    ck_assert_uint_eq(theirs.bp_len, 4);
    ck_assert_uint_eq(theirs.sample_period, 1);
    ck_assert(theirs.exclude_kernel && theirs.exclude_hv && theirs.sigtrap);
    ck_assert(theirs.remove_on_exec && theirs.inherit && theirs.inherit_thread && !theirs.disabled);
    ck_assert_uint_eq(theirs.sig_data & 0xff, 5);
    ours.disabled = 1;
    ck_assert(theirs_of(&ours).disabled);
}

TEST(a_clock_is_asked_for) {
    struct hak_perf_attributes ours = hak_perf_clock(1000, 6);
    struct perf_event_attr theirs = theirs_of(&ours);
    ck_assert_uint_eq(theirs.type, PERF_TYPE_SOFTWARE);
    ck_assert_uint_eq(theirs.config, PERF_COUNT_SW_TASK_CLOCK);
    ck_assert_uint_eq(theirs.sample_period, 1000);
    ck_assert(theirs.sigtrap && theirs.remove_on_exec && !theirs.inherit);
    ck_assert_uint_eq(theirs.sig_data & 0xff, 6);
}
#endif

TEST(it_has_the_size_of_linux_5_13) {
    ck_assert_uint_eq(sizeof(struct hak_perf_attributes), 128);
    ck_assert_uint_eq(offsetof(struct hak_perf_attributes, sig_data), 120);
}

RUN_TESTS()
