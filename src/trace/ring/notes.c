/* Records processes, threads, modules and marks, beside the moves of blocks; and counts what is
 * counted only. */
#include <string.h>
#include <sys/prctl.h>
#include "hop.h"
#include "platform/block_signals.h"
#include "platform/raw_call.h"
#include "superslab.h"
#include "trace/memory/memory.h"
#include "trace/ring/ring.h"
#include "trace/stacks/stacks.h"
#include "trace/threads/threads.h"
#include "trace/trace.h"
#include "unwind/splice.h"

uint32_t hak_trace_epoch(void) {
    static _Atomic uint32_t unrecorded = 1;
    return atomic_fetch_add_explicit(
        hak_current_ready() ? &hak_current.session->epoch : &unrecorded, 1, memory_order_relaxed);
}

void hak_trace_count(enum hak_trace_count which) {
    if (!hak_current_ready())
        return;
    struct hak_process_entry *process = hak_current.process;
    _Atomic uint64_t *counter = which == HAK_COUNT_FREE_OF_NULL  ? &process->free_of_null
                                : which == HAK_COUNT_FAILED_CALL ? &process->failed_calls
                                                                 : &process->foreign_frees;
    atomic_fetch_add_explicit(counter, 1, memory_order_relaxed);
}

/* Records that a module was loaded, with its path and build-id. */
static void load_module(const char *path, const uint8_t *build_id, size_t build_id_bytes,
                        uint64_t load_bias, uint64_t map_start, uint64_t map_end,
                        uint32_t generation) {
    enum { BUILD_ID_MAX = 64, PATH_MAX_BYTES = 4096 };
    if (!hak_current.session) /* each module is announced again where there is one */
        return;
    struct {
        uint64_t load_bias, map_start, map_end;
        uint32_t generation;
        uint16_t build_id_bytes, path_bytes;
    } fixed = {load_bias, map_start, map_end, generation, 0, 0};
    fixed.build_id_bytes = (uint16_t)(!build_id                       ? 0
                                      : build_id_bytes < BUILD_ID_MAX ? build_id_bytes
                                                                      : BUILD_ID_MAX);
    fixed.path_bytes = (uint16_t)strnlen(path, PATH_MAX_BYTES);
    struct hak_payload_part parts[] = {
        {&fixed, sizeof fixed}, {build_id, fixed.build_id_bytes}, {path, fixed.path_bytes}};
    struct hak_event_fields head = {
        .kind = HAK_MODULE_LOAD, .class_index = HAK_CLASS_NONE, .address = map_start};
    hak_ring_write_bytes(&head, parts, 3);
}

/* Records that a module was unloaded, and forgets the stacks through it. */
static void unload_module(uint64_t map_start, uint64_t map_end, uint32_t mark,
                          uint32_t generation) {
    struct hak_event_fields unload = {.kind = HAK_MODULE_UNLOAD,
                                      .class_index = HAK_CLASS_NONE,
                                      .address = map_start,
                                      .size = generation};
    hak_stacks_forget(map_start, map_end, mark);
    hak_trace_record(&unload);
}

const struct hak_modules_listener hak_modules_to_record = {hak_stacks_node_count, load_module,
                                                           unload_module};

void hak_trace_name(const struct hak_event_fields *head, const char *name) {
    enum { NAME_MAX_BYTES = 200 };
    struct hak_payload_part part = {name, (uint32_t)strnlen(name, NAME_MAX_BYTES)};
    struct hak_event_fields fields = *head;
    hak_ring_write_bytes(&fields, &part, 1);
}

void hak_trace_mark(const char *name) {
    struct hak_event_fields head = {.kind = HAK_MARK, .class_index = HAK_CLASS_NONE};
    hak_trace_name(&head, name);
}

void hak_ring_record_thread(uint8_t kind) {
    const struct hak_thread_origin *origin = &hak_thread_origin[HAK_ORIGIN_OF_SELF];
    bool is_start = kind == HAK_THREAD_START;
    struct {
        int32_t tid;
        uint32_t thread;
        char name[16];
    } payload = {.tid = (int32_t)hak_raw_call(SYS_gettid), .thread = hak_trace_thread()};
    struct hak_event_fields head = {.kind = kind,
                                    .class_index = HAK_CLASS_NONE,
                                    .stack = is_start ? origin->stack : 0,
                                    .record_count = is_start ? origin->creator : 0,
                                    .flags = is_start ? origin->flags : 0};
    struct hak_payload_part part = {&payload, sizeof payload};
    (void)hak_raw_call(SYS_prctl, PR_GET_NAME, payload.name);
    hak_ring_write_bytes(&head, &part, 1);
}

void hak_ring_record_process(void) {
    const struct hak_process_entry *entry = hak_current.process;
    struct {
        int32_t pid, parent_pid;
        uint32_t process, parent;
        uint64_t fork_number;
    } payload = {entry->pid, entry->parent_pid, hak_current.process_index, entry->parent,
                 entry->fork_number};
    struct hak_payload_part part = {&payload, sizeof payload};
    struct hak_event_fields head = {.kind = HAK_PROCESS_START, .class_index = HAK_CLASS_NONE};
    hak_ring_write_bytes(&head, &part, 1);
}

void hak_ring_record_lost_report(void) {
    uint64_t now = hak_session_ticks(), position;
    struct hak_event_fields loss = {.kind = HAK_LOSS,
                                    .class_index = HAK_CLASS_NONE,
                                    .size = 1,
                                    .address = now,
                                    .old_address = now,
                                    .subkind = HAK_LOSS_REPORT};
    struct hak_ring_entry *ring = hak_ring_write(&loss, &position);
    if (ring) /* else it counts as a record that was dropped */
        atomic_fetch_add_explicit(&ring->lost, 1, memory_order_relaxed);
}

void hak_trace_thread_end(void) {
    struct hak_writer *w = &hak_writer;
    hak_splice_thread_end();
    hak_thread_give_stack_back();
    if (!hak_current_ready() || (!w->ring && !w->shared)) {
        hak_counters_end_thread();
        w->ended = 1;
        return;
    }
    uint64_t signals;
    hak_block_signals(&signals);
    w->setting_up = 1;
    hak_ring_give_up_unfinished();
    hak_ring_record_thread(HAK_THREAD_END);
    hak_ring_share_end();
    hak_current_enter_claim();
    hak_ring_close();
    hak_counters_end_thread();
    hak_current_leave_claim();
    w->ended = 1;
    hak_restore_signals(&signals);
}
