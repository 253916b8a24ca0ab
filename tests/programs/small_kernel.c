/* Small correct programs that ask odd things of the kernel around their heap: small_kernel NAME.
 * small.sh compares what each says and ends with under hakmem and without. */
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/personality.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>
#include "../faults/corpus/shapes.h"

#ifndef SYS_close_range /* newer than the headers of Debian 11 */
#define SYS_close_range 436
#endif

enum { PAGE = 4096, MANY = 200, BIG = 300000 };

static void say(const char *format, long value) {
    printf(format, value);
    fflush(stdout);
}

/* Blocks of all layers, filled, resized, compared, given back. */
SHAPE(works) {
    static unsigned char *all[MANY];
    unsigned wrong = 0;
    for (unsigned i = 0; i < MANY; i++) {
        size_t bytes = (size_t)i * i * 13 % 70000 + i;
        all[i] = malloc(bytes);
        memset(all[i], (int)i, bytes);
    }
    for (unsigned i = 0; i < MANY; i += 3) {
        size_t bytes = (size_t)i * i * 13 % 70000 + i;
        all[i] = realloc(all[i], bytes * 2 + 1);
        wrong +=
            bytes > 0 && (all[i][0] != (unsigned char)i || all[i][bytes - 1] != (unsigned char)i);
    }
    for (unsigned i = 0; i < MANY; i++)
        free(all[i]);
    say("worked, %ld wrong\n", wrong);
}

static char *page_in(char *block) {
    return (char *)(((uintptr_t)block + PAGE - 1) & ~(uintptr_t)(PAGE - 1));
}

static void wait_for(pid_t child) {
    int status = -1;
    waitpid(child, &status, 0);
    say("child ends with %lx\n", status);
}

/* ---- pages of its own blocks ------------------------------------------------------------------
 */

static char *volatile closed;
static volatile int opened;

static void open_closed(int number, siginfo_t *info, void *context) {
    (void)number;
    (void)context;
    opened += (char *)info->si_addr >= closed && (char *)info->si_addr < closed + PAGE;
    if (mprotect(closed, PAGE, PROT_READ | PROT_WRITE) != 0)
        _exit(9);
}

/* As collectors of garbage find what was written. */
SHAPE(write_barrier) {
    struct sigaction action = {.sa_sigaction = open_closed, .sa_flags = SA_SIGINFO};
    sigaction(SIGSEGV, &action, NULL);
    for (unsigned i = 0; i < 20; i++) {
        char *block = i % 2 ? malloc(BIG) : aligned_alloc(PAGE, (size_t)PAGE * (i + 1));
        closed = page_in(block);
        memset(closed, 5, PAGE);
        mprotect(closed, PAGE, i % 3 ? PROT_READ : PROT_NONE);
        *(volatile char *)(closed + 100) = 7;
        say("%ld", closed[99] + closed[100]);
        free(block);
    }
    say(" opened %ld times\n", opened);
}

SHAPE(advise) {
    static const int advices[] = {MADV_DONTNEED, MADV_FREE,       MADV_DONTFORK,  MADV_WIPEONFORK,
                                  MADV_HUGEPAGE, MADV_NOHUGEPAGE, MADV_MERGEABLE, MADV_DONTDUMP,
                                  MADV_COLD,     MADV_PAGEOUT};
    for (size_t i = 0; i < sizeof advices / sizeof *advices; i++) {
        char *block = malloc(BIG), *page = page_in(block);
        memset(block, 'a', BIG);
        (void)madvise(page, 4 * PAGE, advices[i]);
        if (advices[i] == MADV_DONTNEED)
            say("%ld after, ", page[0]);
        pid_t child = fork();
        if (child == 0)
            _exit(block[BIG - 1]);
        wait_for(child);
        memset(page, 'b', 4 * PAGE);
        block = realloc(block, 2 * BIG);
        say("%ld\n", block[BIG - 1]);
        free(block);
    }
    works();
}

SHAPE(map_over) {
    char *block = malloc(BIG), *page = page_in(block);
    memset(block, 'a', BIG);
    say("mapped %ld\n", mmap(page, PAGE, PROT_READ | PROT_WRITE,
                             MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) == page);
    say("%ld", page[0] + page[PAGE]);
    free(block);
    char *own = mmap(NULL, 8 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    memset(own, 'c', 8 * PAGE);
    for (size_t pages = 8; pages < 2000; pages *= 3)
        own = mremap(own, pages * PAGE, pages * 3 * PAGE, MREMAP_MAYMOVE);
    say(" %ld\n", own[8 * PAGE - 1] + own[8 * PAGE]);
    works();
}

SHAPE(copy_by_kernel) {
    char *from = malloc(BIG), *to = calloc(1, BIG);
    memset(from, 'k', BIG);
    struct iovec local = {to, BIG}, remote = {from, BIG};
    say("%ld bytes\n", process_vm_readv(getpid(), &local, 1, &remote, 1, 0));
    say("%ld\n", memcmp(from, to, BIG));
    free(from);
    free(to);
}

/* ---- what is taken away ------------------------------------------------------------------------
 */

SHAPE(close_all) {
    int kept = fcntl(1, F_DUPFD, 50);
    say("kept %ld\n", kept);
    say("close_range %ld\n", syscall(SYS_close_range, 3, kept - 1, 0));
    say("rest %ld\n", syscall(SYS_close_range, kept, ~0u, 0));
    works();
    pid_t child = fork();
    if (child == 0) {
        works();
        exit(3);
    }
    wait_for(child);
    say("next is %ld\n", dup(1));
}

SHAPE(close_each) {
    for (int i = 3; i < 1024; i++)
        close(i);
    works();
    say("next is %ld\n", open("/dev/null", O_RDONLY));
    close(0);
    works();
    say("next is %ld\n", open("/dev/null", O_RDONLY));
}

static void limit_to(int which, const char *name, rlim_t limit) {
    struct rlimit to = {limit, limit};
    say(name, setrlimit((__rlimit_resource_t)which, &to));
    works();
    pid_t child = fork();
    if (child == 0) {
        works();
        exit(4);
    }
    wait_for(child);
}

SHAPE(limits) {
    limit_to(RLIMIT_NOFILE, "files %ld\n", 3);
    limit_to(RLIMIT_FSIZE, "file bytes %ld\n", 0);
    limit_to(RLIMIT_MEMLOCK, "locked %ld\n", 0);
    limit_to(RLIMIT_SIGPENDING, "signals %ld\n", 0);
    limit_to(RLIMIT_CORE, "core %ld\n", 0);
    limit_to(RLIMIT_STACK, "stack %ld\n", 1 << 20);
}

static long virtual_bytes(void) {
    long pages = 0;
    FILE *file = fopen("/proc/self/statm", "r");
    if (!file || fscanf(file, "%ld", &pages) != 1)
        exit(2);
    fclose(file);
    return pages * PAGE;
}

/* More than is allowed is refused; what was given back can be had again. */
SHAPE(little_memory) {
    struct rlimit limit = {(rlim_t)virtual_bytes() + (64 << 20), RLIM_INFINITY};
    static void *all[100];
    for (int round = 0; round < 3; round++) {
        setrlimit(RLIMIT_AS, &limit);
        unsigned count = 0;
        errno = 0;
        while (count < 100 && (all[count] = malloc(3 << 20)) != NULL)
            count++;
        say("all of it: %ld, ", count == 100);
        say("errno %ld, ", errno);
        errno = 0;
        say("huge: %ld, ", (long)calloc(1, (size_t)1 << 40));
        say("errno %ld\n", errno);
        while (count > 0)
            free(all[--count]);
        void *again = malloc(3 << 20);
        say("again %ld\n", again != NULL);
        free(again);
        works();
    }
}

SHAPE(other_user) {
    say("dumpable %ld\n", prctl(PR_SET_DUMPABLE, 0));
    works();
    if (geteuid() == 0)
        say("user %ld\n", setgid(65534) | setuid(65534));
    else
        say("user %ld\n", 0);
    works();
    pid_t child = fork();
    if (child == 0) {
        works();
        exit(5);
    }
    wait_for(child);
}

SHAPE(other_root) {
    char folder[] = "root.XXXXXX";
    int is_there = mkdtemp(folder) != NULL;
    if (geteuid() == 0)
        is_there &= chroot(folder) == 0 && chdir("/") == 0;
    say("root %ld\n", is_there);
    works();
    pid_t child = fork();
    if (child == 0) {
        works();
        exit(6);
    }
    wait_for(child);
}

/* From here on it may read, write and end. */
SHAPE(strict_sandbox) {
    static void *all[50];
    for (unsigned i = 0; i < 50; i++)
        all[i] = malloc(64);
    for (unsigned i = 0; i < 50; i++)
        free(all[i]);
    fflush(stdout);
    if (prctl(PR_SET_SECCOMP, 1 /* strict */) != 0)
        _exit(1);
    unsigned count = 0;
    for (unsigned i = 0; i < 50; i++)
        count += (all[i] = malloc(64)) != NULL;
    for (unsigned i = 0; i < 50; i++)
        free(all[i]);
    if (write(1, count == 50 ? "well\n" : "ill!\n", 5) != 5)
        syscall(SYS_exit, 3);
    syscall(SYS_exit, 7);
}

/* Takes blocks of sizes that were not asked for before. */
SHAPE(narrow_sandbox) {
    fflush(stdout);
    free(malloc(64));
    if (prctl(PR_SET_SECCOMP, 1 /* strict */) != 0)
        _exit(1);
    for (size_t i = 0; i < 30; i++) {
        char *block = malloc(30 + i * 100);
        if (write(1, block ? "." : "N", 1) != 1 || !block)
            syscall(SYS_exit, 3);
        memset(block, 1, 30 + i * 100);
        if (i % 2)
            free(block);
    }
    syscall(SYS_exit, 8);
}

/* ---- tasks -------------------------------------------------------------------------------------
 */

static int in_clone(void *argument) {
    char *block = malloc(5000);
    memset(block, 1, 5000);
    free(block);
    *(int *)argument = 42;
    return 8;
}

SHAPE(clones) {
    static const int flags[] = {0, CLONE_VM | CLONE_VFORK, CLONE_VM | CLONE_VFORK | CLONE_FILES,
                                CLONE_VFORK, CLONE_FS | CLONE_FILES};
    for (size_t i = 0; i < sizeof flags / sizeof *flags; i++) {
        enum { STACK = 256 * 1024 };
        char *stack = malloc(STACK);
        int seen = 0;
        pid_t child = clone(in_clone, (char *)(((uintptr_t)stack + STACK) & ~(uintptr_t)15),
                            flags[i] | SIGCHLD, &seen);
        wait_for(child);
        say("seen %ld\n", seen);
        free(stack);
    }
    works();
}

SHAPE(vforks) {
    static char *const words[] = {"true", NULL};
    for (unsigned i = 0; i < 5; i++) {
        char *volatile block = malloc(100);
        pid_t child = vfork();
        if (child == 0) {
            block[0] = 'v';
            if (i % 2)
                execvp("true", words);
            _exit(9);
        }
        wait_for(child);
        say("%ld\n", block[0]);
        free(block);
    }
    works();
}

SHAPE(forks_of_forks) {
    char *block = malloc(1000);
    strcpy(block, "inherited");
    for (int depth = 0; depth < 4; depth++) {
        pid_t child = fork();
        if (child != 0) {
            wait_for(child);
            exit(depth);
        }
        block = realloc(block, 1000u << depth);
        works();
    }
    puts(block);
    free(block);
}

static volatile sig_atomic_t handled;
static void handle(int number) {
    char room[512];
    memset(room, number, sizeof room);
    handled += room[511] == number;
}

/* Signals behind the free of the block that was the alternate stack of their handlers, as ruby
 * leaves it at its end. They write neither to the start nor to the end of what is free. */
SHAPE(freed_signal_stack) {
    struct sigaction action = {.sa_handler = handle, .sa_flags = SA_ONSTACK};
    stack_t stack = {.ss_size = 16 << 10}, none = {.ss_flags = SS_DISABLE};
    sigaction(SIGUSR1, &action, NULL);
    for (int is_moved = 0; is_moved < 2; is_moved++) {
        stack.ss_sp = malloc(stack.ss_size + PAGE);
        say("%ld\n", sigaltstack(&stack, NULL));
        raise(SIGUSR1);
        void *moved = is_moved ? realloc(stack.ss_sp, 60 << 10) : NULL;
        if (!is_moved)
            free(stack.ss_sp);
        raise(SIGUSR1);
        sigaltstack(&none, NULL);
        free(moved);
        works();
    }
    say("handled %ld\n", handled);
}

SHAPE(personalities) {
    say("%ld\n", personality(0xffffffff) >= 0);
    say("%ld\n", personality(READ_IMPLIES_EXEC | ADDR_NO_RANDOMIZE) >= 0);
    works();
    if (!getenv("SMALL_AGAIN")) {
        setenv("SMALL_AGAIN", "1", 1);
        execl("/proc/self/exe", "small_kernel", "personalities", NULL);
    }
}

SHAPE(no_environment) {
    static char *const words[] = {NULL}, *const one[] = {"small_kernel", "works", NULL};
    pid_t child = fork();
    if (child == 0) {
        execve("/bin/false", words, words);
        _exit(12);
    }
    wait_for(child);
    execve("/proc/self/exe", one, words);
}

RUN_ONE()
