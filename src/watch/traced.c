/* The debug registers of all threads by a tracer (trace/tracer.h), which writes them with
 * PTRACE_POKEUSER, thread by thread, and lets go again: they stay.
 *
 *   thread that moves a register --> tracer: this thread, then the others, each stopped
 *                                    for a moment
 *
 * They are no thread's heritage: a new thread gets them when it begins (hak_watch_join), a forked
 * child at its first block. A register that is cleared stays where it is until the next move, or
 * until somebody meets it: so freeing a block costs no stop of all threads.
 *
 * The signal does not say which register it was. The tracer reads that from the thread's own status
 * (DR6), when there is something to tell.
 *
 * The kernel ends a process whose thread has SIGTRAP blocked when it is raised here. So hakmem does
 * not block it (hak_kept_signals), takes it out of what the program blocks (trace/signals/mask.c),
 * and gives a thread that has it blocked all the same no register.
 *
 * Not stopped: threads that wait in a system call whose time limit would begin anew, and those for
 * which no time is left; the next move begins with these. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdatomic.h>
#include <stddef.h>
#include <string.h>
#include <sys/ptrace.h>
#include <time.h>
#include "interrupted.h"
#include "newer.h"
#include "platform/block_signals.h"
#include "platform/line.h"
#include "platform/platform.h"
#include "platform/tasks.h"
#include "trace/tracer.h"
#include "trace/wait.h"
#include "watch/registers.h"
#include HAK_ARCH_FILE(traced.h)

enum {
    STACK_BYTES = 64 << 10,
    SELF_MS = 1000, /* the calling thread only waits for it: it stops when it has its turn */
    ALL_MS = 50,    /* for the stops of the others; here it is 0.1 for each */
    ONE_MS = 20,
    STATUS_REGISTER = 6,
    CONTROL_REGISTER = 7,
    CONTROL_SHIFT = 16, /* four bits for each register: kind of access, and bytes - 1, or */
    EIGHT_BYTES = 2,
    ON_WRITE = 1,
    EPOLL_LIMIT = 3, /* the argument of epoll_wait that is its time limit */
};

struct place {
    uintptr_t address;
    unsigned bytes; /* 0 = it watches nothing */
};

/* Written by the holder of hak_watch_try. */
static struct place wanted[HAK_WATCH_REGISTERS];
static uint64_t tags[HAK_WATCH_REGISTERS];
static unsigned traced_registers;
static int traced_refusal;
static long traced_opened_by; /* process; 0 = none */
static bool is_traced_over;
static char *stack;
static int begin_with;     /* thread for which there was no time */
static uint64_t tracer_ns; /* in which tracers ran */
static uint64_t traced_nowhere __attribute__((aligned(8)));

/* A write of our own at the first opening, which must stop the thread: on some virtual machines no
 * register does. */
static struct {
    _Atomic long thread; /* that makes it; 0 = none does */
    volatile bool is_heard;
} trial;

/* An order to the tracer, and its result. */
struct errand {
    int process, self;
    uint64_t self_mask; /* signals that the calling thread has blocked */
    bool is_alone;      /* the calling thread alone */
    bool asks;          /* only reads what stopped it */
    struct place places[HAK_WATCH_REGISTERS];
    unsigned set;   /* registers of the calling thread that could be set */
    unsigned fired; /* a bit for each that stopped it */
    int error;      /* why the calling thread has none */
    uint64_t deadline_ns;
    uint64_t ran_ns; /* by the tracer */
    long tasks;
    int first, left_out;
    bool is_first_part;
};

/* ---- in the tracer --------------------------------------------------------------------------- */

/* Sets the debug registers of a stopped thread to watch writes to those of the places that have
 * bytes. Returns how many are set; where the kernel refuses one, `*error` is its errno. */
static unsigned write_registers(int thread, const struct place *places, int *error) {
    uint64_t control = 0;
    unsigned count = 0;
    (void)hak_debug_register_write(thread, CONTROL_REGISTER, 0);
    for (unsigned i = 0; i < HAK_WATCH_REGISTERS; i++) {
        if (places[i].bytes == 0)
            continue;
        long result = hak_debug_register_write(thread, i, places[i].address);
        if (result != 0) {
            *error = (int)-result;
            continue;
        }
        uint64_t kind = (places[i].bytes == 8 ? EIGHT_BYTES : places[i].bytes - 1) << 2 | ON_WRITE;
        control |= (uint64_t)1 << 2 * i | kind << (CONTROL_SHIFT + 4 * i);
        count++;
    }
    long result = control ? hak_debug_register_write(thread, CONTROL_REGISTER, control) : 0;
    if (result != 0)
        *error = (int)-result;
    return result == 0 ? count : 0;
}

/* True when the thread blocks SIGTRAP, or that cannot be read. */
static bool has_trap_blocked(const struct errand *errand, int thread) {
    uint64_t mask = errand->self_mask;
    if (thread != errand->self &&
        hak_raw_call(SYS_ptrace, PTRACE_GETSIGMASK, thread, sizeof mask, &mask) != 0)
        return true;
    return (mask >> (SIGTRAP - 1) & 1) != 0;
}

/* Notes the registers whose stop the thread has not yet seen. */
static void read_stop(struct errand *errand, int thread) {
    uint64_t status = hak_debug_register_read(thread, STATUS_REGISTER);
    for (unsigned i = 0; i < HAK_WATCH_REGISTERS; i++)
        if ((status >> i & 1) && hak_debug_register_read(thread, i) == errand->places[i].address)
            errand->fired |= 1u << i;
}

/* Does the errand at a thread that stands: reads the registers that stopped it, or sets them; to
 * watch nothing if it blocks SIGTRAP. */
static void serve(struct errand *errand, int thread) {
    static const struct place none[HAK_WATCH_REGISTERS];
    struct user_regs_struct general;
    bool is_self = thread == errand->self, is_barred = has_trap_blocked(errand, thread);
    int error = 0;
    (void)hak_tracer_read(thread, &general); /* its system call is made again */
    if (errand->asks) {
        read_stop(errand, thread);
        return;
    }
    unsigned set = write_registers(thread, is_barred ? none : errand->places, &error);
    if (is_self) {
        errand->set = set;
        errand->error = error;
    }
}

/* Stops the thread, writes its registers and lets it go on. An error counts only for the asking
 * thread. */
static void visit_thread(struct errand *errand, int thread, uint64_t deadline_ns) {
    int signal = 0;
    long result = hak_tracer_seize(thread);
    if (result == 0) {
        bool stands = hak_tracer_stop(thread, deadline_ns, &signal);
        if (stands) {
            serve(errand, thread);
            hak_tracer_release(thread, signal);
        } else if (thread == errand->self)
            errand->error = EAGAIN;
    } else if (thread == errand->self)
        errand->error = (int)-result;
}

/* Whether the thread waits in a system call whose time limit would begin anew if it were stopped.
 */
static bool waits_with_limit(const struct errand *errand, int thread) {
    struct hak_line path = {.length = 0};
    char text[256];
    uint64_t word[1 + 6] = {0};
    hak_line_say(&path, "", (uint64_t)thread, "/syscall");
    long file = hak_raw_call(SYS_openat, errand->tasks, hak_line_text(&path), O_RDONLY | O_CLOEXEC);
    long got = file < 0 ? 0 : hak_read(file, text, sizeof text - 1);
    if (file >= 0)
        hak_close(file);
    text[got > 0 ? got : 0] = 0;
    if (text[0] < '0' || text[0] > '9') /* it runs */
        return false;
    const char *at = text;
    for (unsigned i = 0; i < sizeof word / sizeof *word && *at; i++) {
        bool is_hexadecimal = at[0] == '0' && at[1] == 'x';
        for (at += is_hexadecimal ? 2 : 0; *at && *at != ' ' && *at != '\n'; at++) {
            unsigned digit = (unsigned)(*at <= '9' ? *at - '0' : *at - 'a' + 10);
            word[i] = word[i] * (is_hexadecimal ? 16 : 10) + digit;
        }
        at += *at != 0;
    }
    bool is_epoll = hak_call_is_epoll(word[0]);
    return hak_call_loses_time(word[0]) && !(is_epoll && (int)word[1 + EPOLL_LIMIT] < 0);
}

/* Visits another thread, unless the time is over, then it is the first to be visited next time. */
static void visit_other(int thread, void *context) {
    struct errand *errand = context;
    uint64_t now = hak_monotonic_ns();
    if (thread == errand->self || errand->is_first_part != (thread >= errand->first))
        return;
    if (now >= errand->deadline_ns) {
        if (errand->left_out == 0)
            errand->left_out = thread;
        return;
    }
    if (!waits_with_limit(errand, thread))
        visit_thread(errand, thread, now + ONE_MS * HAK_MILLISECOND_NS);
}

/* Stops and serves the calling thread first; then the others from `first` on, and then from the
 * beginning. */
static void visit_threads(struct errand *errand) {
    struct hak_line path = {.length = 0};
    /* Nobody's files are held open by us. */
    (void)hak_raw_call(SYS_close_range, 0, ~0u, 0);
    visit_thread(errand, errand->self, hak_monotonic_ns() + SELF_MS * HAK_MILLISECOND_NS);
    if (errand->is_alone || errand->error != 0)
        return;
    hak_line_say(&path, "/proc/", (uint64_t)errand->process, "/task");
    errand->tasks = hak_raw_call(SYS_openat, AT_FDCWD, hak_line_text(&path),
                                 O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (errand->tasks < 0)
        return;
    errand->deadline_ns = hak_monotonic_ns() + ALL_MS * HAK_MILLISECOND_NS;
    errand->is_first_part = true;
    hak_visit_tasks(errand->tasks, visit_other, errand);
    errand->is_first_part = false;
    hak_visit_tasks(errand->tasks, visit_other, errand);
}

/* The tracer's work: visits the threads, and notes the CPU time it took. */
static void run(void *context) {
    struct errand *errand = context;
    struct timespec ran = {0};
    visit_threads(errand);
    (void)hak_raw_call(SYS_clock_gettime, CLOCK_PROCESS_CPUTIME_ID, &ran);
    errand->ran_ns = (uint64_t)ran.tv_sec * HAK_SECOND_NS + (uint64_t)ran.tv_nsec;
}

/* ---- in the program -------------------------------------------------------------------------- */

/* Runs a tracer that sets the registers of all threads as wanted; false and errand->error where
 * that failed. */
static bool send_tracer(struct errand *errand) {
    uint64_t mask = 0;
    if (!stack)
        stack = hak_raw_map(STACK_BYTES);
    if (!stack) {
        errand->error = ENOMEM;
        return false;
    }
    (void)hak_raw_call(SYS_rt_sigprocmask, SIG_BLOCK, 0, &mask, 8);
    errand->process = (int)hak_raw_call(SYS_getpid);
    errand->self = (int)hak_raw_call(SYS_gettid);
    errand->self_mask = mask;
    errand->first = begin_with;
    memcpy(errand->places, wanted, sizeof wanted);
    enum hak_tracer_end end = hak_tracer_run(stack, STACK_BYTES, run, errand);
    tracer_ns += errand->ran_ns;
    if (!errand->is_alone)
        begin_with = errand->left_out;
    if (end != HAK_TRACER_DONE)
        errand->error = HAK_UNWATCHED_BARRED;
    return errand->error == 0;
}

int hak_traced_refusal(void) {
    return traced_refusal;
}

bool hak_traced_is_debugged(void) {
    static const char field[] = "TracerPid:\t";
    char text[1024];
    long file =
        hak_raw_call(SYS_openat, AT_FDCWD, "/proc/thread-self/status", O_RDONLY | O_CLOEXEC);
    long got = file < 0 ? 0 : hak_read(file, text, sizeof text - 1);
    if (file >= 0)
        hak_close(file);
    text[got > 0 ? got : 0] = 0;
    for (const char *at = text; *at; at++)
        if (strncmp(at, field, sizeof field - 1) == 0)
            return at[sizeof field - 1] != '0';
    return false;
}

/* The reason for an errno of ptrace: for EPERM and EACCES that another process traces the thread,
 * or that it is forbidden; else the errno itself. */
static int find_refusal(int error) {
    if (error != EPERM && error != EACCES)
        return error;
    return hak_traced_is_debugged() ? HAK_UNWATCHED_TRACED : HAK_UNWATCHED_BARRED;
}

/* Gives up tracing: no register is watched from now on, for this reason. */
static void give_up(int why) {
    traced_refusal = why;
    is_traced_over = true;
    traced_registers = 0;
}

/* Whether the registers of the calling thread, which stand at `traced_nowhere`, do not stop it when
 * it writes there. A forked child need not ask again. */
static bool is_deaf(void) {
    if (trial.is_heard)
        return false;
    atomic_store(&trial.thread, hak_raw_call(SYS_gettid));
    *(volatile uint64_t *)&traced_nowhere = 0;
    atomic_store(&trial.thread, 0);
    return !trial.is_heard;
}

unsigned hak_traced_open(unsigned wanted_count) {
    long self = hak_raw_call(SYS_getpid);
    if (is_traced_over || (traced_opened_by == self && traced_registers != 0))
        return traced_registers;
    traced_opened_by = self; /* a child's are its own */
    struct errand errand = {.is_alone = true};
    for (unsigned i = 0; i < wanted_count && i < HAK_WATCH_REGISTERS; i++)
        wanted[i] = (struct place){(uintptr_t)&traced_nowhere, sizeof traced_nowhere};
    (void)send_tracer(&errand); /* some may be set */
    memset(wanted, 0, sizeof wanted);
    traced_registers = errand.set;
    if (traced_registers == 0)
        give_up(find_refusal(errand.error));
    else if (is_deaf())
        hak_traced_end(HAK_UNWATCHED_DEAF);
    return traced_registers;
}

bool hak_traced_set(unsigned index, uintptr_t address, unsigned bytes, uint64_t tag) {
    struct errand errand = {.is_alone = false};
    wanted[index] = (struct place){address, bytes};
    tags[index] = tag;
    if (hak_raw_call(SYS_getpid) != traced_opened_by)
        return false;
    if (send_tracer(&errand))
        return true;
    wanted[index] = (struct place){0, 0};
    if (errand.error != EAGAIN)
        give_up(find_refusal(errand.error));
    return false;
}

void hak_traced_clear(unsigned index) {
    wanted[index] = (struct place){0, 0};
}

void hak_traced_settle(void) {
    struct errand errand = {.is_alone = false};
    if (hak_raw_call(SYS_getpid) == traced_opened_by)
        (void)send_tracer(&errand);
}

void hak_traced_join(void) {
    struct errand errand = {.is_alone = true};
    if (hak_raw_call(SYS_getpid) == traced_opened_by && !is_traced_over)
        (void)send_tracer(&errand);
}

unsigned hak_traced_ask(void) {
    struct errand errand = {.is_alone = true, .asks = true};
    return send_tracer(&errand) ? errand.fired : 0;
}

void hak_traced_end(enum hak_unwatched why) {
    memset(wanted, 0, sizeof wanted);
    if (traced_registers != 0)
        hak_traced_settle();
    give_up((int)why);
}

uint64_t hak_traced_tracer_ns(void) {
    return tracer_ns;
}

uint64_t hak_traced_tag(unsigned index) {
    return tags[index];
}

bool hak_traced_hit_of(const void *siginfo, struct hak_watch_hit *hit) {
    const siginfo_t *info = siginfo;
    *hit = (struct hak_watch_hit){.is_tag_unknown = true};
    if (info->si_signo != SIGTRAP || info->si_code != TRAP_HWBKPT)
        return false;
    long trying = atomic_load(&trial.thread);
    hit->is_trial = trying != 0 && trying == hak_raw_call(SYS_gettid);
    if (hit->is_trial)
        trial.is_heard = true;
    return true;
}
