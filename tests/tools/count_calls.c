/* Counts the calls of the malloc family that give a record, in front of any allocator, for each
 * process of a tree.
 *
 * LD_PRELOAD="count_calls.so hakmem-debug.so", with COUNT_CALLS_FILE naming a sparse file of 1 MiB
 * (mode 0666 where processes change their user). It holds an array of `struct process`: word 0 of
 * the first is the number of those in use, each process image that made a call has one of the
 * others. Counted are MALLOC (malloc, calloc, the aligned family, operator new), REALLOC and FREE.
 * Calls that fail and free(NULL) are not; realloc(p, 0) of glibc frees, so it counts as FREE.
 *
 * A signal or another thread's exit ends a process inside a call: the record may be there or not.
 * Such calls are underway, and the record holds from `calls` less `returning` to `calls` more
 * `underway`. An inner call of the next library, and one that a longjmp left, count there as well.
 *
 * ld.so's own calls before the first constructor are left out, as hakmem leaves them out. A forked
 * child is known by a private page that the kernel wipes at fork, so that raw clone is seen, too.
 * qemu-user takes any advice of madvise and follows none: there it is known by its pid.
 */
#include <dlfcn.h>
#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <malloc.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <unistd.h>

enum { MALLOC, FREE, REALLOC, KINDS, FILE_BYTES = 1 << 20 };

/* 64 bytes, little-endian 64-bit words: the layout of COUNT_CALLS_FILE. */
struct process {
    _Atomic uint64_t pid; /* of the first one: how many are in use */
    _Atomic uint64_t calls[KINDS];
    _Atomic uint64_t underway[KINDS]; /* begun and not counted yet */
    _Atomic uint64_t returning;       /* FREE that are counted and have not returned */
};
static struct process *processes;     /* the file, shared by the tree */
static struct process uncounted;      /* where the calls go that no file can take */
static struct process *_Atomic *mine; /* a page of its own: NULL again in a forked child */
static int is_not_wiped;              /* that page, in a forked child */
static _Thread_local uint64_t calls_of_thread;

#define EXPORT __attribute__((visibility("default")))

/* Does this call come from ld.so? Before the first constructor has run nobody else calls. */
static int is_loader(const void *caller) {
    const char *base = (const char *)getauxval(AT_BASE);
    if (!base)
        return 0;
    const Elf64_Ehdr *head = (const void *)base;
    const Elf64_Phdr *part = (const void *)(base + head->e_phoff);
    uint64_t bytes = 0;
    for (int i = 0; i < head->e_phnum; i++)
        if (part[i].p_type == PT_LOAD && part[i].p_vaddr + part[i].p_memsz > bytes)
            bytes = part[i].p_vaddr + part[i].p_memsz;
    return (uint64_t)caller - (uint64_t)base < bytes;
}

static void map_file(void) {
    const char *path = environ ? getenv("COUNT_CALLS_FILE") : NULL;
    int file = path ? open(path, O_RDWR | O_CLOEXEC) : -1;
    void *shared =
        file < 0 ? MAP_FAILED : mmap(NULL, FILE_BYTES, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
    if (file >= 0)
        close(file);
    if (shared != MAP_FAILED)
        processes = shared;
}

static void start(void) {
    int before = errno;
    void *page = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (page == MAP_FAILED)
        _exit(3); /* as tests/memory/survive does where nothing is to be had */
    if (madvise(page, 4096, MADV_WIPEONFORK) != 0)
        abort();
    is_not_wiped = madvise(page, 4096, INT_MAX) == 0; /* no kernel knows this advice */
    map_file();
    mine = page;
    errno = before;
}

/* NULL where the process, a forked child perhaps, has no place yet; `mine` is set. */
static struct process *own_place(void) {
    struct process *process = atomic_load_explicit(mine, memory_order_relaxed);
    if (!is_not_wiped || !process || process->pid == (uint64_t)getpid())
        return process;
    atomic_compare_exchange_strong(mine, &process, NULL);
    return NULL;
}

static struct process *claim(void) {
    struct process *claimed = &uncounted;
    if (processes) {
        uint64_t place = atomic_fetch_add(&processes[0].pid, 1) + 1;
        if (place < FILE_BYTES / sizeof *processes)
            claimed = &processes[place];
    }
    struct process *none = NULL;
    atomic_store(&claimed->pid, (uint64_t)getpid());
    if (!atomic_compare_exchange_strong(mine, &none, claimed))
        return none; /* another thread was first: the place stays without calls */
    return claimed;
}

/* From the first call that is not ld.so's on, also one that fails, all are counted. Once libc's
 * constructor has set `environ`, ld.so calls for others: dlsym in a library's constructor. */
static void begin(const void *caller) {
    if (!mine && (environ || !is_loader(caller)))
        start();
}

/* ld.so calls for others, too, later on: for the first threads of a program that allocates only
 * there. */
__attribute__((constructor)) static void begin_at_the_latest(void) {
    if (!mine) {
        start();
    } else if (!processes) { /* what was called in DT_PREINIT_ARRAY, before there is `environ` */
        map_file();
        atomic_store(mine, NULL);
        struct process *process = claim();
        for (int kind = 0; kind < KINDS && process != &uncounted; kind++)
            process->calls[kind] += uncounted.calls[kind];
    }
}

/* NULL: nothing is counted yet. */
static struct process *process_of(const void *caller) {
    begin(caller);
    if (!mine)
        return NULL;
    struct process *process = own_place();
    return process ? process : claim();
}

static void count(int kind, const void *caller) {
    struct process *process = process_of(caller);
    if (!process)
        return;
    calls_of_thread++;
    atomic_fetch_add(&process->calls[kind], 1);
}
#define COUNT(kind) count(kind, __builtin_return_address(0))

/* A call, from its begin to its return. */
struct call {
    struct process *process; /* NULL: not counted */
    _Atomic uint64_t *word;  /* of the process: `underway` or `returning` */
    uint64_t calls_before;   /* of the thread */
};

static struct call enter(struct process *process, _Atomic uint64_t *word) {
    if (process)
        atomic_fetch_add(word, 1);
    return (struct call){process, word, calls_of_thread};
}
static struct call enter_kind(int kind, const void *caller) {
    struct process *process = process_of(caller);
    return enter(process, process ? &process->underway[kind] : NULL);
}
/* A free is counted before it is carried out: a forked child may go on inside. */
static struct call enter_free(const void *block, const void *caller) {
    struct process *process = block ? process_of(caller) : NULL;
    struct call call = enter(process, process ? &process->returning : NULL);
    if (block)
        count(FREE, caller);
    return call;
}
#define ENTER(kind)       enter_kind(kind, __builtin_return_address(0))
#define ENTER_FREE(block) enter_free(block, __builtin_return_address(0))

/* A child that was forked inside the call is another process, whose parent returns from it. */
static void leave(struct call call) {
    if (call.process && own_place() == call.process)
        atomic_fetch_sub(call.word, 1);
}
/* True when the call is still to be counted. */
static int is_uncounted(struct call call) {
    return calls_of_thread == call.calls_before;
}

/* Before glibc 2.34 dlsym asks calloc for the place of a thread's error, and does without where it
 * gets none: that is not the program's, and nobody is asked. The words of an older error, which it
 * frees before there is a free, are left. Volatile, since gcc believes that dlsym, a leaf, calls
 * nothing of this file. */
static _Thread_local volatile int is_looking;

static void *find_next(const char *name) {
    is_looking++;
    void *found = dlsym(RTLD_NEXT, name);
    is_looking--;
    return found;
}

/* Looked for at the first call: glibc's dlsym frees the result of its last error. Within that free
 * one loses it, and within dlerror, which calls realloc, one frees what dlerror goes on to use. */
static void (*next_free)(void *);
static void *(*next_realloc)(void *, size_t);

static void find_first(void) {
    if (next_realloc)
        return;
    next_free = (void (*)(void *))find_next("free");
    next_realloc = (void *(*)(void *, size_t))find_next("realloc");
}

/* The next library's function of the same name. */
#define NEXT(result, name, ...)                                                                    \
    static result (*next_##name)(__VA_ARGS__);                                                     \
    if (!next_##name)                                                                              \
        next_##name = (__typeof__(next_##name))find_next(#name);                                   \
    find_first()

/* A call that one of the next library's functions makes back into this one counts once. */
#define ALLOCATE(kind, expression)                                                                 \
    struct call call = ENTER(kind);                                                                \
    void *block = expression;                                                                      \
    if (block && is_uncounted(call))                                                               \
        COUNT(kind);                                                                               \
    leave(call);                                                                                   \
    return block

#define RELEASE(expression)                                                                        \
    struct call call = ENTER_FREE(block);                                                          \
    expression;                                                                                    \
    leave(call)

EXPORT void *malloc(size_t bytes) {
    NEXT(void *, malloc, size_t);
    ALLOCATE(MALLOC, next_malloc(bytes));
}
EXPORT void *calloc(size_t members, size_t bytes) {
    if (is_looking)
        return NULL;
    NEXT(void *, calloc, size_t, size_t);
    ALLOCATE(MALLOC, next_calloc(members, bytes));
}
EXPORT void *memalign(size_t alignment, size_t bytes) {
    NEXT(void *, memalign, size_t, size_t);
    ALLOCATE(MALLOC, next_memalign(alignment, bytes));
}
EXPORT void *aligned_alloc(size_t alignment, size_t bytes) {
    NEXT(void *, aligned_alloc, size_t, size_t);
    ALLOCATE(MALLOC, next_aligned_alloc(alignment, bytes));
}
EXPORT void *valloc(size_t bytes) {
    NEXT(void *, valloc, size_t);
    ALLOCATE(MALLOC, next_valloc(bytes));
}
EXPORT void *pvalloc(size_t bytes) {
    NEXT(void *, pvalloc, size_t);
    ALLOCATE(MALLOC, next_pvalloc(bytes));
}
/* libc's call malloc, which counts; an allocator's own do not. */
EXPORT char *strdup(const char *text) {
    NEXT(char *, strdup, const char *);
    ALLOCATE(MALLOC, next_strdup(text));
}
EXPORT char *strndup(const char *text, size_t bytes) {
    NEXT(char *, strndup, const char *, size_t);
    ALLOCATE(MALLOC, next_strndup(text, bytes));
}
EXPORT int posix_memalign(void **result, size_t alignment, size_t bytes) {
    NEXT(int, posix_memalign, void **, size_t, size_t);
    struct call call = ENTER(MALLOC);
    int error = next_posix_memalign(result, alignment, bytes);
    if (!error && *result && is_uncounted(call))
        COUNT(MALLOC);
    leave(call);
    return error;
}
EXPORT void *realloc(void *old, size_t bytes) {
    find_first();
    struct call call = old && bytes == 0 ? ENTER_FREE(old) : ENTER(REALLOC);
    void *block = next_realloc(old, bytes);
    if (block)
        COUNT(REALLOC);
    leave(call);
    return block;
}
EXPORT void *reallocarray(void *old, size_t members, size_t bytes) {
    size_t total;
    if (__builtin_mul_overflow(members, bytes, &total)) {
        errno = ENOMEM;
        return NULL;
    }
    return realloc(old, total);
}
EXPORT void free(void *block) {
    if (!next_free && is_looking)
        return;
    find_first();
    RELEASE(next_free(block));
}
EXPORT void free_sized(void *block, size_t bytes) {
    NEXT(void, free_sized, void *, size_t);
    if (!next_free_sized)
        free(block);
    else {
        RELEASE(next_free_sized(block, bytes));
    }
}
EXPORT void free_aligned_sized(void *block, size_t alignment, size_t bytes) {
    NEXT(void, free_aligned_sized, void *, size_t, size_t);
    if (!next_free_aligned_sized)
        free(block);
    else {
        RELEASE(next_free_aligned_sized(block, alignment, bytes));
    }
}

/* glibc's second names of the same. */
EXPORT void *__libc_malloc(size_t bytes) {
    NEXT(void *, __libc_malloc, size_t);
    ALLOCATE(MALLOC, next___libc_malloc(bytes));
}
EXPORT void *__libc_calloc(size_t members, size_t bytes) {
    NEXT(void *, __libc_calloc, size_t, size_t);
    ALLOCATE(MALLOC, next___libc_calloc(members, bytes));
}
EXPORT void *__libc_memalign(size_t alignment, size_t bytes) {
    NEXT(void *, __libc_memalign, size_t, size_t);
    ALLOCATE(MALLOC, next___libc_memalign(alignment, bytes));
}
EXPORT void *__libc_realloc(void *old, size_t bytes) {
    return realloc(old, bytes);
}
EXPORT void __libc_free(void *block) {
    free(block);
}

/* The C++ operators by their mangled names; where the next library has none they end in malloc. */
#define NEW(name, parameters, arguments, otherwise)                                                \
    EXPORT void *name parameters {                                                                 \
        static void *(*next)parameters;                                                            \
        if (!next)                                                                                 \
            next = (void *(*)parameters)find_next(#name);                                          \
        ALLOCATE(MALLOC, next ? next arguments : otherwise);                                       \
    }
#define DELETE(name, parameters, arguments)                                                        \
    EXPORT void name parameters {                                                                  \
        static void(*next) parameters;                                                             \
        if (!next)                                                                                 \
            next = (void(*) parameters)find_next(#name);                                           \
        struct call call = ENTER(FREE);                                                            \
        if (next)                                                                                  \
            next arguments;                                                                        \
        else                                                                                       \
            free(block);                                                                           \
        if (block && is_uncounted(call))                                                           \
            COUNT(FREE);                                                                           \
        leave(call);                                                                               \
    }
typedef const void *nothrow;
NEW(_Znwm, (size_t bytes), (bytes), malloc(bytes))
NEW(_Znam, (size_t bytes), (bytes), malloc(bytes))
NEW(_ZnwmRKSt9nothrow_t, (size_t bytes, nothrow n), (bytes, n), malloc(bytes))
NEW(_ZnamRKSt9nothrow_t, (size_t bytes, nothrow n), (bytes, n), malloc(bytes))
NEW(_ZnwmSt11align_val_t, (size_t bytes, size_t a), (bytes, a), memalign(a, bytes))
NEW(_ZnamSt11align_val_t, (size_t bytes, size_t a), (bytes, a), memalign(a, bytes))
NEW(_ZnwmSt11align_val_tRKSt9nothrow_t, (size_t bytes, size_t a, nothrow n), (bytes, a, n),
    memalign(a, bytes))
NEW(_ZnamSt11align_val_tRKSt9nothrow_t, (size_t bytes, size_t a, nothrow n), (bytes, a, n),
    memalign(a, bytes))
DELETE(_ZdlPv, (void *block), (block))
DELETE(_ZdaPv, (void *block), (block))
DELETE(_ZdlPvm, (void *block, size_t bytes), (block, bytes))
DELETE(_ZdaPvm, (void *block, size_t bytes), (block, bytes))
DELETE(_ZdlPvRKSt9nothrow_t, (void *block, nothrow n), (block, n))
DELETE(_ZdaPvRKSt9nothrow_t, (void *block, nothrow n), (block, n))
DELETE(_ZdlPvSt11align_val_t, (void *block, size_t a), (block, a))
DELETE(_ZdaPvSt11align_val_t, (void *block, size_t a), (block, a))
DELETE(_ZdlPvmSt11align_val_t, (void *block, size_t bytes, size_t a), (block, bytes, a))
DELETE(_ZdaPvmSt11align_val_t, (void *block, size_t bytes, size_t a), (block, bytes, a))
DELETE(_ZdlPvSt11align_val_tRKSt9nothrow_t, (void *block, size_t a, nothrow n), (block, a, n))
DELETE(_ZdaPvSt11align_val_tRKSt9nothrow_t, (void *block, size_t a, nothrow n), (block, a, n))
