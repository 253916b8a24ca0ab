/* The attributes of perf_event_open as of Linux 5.13, whatever the headers know: an older kernel
 * refuses fields set beyond its own size (E2BIG). */
#ifndef HAK_WATCH_PERF_ATTRIBUTES_H
#define HAK_WATCH_PERF_ATTRIBUTES_H

#include <stdint.h>

/* struct perf_event_attr of linux/perf_event.h; what is not named here is for other kinds of
 * events, and zero. */
struct hak_perf_attributes {
    uint32_t type, size;
    uint64_t config, sample_period, sample_type, read_format;
    uint64_t disabled : 1, inherit : 1, : 3, exclude_kernel : 1, exclude_hv : 1, : 28,
        inherit_thread : 1, remove_on_exec : 1, sigtrap : 1, : 26;
    uint32_t wakeup_events, bp_type;
    uint64_t bp_addr, bp_len;
    uint64_t others[6];
    uint64_t sig_data;
};
_Static_assert(sizeof(struct hak_perf_attributes) == 128, "PERF_ATTR_SIZE_VER7");

#endif
