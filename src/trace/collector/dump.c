/* Copies the heap profile for a process of its own, which makes a file of it
 * (HAKMEM_HEAP_PROFILE_DUMP).
 *
 *   table, /proc/self/maps --> memfd --descriptor 3--> hakmem-collect --profile --> DIR/...db
 *                                ^---- state, in a page that is mapped here ----'
 *
 * The program waits for the copy alone, and has no descriptor afterwards. One process at a time: as
 * long as one is at it, nothing is copied. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include "heap_profile/dump.h"
#include "newer.h"
#include "options.h"
#include "platform/block_signals.h"
#include "platform/line.h"
#include "platform/path.h"
#include "trace/collector/collector.h"
#include "trace/collector/say.h"
#include "trace/memory/memory.h"
#include "trace/trace.h"
#include "trace/wait.h"
#include "unwind/modules.h"

#define PATIENCE_NS (300 * HAK_SECOND_NS) /* then the process counts as dead, if it hangs */
enum { MAPS_PIECE = 64 << 10 };

static char dump_folder[HAK_PATH_BYTES];
static _Atomic uint32_t is_dumping; /* a thread copies */
static bool is_told;                /* that one failed */
static uint64_t begun_ns;           /* the last copy */

/* The last copy's page, in which the process says what became of it. */
static struct hak_heap_dump *last;

struct copy {
    struct hak_heap_dump head;
    char piece[MAPS_PIECE];
};

/* ---- what became of the last one --------------------------------------------------------------
 */

static void let_go_of_last(void) {
    atomic_store_explicit(&hak_control.dump_state, NULL, memory_order_relaxed);
    if (last)
        (void)hak_raw_call(SYS_munmap, last, HAK_PAGE_BYTES);
    last = NULL;
}

static void count_failure(void) {
    atomic_fetch_add_explicit(&hak_control.dumps_failed, 1, memory_order_relaxed);
    is_told = true;
}

/* Whether the process that makes a file of the last one has ended, in whatever way. */
static bool is_writer_gone(void) {
    int32_t writer = atomic_load(&last->writer);
    return writer > 0 && hak_raw_call(SYS_kill, writer, 0) == -ESRCH;
}

/* Counts the last one. False: it is being written. */
static bool settle_last(uint64_t now_ns) {
    if (!last)
        return true;
    bool is_gone = is_writer_gone(); /* it says first what became of it */
    uint32_t state = atomic_load(&last->state);
    bool has_ended = (state != HAK_HEAP_DUMP_RUNS || is_gone) && hak_collector_may_profile();
    if (!has_ended && now_ns - begun_ns < PATIENCE_NS)
        return false;
    if (state == HAK_HEAP_DUMP_WRITTEN)
        atomic_fetch_add_explicit(&hak_control.dumps_written, 1, memory_order_relaxed);
    else
        count_failure();
    let_go_of_last();
    return true;
}

void hak_dump_forget(void) {
    if (last)
        let_go_of_last();
    hak_collector_forget_profile();
    atomic_store(&hak_control.dumps_written, 0);
    atomic_store(&hak_control.dumps_failed, 0);
    atomic_store(&is_dumping, 0);
    is_told = false;
}

/* Says the first failure on stderr, and counts it. */
static enum hak_dump_result fail_dump(const struct hak_collector_failure *failure) {
    struct hak_line line = {0};
    if (!is_told) {
        hak_line_add(&line, "hakmem: HAKMEM_HEAP_PROFILE_DUMP: no heap profile is written to ");
        hak_line_add_name(&line, dump_folder);
        hak_line_add(&line, ": ");
        hak_say_reason(&line, failure);
        hak_line_add(&line, "; the program goes on, and later failures are counted alone");
        hak_line_end(&line);
    }
    count_failure();
    return HAK_DUMP_FAILED;
}

bool hak_dump_start(const char *pattern, size_t bytes) {
    static char program[HAK_PATH_BYTES], text[HAK_PATH_BYTES];
    if (bytes >= sizeof text)
        return false;
    memcpy(text, pattern, bytes);
    hak_modules_program(program, sizeof program);
    if (!hak_path_expand(dump_folder, sizeof dump_folder, text, NULL, program))
        return false;
    hak_control.dump_directory = dump_folder;
    long result = hak_raw_call(SYS_faccessat, AT_FDCWD, dump_folder, 3 /* W_OK | X_OK */);
    if (result < 0) {
        struct hak_collector_failure failure = {
            .what = "the folder is not there, or cannot be written", .error = -result};
        (void)fail_dump(&failure);
        atomic_store(&hak_control.dumps_failed, 0); /* none was due */
    }
    return true;
}

/* ---- the copy ---------------------------------------------------------------------------------
 */

/* Writes into the copy; false where the file may not be so large, or there is no memory. */
static bool put(int file, uint64_t at, const void *from, size_t bytes) {
    if (at + bytes > hak_raw_limit(RLIMIT_FSIZE)) /* else the kernel sends SIGXFSZ */
        return false;
    for (size_t done = 0; done < bytes;) {
        long wrote =
            hak_raw_call(SYS_pwrite64, file, (const char *)from + done, bytes - done, at + done);
        if (wrote <= 0 && wrote != -EINTR)
            return false;
        done += wrote > 0 ? (size_t)wrote : 0;
    }
    return true;
}

/* Copies the mappings. False: there is no room for them. */
static bool put_maps(int file, struct copy *copy) {
    long maps = hak_raw_call(SYS_openat, AT_FDCWD, "/proc/self/maps", O_RDONLY | O_CLOEXEC);
    bool is_put = true;
    while (maps >= 0 && is_put && copy->head.maps_bytes < HAK_HEAP_DUMP_MAPS_MOST) {
        long got = hak_raw_call(SYS_read, maps, copy->piece, sizeof copy->piece);
        if (got == -EINTR)
            continue;
        if (got <= 0)
            break;
        is_put = put(file, copy->head.maps_at + copy->head.maps_bytes, copy->piece, (size_t)got);
        copy->head.maps_bytes += (uint64_t)got;
    }
    if (maps >= 0)
        hak_close((int)maps);
    return is_put;
}

/* Copies the sites, then the nodes, which are older than the sites that name them; the head last.
 */
static bool put_all(int file, const struct hak_heap_profile *table, struct copy *copy) {
    struct hak_heap_dump *head = &copy->head;
    uint32_t sites = atomic_load_explicit(&table->site_count, memory_order_acquire);
    size_t sites_bytes = sites * sizeof *table->sites;
    head->sites_at = HAK_PAGES_OF(sizeof *head);
    head->nodes_at = head->sites_at + HAK_PAGES_OF(sites_bytes);
    if (!put(file, head->sites_at, table->sites, sites_bytes))
        return false;
    memcpy(&head->profile, table, sizeof *table);
    uint32_t nodes = atomic_load_explicit(&table->node_count, memory_order_acquire);
    size_t nodes_bytes = nodes * sizeof *table->nodes;
    atomic_store_explicit(&head->profile.site_count, sites, memory_order_relaxed);
    atomic_store_explicit(&head->profile.node_count, nodes, memory_order_relaxed);
    head->maps_at = head->nodes_at + HAK_PAGES_OF(nodes_bytes);
    return put(file, head->nodes_at, table->nodes, nodes_bytes) && put_maps(file, copy) &&
           put(file, 0, head, sizeof *head);
}

/* Fills in what the process is, and when. */
static void describe_dump(struct hak_heap_dump *head, const struct hak_heap_profile *table) {
    static const char magic[sizeof head->magic] = HAK_HEAP_DUMP_MAGIC;
    struct timespec real = {0, 0};
    (void)hak_raw_call(SYS_clock_gettime, CLOCK_REALTIME, &real);
    memcpy(head->magic, magic, sizeof magic);
    head->version = HAK_HEAP_DUMP_VERSION;
    head->bytes = sizeof *head;
    atomic_store(&head->state, HAK_HEAP_DUMP_RUNS);
    head->is_quiet = is_told;
    head->level = hak_control.level;
    head->pid = (int32_t)hak_raw_call(SYS_getpid);
    head->start_time = hak_proc_start_time();
    head->monotonic_ns = hak_monotonic_ns();
    head->realtime_ns = (uint64_t)real.tv_sec * HAK_SECOND_NS + (uint64_t)real.tv_nsec;
    head->table = (uintptr_t)table;
    hak_modules_program(head->program, sizeof head->program);
    memcpy(head->directory, dump_folder, sizeof head->directory);
    head->command_line_bytes =
        (uint32_t)hak_proc_read("/proc/self/cmdline", head->command_line, HAK_HEAP_DUMP_PATH);
}

/* A memfd out of the way of the program's descriptors; negative: the errno. */
static long make_memfd(void) {
    long made = hak_raw_call(SYS_memfd_create, "hakmem-profile", MFD_CLOEXEC | MFD_NOEXEC_SEAL);
    if (made == -EINVAL) /* before Linux 6.3 */
        made = hak_raw_call(SYS_memfd_create, "hakmem-profile", MFD_CLOEXEC);
    if (made < 0)
        return made;
    int file = hak_lift_file(made);
    return file < 0 ? -EMFILE : file;
}

/* Makes the copy. A descriptor; negative: `failure` says why there is none. */
static int make_copy(const struct hak_heap_profile *table, struct hak_collector_failure *failure) {
    struct rlimit before;
    long file = make_memfd();
    struct copy *copy = file < 0 ? NULL : hak_raw_map(sizeof *copy);
    failure->what = "it cannot be copied";
    failure->error = file < 0 ? -file : ENOMEM;
    if (file < 0)
        return -1;
    bool is_made = false;
    if (copy) {
        hak_memory_lift_file_limit(&before);
        describe_dump(&copy->head, table);
        is_made = put_all((int)file, table, copy);
        hak_memory_restore_file_limit(&before);
        hak_raw_unmap(copy, sizeof *copy);
        failure->error = EFBIG;
    }
    if (is_made)
        return (int)file;
    hak_close((int)file);
    return -1;
}

/* ---- the process ------------------------------------------------------------------------------
 */

/* Whether the program's sandbox lets us, and what we start, do what it takes. */
static bool may_start(void) {
    static const short calls[] = {SYS_memfd_create, SYS_pwrite64, SYS_mmap,  SYS_clone,
                                  SYS_execve,       SYS_openat,   SYS_wait4, SYS_setsid};
    for (size_t i = 0; i < sizeof calls / sizeof *calls; i++)
        if (hak_call_is_forbidden(calls[i]))
            return false;
    return true;
}

static enum hak_dump_result start_process(const struct hak_heap_profile *table) {
    struct hak_collector_failure failure = {0};
    if (!may_start()) {
        failure.what = "the program is in a sandbox that starts no process";
        return fail_dump(&failure);
    }
    int file = make_copy(table, &failure);
    if (file < 0)
        return fail_dump(&failure);
    long page = hak_raw_call(SYS_mmap, 0, HAK_PAGE_BYTES, PROT_READ, MAP_SHARED, file);
    failure = (struct hak_collector_failure){.what = "it cannot be mapped", .error = -page};
    bool is_mapped = page > 0;
    if (is_mapped)
        failure.error = 0;
    if (!is_mapped || !hak_collector_execute_profile(file, &failure)) {
        if (is_mapped)
            (void)hak_raw_call(SYS_munmap, page, HAK_PAGE_BYTES);
        hak_close(file);
        return fail_dump(&failure);
    }
    hak_close(file);
    last = (struct hak_heap_dump *)page;
    atomic_store_explicit(&hak_control.dump_state, &last->state, memory_order_release);
    return HAK_DUMP_BEGUN;
}

enum hak_dump_result hak_dump_write(const struct hak_heap_profile *table) {
    uint64_t signals, now = hak_monotonic_ns();
    enum hak_dump_result result = HAK_DUMP_BUSY;
    if (!hak_is_own_process())
        return HAK_DUMP_BUSY;
    hak_block_signals(&signals);
    if (atomic_exchange(&is_dumping, 1) == 0) {
        if (settle_last(now)) {
            begun_ns = now;
            result = start_process(table);
        }
        atomic_store(&is_dumping, 0);
    }
    hak_restore_signals(&signals);
    return result;
}
