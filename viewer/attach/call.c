/* Has a thread of the program call a function as if a signal handler of it did: what the kernel
 * puts on the stack for a handler is put there from outside, and libc's own return from a handler
 * brings every register back, also when this command is killed in the middle.
 *
 *   its stack   | what it has | 128 bytes that are its own | registers, mask, FPU | restorer
 *                                                                                   ^ rsp
 *   the function returns into the restorer: rt_sigreturn
 *
 * A system call that the stop interrupted is made again, as after a handler with SA_RESTART; waits
 * with a time limit begin anew. The first call maps memory; the others have their stack there. */
#include "viewer/attach/parts.h"

#include <dirent.h>
#include <errno.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <unistd.h>
#include "arch.h"
#include "base/growing.h"
#include "viewer/cli/cli.h"
#include HAK_ARCH_FILE(outside.h)
#include HAK_ARCH_FILE(traced.h)

enum {
    CALL_STACK_BYTES = 1 << 20,
    OTHERS_FIRST = 20, /* looks at all threads but the first */
    CALL_MS = 20000,
    RETRY_US = 2000,
};

static uint64_t now_ms(void) {
    return view_now_ns() / 1000000;
}

static const uint64_t synchronous = 1ull << (SIGILL - 1) | 1ull << (SIGTRAP - 1) |
                                    1ull << (SIGBUS - 1) | 1ull << (SIGFPE - 1) |
                                    1ull << (SIGSEGV - 1);

/* ---- the call -------------------------------------------------------------------------------- */

/* Writes the frame of a signal (context, floating point state, return address) below `top` on the
 * thread's stack. Returns where the context lies, 0 = it cannot be written. */
static uint64_t put_frame(const struct caller *c, struct hak_outside_thread *s, uint64_t top) {
    size_t state_bytes = hak_outside_describe_state(s);
    uint64_t state_at = (top - state_bytes) & ~(uint64_t)63;
    uint64_t context_at = (state_at - sizeof(struct hak_outside_context)) & ~(uint64_t)15;
    struct hak_outside_context context = hak_outside_context_of(s, state_at);
    uint64_t return_at = context_at - sizeof c->restorer;
    if (!state_bytes || !process_write(c->process, state_at, s->state, state_bytes) ||
        !process_write(c->process, context_at, &context, sizeof context) ||
        !process_write(c->process, return_at, &c->restorer, sizeof c->restorer))
        return 0;
    return context_at;
}

/* The function has met a fault of its own: the thread goes on where it was. */
static enum call_result take_out(const struct caller *c, pid_t thread, uint64_t context_at) {
    hak_outside_return(thread, c->restorer, context_at);
    return CALL_CRASHED;
}

/* Follows the thread, CALL_MS at most, until the kernel has put back what it had. Of signals, those
 * of faults end the call, and SIGSTOP is passed on. */
static enum call_result follow(struct caller *c, pid_t thread, uint64_t context_at) {
    uint64_t deadline = now_ms() + CALL_MS;
    bool is_returning = false;
    int status, passed_on = 0;
    for (;;) {
        if (ptrace(PTRACE_SYSCALL, thread, NULL, (void *)(long)passed_on) != 0)
            return CALL_NOT_BACK;
        passed_on = 0;
        uint64_t now = now_ms();
        if (!stop_await(&c->tracer.late, thread, now < deadline ? (unsigned)(deadline - now) : 0,
                        &status)) {
            c->has_ended = status >= 0;
            return CALL_NOT_BACK;
        }
        int number = WSTOPSIG(status);
        if (stop_is_event(status, PTRACE_EVENT_STOP))
            continue;
        if (number != (SIGTRAP | 0x80)) {
            if (number < 32 && (synchronous >> (number - 1) & 1))
                return take_out(c, thread, context_at);
            /* All others are blocked, but SIGSTOP: it stops the program, and this thread when it is
             * let go. */
            passed_on = number == SIGSTOP ? number : 0;
            continue;
        }
        if (is_returning)
            return CALL_DONE;
        is_returning = hak_outside_is_returning(thread, context_at);
    }
}

/* Has the stopped thread call the function, through a signal frame by which it comes back by
 * itself. */
static enum call_result call_there(struct caller *c, pid_t thread, uint64_t function,
                                   const uint64_t *arguments, unsigned count) {
    static struct hak_outside_thread s;
    uint64_t all = ~synchronous;
    if (!hak_outside_read(&s, thread))
        return CALL_FAILED;
    uint64_t top =
        c->stack ? c->stack + CALL_STACK_BYTES : hak_traced_sp(&s.registers) - HAK_OUTSIDE_RED_ZONE;
    uint64_t context_at = put_frame(c, &s, top);
    if (!context_at)
        return CALL_FAILED;
    struct kept_words kept =
        words_keep(&c->words, c->process, hak_traced_thread_pointer(thread, &s.registers));
    /* From here on the thread comes back by itself, whatever becomes of this command. */
    if (!hak_outside_enter(&s, function, arguments, count, context_at - sizeof c->restorer)) {
        words_put_back(c->process, &kept);
        return CALL_FAILED;
    }
    (void)ptrace(PTRACE_SETSIGMASK, thread, (void *)sizeof all, &all);
    enum call_result result = follow(c, thread, context_at);
    if (result == CALL_NOT_BACK)
        c->stack = 0; /* it is in use */
    if (result == CALL_DONE || result == CALL_CRASHED)
        words_put_back(c->process, &kept);
    return result;
}

/* ---- which thread ---------------------------------------------------------------------------- */

struct threads {
    pid_t *list;
    uint32_t count, capacity;
};

/* Lists the process's threads. The first comes last: while it is traced, a signal that the process
 * ignores (SIGCHLD) is not ignored by the kernel, and ends system calls of other threads. */
static void read_threads(const struct process *p, struct threads *threads) {
    char path[64];
    snprintf(path, sizeof path, "/proc/%d/task", (int)p->pid);
    DIR *folder = opendir(path);
    for (struct dirent *entry; folder && (entry = readdir(folder)) != NULL;) {
        pid_t thread = atoi(entry->d_name);
        if (thread > 0 && thread != p->pid &&
            hak_growing_make_room(&threads->list, threads->count, &threads->capacity,
                                  sizeof *threads->list))
            threads->list[threads->count++] = thread;
    }
    if (folder)
        closedir(folder);
    if (hak_growing_make_room(&threads->list, threads->count, &threads->capacity,
                              sizeof *threads->list))
        threads->list[threads->count++] = p->pid;
}

/* Calls the function on the first thread that stands where it is safe. False: no thread of the
 * program could be asked. */
static bool try_threads(struct caller *c, uint64_t function, const uint64_t *arguments,
                        unsigned count, bool spares_first, enum call_result *result) {
    struct threads threads = {0};
    struct late *late = &c->tracer.late;
    bool is_done = false, was_asked = false;
    read_threads(c->process, &threads);
    if (threads.count > 1 && spares_first)
        threads.count--;
    (void)stop_let_late_go(late);
    for (uint32_t i = 0; i < threads.count && !is_done; i++) {
        pid_t thread = threads.list[i];
        if (stop_is_late(late, thread)) {
            was_asked = true;
            continue;
        }
        errno = 0;
        enum traced traced = stop_thread(late, thread);
        was_asked = was_asked || traced != NOT_TRACED || errno != EPERM;
        if (traced == IS_OURS && process_read_mappings(c->process) &&
            places_renew(&c->places, c->process) &&
            places_are_safe(&c->places, c->process, thread)) {
            *result = call_there(c, thread, function, arguments, count);
            traced = *result == CALL_NOT_BACK ? RUNS : traced;
            is_done = true;
        }
        stop_let_go(late, thread, traced);
    }
    free(threads.list);
    return is_done || was_asked;
}

struct wanted_call {
    struct caller *caller;
    uint64_t function;
    const uint64_t *arguments;
    unsigned count, ms;
    enum call_result result;
};

/* Tries, until the time is over, to find a thread at a place where it can make the call. */
static enum call_result look_for_moment(const struct wanted_call *w) {
    struct caller *c = w->caller;
    uint64_t deadline = now_ms() + w->ms;
    enum call_result result = CALL_NO_MOMENT;
    unsigned tries = 0;
    do {
        if (!process_is_there(c->process)) {
            c->has_ended = true;
            return CALL_NO_MOMENT;
        }
        if (!try_threads(c, w->function, w->arguments, w->count, tries < OTHERS_FIRST, &result)) {
            errno = EPERM;
            return CALL_FAILED;
        }
        if (result == CALL_FAILED && !process_is_there(c->process)) {
            c->has_ended = true;
            return CALL_NO_MOMENT;
        }
        if (result == CALL_NO_MOMENT)
            stop_nap(RETRY_US);
        tries++;
    } while (result == CALL_NO_MOMENT && now_ms() < deadline);
    return result;
}

static void look(void *wanted) {
    struct wanted_call *w = wanted;
    w->result = look_for_moment(w);
}

/* Has a thread of the process make the call, in the tracer's thread. */
static enum call_result have_called(struct caller *c, uint64_t function, const uint64_t *arguments,
                                    unsigned count, unsigned ms) {
    struct wanted_call wanted = {c, function, arguments, count, ms, CALL_FAILED};
    (void)tracer_do(&c->tracer, look, &wanted);
    return wanted.result;
}

/* Has the process map a stack for further calls. */
static enum call_result make_stack(struct caller *c, unsigned ms) {
    uint64_t map = module_find(&c->places.libc, "mmap");
    uint64_t at = process_free_address(c->process, CALL_STACK_BYTES);
    uint64_t arguments[] = {at,
                            CALL_STACK_BYTES,
                            PROT_READ | PROT_WRITE,
                            MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE,
                            (uint64_t)-1,
                            0};
    errno = ENOMEM;
    enum call_result result = map && at ? have_called(c, map, arguments, 6, ms) : CALL_FAILED;
    if (result != CALL_DONE)
        return result;
    if (!process_read_mappings(c->process) || !process_mapping_at(c->process, at))
        return CALL_FAILED;
    c->stack = at;
    return CALL_DONE;
}

enum call_result caller_prepare(struct caller *c, unsigned ms) {
    return c->stack ? CALL_DONE : make_stack(c, ms);
}

enum call_result caller_call(struct caller *c, uint64_t function, const uint64_t *arguments,
                             unsigned count, unsigned ms) {
    enum call_result result = caller_prepare(c, ms);
    return result == CALL_DONE ? have_called(c, function, arguments, count, ms) : result;
}

/* ---- begin ----------------------------------------------------------------------------------- */

/* The address where libc returns from handlers; the function has no exported name. */
static uint64_t find_restorer(const struct caller *c) {
    static const unsigned char code[] = HAK_OUTSIDE_RESTORER;
    uint64_t found = 0;
    for (uint32_t i = 0; i < c->process->mappings && !found; i++) {
        const struct hak_map_line *m = &c->process->mapping[i];
        size_t bytes = m->end - m->start;
        unsigned char *text = NULL;
        if (m->is_executable && strcmp(m->path, c->places.libc.path) == 0)
            text = malloc(bytes);
        if (text && process_read(c->process, m->start, text, bytes)) {
            unsigned char *at = memmem(text, bytes, code, sizeof code);
            found = at ? m->start + (uint64_t)(at - text) : 0;
        }
        free(text);
    }
    return found;
}

bool caller_open(struct caller *c, struct process *p) {
    *c = (struct caller){.process = p};
    if (!places_open(&c->places, p))
        return false;
    tracer_open(&c->tracer);
    c->restorer = find_restorer(c);
    words_find(&c->words, p, &c->places.libc);
    if (c->restorer)
        return true;
    if (!process_say_gone(p))
        view_error("record: process %d (%s) has a C library that this command does not know",
                   (int)p->pid, p->name);
    caller_close(c);
    return false;
}

/* Unmaps the call's stack by a call on the thread's own one. */
static void give_stack_back(struct caller *c) {
    enum { GIVE_BACK_MS = 2000 };
    uint64_t arguments[] = {c->stack, CALL_STACK_BYTES};
    uint64_t unmap = module_find(&c->places.libc, "munmap");
    c->stack = 0;
    if (unmap && !c->has_ended)
        (void)have_called(c, unmap, arguments, 2, GIVE_BACK_MS);
}

void caller_close(struct caller *c) {
    if (c->stack)
        give_stack_back(c);
    tracer_close(&c->tracer);
    places_close(&c->places);
}
