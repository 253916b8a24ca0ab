/* The debug registers of all threads by perf_event_open.
 *
 * An event with `sigtrap` sends the signal to the thread that wrote, and to nobody else; with
 * `inherit` and `inherit_thread` a thread that is made later has it, too, and one ioctl on the
 * descriptor moves it in all of them. A thread that there is needs an event of its own: at the
 * start that is one thread, in a forked child mostly, too.
 *
 * A descriptor may have been closed by the program and its number be another file's by now:
 * before each use it is asked for the number that the kernel gave the event. */
#include <errno.h>
#include <linux/hw_breakpoint.h>
#include <linux/perf_event.h>
#include <signal.h>
#include <string.h>
#include "platform/platform.h"
#include "platform/raw_call.h"
#include "platform/tasks.h"
#include "watch/registers.h"

enum {
    THREADS = 32,        /* that are there when registers are opened */
    OPENINGS = 8,        /* of the descriptors, which the program closed */
    LIFTED_TO = 512,     /* out of the way of a program that expects low numbers */
    HIGH_FIRST = 48,     /* for a moment: the last of the 64 that every process has room for */
    TRAP_OF_PERF = 6,    /* si_code TRAP_PERF */
    IS_ASYNCHRONOUS = 1, /* si_perf_flags TRAP_PERF_FLAG_ASYNC */
};

/* A program may have such events of its own: what their signals carry is told apart by it. */
#define OUR_TAG ((uint64_t)0x68616b << 40)

static struct hak_perf_event events[THREADS][HAK_WATCH_REGISTERS];
static unsigned threads, perf_registers; /* that are open */
static unsigned openings;
static int perf_refusal = 0;
static long perf_opened_by; /* process; 0 = none */
static bool is_perf_over;
static uint64_t perf_nowhere __attribute__((aligned(8))); /* what a register is opened on */

int hak_perf_refusal(void) {
    return perf_refusal;
}

/* ---- opening --------------------------------------------------------------------------------- */

struct hak_perf_attributes hak_perf_stop(uintptr_t address, unsigned bytes, uint64_t tag) {
    return (struct hak_perf_attributes){
        .type = PERF_TYPE_BREAKPOINT,
        .size = sizeof(struct hak_perf_attributes),
        .bp_type = HW_BREAKPOINT_W,
        .bp_addr = address,
        .bp_len = bytes,
        .sample_period = 1,
        .exclude_kernel = 1,
        .exclude_hv = 1,
        .sigtrap = 1,
        .remove_on_exec = 1,
        .inherit = 1,
        .inherit_thread = 1,
        .sig_data = OUR_TAG | tag,
    };
}

struct hak_perf_attributes hak_perf_clock(uint64_t ns, uint64_t tag) {
    return (struct hak_perf_attributes){
        .type = PERF_TYPE_SOFTWARE,
        .config = PERF_COUNT_SW_TASK_CLOCK,
        .size = sizeof(struct hak_perf_attributes),
        .sample_period = ns,
        .exclude_kernel = 1,
        .exclude_hv = 1,
        .sigtrap = 1,
        .remove_on_exec = 1,
        .sig_data = OUR_TAG | tag,
    };
}

/* Whether the kernel is older than 5.18, which ends a process whose thread has blocked the signal.
 */
bool hak_perf_is_old_kernel(void) {
    return !hak_kernel_is_from(5, 18);
}

/* Moves the file to a high number, out of the way of the program's. Returns the number it has. In a
 * process with threads the kernel waits for all processors, some 12 ms, before it makes the table
 * of descriptors larger: nobody's malloc is to wait for a register that stands for a moment. */
static int lift(int file, bool is_brief) {
    long lifted = hak_raw_call(SYS_fcntl, file, F_DUPFD_CLOEXEC, is_brief ? HIGH_FIRST : LIFTED_TO);
    if (lifted < 0)
        return file;
    hak_close(file);
    return (int)lifted;
}

bool hak_perf_is_ours(const struct hak_perf_event *event) {
    uint64_t id = 0;
    return hak_raw_call(SYS_ioctl, event->file, PERF_EVENT_IOC_ID, &id) == 0 && id == event->id;
}

void hak_perf_close_event(struct hak_perf_event *event) {
    if (event->id != 0 && hak_perf_is_ours(event))
        hak_close(event->file);
    *event = (struct hak_perf_event){0};
}

bool hak_perf_read_event(const struct hak_perf_event *event, uint64_t *count) {
    return event->id != 0 && hak_perf_is_ours(event) &&
           hak_raw_call(SYS_read, event->file, count, sizeof *count) == sizeof *count;
}

/* Closes the registers of all threads. */
static void close_all(void) {
    for (unsigned t = 0; t < THREADS; t++)
        for (unsigned r = 0; r < HAK_WATCH_REGISTERS; r++)
            if (events[t][r].id != 0)
                hak_perf_close_event(&events[t][r]);
    threads = perf_registers = 0;
    perf_opened_by = 0;
}

static int open_event(long thread, struct hak_perf_attributes *attributes,
                      struct hak_perf_event *event, bool is_brief) {
    long file = hak_raw_call(SYS_perf_event_open, attributes, thread, -1, -1, PERF_FLAG_FD_CLOEXEC);
    if (file < 0)
        return (int)-file;
    event->file = lift((int)file, is_brief);
    long result = hak_raw_call(SYS_ioctl, event->file, PERF_EVENT_IOC_ID, &event->id);
    if (result != 0) {
        hak_close(event->file);
        *event = (struct hak_perf_event){0};
    }
    return (int)-result;
}

int hak_perf_open_event(long thread, struct hak_perf_attributes *attributes,
                        struct hak_perf_event *event) {
    return open_event(thread, attributes, event, false);
}

int hak_perf_open_brief_event(long thread, struct hak_perf_attributes *attributes,
                              struct hak_perf_event *event) {
    return open_event(thread, attributes, event, true);
}

/* Registers that others have, and descriptors, may be there later. */
bool hak_perf_is_passing(int error) {
    return error == ENOSPC || error == EBUSY || error == EMFILE || error == ENFILE ||
           error == ENOMEM || error == EINTR || error == EAGAIN;
}

/* Opens a register of a thread, which watches nothing yet; 0, or the errno. */
static int open_register(long thread, struct hak_perf_event *event) {
    struct hak_perf_attributes attributes =
        hak_perf_stop((uintptr_t)&perf_nowhere, sizeof perf_nowhere, 0);
    attributes.disabled = 1;
    return hak_perf_open_event(thread, &attributes, event);
}

/* Opens registers of a thread, as many as it can have, at most `wanted`; returns how many. */
static unsigned open_thread(long thread, struct hak_perf_event *own, unsigned wanted) {
    for (unsigned r = 0; r < wanted; r++) {
        int error = open_register(thread, &own[r]);
        if (error != 0) {
            perf_refusal = error;
            return r;
        }
    }
    return wanted;
}

/* Opens the registers of another thread; what the kernel refuses is left out. */
static void open_other(int thread, void *self) {
    if (thread != *(int *)self && threads < THREADS &&
        open_thread(thread, events[threads], perf_registers) != 0)
        threads++;
}

/* Opens registers of the threads besides the calling one; one that is made meanwhile by a thread
 * that comes later in the list may have none. */
static void open_others(int self) {
    long folder = hak_open_tasks();
    if (folder < 0)
        return;
    hak_visit_tasks(folder, open_other, &self);
    hak_close(folder);
}

bool hak_perf_is_there(void) {
    struct hak_perf_event event;
    if (hak_perf_is_old_kernel() || open_register(hak_raw_call(SYS_gettid), &event) != 0)
        return false;
    hak_perf_close_event(&event);
    return true;
}

bool hak_perf_is_deaf(void) {
    static enum { UNTRIED, FIRES, DEAF } answer; /* a forked child knows it, too */
    uint64_t count;
    struct hak_perf_event event;
    /* It counts and sends no signal: the program may have SIGTRAP blocked. */
    struct hak_perf_attributes attributes =
        hak_perf_stop((uintptr_t)&perf_nowhere, sizeof perf_nowhere, 0);
    attributes.sample_period = attributes.sig_data = 0;
    attributes.sigtrap = attributes.inherit = attributes.inherit_thread = 0;
    if (answer != UNTRIED || open_event(hak_raw_call(SYS_gettid), &attributes, &event, true) != 0)
        return answer == DEAF;
    *(volatile uint64_t *)&perf_nowhere = 0;
    if (hak_perf_read_event(&event, &count))
        answer = count == 0 ? DEAF : FIRES;
    hak_perf_close_event(&event);
    return answer == DEAF;
}

unsigned hak_perf_open(unsigned wanted) {
    long self = hak_raw_call(SYS_getpid);
    if (is_perf_over || (perf_opened_by == self && perf_registers != 0))
        return perf_registers;
    if (perf_opened_by != 0 && perf_opened_by != self) /* a fork that no handler saw */
        close_all();
    if (openings++ == OPENINGS || hak_perf_is_old_kernel()) {
        hak_perf_end(openings > OPENINGS ? HAK_UNWATCHED_CLOSED : HAK_UNWATCHED_OLD_KERNEL);
        return 0;
    }
    if (hak_perf_is_deaf()) {
        hak_perf_end(HAK_UNWATCHED_DEAF);
        return 0;
    }
    long thread = hak_raw_call(SYS_gettid);
    perf_opened_by = self;
    perf_refusal = 0;
    perf_registers =
        open_thread(thread, events[0], wanted < HAK_WATCH_REGISTERS ? wanted : HAK_WATCH_REGISTERS);
    is_perf_over = perf_registers == 0;
    if (is_perf_over)
        return 0;
    threads = 1;
    open_others((int)thread);
    return perf_registers;
}

void hak_perf_end(enum hak_unwatched why) {
    close_all();
    perf_refusal = (int)why;
    is_perf_over = true;
}

void hak_perf_fork_child(void) {
    /* Their events are the parent's. */
    close_all();
    openings = 0;
}

/* ---- moving ---------------------------------------------------------------------------------- */

/* Points the register elsewhere in all threads. False: not this process's, or in no thread. */
static bool modify_event(unsigned index, struct hak_perf_attributes *attributes) {
    bool is_set = false;
    if (hak_raw_call(SYS_getpid) != perf_opened_by) /* another process has it for itself */
        return false;
    for (unsigned t = 0; t < threads; t++) {
        const struct hak_perf_event *event = &events[t][index];
        if (event->id == 0)
            continue;
        if (!hak_perf_is_ours(event))
            return false;
        is_set |=
            hak_raw_call(SYS_ioctl, event->file, PERF_EVENT_IOC_MODIFY_ATTRIBUTES, attributes) == 0;
    }
    return is_set;
}

bool hak_perf_set(unsigned index, uintptr_t address, unsigned bytes, uint64_t tag) {
    struct hak_perf_attributes attributes = hak_perf_stop(address, bytes, tag);
    if (modify_event(index, &attributes))
        return true;
    close_all(); /* the next hak_watch_open tries again */
    return false;
}

void hak_perf_clear(unsigned index) {
    struct hak_perf_attributes attributes =
        hak_perf_stop((uintptr_t)&perf_nowhere, sizeof perf_nowhere, 0);
    attributes.disabled = 1;
    (void)modify_event(index, &attributes);
}

bool hak_perf_hit_of(const void *siginfo, struct hak_watch_hit *hit) {
    /* Libc's siginfo_t may not know these yet: the kernel's, behind si_addr. */
    struct {
        uint64_t data;
        uint32_t type, flags;
    } perf;
    const siginfo_t *info = siginfo;
    if (info->si_signo != SIGTRAP || info->si_code != TRAP_OF_PERF)
        return false;
    memcpy(&perf, (const char *)siginfo + offsetof(siginfo_t, si_addr) + sizeof(void *),
           sizeof perf);
    *hit = (struct hak_watch_hit){.tag = perf.data & ~OUR_TAG,
                                  .is_late = (perf.flags & IS_ASYNCHRONOUS) != 0,
                                  .is_over = perf.type == PERF_TYPE_SOFTWARE};
    return (perf.type == PERF_TYPE_BREAKPOINT || hit->is_over) && (perf.data & OUR_TAG) == OUR_TAG;
}
