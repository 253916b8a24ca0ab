/* Makes the session memory as a memfd, and fills its header. */
#include "trace/memory/make.h"
#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include "metrics/block.h"
#include "newer.h"
#include "options.h"
#include "superslab.h"
#include "trace/memory/current.h"
#include "trace/memory/environment.h"
#include "trace/memory/proc.h"
#include "trace/protocol.h"
#include "platform/platform.h"
#include "platform/raw_call.h"
#include "platform/path.h"
#include "trace/wait.h"
#include "unwind/modules.h"

enum {
    METRICS_PART = 16, /* one part in so many is for counters */
};

static uint64_t pages(uint64_t bytes) {
    return (bytes + HAK_PAGE_BYTES - 1) & ~(uint64_t)(HAK_PAGE_BYTES - 1);
}

uint64_t hak_memory_bytes_for(uint64_t address_space_limit, uint64_t file_limit) {
    uint64_t bytes = HAK_SESSION_BYTES_STD;
    while (bytes > address_space_limit / 16 && bytes > (uint64_t)64 << 20)
        bytes /= 2;
    while (bytes > address_space_limit / 8 && bytes > HAK_SESSION_BYTES_MIN)
        bytes /= 2;
    if (bytes > file_limit)
        bytes = file_limit & ~(uint64_t)(HAK_PAGE_BYTES - 1);
    return bytes >= HAK_SESSION_BYTES_MIN ? bytes : 0;
}

uint64_t hak_memory_bytes_allowed(void) {
    return hak_memory_bytes_for(hak_raw_limit(RLIMIT_AS), hak_raw_limit(RLIMIT_FSIZE));
}

/* Lays out the session's parts in its bytes: processes, rings, nodes, report, counters, extents. */
static void lay_out(struct hak_session *session, uint64_t total) {
    session->version = HAK_SESSION_VERSION;
    session->header_bytes = sizeof *session;
    session->total_bytes = total;
    session->process_offset = pages(sizeof *session);
    session->ring_offset =
        session->process_offset + pages(HAK_PROCESSES * sizeof(struct hak_process_entry));
    session->node_offset = session->ring_offset + pages(HAK_RINGS * sizeof(struct hak_ring_entry));
    session->node_capacity = HAK_NODE_PLACES_MAX;
    while (session->node_capacity * sizeof(struct hak_node) > total / 8)
        session->node_capacity /= 2;
    session->report_offset =
        session->node_offset + session->node_capacity * sizeof(struct hak_node);
    session->metrics_offset = session->report_offset + pages(sizeof(struct hak_report_request));
    session->metrics_blocks = total / METRICS_PART / HAK_COUNTERS_BYTES;
    if (session->metrics_blocks > HAK_METRICS_MAX)
        session->metrics_blocks = HAK_METRICS_MAX;
    uint64_t owners_bytes = session->metrics_blocks * sizeof(hak_counters_owner_t);
    session->extent_offset = pages(session->metrics_offset + HAK_COUNTERS_UP_TO(owners_bytes) +
                                   session->metrics_blocks * HAK_COUNTERS_BYTES);
    session->extent_count = (total - session->extent_offset) / HAK_EXTENT_BYTES;
    if (session->extent_count > HAK_EXTENTS_MAX)
        session->extent_count = HAK_EXTENTS_MAX;
    atomic_store(&session->node_count, 1); /* 0 is "no stack" */
    atomic_store(&session->nodes_mapped, 1);
    atomic_store(&session->epoch, 1);
}

/* Reads TSC and clocks together into the session: of a few tries the one that took least. */
static void read_clocks(struct hak_session *session) {
    uint64_t best = UINT64_MAX;
    for (int i = 0; i < 5; i++) {
        struct timespec real;
        uint64_t before = hak_ticks_now();
        uint64_t monotonic = hak_monotonic_ns();
        uint64_t after = hak_ticks_now();
        (void)hak_raw_call(SYS_clock_gettime, CLOCK_REALTIME, &real);
        if (after - before >= best)
            continue;
        best = after - before;
        session->tsc_start = before + best / 2;
        session->monotonic_start_ns = monotonic;
        session->realtime_start_ns = (uint64_t)real.tv_sec * HAK_SECOND_NS + (uint64_t)real.tv_nsec;
    }
}

/* Makes the session's memfd, locked so that the collector sees when nobody maps it. 0 or an errno.
 */
static int make_file(uint64_t total, int *file) {
    long made = hak_raw_call(SYS_memfd_create, HAK_SESSION_FILE_NAME,
                             MFD_CLOEXEC | MFD_ALLOW_SEALING | MFD_NOEXEC_SEAL);
    if (made == -EINVAL) /* before Linux 6.3 */
        made =
            hak_raw_call(SYS_memfd_create, HAK_SESSION_FILE_NAME, MFD_CLOEXEC | MFD_ALLOW_SEALING);
    if (made < 0)
        return (int)-made;
    *file = hak_lift_file(made);
    if (*file < 0)
        return EMFILE;
    long result = hak_raw_call(SYS_ftruncate, *file, total);
    /* It lasts as long as this open file, that is until nobody here maps it any more: so the
     * collector sees the session's end. */
    struct flock lock = {.l_type = F_RDLCK, .l_whence = SEEK_SET};
    if (result == 0)
        result = hak_raw_call(SYS_fcntl, *file, F_OFD_SETLK, &lock);
    if (result < 0)
        hak_close(*file);
    return (int)-result;
}

void hak_memory_leave_out_of_cores(struct hak_session *session, uint64_t total_bytes) {
    (void)hak_raw_call(SYS_madvise, session, total_bytes, MADV_DONTDUMP);
}

void hak_memory_put_stacks_into_core(void) {
    struct hak_session *session = hak_current.session;
    uint64_t nodes = atomic_load(&session->node_count);
    if (nodes > hak_current.node_capacity)
        nodes = hak_current.node_capacity;
    (void)hak_raw_call(SYS_madvise, session, pages(sizeof *session), MADV_DODUMP);
    (void)hak_raw_call(SYS_madvise, hak_current.nodes, pages(nodes * sizeof *hak_current.nodes),
                       MADV_DODUMP);
}

int hak_memory_map(int file, uint64_t total, struct hak_session_memory *memory) {
    long at = hak_raw_call(SYS_mmap, 0, total, PROT_READ | PROT_WRITE, MAP_SHARED, file);
    if (at < 0 && at >= -4095)
        return (int)-at;
    *memory = (struct hak_session_memory){(struct hak_session *)at, file, total};
    if (hak_own_note)
        hak_own_note(memory->session, total, true);
    return 0;
}

/* Makes and maps the memory, smaller where it does not fit, and seals its size. 0 or an errno. */
static int make_memory(uint64_t wanted, struct hak_session_memory *memory) {
    uint64_t total = wanted ? wanted : hak_memory_bytes_allowed();
    int file = -1, error = total == 0 ? EFBIG : make_file(total, &file);
    if (error)
        return error;
    while ((error = hak_memory_map(file, total, memory)) == ENOMEM && !wanted &&
           total / 2 >= HAK_SESSION_BYTES_MIN)
        total = pages(total / 2);
    if (error) {
        hak_close(file);
        return error;
    }
    (void)hak_raw_call(SYS_ftruncate, file, total);
    /* A receiver can cut nothing away under this process. It never grows either. */
    (void)hak_raw_call(SYS_fcntl, file, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW);
    hak_memory_fill(memory);
    return 0;
}

void hak_memory_fill(struct hak_session_memory *memory) {
    hak_memory_leave_out_of_cores(memory->session, memory->total_bytes);
    lay_out(memory->session, memory->total_bytes);
    read_clocks(memory->session);
    while (memory->session->session_id == 0)
        if (hak_raw_call(SYS_getrandom, &memory->session->session_id, 8) != 8)
            memory->session->session_id = hak_ticks_now();
}

void hak_memory_lift_file_limit(struct rlimit *before) {
    *before = (struct rlimit){RLIM_INFINITY, RLIM_INFINITY};
    (void)hak_raw_call(SYS_prlimit64, 0, RLIMIT_FSIZE, 0, before);
    struct rlimit raised = {before->rlim_max, before->rlim_max};
    if (before->rlim_cur < HAK_SESSION_BYTES_STD && before->rlim_cur != before->rlim_max)
        (void)hak_raw_call(SYS_prlimit64, 0, RLIMIT_FSIZE, &raised);
}

void hak_memory_restore_file_limit(const struct rlimit *before) {
    if (before->rlim_cur < HAK_SESSION_BYTES_STD && before->rlim_cur != before->rlim_max)
        (void)hak_raw_call(SYS_prlimit64, 0, RLIMIT_FSIZE, before);
}

int hak_memory_make(uint64_t wanted, struct hak_session_memory *memory) {
    struct rlimit before;
    hak_memory_lift_file_limit(&before);
    int error = make_memory(wanted, memory);
    hak_memory_restore_file_limit(&before);
    return error;
}

/* "" where it does not fit, too. The header's pages are zero, and stay untouched for an empty one.
 */
static void expand(char *to, const char *pattern, const char *program) {
    if (*pattern && !hak_path_expand(to, HAK_PATH_BYTES, pattern, NULL, program))
        to[0] = 0;
}

void hak_memory_describe(struct hak_session *session) {
    hak_modules_program(session->program, sizeof session->program);
    session->command_line_bytes =
        (uint32_t)hak_proc_read("/proc/self/cmdline", session->command_line, HAK_PATH_BYTES);
    const char *tree_store = hak_environment_tree_store();
    if (tree_store && strlen(tree_store) < sizeof session->store_path)
        memcpy(session->store_path, tree_store, strlen(tree_store) + 1);
    else
        expand(session->store_path, hak_option_text(HAK_INDEX_TRACE_FILE), session->program);
    if (hak_options.has_text[HAK_INDEX_LOG])
        expand(session->log_path, hak_options.log, session->program);
    if (hak_options.has_text[HAK_INDEX_SUPPRESSIONS])
        expand(session->suppressions_path, hak_options.suppressions, session->program);
    if (hak_options.has_text[HAK_INDEX_BASELINE])
        expand(session->baseline_path, hak_options.baseline, session->program);
    session->leak_growth = (uint32_t)hak_options.leak_growth + 1;
    session->ring_bytes = hak_options.trace_ring_bytes;
    session->metrics_ms = hak_options.front_metrics ? (uint32_t)hak_options.front_metrics_ms : 0;
    session->trace_max_bytes = hak_options.trace_max_bytes;
    session->profile_only = (uint32_t)hak_options.profile_only;
    session->wait_on_full = hak_options.trace_full == HAK_FULL_WAIT;
    session->stop_on_fault = hak_options.on_fault == HAK_ON_FAULT_STOP;
    session->layout = (uint32_t)hak_options.layout;
    session->level = (uint32_t)hak_options.check;
    session->slab_bytes = HAK_SLAB_BYTES;
    session->superslab_bytes = HAK_SUPERSLAB_BYTES;
    session->machine = HAK_ELF_MACHINE;
    session->page_bytes = (uint32_t)HAK_PAGE_BYTES;
}

void hak_memory_publish(struct hak_session *session) {
    hak_memory_describe(session);
    __atomic_store_n(&session->magic, HAK_SESSION_MAGIC, __ATOMIC_RELEASE);
}
