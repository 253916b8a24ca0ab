/* The moments of a process and its threads that the checks and the tracer must hear of. */
#include "guard/choose/choose.h"
#include "guard/guard.h"
#include "guard/pages.h"
#include "guard/path.h"
#include "guard/pools/pools.h"
#include "guard/profile_file.h"
#include "guard/watched/watched.h"
#include "guarded/guarded.h"
#include "heap_profile/heap_profile.h"
#include "light.h"
#include "trace/trace.h"

void hak_check_start(void) {
    hak_inject_start();
    hak_pages_start();
    hak_near_start();
    hak_trace_start();
    hak_guard_start();
    hak_guarded_pieces_start();
    hak_profile_file_start();
    hak_path_start();
    if (hak_options.watch) {
        hak_watched_start();
        hak_watched_path_start();
    } else if (hak_guards_by_stack && hak_options.guard_watch != HAK_GUARD_WATCH_OFF) {
        hak_watched_start_newest();
    }
    hak_sweep_start();
    hak_asked_start();
}

void hak_check_note_malloc(const char *name) {
    hak_trace_note_malloc(name);
}

/* The thread's watch, quarantine and closed pages end, its records last. */
void hak_check_thread_end(void) {
    if (hak_watched_sees_reads())
        hak_watched_thread_end();
    hak_quarantine_thread_end();
    hak_pages_thread_end(&hak_page_budget);
    hak_trace_thread_end();
}

void hak_check_fork_prepare(void) {
    hak_trace_fork_prepare();
}

void hak_check_fork_parent(void) {
    hak_trace_fork_parent();
}

/* Brings guard and the tracer into order for the child's only thread. The tracer comes before the
 * watch, which needs its new process. */
void hak_check_fork_child(void) {
    hak_quarantine_fork_child();
    hak_pages_fork_child();
    hak_sweep_fork_child();
    hak_guarded_after_fork();
    hak_heap_profile_after_fork();
    if (hak_light_serves())
        hak_light_fork_child(hak_trace_thread());
    hak_trace_fork_child();
    hak_profile_file_fork_child();
    hak_watched_fork_child();
    hak_pieces_fork_child();
}

void hak_check_mark(const char *name) {
    hak_trace_mark(name);
}

/* Records the name that the program gave to a pool; of memory that is no block of ours only the
 * address is told. */
void hak_check_pool_name(const void *block, const char *name) {
    struct hak_located at;
    struct hak_event_fields head = {
        .kind = HAK_POOL, .address = (uintptr_t)block, .class_index = HAK_CLASS_NONE};
    if (hak_locate(block, &at) && at.slot->place == HAK_PLACE_LIVE) {
        head.address = (uintptr_t)hak_user_in(&at);
        head.delta_bytes = hak_delta_bytes_of(&at);
        head.class_index = (uint8_t)at.class_index;
        head.epoch = at.epoch;
        head.record_count = at.slot->record_count; /* behind the last record of the block */
    }
    hak_trace_name(&head, name);
}
