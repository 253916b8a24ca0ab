/* Walks through everything that a program can ask of signals and prints what it sees. Run by
 * transparent.sh: with hakmem it sees the same. */
#include <errno.h>
#include <execinfo.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <spawn.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <ucontext.h>
#include <unistd.h>

#pragma GCC diagnostic ignored "-Wdeprecated-declarations" /* that is what is tested */

static const int numbers[] = {SIGSEGV, SIGBUS, SIGABRT, SIGILL,  SIGFPE,
                              SIGTRAP, SIGSYS, SIGUSR1, SIGCHLD, 64};
enum { NUMBERS = sizeof numbers / sizeof *numbers };

static volatile int inside, calls, frames_between;
static sigjmp_buf back;
static char *volatile page;
static char room[2][64 << 10];

static void one_argument(int number) {
    calls++;
    printf("    one_argument(%d)\n", number);
}

static void print_mask(const char *what, const sigset_t *set) {
    uint64_t bits;
    memcpy(&bits, set, sizeof bits);
    printf("%s %016lx", what, (unsigned long)bits);
}

static void print_stack(const char *what) {
    stack_t now;
    memset(&now, 0x11, sizeof now);
    int result = sigaltstack(NULL, &now);
    const char *name = now.ss_sp == room[0]   ? "first"
                       : now.ss_sp == room[1] ? "second"
                       : now.ss_sp == NULL    ? "none"
                                              : "another";
    printf("  %s: sigaltstack %d: %s flags %x size %zu\n", what, result, name,
           (unsigned)now.ss_flags, now.ss_size);
}

static int is_on(const char *where, const void *address) {
    (void)where;
    return (const char *)address >= room[0] && (const char *)address < room[1] + sizeof room[1];
}

static void three_arguments(int number, siginfo_t *info, void *context) {
    const ucontext_t *interrupted = context;
    sigset_t mask;
    void *ips[32];
    char local;
    calls++;
    sigprocmask(SIG_BLOCK, NULL, &mask);
    printf("    three_arguments(%d) code %d", number, info->si_code);
    print_mask(" mask", &mask);
    print_mask(" before", &interrupted->uc_sigmask);
    printf(" own stack %d onstack flag %d errno %d", is_on("here", &local),
           (int)interrupted->uc_stack.ss_flags & 3, errno);
    if (info->si_code <= 0)
        printf(" sender %s", info->si_pid == getpid() ? "self" : "other");
    else if (number == SIGSEGV || number == SIGBUS)
        printf(" address %s", info->si_addr == page ? "page" : info->si_addr ? "other" : "null");
    int count = backtrace(ips, 32);
    printf(" frames %d\n", count > 30 ? 30 : count - frames_between);
    errno = 99;
}

static void jump_out(int number, siginfo_t *info, void *context) {
    (void)info;
    (void)context;
    siglongjmp(back, number);
}

static void make_readable(int number, siginfo_t *info, void *context) {
    (void)context;
    calls++;
    if (info->si_addr != page)
        _exit(90 + number);
    mprotect(page, 4096, PROT_READ | PROT_WRITE);
}

static void skip_instruction(int number, siginfo_t *info, void *context) {
    (void)number;
    (void)info;
    ((ucontext_t *)context)->uc_mcontext.gregs[REG_RIP] += 2; /* ud2 */
    calls++;
}

static void nested(int number) {
    sigset_t mask;
    calls++;
    sigprocmask(SIG_BLOCK, NULL, &mask);
    printf("    nested(%d) depth %d", number, inside);
    print_mask(" mask", &mask);
    printf("\n");
    inside++;
    if (calls % 3 != 0)
        raise(number);
    inside--;
}

static const char *name_of(void (*handler)(int)) {
    return handler == SIG_DFL                                  ? "default"
           : handler == SIG_IGN                                ? "ignore"
           : handler == SIG_ERR                                ? "error"
           : handler == SIG_HOLD                               ? "hold"
           : handler == one_argument                           ? "one_argument"
           : handler == nested                                 ? "nested"
           : handler == (void (*)(int))(void *)three_arguments ? "three_arguments"
           : handler == (void (*)(int))(void *)jump_out        ? "jump_out"
                                                               : "another";
}

static void print_action(int number) {
    struct sigaction now;
    memset(&now, 0x11, sizeof now);
    int result = sigaction(number, NULL, &now);
    printf("  %d: %d %s flags %x", number, result, name_of(now.sa_handler), (unsigned)now.sa_flags);
    print_mask(" mask", &now.sa_mask);
    printf(" restorer %d\n", now.sa_restorer != NULL);
}

static void set_action(int number, int flags, int also_blocked) {
    struct sigaction action = {.sa_sigaction = three_arguments, .sa_flags = flags}, before;
    sigemptyset(&action.sa_mask);
    if (also_blocked)
        sigaddset(&action.sa_mask, also_blocked);
    sigaddset(&action.sa_mask, SIGKILL);
    memset(&before, 0x11, sizeof before);
    int result = sigaction(number, &action, &before);
    printf("  set %d flags %x: %d, before %s %x\n", number, (unsigned)flags, result,
           name_of(before.sa_handler), (unsigned)before.sa_flags);
    print_action(number);
}

static void actions(void) {
    static const int flags[] = {0,
                                SA_SIGINFO,
                                SA_SIGINFO | SA_NODEFER,
                                SA_SIGINFO | SA_RESTART,
                                SA_SIGINFO | SA_ONSTACK,
                                (int)(SA_SIGINFO | SA_RESETHAND),
                                SA_SIGINFO | SA_NOCLDSTOP | SA_NOCLDWAIT,
                                SA_SIGINFO | 0x400,
                                0x20000000};
    puts("actions");
    for (int i = 0; i < NUMBERS; i++) {
        print_action(numbers[i]);
        for (unsigned f = 0; f < sizeof flags / sizeof *flags; f++)
            set_action(numbers[i], flags[f], f % 2 ? SIGUSR2 : 0);
        struct sigaction standard = {.sa_handler = SIG_DFL, .sa_flags = SA_RESTART};
        sigfillset(&standard.sa_mask);
        sigaction(numbers[i], &standard, NULL);
        print_action(numbers[i]);
        standard.sa_handler = SIG_IGN;
        struct sigaction *volatile same = &standard;
        sigaction(numbers[i], &standard, same);
        printf("  same object: %s\n", name_of(standard.sa_handler));
        print_action(numbers[i]);
        signal(numbers[i], SIG_DFL);
    }
    for (int number = -1; number <= 65; number += number == 0 ? 32 : number == 32 ? 32 : 1) {
        struct sigaction standard = {.sa_handler = SIG_IGN};
        errno = 0;
        int result = sigaction(number, &standard, NULL);
        printf("  sigaction %d: %d errno %d\n", number, result, errno);
    }
    errno = 0;
    struct sigaction mine = {.sa_handler = one_argument};
    int kill_result = sigaction(SIGKILL, &mine, NULL);
    printf("  SIGKILL %d errno %d\n", kill_result, errno);
}

static void old_functions(void) {
    puts("old functions");
    for (int i = 0; i < NUMBERS; i++) {
        int n = numbers[i];
        printf("  signal %s", name_of(signal(n, one_argument)));
        printf(" again %s\n", name_of(signal(n, SIG_DFL)));
        signal(n, one_argument);
        print_action(n);
        printf("  siginterrupt %d\n", siginterrupt(n, 1));
        print_action(n);
        signal(n, nested);
        print_action(n);
        printf("  siginterrupt %d\n", siginterrupt(n, 0));
        print_action(n);
        printf("  ssignal %s\n", name_of(ssignal(n, SIG_IGN)));
        print_action(n);
        printf("  sysv_signal %s\n", name_of(sysv_signal(n, one_argument)));
        print_action(n);
        printf("  sigset %s\n", name_of(sigset(n, nested)));
        print_action(n);
        printf("  sigset hold %s", name_of(sigset(n, SIG_HOLD)));
        printf(" again %s", name_of(sigset(n, SIG_HOLD)));
        printf(" and back %s\n", name_of(sigset(n, SIG_DFL)));
        print_action(n);
        printf("  sigignore %d\n", sigignore(n));
        print_action(n);
        signal(n, SIG_DFL);
    }
    errno = 0;
    printf("  bad: %s %s %s errno %d\n", name_of(signal(0, SIG_DFL)), name_of(signal(65, SIG_DFL)),
           name_of(signal(SIGSEGV, SIG_ERR)), errno);
    errno = 0;
    printf("  bad: %d %d errno %d\n", siginterrupt(0, 1), sigignore(SIGKILL), errno);
    errno = 0;
    printf("  bad: %s errno %d\n", name_of(sigset(100, one_argument)), errno);
}

static void delivery(void) {
    static const int flags[] = {SA_SIGINFO, SA_SIGINFO | SA_NODEFER, SA_SIGINFO | SA_ONSTACK,
                                (int)(SA_SIGINFO | SA_RESETHAND)};
    puts("delivery");
    for (int i = 0; i < NUMBERS; i++)
        for (unsigned f = 0; f < sizeof flags / sizeof *flags; f++) {
            set_action(numbers[i], flags[f], SIGHUP);
            errno = 7;
            raise(numbers[i]);
            printf("  errno after %d\n", errno);
            print_action(numbers[i]);
            signal(numbers[i], SIG_DFL);
        }
    sysv_signal(SIGTRAP, one_argument);
    raise(SIGTRAP);
    print_action(SIGTRAP);
    for (int i = 0; i < 7; i++) {
        struct sigaction action = {.sa_handler = nested, .sa_flags = i % 2 ? SA_NODEFER : 0};
        sigaction(numbers[i], &action, NULL);
        printf("  nested %d\n", numbers[i]);
        calls = 0;
        raise(numbers[i]);
        signal(numbers[i], SIG_DFL);
    }
    union sigval value = {.sival_int = 4711};
    set_action(SIGSEGV, SA_SIGINFO, 0);
    sigqueue(getpid(), SIGSEGV, value);
}

static void faults(void) {
    puts("faults");
    calls = 0;
    page = mmap(NULL, 4096, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    struct sigaction action = {.sa_sigaction = make_readable, .sa_flags = SA_SIGINFO};
    sigaction(SIGSEGV, &action, NULL);
    for (int i = 0; i < 100; i++) {
        *(volatile char *)page = (char)i;
        mprotect(page, 4096, PROT_NONE);
    }
    printf("  write barrier: %d calls\n", calls);
    action.sa_sigaction = skip_instruction;
    sigaction(SIGILL, &action, NULL);
    __asm__ volatile("ud2");
    printf("  stepped over: %d calls\n", calls);
    action.sa_sigaction = jump_out;
    sigaction(SIGSEGV, &action, NULL);
    sigaction(SIGFPE, &action, NULL);
    volatile int caught = 0, zero = 0;
    for (volatile int i = 0; i < 100; i++)
        if (sigsetjmp(back, 1) == 0) {
            if (i % 2)
                *(volatile char *)8 = 1;
            else
                zero = 1 / zero;
        } else {
            caught++;
        }
    printf("  jumped out: %d times\n", caught);
    action.sa_sigaction = three_arguments;
    sigaction(SIGTRAP, &action, NULL);
    __asm__ volatile("int3");
    signal(SIGILL, SIG_DFL);
    signal(SIGSEGV, SIG_DFL);
    signal(SIGFPE, SIG_DFL);
    signal(SIGTRAP, SIG_DFL);
}

static void *stacks(void *unused) {
    stack_t first = {.ss_sp = room[0], .ss_size = sizeof room[0]};
    stack_t second = {.ss_sp = room[1], .ss_size = sizeof room[1]}, seen;
    stack_t none = {.ss_flags = SS_DISABLE}, armed = first, bad = {.ss_sp = room, .ss_size = 100};
    armed.ss_flags = (int)(1U << 31); /* SS_AUTODISARM */
    print_stack("at first");
    free(malloc(10));
    print_stack("after malloc");
    sigaltstack(&first, &seen);
    print_stack("first");
    set_action(SIGSEGV, SA_SIGINFO | SA_ONSTACK, 0);
    raise(SIGSEGV);
    set_action(SIGUSR1, SA_SIGINFO | SA_ONSTACK, 0);
    raise(SIGUSR1);
    sigaltstack(&second, &seen);
    printf("  before: %s\n", seen.ss_sp == room[0] ? "first" : "another");
    print_stack("second");
    int result = sigaltstack(&none, &seen);
    printf("  disable %d, before: %s\n", result, seen.ss_sp == room[1] ? "second" : "another");
    print_stack("disabled");
    errno = 0;
    result = sigaltstack(&bad, NULL);
    printf("  bad size %d errno %d\n", result, errno);
    bad.ss_flags = 12345;
    bad.ss_size = sizeof room[0];
    result = sigaltstack(&bad, NULL);
    printf("  bad flags %d errno %d\n", result, errno);
    result = sigaltstack((const stack_t *)8, NULL);
    printf("  bad pointer %d errno %d\n", result, errno);
    print_stack("after errors");
    sigaltstack(&armed, &seen);
    printf("  before: sp %d flags %x\n", seen.ss_sp != NULL, (unsigned)seen.ss_flags);
    print_stack("autodisarm");
    raise(SIGSEGV);
    none.ss_flags |= (int)(1U << 31);
    result = sigaltstack(&none, NULL);
    printf("  disable with autodisarm %d\n", result);
    print_stack("disabled again");
    signal(SIGSEGV, SIG_DFL);
    signal(SIGUSR1, SIG_DFL);
    return unused;
}

/* Shows what an executed program inherits. */
static void inherited(char **arguments) {
    extern char **environ;
    char *again[] = {arguments[0], "show", NULL};
    int status;
    pid_t child;
    puts("inherited");
    fflush(stdout);
    signal(SIGSEGV, SIG_IGN);
    signal(SIGABRT, SIG_IGN);
    signal(SIGFPE, one_argument);
    if (fork() == 0)
        execv("/proc/self/exe", again);
    wait(&status);
    printf("  status %x\n", (unsigned)status);
    fflush(stdout);
    child = vfork();
    if (child == 0) {
        struct sigaction now;
        sigaction(SIGFPE, NULL, &now);
        if (now.sa_handler != one_argument)
            _exit(77);
        signal(SIGABRT, SIG_DFL);
        signal(SIGBUS, SIG_IGN);
        execv("/proc/self/exe", again);
        _exit(78);
    }
    wait(&status);
    printf("  status %x\n", (unsigned)status);
    print_action(SIGABRT);
    print_action(SIGBUS);
    print_action(SIGFPE);
    fflush(stdout);
    posix_spawnattr_t attributes;
    sigset_t standard;
    sigemptyset(&standard);
    sigaddset(&standard, SIGSEGV);
    posix_spawnattr_init(&attributes);
    posix_spawnattr_setsigdefault(&attributes, &standard);
    posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGDEF);
    posix_spawn(&child, "/proc/self/exe", NULL, &attributes, again, environ);
    wait(&status);
    printf("  status %x\n", (unsigned)status);
    print_action(SIGSEGV);
    fflush(stdout);
    if (system("true") != 0)
        puts("  system failed");
    for (int i = 0; i < NUMBERS; i++)
        signal(numbers[i], SIG_DFL);
}

static void waiting(void) {
    sigset_t set, pending;
    siginfo_t info;
    puts("waiting");
    sigemptyset(&set);
    for (int i = 0; i < 7; i++)
        sigaddset(&set, numbers[i]);
    sigprocmask(SIG_BLOCK, &set, NULL);
    for (int i = 0; i < 7; i++)
        raise(numbers[i]);
    sigpending(&pending);
    print_mask("  pending", &pending);
    puts("");
    for (int i = 0; i < 7; i++) {
        int got = sigwaitinfo(&set, &info);
        printf("  got %d code %d\n", got, info.si_code);
    }
    sigprocmask(SIG_UNBLOCK, &set, NULL);
}

int main(int count, char **arguments) {
    pthread_t thread;
    setvbuf(stdout, NULL, _IOFBF, 1 << 16);
    if (count > 1) {
        for (int i = 0; i < NUMBERS; i++)
            print_action(numbers[i]);
        print_stack("executed");
        return 0;
    }
    void *ips[32];
    frames_between = backtrace(ips, 32);
    print_stack("main");
    struct rlimit core, waiting_signals;
    getrlimit(RLIMIT_CORE, &core);
    getrlimit(RLIMIT_SIGPENDING, &waiting_signals);
    printf("core limit %lx %lx, pending %lx, dumpable %d\n", core.rlim_cur, core.rlim_max,
           waiting_signals.rlim_cur, prctl(PR_GET_DUMPABLE, 0, 0, 0, 0));
    actions();
    old_functions();
    delivery();
    faults();
    puts("stacks");
    stacks(NULL);
    pthread_create(&thread, NULL, stacks, NULL);
    pthread_join(thread, NULL);
    inherited(arguments);
    waiting();
    print_stack("end");
    return 5;
}
