/* Writes where nobody may, each case by its name, for HAKMEM_WATCH: who writes, where, and which
 * block.
 *
 * The write is far from any call of malloc's family, and the program ends well where it is not
 * seen. */
#include <dlfcn.h>
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <unistd.h>

enum { BYTES = 40, ROUNDS = 20000, THREADS = 4, SIZES = 700 };

static pthread_barrier_t barrier;
static char *volatile shared;

/* The one place that writes. */
static __attribute__((noinline)) void spoil(char *block, long at) {
    block[at] = 'x';
}

static void behind(void) {
    spoil(malloc(BYTES), BYTES);
}

/* The watched side of a block is drawn: as many blocks as are needed, and kept. Moves take a share
 * of the time that passes. */
static void in_front(void) {
    for (int i = 0; i < ROUNDS; i++) {
        spoil(malloc(BYTES), -1);
        if (i % 20 == 0)
            usleep(1000);
    }
}

/* One word: of more, the one that is watched is drawn. */
static void after_free(void) {
    for (int i = 0; i < ROUNDS; i++) {
        char *block = malloc(8);
        free(block);
        spoil(block, 3);
    }
}

static void large(void) {
    spoil(malloc(100000), 100000);
}

static void aligned(void) {
    spoil(aligned_alloc(256, 512), 512);
}

/* The block grows where it is over what was watched, and that is the program's then. */
static void resized(void) {
    char *block = malloc(30);
    block = realloc(block, 31);
    spoil(block, 30);
    spoil(block, 31);
}

static void in_library(void) {
    void (*volatile copy)(void *, const void *, size_t) =
        (void (*)(void *, const void *, size_t))dlsym(RTLD_DEFAULT, "memcpy");
    static const char text[64] = "more than fits";
    copy(malloc(BYTES + 1), text, 64);
}

/* One instruction that writes a byte after the other, and begins on a line of its own. */
static __attribute__((noinline)) void fill(char *block, long bytes) {
    register char *to __asm__("rdi") = block;
    register long count __asm__("rcx") = bytes;
    register int byte __asm__("eax") = 'x';
    __asm__ volatile("cld" : "+r"(to), "+r"(count), "+r"(byte));
    __asm__ volatile("rep stosb" : "+r"(to), "+r"(count) : "r"(byte) : "memory");
}

static void repeated(void) {
    fill(malloc(BYTES), BYTES + 8);
}

static void *write_it(void *is_later) {
    if (!is_later)
        pthread_barrier_wait(&barrier);
    spoil(shared, BYTES);
    return NULL;
}

static void in_later_thread(void) {
    pthread_t thread;
    shared = malloc(BYTES);
    pthread_create(&thread, NULL, write_it, &barrier);
    pthread_join(thread, NULL);
}

static void in_earlier_thread(void) {
    pthread_t thread;
    pthread_barrier_init(&barrier, NULL, 2);
    pthread_create(&thread, NULL, write_it, NULL);
    shared = malloc(BYTES);
    pthread_barrier_wait(&barrier);
    pthread_join(thread, NULL);
}

static void in_child(void) {
    if (fork() == 0) {
        behind();
        _exit(0);
    }
    wait(NULL);
}

static void in_thread_of_child(void) {
    if (fork() == 0) {
        in_earlier_thread();
        _exit(0);
    }
    wait(NULL);
}

static void block_trap(int how) {
    sigset_t trap;
    sigemptyset(&trap);
    sigaddset(&trap, SIGTRAP);
    sigprocmask(how, &trap, NULL);
}

static void blocked(void) {
    block_trap(SIG_BLOCK);
    behind();
    block_trap(SIG_UNBLOCK);
}

static volatile int traps;
static void on_trap(int number) {
    (void)number;
    traps++;
}

/* The program's own SIGTRAPs are its own, before and after. */
static void with_handler(void) {
    signal(SIGTRAP, on_trap);
    raise(SIGTRAP);
    __asm__ volatile("int3");
    printf("%d traps of the program's\n", traps);
    fflush(stdout);
    behind();
}

/* A SIGTRAP that the program has blocked waits, and it reads its mask back as it set it. */
static void own_trap(void) {
    sigset_t mask;
    signal(SIGTRAP, on_trap);
    block_trap(SIG_BLOCK);
    free(malloc(BYTES));
    raise(SIGTRAP);
    sigprocmask(SIG_BLOCK, NULL, &mask);
    int before = sigismember(&mask, SIGTRAP) ? traps : -1;
    block_trap(SIG_UNBLOCK);
    sigprocmask(SIG_BLOCK, NULL, &mask);
    printf("%d traps while blocked, %d after\n", before, sigismember(&mask, SIGTRAP) ? -1 : traps);
}

/* Another process is the program's debugger. */
static void traced(void) {
    char told = 0;
    int ready[2], over[2];
    if (pipe(ready) != 0 || pipe(over) != 0)
        return;
    pid_t program = getpid(), debugger = fork();
    prctl(PR_SET_PTRACER, debugger);
    if (debugger == 0) {
        close(over[1]);
        told = ptrace(PTRACE_SEIZE, program, NULL, NULL) == 0;
        if (write(ready[1], &told, 1) == 1)
            told = read(over[0], &told, 1) > 0;
        _exit(0);
    }
    if (read(ready[0], &told, 1) != 1 || !told)
        puts("cannot be traced");
    behind();
    close(over[1]);
    waitpid(debugger, NULL, 0);
}

static void ignored(void) {
    signal(SIGTRAP, SIG_IGN);
    behind();
}

/* Files that the program does not know are closed, and their numbers taken. */
static void closed(void) {
    for (int i = 3; i < 1024; i++)
        close(i);
    for (int i = 0; i < 600; i++)
        if (dup(0) < 0)
            break;
    for (int i = 0; i < 1000; i++) {
        char *block = malloc((size_t)i);
        memset(block, 1, (size_t)i);
        free(block);
    }
    puts("files are whole");
}

/* ---- correct: all bytes of each block are written, and no other
 * ---------------------------------- */

static void *churn(void *argument) {
    uint64_t seed = (uint64_t)(uintptr_t)argument * 0x9e3779b97f4a7c15u;
    char *held[64] = {0};
    for (int i = 0; i < ROUNDS * 5; i++) {
        seed = seed * 6364136223846793005u + 1442695040888963407u;
        char **at = &held[seed >> 58];
        size_t bytes = (seed >> 33) % SIZES + 1;
        switch (seed >> 28 & 3) {
        case 0:
            free(*at);
            *at = NULL;
            break;
        case 1:
            *at = realloc(*at, bytes);
            memset(*at, (int)bytes, bytes);
            break;
        case 2:
            free(*at);
            *at = aligned_alloc(64, (bytes + 63) / 64 * 64);
            memset(*at, (int)bytes, (bytes + 63) / 64 * 64);
            break;
        default:
            free(*at);
            *at = calloc(1, bytes);
            (*at)[bytes - 1] = 1;
        }
    }
    for (size_t i = 0; i < sizeof held / sizeof *held; i++)
        free(held[i]);
    return NULL;
}

static void correct(void) {
    pthread_t threads[THREADS];
    for (int i = 0; i < THREADS; i++)
        pthread_create(&threads[i], NULL, churn, (void *)(uintptr_t)(i + 1));
    for (int i = 0; i < 20; i++)
        if (fork() == 0) {
            churn((void *)(uintptr_t)(i + 10));
            _exit(0);
        }
    for (int i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    while (wait(NULL) > 0)
        continue;
}

static const struct {
    const char *name;
    void (*run)(void);
} cases[] = {
    {"behind", behind},
    {"in_front", in_front},
    {"after_free", after_free},
    {"large", large},
    {"repeated", repeated},
    {"aligned", aligned},
    {"resized", resized},
    {"in_library", in_library},
    {"in_later_thread", in_later_thread},
    {"in_earlier_thread", in_earlier_thread},
    {"in_child", in_child},
    {"in_thread_of_child", in_thread_of_child},
    {"blocked", blocked},
    {"with_handler", with_handler},
    {"own_trap", own_trap},
    {"traced", traced},
    {"ignored", ignored},
    {"closed", closed},
    {"correct", correct},
};

int main(int count, char **arguments) {
    for (size_t i = 0; count == 2 && i < sizeof cases / sizeof *cases; i++)
        if (strcmp(cases[i].name, arguments[1]) == 0) {
            cases[i].run();
            puts("through");
            return 0;
        }
    return 2;
}
