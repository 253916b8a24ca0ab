/* The debug registers of one thread, for the blocks that it has asked for last (level normal), by
 * perf_event_open: they stop readers, too.
 *
 *   stops   the registers: SIGTRAP to the thread when it reads or writes there
 *   clock   the thread's own time: SIGTRAP whenever it has run for a beat, and the caller decides
 *           whether they stand any longer
 *
 * While a register stands, processors copy and clear memory byte by byte; so all are closed when no
 * new block comes for a while, and until the next one nothing is open. In between a move is one
 * ioctl. Another thread that asks for them takes them away. */
#include <link.h>
#include <linux/hw_breakpoint.h>
#include <linux/perf_event.h>
#include <linux/seccomp.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/prctl.h>
#include "platform/platform.h"
#include "platform/raw_call.h"
#include "watch/registers.h"

static struct hak_perf_event stops[HAK_WATCH_REGISTERS], beats;
static long thread;              /* whose they are; 0 = nothing is open */
static uintptr_t thread_pointer; /* and its own, which costs no call */
static unsigned newest_registers;
static int newest_refusal;
static bool is_newest_over;
static uint64_t newest_nowhere __attribute__((aligned(8)));

int hak_newest_refusal(void) {
    return newest_refusal;
}

void hak_newest_close(void) {
    if (thread == 0)
        return;
    hak_perf_close_event(&beats);
    for (unsigned i = 0; i < HAK_WATCH_REGISTERS; i++)
        hak_perf_close_event(&stops[i]);
    thread = 0;
    thread_pointer = 0;
    newest_registers = 0;
}

void hak_newest_end(int why) {
    hak_newest_close();
    newest_refusal = why;
    is_newest_over = true;
}

/* Whether the program is Go's, by a note of that name: Go's runtime sets its handlers past libc,
 * also of the signal that comes for a register then, and ends the process when one comes that it
 * does not know. */
static bool is_of_go(void) {
    const ElfW(Phdr) *headers = (const ElfW(Phdr) *)getauxval(AT_PHDR);
    size_t count = headers ? getauxval(AT_PHNUM) : 0;
    uintptr_t bias = 0;
    for (size_t i = 0; i < count; i++)
        if (headers[i].p_type == PT_PHDR)
            bias = (uintptr_t)headers - headers[i].p_vaddr;
    for (size_t i = 0; i < count; i++) {
        const ElfW(Nhdr) *note = (const ElfW(Nhdr) *)(bias + headers[i].p_vaddr);
        if (headers[i].p_type == PT_NOTE && headers[i].p_memsz >= sizeof *note + sizeof "Go" &&
            note->n_namesz >= sizeof "Go" && memcmp(note + 1, "Go", sizeof "Go") == 0)
            return true;
    }
    return false;
}

/* Whether registers may still be opened in this way: not in a filter of system calls, where opening
 * may end the program, on an old kernel, or in a program of Go. Looks once. */
static bool is_allowed(void) {
    static bool is_asked;
    if (!is_asked && !is_newest_over) {
        is_asked = true;
        if (hak_raw_call(SYS_prctl, PR_GET_SECCOMP) != SECCOMP_MODE_DISABLED)
            hak_newest_end(HAK_UNWATCHED_SANDBOX);
        else if (hak_perf_is_old_kernel())
            hak_newest_end(HAK_UNWATCHED_OLD_KERNEL);
        else if (is_of_go())
            hak_newest_end(HAK_UNWATCHED_NO_HANDLER);
    }
    return !is_newest_over;
}

/* The attributes of a register that stops this thread at reads and writes of these bytes. */
static struct hak_perf_attributes stop_at(uintptr_t address, unsigned bytes, uint64_t tag) {
    struct hak_perf_attributes stop = hak_perf_stop(address, bytes, tag);
    stop.bp_type = HW_BREAKPOINT_RW;
    stop.inherit = stop.inherit_thread = 0;
    return stop;
}

enum { UNDEBUGGED_TICKS = 26000000 }; /* some 10 ms, for which a thread is taken as it was seen */

/* Whether a debugger traces the calling thread. The kernel takes longer to say so than to open a
 * register. */
static bool is_debugged(void) {
    static uint64_t seen_at;
    uint64_t now = hak_ticks();
    if (now - seen_at < UNDEBUGGED_TICKS)
        return false;
    if (hak_traced_is_debugged())
        return true;
    seen_at = now;
    return false;
}

/* Opens up to `wanted` registers for the calling thread, unless it has them; returns how many there
 * are. */
unsigned hak_newest_open(unsigned wanted) {
    long self = hak_raw_call(SYS_gettid);
    if (!is_allowed())
        return 0;
    if (thread == self)
        return newest_registers;
    hak_newest_close();
    if (is_debugged()) /* it would stop at each signal */
        return 0;
    if (hak_perf_is_deaf()) {
        hak_newest_end(HAK_UNWATCHED_DEAF);
        return 0;
    }
    struct hak_perf_attributes beat = hak_perf_clock(HAK_WATCH_BEAT_NS, 0);
    struct hak_perf_attributes stop = stop_at((uintptr_t)&newest_nowhere, sizeof newest_nowhere, 0);
    stop.disabled = 1;
    int error = hak_perf_open_event(self, &beat, &beats);
    thread = self;
    thread_pointer = hak_thread_pointer();
    for (; error == 0 && newest_registers < wanted; newest_registers++)
        if ((error = hak_perf_open_event(self, &stop, &stops[newest_registers])) != 0)
            break;
    if (newest_registers != 0)
        return newest_registers;
    hak_newest_close();
    if (!hak_perf_is_passing(error))
        hak_newest_end(error);
    return 0;
}

/* Points an open register elsewhere. False: another thread's, not open, or the kernel refuses. */
static bool modify_stop(unsigned index, struct hak_perf_attributes *stop) {
    return hak_newest_is_callers() && index < newest_registers && hak_perf_is_ours(&stops[index]) &&
           hak_raw_call(SYS_ioctl, stops[index].file, PERF_EVENT_IOC_MODIFY_ATTRIBUTES, stop) == 0;
}

/* Points the open debug register `index` at other bytes. False, with all registers closed: the
 * kernel refused, or another thread calls. */
bool hak_newest_move(unsigned index, uintptr_t address, unsigned bytes, uint64_t tag) {
    struct hak_perf_attributes stop = stop_at(address, bytes, tag);
    if (modify_stop(index, &stop))
        return true;
    hak_newest_close();
    return false;
}

/* Also by another thread than the one that is watched. */
static void order(unsigned index, unsigned long what) {
    if (index < newest_registers && hak_perf_is_ours(&stops[index]))
        (void)hak_raw_call(SYS_ioctl, stops[index].file, what, 0);
}

void hak_newest_clear(unsigned index) {
    order(index, PERF_EVENT_IOC_DISABLE);
}

void hak_newest_resume(unsigned index) {
    order(index, PERF_EVENT_IOC_ENABLE);
}

bool hak_newest_is_callers(void) {
    return thread != 0 && thread_pointer == hak_thread_pointer();
}

bool hak_newest_stood(uint64_t *ns) {
    return thread != 0 && hak_perf_read_event(&beats, ns);
}

void hak_newest_fork_child(void) {
    hak_newest_close(); /* the parent's */
}
