/* Forks against everything in libc that holds a lock and allocates: `fork_waits SECONDS`.
 *
 * One thread flushes all streams, some read long lines, others ask the name service, load modules,
 * change locales, start threads and take blocks of all sizes, and two fork. A fork takes locks of
 * libc's, and so do they, with calls of malloc inside: whoever makes fork wait for such a call
 * closes a circle. Each child checks and frees what it inherited, allocates, has a thread and a
 * child of its own. Prints "N forks", or what stood still or went wrong. */
#include <dlfcn.h>
#include <errno.h>
#include "hakmem.h"
#include <locale.h>
#include <netdb.h>
#include <pthread.h>
#include <pwd.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { READERS = 2, TAKERS = 3, FORKERS = 2, KEPT = 64, HANDED = 64, PATIENCE_S = 60 };

static atomic_bool stop;
static atomic_uint forks, lines;
static atomic_uintptr_t handed[HANDED]; /* blocks that threads leave to whoever comes */
static char line_path[] = "lines.XXXXXX";

static void fail(const char *what) {
    printf("%s, after %u forks\n", what, forks);
    fflush(stdout);
    _exit(1);
}

static unsigned next_random(uint64_t *state) {
    *state ^= *state << 13, *state ^= *state >> 7, *state ^= *state << 17;
    return (unsigned)(*state >> 16);
}

/* ---- blocks: their size, and their size again at the end ------------------------------------ */

static size_t any_size(uint64_t *random) {
    unsigned r = next_random(random);
    if (r % 8 < 4)
        return 32 + r / 8 % 2000;
    if (r % 8 < 7)
        return 32 + r / 8 % 900000;
    return ((size_t)1 << 20) + r / 8 % 3000000;
}

static void *mark(void *block, size_t bytes) {
    if (!block)
        fail("malloc gave nothing");
    memcpy(block, &bytes, sizeof bytes);
    memcpy((char *)block + bytes - sizeof bytes, &bytes, sizeof bytes);
    return block;
}

static size_t check(const void *block) {
    size_t first, last;
    memcpy(&first, block, sizeof first);
    memcpy(&last, (const char *)block + first - sizeof last, sizeof last);
    if (first != last)
        fail("a block's bytes changed");
    return first;
}

static void drop(void *block) {
    if (block)
        (void)check(block);
    free(block);
}

static void churn(void **kept, uint64_t *random, unsigned steps) {
    for (unsigned i = 0; i < steps; i++) {
        unsigned at = next_random(random) % KEPT;
        size_t bytes = any_size(random);
        if (kept[at] && next_random(random) % 4 == 0) {
            (void)check(kept[at]);
            kept[at] = mark(realloc(kept[at], bytes), bytes);
        } else {
            drop(kept[at]);
            kept[at] = mark(malloc(bytes), bytes);
        }
        uintptr_t mine = (uintptr_t)kept[at];
        kept[at] = (void *)atomic_exchange(&handed[next_random(random) % HANDED], mine);
    }
}

static void drop_all(void **kept) {
    for (int i = 0; i < KEPT; i++) {
        drop(kept[i]);
        kept[i] = NULL;
    }
}

/* ---- those who hold locks of libc's and allocate -------------------------------------------- */

static void *take_blocks(void *number) {
    void *kept[KEPT] = {NULL};
    uint64_t random = 88172645463325252ull + (uintptr_t)number;
    while (!stop)
        churn(kept, &random, 100);
    drop_all(kept);
    return NULL;
}

/* libc reads its own files without a stream's lock, and fflush(NULL) moves what is read in another
 * thread in glibc 2.43: the two take turns. */
static pthread_mutex_t libc_reads = PTHREAD_MUTEX_INITIALIZER;

static void *flush_all(void *nothing) {
    while (!stop) {
        pthread_mutex_lock(&libc_reads);
        fflush(NULL);
        pthread_mutex_unlock(&libc_reads);
        sched_yield();
    }
    return nothing;
}

static void *read_lines(void *nothing) {
    while (!stop) {
        FILE *file = fopen(line_path, "r+");
        char *line = NULL;
        size_t bytes = 0;
        while (file && getline(&line, &bytes, file) > 0)
            lines++;
        free(line);
        if (file)
            fclose(file);
    }
    return nothing;
}

static void *ask_names(void *nothing) {
    while (!stop) {
        struct addrinfo *found = NULL, hints = {.ai_flags = AI_NUMERICSERV};
        pthread_mutex_lock(&libc_reads);
        if (getaddrinfo("localhost", "80", &hints, &found) == 0)
            freeaddrinfo(found);
        (void)getpwnam("root");
        (void)getservbyname("http", "tcp");
        pthread_mutex_unlock(&libc_reads);
    }
    return nothing;
}

static void *load_modules(void *nothing) {
    static const char *const names[] = {"libm.so.6", "libresolv.so.2", "libgcc_s.so.1"};
    for (unsigned i = 0; !stop; i++) {
        void *module = dlopen(names[i % 3], RTLD_NOW);
        if (module)
            dlclose(module);
    }
    return nothing;
}

static void *change_locales(void *nothing) {
    while (!stop) {
        (void)setlocale(LC_ALL, "C.UTF-8");
        locale_t made = newlocale(LC_ALL_MASK, "C.UTF-8", (locale_t)0);
        if (made)
            freelocale(made);
        (void)setlocale(LC_ALL, "C");
    }
    return nothing;
}

static void *live_shortly(void *number) {
    void *kept[KEPT] = {NULL};
    uint64_t random = 1234567 + (uintptr_t)number;
    churn(kept, &random, 30);
    drop_all(kept);
    return NULL;
}

static void *start_threads(void *nothing) {
    for (uintptr_t i = 0; !stop; i++) {
        pthread_t thread;
        if (pthread_create(&thread, NULL, live_shortly, (void *)i) == 0)
            pthread_join(thread, NULL);
    }
    return nothing;
}

/* ---- those who fork ------------------------------------------------------------------------- */

static void be_child(void **kept, uint64_t *random, bool has_child);

static void fork_and_wait(void **kept, uint64_t *random, bool has_child) {
    int status = 0;
    pid_t child = fork();
    if (child == 0)
        be_child(kept, random, has_child);
    while (child > 0 && waitpid(child, &status, 0) != child && errno == EINTR)
        continue;
    if (child > 0 && WIFSIGNALED(status))
        printf("signal %d: ", WTERMSIG(status));
    if (child > 0 && status != 0)
        fail("a child did not end well");
}

static void be_child(void **kept, uint64_t *random, bool has_child) {
    pthread_t thread;
    alarm(PATIENCE_S);
    for (int i = 0; i < HANDED; i++)
        drop((void *)atomic_exchange(&handed[i], 0));
    churn(kept, random, 60);
    if (pthread_create(&thread, NULL, live_shortly, NULL) == 0) {
        if (has_child)
            fork_and_wait(kept, random, false);
        pthread_join(thread, NULL);
    }
    drop_all(kept);
    if (hak_verify && hak_verify() != 0)
        fail("hak_verify found something");
    _exit(0);
}

static void *fork_often(void *number) {
    void *kept[KEPT] = {NULL};
    uint64_t random = 987654321 + (uintptr_t)number;
    while (!stop) {
        churn(kept, &random, 20);
        fork_and_wait(kept, &random, next_random(&random) % 4 == 0);
        forks++;
    }
    drop_all(kept);
    return NULL;
}

/* ---- all of them ---------------------------------------------------------------------------- */

static void write_lines(void) {
    int number = mkstemp(line_path);
    FILE *file = number < 0 ? NULL : fdopen(number, "w");
    if (!file)
        fail("no file for the lines");
    for (int i = 0; i < 40; i++) {
        for (int j = 0; j < 3000 * i; j++)
            putc('a' + j % 26, file);
        putc('\n', file);
    }
    fclose(file);
}

static double now_s(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

/* Forks have to go on all the time. */
static void watch(double seconds) {
    double begin = now_s(), changed = begin;
    for (unsigned seen = forks; now_s() - begin < seconds; usleep(20000)) {
        if (forks != seen) {
            seen = forks;
            changed = now_s();
        }
        if (now_s() - changed > PATIENCE_S)
            fail("everything stands still");
    }
}

int main(int argc, char **argv) {
    static void *(*const work[])(void *) = {flush_all, ask_names, load_modules, change_locales,
                                            start_threads};
    enum { WORK = sizeof work / sizeof *work };
    pthread_t threads[WORK + READERS + TAKERS + FORKERS];
    uintptr_t count = 0;
    write_lines();
    for (int i = 0; i < WORK; i++)
        pthread_create(&threads[count++], NULL, work[i], NULL);
    for (int i = 0; i < READERS; i++)
        pthread_create(&threads[count++], NULL, read_lines, NULL);
    for (int i = 0; i < TAKERS; i++, count++)
        pthread_create(&threads[count], NULL, take_blocks, (void *)count);
    for (int i = 0; i < FORKERS; i++, count++)
        pthread_create(&threads[count], NULL, fork_often, (void *)count);
    watch(argc > 1 ? atof(argv[1]) : 5);
    stop = true;
    while (count > 0)
        pthread_join(threads[--count], NULL);
    unlink(line_path);
    printf("%u forks\n", forks);
    return lines > 0 && forks > 0 ? 0 : 1;
}
