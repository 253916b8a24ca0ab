/* Times each call of the malloc family of whatever program it is preloaded into, in front of the
 * allocator that serves it: LD_PRELOAD="latency.so ALLOCATOR" HAKMEM_BENCH_LATENCY=FILE PROGRAM.
 *
 *   program --> malloc, calloc, realloc, free here --> the next library's, between two readings of
 * the time stamp counter
 *
 * At exit FILE.PID has a line for each kind of call and each number of ticks that some call took:
 * KIND TICKS CALLS. Ticks are those of the call and of one reading; they are kept to 1 part in 32,
 * and the greatest as it is (its line: KIND TICKS max). After each call nothing is timed in the
 * same way (kind nothing): so much comes from interrupts and other programs. The first line has the
 * ticks and the nanoseconds of the whole run. */
#include <dlfcn.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

enum { MALLOC, CALLOC, REALLOC, FREE, ALIGNED, NOTHING, KINDS, PARTS = 32, PLACES = 40 * PARTS };
static const char *const names[KINDS] = {"malloc", "calloc",  "realloc",
                                         "free",   "aligned", "nothing"};

/* The calls of one thread; never given back, so that the process's end can read it. */
struct seen {
    struct seen *next;
    uint32_t calls[KINDS][PLACES];
    uint64_t most[KINDS];
};
static _Atomic(struct seen *) all;
static __thread struct seen *own __attribute__((tls_model("initial-exec")));

static void *(*next_malloc)(size_t), *(*next_calloc)(size_t, size_t);
static void *(*next_realloc)(void *, size_t), (*next_free)(void *);
static int (*next_posix_memalign)(void **, size_t, size_t);
static void *(*next_aligned_alloc)(size_t, size_t);

/* dlsym may ask for memory before the next library is known. */
static char early[65536];
static _Atomic size_t early_used;

static void *take_early(size_t bytes) {
    size_t at = atomic_fetch_add(&early_used, (bytes + 15) & ~(size_t)15);
    return at + bytes <= sizeof early ? early + at : NULL;
}
static int is_early(const void *p) {
    return (const char *)p >= early && (const char *)p < early + sizeof early;
}

static void find_next(void) {
    static _Thread_local int is_looking;
    if (is_looking)
        return;
    is_looking = 1;
    *(void **)&next_calloc = dlsym(RTLD_NEXT, "calloc");
    *(void **)&next_realloc = dlsym(RTLD_NEXT, "realloc");
    *(void **)&next_free = dlsym(RTLD_NEXT, "free");
    *(void **)&next_posix_memalign = dlsym(RTLD_NEXT, "posix_memalign");
    *(void **)&next_aligned_alloc = dlsym(RTLD_NEXT, "aligned_alloc");
    *(void **)&next_malloc = dlsym(RTLD_NEXT, "malloc");
    is_looking = 0;
}

static struct seen *seen_by_thread(void) {
    if (own)
        return own;
    struct seen *seen =
        mmap(NULL, sizeof *seen, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (seen == MAP_FAILED)
        abort();
    memset(seen, 0, sizeof *seen); /* its pages are there before the first call is timed */
    seen->next = atomic_load(&all);
    while (!atomic_compare_exchange_weak(&all, &seen->next, seen))
        ;
    return own = seen;
}

static unsigned place_of(uint64_t ticks) {
    if (ticks < PARTS)
        return (unsigned)ticks;
    unsigned shift = 63 - (unsigned)__builtin_clzll(ticks) - 5;
    unsigned place = (shift + 1) * PARTS + (unsigned)(ticks >> shift) % PARTS;
    return place < PLACES ? place : PLACES - 1;
}
static uint64_t ticks_of(unsigned place) {
    return place < PARTS ? place : (uint64_t)(PARTS + place % PARTS) << (place / PARTS - 1);
}

static inline uint64_t begin(void) {
    (void)seen_by_thread();
    unsigned id;
    return __builtin_ia32_rdtscp(&id);
}
static inline void count(int kind, uint64_t ticks) {
    own->calls[kind][place_of(ticks)]++;
    if (ticks > own->most[kind])
        own->most[kind] = ticks;
}
static inline void end(int kind, uint64_t from) {
    unsigned id;
    uint64_t until = __builtin_ia32_rdtscp(&id);
    count(kind, until - from);
    from = __builtin_ia32_rdtscp(&id);
    until = __builtin_ia32_rdtscp(&id);
    count(NOTHING, until - from);
}

void *malloc(size_t bytes) {
    if (!next_malloc)
        find_next();
    if (!next_malloc)
        return take_early(bytes);
    uint64_t from = begin();
    void *p = next_malloc(bytes);
    end(MALLOC, from);
    return p;
}

void *calloc(size_t count, size_t bytes) {
    if (!next_malloc)
        find_next();
    if (!next_malloc)
        return take_early(count * bytes);
    uint64_t from = begin();
    void *p = next_calloc(count, bytes);
    end(CALLOC, from);
    return p;
}

void *realloc(void *old, size_t bytes) {
    if (is_early(old)) {
        void *p = malloc(bytes);
        return p ? memcpy(p, old, bytes) : NULL;
    }
    if (!next_malloc)
        find_next();
    uint64_t from = begin();
    void *p = next_realloc(old, bytes);
    end(REALLOC, from);
    return p;
}

void free(void *p) {
    if (!p || is_early(p))
        return;
    uint64_t from = begin();
    next_free(p);
    end(FREE, from);
}

int posix_memalign(void **out, size_t alignment, size_t bytes) {
    if (!next_malloc)
        find_next();
    uint64_t from = begin();
    int error = next_posix_memalign(out, alignment, bytes);
    end(ALIGNED, from);
    return error;
}

void *aligned_alloc(size_t alignment, size_t bytes) {
    if (!next_malloc)
        find_next();
    uint64_t from = begin();
    void *p = next_aligned_alloc(alignment, bytes);
    end(ALIGNED, from);
    return p;
}

static uint64_t start_ticks, start_ns;

static uint64_t now_ns(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

__attribute__((constructor)) static void start(void) {
    start_ticks = __builtin_ia32_rdtsc();
    start_ns = now_ns();
}

static void write_kind(int file, int kind) {
    char line[96];
    uint64_t most = 0;
    for (unsigned place = 0; place < PLACES; place++) {
        uint64_t calls = 0;
        for (struct seen *seen = atomic_load(&all); seen; seen = seen->next)
            calls += seen->calls[kind][place];
        if (calls)
            dprintf(file, "%s %lu %lu\n", names[kind], (unsigned long)ticks_of(place),
                    (unsigned long)calls);
    }
    for (struct seen *seen = atomic_load(&all); seen; seen = seen->next)
        most = seen->most[kind] > most ? seen->most[kind] : most;
    if (most && snprintf(line, sizeof line, "%s %lu max\n", names[kind], (unsigned long)most) > 0)
        (void)!write(file, line, strlen(line));
}

__attribute__((destructor)) static void write_all(void) {
    char path[4096];
    const char *name = getenv("HAKMEM_BENCH_LATENCY");
    if (!name || snprintf(path, sizeof path, "%s.%d", name, (int)getpid()) >= (int)sizeof path)
        return;
    int file = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
    if (file >= 0)
        dprintf(file, "%lu %lu\n", (unsigned long)(__builtin_ia32_rdtsc() - start_ticks),
                (unsigned long)(now_ns() - start_ns));
    for (int kind = 0; file >= 0 && kind < KINDS; kind++)
        write_kind(file, kind);
    if (file >= 0)
        close(file);
}
