/* Lives with the thread of HAKMEM_BACKGROUND: `background HOW`. Status 0: all was as it should be;
 * else stderr says what was seen. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include "hakmem.h"

enum { BLOCKS = 20000, TURNS = 6000 /* of 10 ms */ };

static void fail(const char *what, long seen) {
    fprintf(stderr, "%s: %ld\n", what, seen);
    _exit(1);
}

static void wait_a_turn(void) {
    nanosleep(&(struct timespec){.tv_nsec = 10000000}, NULL);
}

/* Reads a file of /proc without a call that allocates. */
static const char *read_file(const char *path) {
    static _Thread_local char text[8192];
    int file = open(path, O_RDONLY);
    ssize_t bytes = file < 0 ? 0 : read(file, text, sizeof text - 1);
    text[bytes > 0 ? bytes : 0] = 0;
    if (file >= 0)
        close(file);
    return text;
}

static long thread_count(void) {
    return atol(strstr(read_file("/proc/self/status"), "Threads:") + 8);
}

/* The id of the thread, in this process; 0: there is none. */
static long background_id(void) {
    char entries[8192], path[300];
    int folder = open("/proc/self/task", O_RDONLY | O_DIRECTORY);
    long bytes = syscall(SYS_getdents64, folder, entries, sizeof entries), id = 0;
    close(folder);
    for (long at = 0; at < bytes && id == 0;) {
        const struct dirent64 *entry = (const void *)(entries + at);
        at += entry->d_reclen;
        snprintf(path, sizeof path, "/proc/self/task/%s/comm", entry->d_name);
        if (entry->d_name[0] != '.' && strcmp(read_file(path), "hakmem-back\n") == 0)
            id = atol(entry->d_name);
    }
    return id;
}

/* Takes much memory and gives it back in an order that leaves all kinds of work. */
static void burst(unsigned seed) {
    char **blocks = malloc(BLOCKS * sizeof *blocks);
    if (!blocks)
        fail("no memory", BLOCKS);
    for (unsigned i = 0; i < BLOCKS; i++) {
        size_t bytes = 16 + (seed = seed * 1664525u + 1013904223u) % 4000;
        blocks[i] = malloc(bytes);
        if (!blocks[i])
            fail("no memory", (long)bytes);
        memset(blocks[i], (int)i, bytes);
    }
    for (unsigned i = BLOCKS; i > 0; i--) {
        unsigned other = (seed = seed * 1664525u + 1013904223u) / 256 % i;
        char *block = blocks[other];
        blocks[other] = blocks[i - 1];
        free(block);
    }
    free(blocks);
}

static void await_thread(void) {
    for (int i = 0; i < TURNS; i++) {
        if (background_id() != 0)
            return;
        wait_a_turn();
    }
    fail("no thread begins", 0);
}

static void await_no_thread(void) {
    for (int i = 0; i < TURNS; i++) {
        if (background_id() == 0)
            return;
        wait_a_turn();
    }
    fail("the thread goes on", background_id());
}

static void verify(void) {
    size_t wrong = hak_verify ? hak_verify() : 0;
    if (wrong)
        fail("hak_verify", (long)wrong);
}

static void *burst_in_thread(void *seed) {
    for (unsigned i = 0; i < 3; i++)
        burst((unsigned)(unsigned long)seed + i);
    return NULL;
}

static pthread_t begin(void *(*function)(void *), unsigned long argument) {
    pthread_t thread;
    int error = pthread_create(&thread, NULL, function, (void *)argument);
    if (error)
        fail("pthread_create", error);
    return thread;
}

/* ---- HOW ------------------------------------------------------------------------------------- */

static void count_threads(void) {
    burst(1);
    printf("%ld\n", thread_count());
}

static volatile sig_atomic_t handled_by;
static void note_thread(int number) {
    (void)number;
    handled_by = (sig_atomic_t)syscall(SYS_gettid);
}

/* A signal that all of the program's threads block is not the thread's. */
static void signals(void) {
    sigset_t all, some;
    burst(1);
    await_thread();
    char path[64];
    snprintf(path, sizeof path, "/proc/self/task/%ld/status", background_id());
    unsigned long blocked = strtoul(strstr(read_file(path), "SigBlk:") + 7, NULL, 16);
    if (blocked != 0xfffffffe7ffbfeff) /* but KILL, STOP and glibc's two */
        fail("signals blocked", (long)blocked);
    sigfillset(&all);
    signal(SIGUSR1, note_thread);
    pthread_sigmask(SIG_BLOCK, &all, NULL);
    kill(getpid(), SIGUSR1);
    burst(2);
    sigpending(&some);
    if (handled_by || !sigismember(&some, SIGUSR1))
        fail("the signal was handled by", handled_by);
    pthread_sigmask(SIG_UNBLOCK, &all, NULL);
    if (handled_by != getpid())
        fail("the signal was handled by", handled_by);
}

/* Forks while threads and the background thread are at work; each child has all it needs, and
 * begins a thread of its own. */
static void forks(void) {
    pthread_t threads[2] = {begin(burst_in_thread, 10), begin(burst_in_thread, 20)};
    for (unsigned i = 0; i < 10; i++) {
        pid_t child = fork();
        if (child == 0) {
            burst(i);
            for (int k = 0; i % 5 == 0 && background_id() == 0; k++)
                k < TURNS ? burst(i) : fail("no thread begins in a child", i);
            verify();
            _exit(0);
        }
        int status = 0;
        if (child < 0 || waitpid(child, &status, 0) != child || status != 0)
            fail("a child's status", status);
        burst(i);
    }
    pthread_join(threads[0], NULL);
    pthread_join(threads[1], NULL);
    verify();
}

static long resident_bytes(void) {
    const char *pages = strchr(read_file("/proc/self/statm"), ' ');
    return pages ? atol(pages) * sysconf(_SC_PAGESIZE) : 0;
}

/* Small blocks of 96 MiB that come and go, and others, until half of their memory is back. */
static void give_back_most(void) {
    enum { COUNT = 96 << 10, SOME = 256 };
    static char *all[COUNT];
    long before = resident_bytes();
    for (unsigned i = 0; i < COUNT; i++)
        all[i] = memset(malloc(1000), 1, 1000);
    for (unsigned i = 0; i < COUNT; i++)
        free(all[i]);
    for (int i = 0; i < TURNS; i++) {
        if (resident_bytes() < before + COUNT / 2 * 1000)
            return;
        for (unsigned k = 0; k < SOME; k++)
            all[k] = malloc(3000);
        for (unsigned k = 0; k < SOME; k++)
            free(all[k]);
    }
    fail("bytes stay resident", resident_bytes() - before);
}

/* The child of a clone past libc has no thread, and gives back by itself. */
static void clones(void) {
    burst(1);
    await_thread();
    for (unsigned i = 0; i < 5; i++) {
        pid_t child = (pid_t)syscall(SYS_clone, SIGCHLD, 0, 0, 0, 0);
        if (child == 0) {
            give_back_most();
            verify();
            _exit(0);
        }
        int status = 0;
        if (child < 0 || waitpid(child, &status, 0) != child || status != 0)
            fail("a child's status", status);
        burst(i);
    }
}

static void *end_later(void *first) {
    pthread_join((pthread_t)first, NULL);
    await_no_thread();
    (void)prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, NULL); /* refused: none begins anew for that */
    burst(3);
    await_no_thread();
    printf("last words\n");
    return NULL;
}

/* The first thread ends; the process does with the last. */
static void first_ends(void) {
    burst(1);
    await_thread();
    begin(end_later, (unsigned long)pthread_self());
    pthread_exit(NULL);
}

/* The same where the first thread is also the last. */
static void last_ends(void) {
    burst(1);
    await_thread();
    pthread_exit(NULL);
}

static void *burst_for_ever(void *seed) {
    for (unsigned i = 0;; i++)
        burst((unsigned)(unsigned long)seed + i);
    return NULL;
}

static void exits(void) {
    begin(burst_for_ever, 5);
    burst(1);
    await_thread();
    exit(0);
}

static void executes(char **argv) {
    begin(burst_for_ever, 5);
    burst(1);
    await_thread();
    argv[1] = "count";
    execv("/proc/self/exe", argv);
    fail("execv", errno);
}

/* glibc has each thread of the process change its user. */
static void users(void) {
    char path[64];
    burst(1);
    await_thread();
    long id = background_id(), user = getuid() == 0 ? 65534 : (long)getuid();
    if (setresuid((uid_t)user, (uid_t)user, (uid_t)user) != 0)
        fail("setresuid", errno);
    snprintf(path, sizeof path, "/proc/self/task/%ld/status", id);
    long its_user = atol(strstr(read_file(path), "Uid:") + 4);
    if (its_user != user)
        fail("the thread's user", its_user);
}

/* A filter that ends whoever sleeps on a futex or begins a thread. */
static void enter_sandbox(bool all_threads) {
    struct sock_filter code[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, 0),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_futex, 2, 0),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_clone, 1, 0),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_clone3, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };
    struct sock_fprog filter = {sizeof code / sizeof *code, code};
    prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
    long result = all_threads ? syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER,
                                        SECCOMP_FILTER_FLAG_TSYNC, &filter)
                              : prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &filter);
    if (result != 0)
        _exit(77);
}

static void sandbox(bool all_threads) {
    burst(1);
    await_thread();
    enter_sandbox(all_threads);
    if (background_id() != 0)
        fail("the thread goes on in a sandbox", background_id());
    burst(2);
    if (background_id() != 0)
        fail("a thread begins in a sandbox", background_id());
    verify();
}

/* The kernel refuses the sandbox: the thread comes back in libhakmem.so. */
static void no_sandbox(void) {
    burst(1);
    await_thread();
    (void)prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, NULL);
    burst(2);
    await_thread();
}

static void *try_sandbox(void *barrier) {
    pthread_barrier_wait(barrier);
    (void)prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, NULL);
    return NULL;
}

/* Four threads try a sandbox at once, and none waits for ever. */
static void sandboxes(void) {
    pthread_barrier_t barrier;
    pthread_t threads[4];
    pthread_barrier_init(&barrier, NULL, 4);
    burst(1);
    await_thread();
    for (int i = 0; i < 4; i++)
        threads[i] = begin(try_sandbox, (unsigned long)&barrier);
    for (int i = 0; i < 4; i++)
        pthread_join(threads[i], NULL);
    burst(2);
    verify();
}

static struct hak_stats stats_now(void) {
    struct hak_stats stats;
    if (!hak_read_stats || hak_read_stats(&stats, sizeof stats) != sizeof stats)
        fail("hak_read_stats", 0);
    return stats;
}

/* No thread may begin: as many are there as before, and all is given back by the callers. */
static void refused(void) {
    errno = 99;
    burst(1);
    burst(2);
    if (errno != 99)
        fail("errno", errno);
    if (thread_count() != 1)
        fail("threads", thread_count());
    struct hak_stats stats = stats_now();
    if (stats.background_threads || stats.background_bytes || stats.background_failures != 1)
        fail("failures", (long)stats.background_failures);
    verify();
}

/* SuperSlabs that wait in the reserve go with time, while nobody calls. */
static void idle(void) {
    enum { COUNT = 16384, WAITED_TURNS = 50 };
    static char *all[COUNT];
    for (int round = 0; round < TURNS / WAITED_TURNS; round++) {
        for (unsigned i = 0; i < COUNT; i++)
            all[i] = memset(malloc(1024), 1, 1024);
        for (unsigned i = 0; i < COUNT; i++)
            free(all[i]);
        size_t before = stats_now().mapped_bytes;
        for (int i = 0; i < WAITED_TURNS; i++, wait_a_turn())
            if (stats_now().mapped_bytes < before)
                return;
    }
    fail("bytes are mapped as before", (long)stats_now().mapped_bytes);
}

/* Has figures of the thread; the program rests until the end of its input. */
static void figures(void) {
    char byte;
    burst(1);
    await_thread();
    for (int i = 0; i < TURNS && stats_now().background_bytes == 0; i++)
        wait_a_turn();
    struct hak_stats stats = stats_now();
    if (stats.background_threads != 1 || stats.background_bytes == 0 || stats.background_failures)
        fail("figures", (long)stats.background_threads);
    if (stats.background_bytes > stats.given_back_bytes)
        fail("given back by the thread", (long)stats.background_bytes);
    printf("%llu\n", (unsigned long long)stats.background_bytes);
    (void)!read(0, &byte, 1);
}

static void threads(void) {
    pthread_t all[4];
    for (unsigned i = 0; i < 5; i++) {
        for (unsigned k = 0; k < 4; k++)
            all[k] = begin(burst_in_thread, i * 4 + k);
        for (unsigned k = 0; k < 4; k++)
            pthread_join(all[k], NULL);
        verify();
    }
}

int main(int argc, char **argv) {
    const char *how = argc > 1 ? argv[1] : "";
    setvbuf(stdout, NULL, _IONBF, 0);
    if (strcmp(how, "idle") == 0)
        idle();
    else if (strcmp(how, "count") == 0)
        count_threads();
    else if (strcmp(how, "signals") == 0)
        signals();
    else if (strcmp(how, "forks") == 0)
        forks();
    else if (strcmp(how, "first") == 0)
        first_ends();
    else if (strcmp(how, "last") == 0)
        last_ends();
    else if (strcmp(how, "exit") == 0)
        exits();
    else if (strcmp(how, "exec") == 0)
        executes(argv);
    else if (strcmp(how, "clones") == 0)
        clones();
    else if (strcmp(how, "users") == 0)
        users();
    else if (strcmp(how, "sandbox") == 0)
        sandbox(false);
    else if (strcmp(how, "sandbox-all") == 0)
        sandbox(true);
    else if (strcmp(how, "sandboxes") == 0)
        sandboxes();
    else if (strcmp(how, "no-sandbox") == 0)
        no_sandbox();
    else if (strcmp(how, "refused") == 0)
        refused();
    else if (strcmp(how, "figures") == 0)
        figures();
    else if (strcmp(how, "threads") == 0)
        threads();
    else
        return 2;
    return 0;
}
