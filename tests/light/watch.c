/* Writes beside blocks in level light, each case by its name; and what debug registers leave
 * behind. Every block is guarded, so that the write goes into its slack, or into its header. */
#include <dirent.h>
#include <fcntl.h>
#include <linux/hw_breakpoint.h>
#include <linux/perf_event.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { BYTES = 40, WHOLE = 48, REGISTERS = 4, STEPS = 200 };

/* The one place that writes. */
static __attribute__((noinline)) void spoil(char *block, long at) {
    block[at] = 'x';
}

static __attribute__((noinline)) void peek(const volatile char *block, long at) {
    (void)block[at];
}

static void behind(void) {
    char *block = malloc(BYTES);
    spoil(block, BYTES + 1);
    free(block);
}

/* One that leaves no bytes up to the closed page. */
static void in_front(void) {
    char *block = malloc(WHOLE);
    spoil(block, -1);
    free(block);
}

static void *in_this_thread(void *unused) {
    behind();
    return unused;
}
static void in_thread(void) {
    pthread_t thread;
    pthread_create(&thread, NULL, in_this_thread, NULL);
    pthread_join(thread, NULL);
}

static void in_child(void) {
    fflush(stdout);
    if (fork() == 0) {
        behind();
        _exit(0);
    }
    wait(NULL);
}

/* The bytes of a block that has grown are the program's. */
static void resized(void) {
    char *block = malloc(30);
    block = realloc(block, 31);
    block[30] = 'x';
    spoil(block, 31);
    free(block);
}

/* Descriptors of events, counted without a call of malloc's family. */
static int count_events(void) {
    char name[64], link[64];
    int events = 0;
    for (int file = 3; file < 1024; file++) {
        snprintf(name, sizeof name, "/proc/self/fd/%d", file);
        ssize_t length = readlink(name, link, sizeof link - 1);
        events += length > 0 && memmem(link, (size_t)length, "perf_event", 10) != NULL;
    }
    return events;
}

/* The calling thread runs, and does not allocate, until none are left. */
static void run_until_they_go(void) {
    int events = count_events();
    for (int i = 0; i < STEPS && events != 0; i++) {
        for (clock_t end = clock() + CLOCKS_PER_SEC / 100; clock() < end;)
            for (volatile int j = 0; j < 100000; j++)
                continue;
        events = count_events();
    }
    printf("%d events are left\n", events);
}

static void leave(void) {
    char *volatile block = malloc(BYTES);
    run_until_they_go();
    free(block);
}

static void *allocate(void *block) {
    *(char *volatile *)block = malloc(BYTES);
    return NULL;
}

/* Another thread ends in its moment, and its block stays. */
static void ended(void) {
    pthread_t thread;
    char *volatile block;
    pthread_create(&thread, NULL, allocate, (void *)&block);
    pthread_join(thread, NULL);
    run_until_they_go();
    free(block);
}

/* The moment is over in the midst of a report of something else. */
static void reported(void) {
    char *watched = malloc(BYTES), *other = calloc(1, WHOLE);
    peek(other, WHOLE);
    free(other);
    free(watched);
}

/* The program has all registers for itself, then none. */
static void hold(void) {
    static uint64_t words[REGISTERS];
    int files[REGISTERS];
    for (int i = 0; i < REGISTERS; i++) {
        struct perf_event_attr own = {.type = PERF_TYPE_BREAKPOINT,
                                      .size = sizeof own,
                                      .bp_type = HW_BREAKPOINT_W,
                                      .bp_addr = (uintptr_t)&words[i],
                                      .bp_len = sizeof words[i],
                                      .exclude_kernel = 1,
                                      .exclude_hv = 1};
        files[i] = (int)syscall(SYS_perf_event_open, &own, 0, -1, -1, PERF_FLAG_FD_CLOEXEC);
    }
    char *unwatched = malloc(BYTES);
    for (int i = 0; i < REGISTERS; i++)
        close(files[i]);
    spoil(unwatched, BYTES);
    free(unwatched);
    puts("held");
    fflush(stdout);
    behind();
}

static const struct {
    const char *name;
    void (*run)(void);
} cases[] = {{"behind", behind},     {"in_front", in_front}, {"in_thread", in_thread},
             {"in_child", in_child}, {"resized", resized},   {"leave", leave},
             {"hold", hold},         {"reported", reported}, {"ended", ended}};

int main(int count, char **arguments) {
    setvbuf(stdout, NULL, _IONBF, 0);
    for (size_t i = 0; count == 2 && i < sizeof cases / sizeof *cases; i++)
        if (strcmp(cases[i].name, arguments[1]) == 0) {
            cases[i].run();
            puts("through");
            return 0;
        }
    return 2;
}
