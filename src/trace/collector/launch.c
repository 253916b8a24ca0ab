/* Starts hakmem-collect as a keeper, or for a heap profile, so that the program sees nothing of it:
 * no child, no SIGCHLD, no fork handlers, no descriptor.
 *
 *   program --clone(VM|VFORK, no exit signal)--> helper: setsid --clone--> execve(hakmem-collect)
 *      waits for the helper by its pid             ends at once      its parent is init then
 *
 * Orphans of a program that is a subreaper come to the program: it would hear of the end of a child
 * that it never made. Such a program is none while the helper ends. In a container orphans come to
 * its PID 1, the program or one of its family: there the helper stays as the parent of what writes
 * a heap profile, of which many come. Nobody hears of the helper's own end, as it executed nothing
 * and has no exit signal.
 *
 * Both run on a stack of their own in the program's memory, with all signals blocked and only raw
 * system calls, as posix_spawn does.
 *
 * qemu-user makes processes with SIGCHLD as exit signal alone, and copies their memory:
 *
 *   program --clone(VM|VFORK|SIGCHLD)--> helper: setsid --clone, likewise--> execve(hakmem-collect)
 *      waits for the helper by its pid      reads from a pipe,    its end of the pipe closes
 *                                           then ends
 *
 * The error is in a page that the three share. The pipe is the helper's: another thread of the
 * program that forks meanwhile leaves no end of it open, as it would one of the program's own.
 * There the program's handler of SIGCHLD, if it has one by then, hears of the helper's end; and as
 * qemu-user refuses to tell who is a subreaper, such a program is the collector's parent. */
#include "trace/collector/collector.h"
#include <errno.h>
#include <fcntl.h>
#include <link.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include "newer.h"
#include "options.h"
#include "trace/memory/memory.h"
#include "platform/block_signals.h"
#include "platform/platform.h"
#include "platform/raw_call.h"
#include "trace/session.h"
#include "trace/wait.h"
#include "platform/objects.h"
#include HAK_ARCH_FILE(clone.h)

enum { STACK_BYTES = 64 << 10, ENVIRONMENT_MAX = 4096, LIMITS = 16, STEP_NS = 100000000 };
enum { STAYED_MOST = 4 };
enum { PATH_ROOM = HAK_PATH_BYTES + 64 };
#define INIT_PID_SPACE 0xEFFFFFFCu /* the inode that Linux gives to the first one */
enum { LAUNCH_ROOM = STACK_BYTES + ENVIRONMENT_MAX * 8 };

/* The data that the two new processes need; lies in the program's memory, which they share. */
struct launch {
    const char *path;
    char **arguments, **environment;
    int socket_end;
    volatile long error;         /* errno of what failed, 0 = executed */
    bool is_copied;              /* the new processes have copies of this: */
    volatile long *copied_error; /* they write the error there, */
    int at_execve;               /* and this closes when the collector is executed */
    bool waits;                  /* the helper ends when it may, */
    struct stayed *kept;         /* or, not NULL, when the collector has ended: it is kept there; */
    bool is_first;               /* the program is PID 1, whose end ends all */
    _Atomic uint32_t step;
};

enum { STARTING = 0, STARTED = 1, MAY_END = 2 }; /* steps */

/* Helpers that stay, and their stacks: one may end some time after what it waits for has said that
 * it is done. */
static struct stayed {
    char *memory;
    long helper; /* 0 = no one is here */
} stayed[STAYED_MOST];

static _Noreturn void end_now(long status) {
    for (;;)
        (void)hak_raw_call(SYS_exit_group, status);
}

/* Closes the descriptors from `first` up to `end`, which stays open. */
static void close_between(long first, long end) {
    if (first >= end || hak_raw_call(SYS_close_range, first, end - 1) == 0)
        return;
    struct rlimit limit = {65536, 65536}; /* before Linux 5.9 */
    (void)hak_raw_call(SYS_prlimit64, 0, RLIMIT_NOFILE, 0, &limit);
    for (long file = first; file < end && file < (long)limit.rlim_cur && file < 1 << 20; file++)
        hak_close(file);
}

static void close_from(long first) {
    close_between(first, 1l << 32);
}

/* Descriptors 0 and 1 on /dev/null, 2 as it is, 3 the socket, and `kept` above it unless it is -1;
 * nothing else. */
static void arrange_files(int socket_end, int kept) {
    long null = hak_raw_call(SYS_openat, AT_FDCWD, "/dev/null", O_RDWR);
    if (socket_end == HAK_KEEPER_SOCKET)
        (void)hak_raw_call(SYS_fcntl, socket_end, F_SETFD);
    else
        (void)hak_raw_call(SYS_dup3, socket_end, HAK_KEEPER_SOCKET);
    if (null >= 0)
        for (long file = 0; file <= 2; file++)
            if (file != null && (file < 2 || hak_raw_call(SYS_fcntl, 2, F_GETFD) < 0))
                (void)hak_raw_call(SYS_dup3, null, file);
    if (kept >= 0)
        close_between(HAK_KEEPER_SOCKET + 1, kept);
    close_from(kept >= 0 ? kept + 1 : HAK_KEEPER_SOCKET + 1);
}

/* Raises the keeper's limits as far as may be: it must not die of those that were meant for the
 * program. */
static void raise_limits(void) {
    for (int which = 0; which < LIMITS; which++) {
        struct rlimit limit = {0, 0};
        if (which == RLIMIT_STACK || which == RLIMIT_CORE ||
            hak_raw_call(SYS_prlimit64, 0, which, 0, &limit) != 0)
            continue;
        limit.rlim_cur = limit.rlim_max;
        (void)hak_raw_call(SYS_prlimit64, 0, which, &limit);
    }
}

/* Gives all signals their default action and unblocks them. */
static void default_signals(void) {
    uint64_t none = 0;
    for (int number = 1; number <= 64; number++)
        hak_raw_default_signal(number);
    (void)hak_raw_call(SYS_rt_sigprocmask, SIG_SETMASK, &none, 0, 8);
}

/* In one of the new processes: lets the program know the error. */
static void tell_error(struct launch *launch, long error) {
    if (launch->is_copied)
        *launch->copied_error = error;
    else
        launch->error = error;
}

/* In the keeper's process: arranges limits, files and signals, and executes the collector. */
static void run_keeper(void *context) {
    struct launch *launch = context;
    long kept = -1;
    raise_limits();
    if (launch->is_copied)
        kept = hak_raw_call(SYS_fcntl, launch->at_execve, F_DUPFD_CLOEXEC, HAK_KEEPER_SOCKET + 1);
    arrange_files(launch->socket_end, kept >= 0 ? (int)kept : -1);
    default_signals();
    tell_error(launch,
               -hak_raw_call(SYS_execve, launch->path, launch->arguments, launch->environment));
    end_now(127);
}

/* Waits for the end of a child, which has no exit signal or has been executed. */
static void wait_for(long child) {
    int status = 0;
    while (hak_raw_call(SYS_wait4, child, &status, __WALL) == -EINTR)
        continue;
}

/* In a helper whose keeper has a copy of its memory: waits until it was executed, or has ended. */
static void await_execve(int from) {
    char byte;
    while (hak_raw_call(SYS_read, from, &byte, 1) == -EINTR)
        continue;
}

/* In a helper between: starts the keeper in a session of its own, so that the program is not its
 * parent. */
static void run_helper(void *context) {
    struct launch *launch = context;
    bool stays = launch->kept != NULL;
    if (launch->waits || (stays && !launch->is_first)) /* the program may be killed meanwhile */
        (void)hak_raw_call(SYS_prctl, PR_SET_PDEATHSIG, SIGKILL);
    (void)hak_raw_call(SYS_setsid);
    int ends[2] = {-1, -1};
    if (launch->is_copied) {
        long result = hak_raw_call(SYS_pipe2, ends, O_CLOEXEC);
        if (result != 0) {
            tell_error(launch, -result);
            end_now(0);
        }
        ends[0] = hak_lift_file(ends[0]);
        ends[1] = hak_lift_file(ends[1]);
        launch->at_execve = ends[1];
    }
    char *stack = (char *)__builtin_frame_address(0) - STACK_BYTES / 2;
    long child = hak_clone_on(CLONE_VM | CLONE_VFORK | (launch->is_copied ? SIGCHLD : 0),
                              (void *)((uintptr_t)stack & ~(uintptr_t)15), run_keeper, launch);
    if (child < 0)
        tell_error(launch, -child);
    if (launch->is_copied) {
        hak_close(ends[1]);
        await_execve(ends[0]);
    }
    if (launch->waits || stays) {
        atomic_store(&launch->step, STARTED); /* if it stays, `launch` may be gone now */
        hak_wake(&launch->step);
    }
    while (!stays && launch->waits && atomic_load(&launch->step) == STARTED)
        hak_wait_on(&launch->step, STARTED, STEP_NS);
    if (stays) {
        close_from(0); /* they were copied: the program's pipes and locks end with its own */
        if (child > 0)
            wait_for(child);
    }
    end_now(0);
}

/* Copies the environment without what was meant for the program alone, and what does not fit. */
static void choose_environment(char **to, size_t capacity) {
    static const char *const left_out[] = {
        "LD_PRELOAD=", "LD_AUDIT=", "DEBUGINFOD_URLS=", "HAKMEM_"};
    size_t count = 0;
    for (char **from = hak_environment(); (from = hak_environment_next(from)); from++) {
        bool keep = true;
        for (unsigned i = 0; i < sizeof left_out / sizeof *left_out; i++)
            keep = keep && strncmp(*from, left_out[i], strlen(left_out[i])) != 0;
        if (keep && count + 1 < capacity)
            to[count++] = *from;
    }
    to[count] = NULL;
}

static bool is_subreaper(void) {
    int is = 0;
    return hak_raw_call(SYS_prctl, PR_GET_CHILD_SUBREAPER, &is) == 0 && is;
}

/* Makes the page through which copied processes tell the error. */
static bool share_error(struct launch *launch) {
    long page = hak_raw_call(SYS_mmap, 0, HAK_PAGE_BYTES, PROT_READ | PROT_WRITE,
                             MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (page < 0 && page > -4096)
        return false;
    launch->copied_error = (volatile long *)page;
    return true;
}

/* Waits until the collector was executed, or could not be, and takes the error. */
static void hear_error(struct launch *launch, long helper) {
    if (helper > 0)
        wait_for(helper);
    launch->error = *launch->copied_error;
    (void)hak_raw_call(SYS_munmap, (long)launch->copied_error, HAK_PAGE_BYTES);
}

static long start_helper(struct launch *launch, char *stack) {
    launch->waits = !launch->kept && is_subreaper();
    long helper = hak_clone_on(launch->waits || launch->kept ? CLONE_VM : CLONE_VM | CLONE_VFORK,
                               stack, run_helper, launch);
    if (helper != -EINVAL || !share_error(launch)) /* flags that every kernel takes */
        return helper;
    launch->is_copied = true;
    launch->waits = false;
    launch->kept = NULL;
    helper = hak_clone_on(CLONE_VM | CLONE_VFORK | SIGCHLD, stack, run_helper, launch);
    hear_error(launch, helper);
    return helper;
}

/* Waits until the helper, which somebody may kill, has started the collector. False: it was killed.
 */
static bool await_start(struct launch *launch, long helper) {
    int status = 0;
    while (atomic_load(&launch->step) == STARTING) {
        hak_wait_on(&launch->step, STARTING, STEP_NS);
        if (hak_raw_call(SYS_wait4, helper, &status, __WALL | WNOHANG) == helper)
            return atomic_load(&launch->step) != STARTING;
    }
    return true;
}

/* Waits for the helper, and lets it end. */
static void end_helper(struct launch *launch, long helper) {
    if (launch->is_copied) /* it has ended */
        return;
    if (launch->waits) {
        if (!await_start(launch, helper))
            return;
        (void)hak_raw_call(SYS_prctl, PR_SET_CHILD_SUBREAPER, 0);
        atomic_store(&launch->step, MAY_END);
        hak_wake(&launch->step);
    }
    wait_for(helper);
    if (launch->waits)
        (void)hak_raw_call(SYS_prctl, PR_SET_CHILD_SUBREAPER, 1);
}

/* Forgets a helper that has ended, or another process's. */
static void forget_stayed(struct stayed *one) {
    if (one->memory)
        hak_raw_unmap(one->memory, LAUNCH_ROOM);
    *one = (struct stayed){0};
}

/* A place for a helper that stays; NULL: there is none. */
static struct stayed *find_place(void) {
    for (unsigned i = 0; i < STAYED_MOST; i++)
        if (!stayed[i].helper)
            return &stayed[i];
    return NULL;
}

/* Keeps the helper that stays, or sees it end. False: it has ended. */
static bool keep_helper(struct launch *launch, long helper, char *memory) {
    if (!await_start(launch, helper))
        launch->error = EINTR;
    else if (launch->error != 0)
        wait_for(helper);
    else
        *launch->kept = (struct stayed){.memory = memory, .helper = helper};
    return launch->error == 0;
}

/* Starts the collector through a helper. False, with the error: it was not executed. */
static bool execute(struct launch *launch, struct hak_collector_failure *failure) {
    char *memory = hak_raw_map(LAUNCH_ROOM);
    bool is_kept = false;
    uint64_t signals;
    if (!memory) {
        failure->error = ENOMEM;
        return false;
    }
    launch->environment = (char **)(memory + STACK_BYTES);
    choose_environment(launch->environment, ENVIRONMENT_MAX);
    hak_block_signals(&signals);
    long helper = start_helper(launch, memory + STACK_BYTES);
    if (helper < 0)
        launch->error = -helper;
    else if (launch->kept)
        is_kept = keep_helper(launch, helper, memory);
    else
        end_helper(launch, helper);
    hak_restore_signals(&signals);
    if (!is_kept)
        hak_raw_unmap(memory, LAUNCH_ROOM);
    failure->error = launch->error;
    return launch->error == 0;
}

/* Finds the folder of the module that holds this code, with its last slash; false when not known.
 */
static bool own_folder(char *folder, size_t capacity) {
    struct hak_object object;
    const char *name = NULL;
    if (hak_object_find((uintptr_t)own_folder, &object) && object.module)
        name = object.name;
    long length = 0;
    if (name && name[0]) {
        length = (long)strlen(name);
        if (length >= (long)capacity)
            return false;
        memcpy(folder, name, (size_t)length);
    } else { /* linked into the program itself */
        length = hak_raw_call(SYS_readlinkat, AT_FDCWD, "/proc/self/exe", folder, capacity - 1);
    }
    while (length > 0 && folder[length - 1] != '/')
        length--;
    if (length <= 0)
        return false;
    folder[length] = 0;
    return true;
}

/* Finds the collector: the one that HAKMEM_COLLECT names, or the one beside this library, whose
 * path goes into `path`, of PATH_ROOM. Executes it. False: `failure` says why not. */
static bool find_and_execute(struct launch *launch, char *path,
                             struct hak_collector_failure *failure) {
    static const char *const places[] = {"hakmem-collect", "../libexec/hakmem/hakmem-collect",
                                         "../bin/hakmem-collect"};
    launch->path = path;
    failure->what = "hakmem-collect cannot be started";
    failure->detail = path;
    if (hak_options.collect[0]) {
        launch->path = hak_options.collect;
        failure->detail = hak_options.collect;
        return execute(launch, failure);
    }
    if (!own_folder(path, HAK_PATH_BYTES)) {
        failure->what = "the folder of hakmem-debug.so is not known (HAKMEM_COLLECT names the "
                        "collector)";
        failure->detail = NULL;
        return false;
    }
    size_t folder_bytes = strlen(path);
    for (unsigned i = 0; i < sizeof places / sizeof *places; i++) {
        memcpy(path + folder_bytes, places[i], strlen(places[i]) + 1);
        if (hak_raw_call(SYS_faccessat, AT_FDCWD, path, 1 /* X_OK */) == 0)
            return execute(launch, failure);
    }
    memcpy(path + folder_bytes, places[0], strlen(places[0]) + 1);
    failure->what = "hakmem-collect is not beside hakmem-debug.so (HAKMEM_COLLECT names it)";
    failure->error = ENOENT;
    return false;
}

bool hak_collector_execute(int socket_end, const char *name,
                           struct hak_collector_failure *failure) {
    static char path[PATH_ROOM];
    char *arguments[] = {(char *)"hakmem-collect", (char *)"--keeper",
                         name ? (char *)"--name" : NULL, (char *)name, NULL};
    struct launch launch = {.arguments = arguments, .socket_end = socket_end};
    return find_and_execute(&launch, path, failure);
}

/* Whether the pid namespace is another than the one of the system's init. */
static bool is_in_container(void) {
    uint64_t space = hak_proc_pid_space();
    return hak_raw_call(SYS_getpid) == 1 || (space != 0 && space != INIT_PID_SPACE);
}

/* Beside a report of another thread: it has a path of its own. */
bool hak_collector_execute_profile(int file, struct hak_collector_failure *failure) {
    static char path[PATH_ROOM];
    char *arguments[] = {(char *)"hakmem-collect", (char *)"--profile", NULL};
    struct launch launch = {.arguments = arguments,
                            .socket_end = file,
                            .kept = is_in_container() ? find_place() : NULL,
                            .is_first = hak_raw_call(SYS_getpid) == 1};
    return find_and_execute(&launch, path, failure);
}

bool hak_collector_may_profile(void) {
    int status = 0;
    for (unsigned i = 0; i < STAYED_MOST; i++)
        if (stayed[i].helper &&
            hak_raw_call(SYS_wait4, stayed[i].helper, &status, __WALL | WNOHANG) != 0)
            forget_stayed(&stayed[i]);
    return find_place() != NULL;
}

void hak_collector_forget_profile(void) {
    for (unsigned i = 0; i < STAYED_MOST; i++)
        forget_stayed(&stayed[i]);
}
