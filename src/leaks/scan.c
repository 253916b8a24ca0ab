/* Runs the scan from its beginning to its end, and decides when it is made. */
#include <fcntl.h>
#include <pthread.h>
#include "guard/asked.h"
#include "hakmem.h"
#include "leaks/leaks.h"
#include "light.h"
#include "options.h"
#include "platform/line.h"
#include "platform/maps.h"
#include "platform/platform.h"
#include "platform/raw_call.h"
#include "platform/tags.h"
#include "platform/tasks.h"
#include "trace/crash/crash.h"
#include "trace/trace.h"
#include "trace/wait.h"

/* One scan at a time: the number of the thread that makes it. */
static _Atomic int scanner;
static bool has_failed; /* the last one; the scanner's */

/* ---- the helper's part ----------------------------------------------------------------------- */

/* Maps the scan's lists of areas, threads and ranges, which take memory as they are touched. False
 * without memory. */
static bool make_lists(struct hak_leak_scan *scan) {
    scan->areas = hak_raw_map(HAK_LEAK_AREAS * sizeof *scan->areas);
    scan->threads = hak_raw_map(HAK_LEAK_THREADS * sizeof *scan->threads);
    scan->marking.left_out = hak_raw_map(HAK_LEAK_LEFT_OUT * sizeof *scan->marking.left_out);
    return scan->areas && scan->threads && scan->marking.left_out;
}

static void unmap_list(void *list, size_t bytes) {
    if (list)
        hak_raw_unmap(list, bytes);
}

static size_t bytes_of_ids(const struct hak_leak_scan *scan) {
    return HAK_PAGES_OF(scan->marking.capacity * sizeof *scan->marking.work);
}

/* Unmaps the scan's lists, those that were mapped. */
static void drop_lists(struct hak_leak_scan *scan) {
    unmap_list(scan->areas, HAK_LEAK_AREAS * sizeof *scan->areas);
    unmap_list(scan->threads, HAK_LEAK_THREADS * sizeof *scan->threads);
    unmap_list(scan->marking.left_out, HAK_LEAK_LEFT_OUT * sizeof *scan->marking.left_out);
    unmap_list(scan->marking.heads, bytes_of_ids(scan));
    unmap_list(scan->marking.work, bytes_of_ids(scan));
}

/* The scan with all threads stopped: index, pieces, areas, marks. */
static enum hak_leak_failure scan_in_helper(struct hak_leak_scan *scan) {
    if (!hak_leak_make_index(&scan->index))
        return HAK_LEAK_NO_MEMORY;
    hak_leak_take_pieces(scan);
    scan->marking.capacity = scan->index.blocks + scan->piece_count + 1;
    scan->marking.work = hak_raw_map(bytes_of_ids(scan));
    scan->marking.heads = hak_raw_map(bytes_of_ids(scan));
    if (!scan->marking.work || !scan->marking.heads)
        return HAK_LEAK_NO_MEMORY;
    if (!hak_leak_read_areas(scan))
        return HAK_LEAK_NO_MAPS;
    hak_leak_mark_blocks(scan);
    return HAK_LEAK_DONE;
}

/* Stops the threads, scans, and lets them go on. */
static void scan_stopped(struct hak_leak_scan *scan) {
    hak_leak_stop_threads(scan);
    scan->failure = scan_in_helper(scan);
    hak_leak_release_threads(scan);
}

/* ---- the calling thread's part --------------------------------------------------------------- */

static long open_file(const char *path, int flags) {
    return hak_raw_call(SYS_openat, AT_FDCWD, (long)path, flags | O_CLOEXEC, 0, 0, 0);
}

static void close_file(long file) {
    if (file >= 0)
        hak_close(file);
}

/* Enters the calling thread with its registers: it need not be stopped. */
static void note_calling_thread(struct hak_leak_scan *scan, const struct hak_registers *registers) {
    struct hak_leak_thread *thread = &scan->threads[scan->thread_count++];
    thread->id = hak_thread_id();
    thread->is_stopped = true;
    thread->sp = registers->value[HAK_REGISTER_SP];
    thread->tp = hak_thread_pointer();
    for (unsigned i = 0; i < HAK_REGISTERS; i++)
        if ((registers->known >> i & 1) && i != HAK_REGISTER_SP && i != HAK_REGISTER_IP)
            thread->words[thread->word_count++] = registers->value[i];
}

/* Runs the scan in a helper process that shares the memory, and notes why if it failed. */
static void scan_now(struct hak_leak_scan *scan, const struct hak_registers *registers) {
    scan->maps_file = hak_maps_open();
    /* The calling thread's: the first thread may have ended, and shows nothing then. */
    scan->pages_file = open_file("/proc/thread-self/pagemap", O_RDONLY);
    scan->tasks_file = hak_open_tasks();
    scan->failure = HAK_LEAK_NO_MEMORY;
    if (hak_leak_has_threads(scan))
        hak_leak_choose_signal();
    if (make_lists(scan)) {
        note_calling_thread(scan, registers);
        if (!hak_leak_run_helper(scan, scan_stopped))
            scan->failure = HAK_LEAK_DIED;
    }
    close_file(scan->maps_file);
    close_file(scan->pages_file);
    close_file(scan->tasks_file);
}

/* Says on stderr why there was no scan. */
static void say_failed(enum hak_leak_failure failure) {
    static const char *const why[] = {
        [HAK_LEAK_NO_MAPS] = "/proc/self/maps cannot be read",
        [HAK_LEAK_NO_MEMORY] = "no memory is left for the scan",
        [HAK_LEAK_DIED] = "the scan met memory that cannot be read",
    };
    struct hak_line line = {.length = 0};
    hak_line_add(&line, "hakmem: leaks were not looked for: ");
    hak_line_add(&line, why[failure]);
    hak_line_end(&line);
}

static size_t scan_deaf(enum hak_leak_reason reason) {
    struct hak_registers registers;
    hak_registers_here(&registers);
    uintptr_t own_sp = registers.value[HAK_REGISTER_SP];
    int nobody = 0;
    if (!hak_is_own_process() || hak_crash_is_reporting() ||
        !atomic_compare_exchange_strong(&scanner, &nobody, hak_thread_id()))
        return 0;
    struct hak_leak_scan scan = {
        .process_id = (int)hak_raw_call(SYS_getpid, 0, 0, 0, 0, 0, 0),
        .own_sp = own_sp,
    };
    uint64_t begin = hak_monotonic_ns();
    hak_leak_check_child();
    if (!hak_leak_find_frames(&registers, reason == HAK_LEAK_AT_EXIT))
        scan.partial |= HAK_PARTIAL_STACK;
    hak_leak_make_room_for_pieces(&scan);
    scan_now(&scan, &registers);
    size_t lost = 0;
    has_failed = scan.failure != HAK_LEAK_DONE;
    if (scan.closed_bytes)
        hak_hop_count(HAK_COUNTED_CLOSED_SCAN, HAK_CLASS_NONE, scan.closed_bytes);
    if (scan.failure == HAK_LEAK_DONE)
        lost = hak_leak_record(&scan, reason, hak_monotonic_ns() - begin);
    else
        say_failed(scan.failure);
    hak_leak_drop_index(&scan.index);
    hak_leak_drop_pieces(&scan);
    drop_lists(&scan);
    atomic_store(&scanner, 0);
    return lost;
}

/* Deaf, as blocks are read by their addresses. */
HAK_COLD size_t hak_leak_scan(enum hak_leak_reason reason) {
    uintptr_t ear = hak_tags_begin_own();
    size_t lost = scan_deaf(reason);
    hak_tags_end_own(ear);
    return lost;
}

HAK_EXPORT size_t hak_find_leaks(void) {
    return hak_light_serves() ? 0 : hak_leak_scan(HAK_LEAK_BY_CALL);
}

/* ---- start and end --------------------------------------------------------------------------- */

static void scan_by_signal(void) {
    (void)hak_leak_scan(HAK_LEAK_BY_SIGNAL);
}

/* Scans because ctl asks; false also where another thread scans or reports. */
static bool answer_control(uint64_t *found) {
    has_failed = true;
    *found = hak_leak_scan(HAK_LEAK_BY_CONTROL);
    return !has_failed;
}

static void enter_child(void) {
    atomic_store(&scanner, 0);
    hak_leak_enter_child();
}

/* Prepares scans at the start, before there are threads: the loader takes a lock to tell of its
 * modules. */
__attribute__((constructor)) static void start(void) {
    if (!hak_asked_is_started || hak_light_serves())
        return;
    hak_answer_leaks = scan_by_signal;
    hak_control_errands.leaks = answer_control;
    hak_raw_leaks = hak_leak_write_list;
    hak_leak_find_own();
    hak_leak_note_process();
    (void)pthread_atfork(NULL, NULL, enter_child); /* glibc keeps 48 of them without allocating */
}

/* After the program's atexit handlers and the sweep, before the end of the recording (start.c of
 * trace): destructors with a greater number go first. */
__attribute__((destructor(103))) static void at_exit(void) {
    if (hak_options.leaks)
        (void)hak_leak_scan(HAK_LEAK_AT_EXIT);
}
