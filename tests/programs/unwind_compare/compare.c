/* A preload that unwinds every stack of malloc, calloc, realloc and free twice, with hakmem's
 * unwinder and with libunwind, and counts where they differ.
 *
 * libunwind is opened with dlopen in a scope of its own, because its _Unwind_* names would
 * otherwise take the place of the C++ runtime's in the program. It takes ld.so's lock and keeps
 * caches over dlclose, so it is left out in forked children of threaded programs, in calls from
 * ld.so, and a difference counts only when unw_step with fresh caches confirms it.
 *
 * Counts go into the file named by UNWIND_COMPARE_COUNTS, which all processes of a run map;
 * differing stacks are written to stderr. UNWIND_COMPARE_EVERY=N takes every Nth call only. */
#define UNW_LOCAL_ONLY
#include "compare.h"
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <libunwind.h>
#include <link.h>
#include <malloc.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#include "unwind/modules.h"
#include "unwind/code.h"
#include "trace/stacks/stacks.h"
#include "trace/trace.h"
#include "unwind/unwind.h"
#include "platform/objects.h"

extern void *__libc_malloc(size_t);
extern void *__libc_calloc(size_t, size_t);
extern void *__libc_realloc(void *, size_t);
extern void __libc_free(void *);
extern void *__libc_memalign(size_t, size_t);

enum { FRAMES = 256, DEPTH = 64, NODES = 1 << 23, SHOWN = 10, SPLICED_EVERY = 16 };

static int (*backtrace_by_libunwind)(void **, int);
static int (*init_cursor)(unw_cursor_t *, unw_context_t *);
static int (*get_context)(unw_context_t *);
static int (*step_cursor)(unw_cursor_t *);
static int (*read_register)(unw_cursor_t *, int, unw_word_t *);
static void (*flush_caches)(unw_addr_space_t, unw_word_t, unw_word_t);
static unw_addr_space_t *local_space;

static struct compare_counts *counts;
static struct hak_node *nodes;       /* shared with forked children */
static _Atomic uint32_t *node_count; /* lies in node 0, which is none */
static _Atomic uint64_t no_stack;
static int libunwind_allowed;
static unsigned every = 1;
static uintptr_t own_start, own_bytes; /* this library */
static _Thread_local int busy __attribute__((tls_model("initial-exec")));
static _Thread_local unsigned calls __attribute__((tls_model("initial-exec")));
static _Thread_local unsigned times __attribute__((tls_model("initial-exec")));

static void note_load(const char *path, const uint8_t *build_id, size_t build_id_bytes,
                      uint64_t load_bias, uint64_t map_start, uint64_t map_end,
                      uint32_t generation) {
    (void)path, (void)build_id, (void)build_id_bytes, (void)load_bias;
    (void)map_start, (void)map_end, (void)generation;
    atomic_fetch_add(&counts->modules, 1);
}

static void note_unload(uint64_t map_start, uint64_t map_end, uint32_t mark, uint32_t generation) {
    (void)generation;
    hak_stacks_forget(map_start, map_end, mark);
    atomic_fetch_add(&counts->unloads, 1);
}

static const struct hak_modules_listener listener = {hak_stacks_node_count, note_load, note_unload};

/* libc's since glibc 2.32. */
extern char __libc_single_threaded __attribute__((weak)); /* NOLINT(bugprone-reserved-identifier) */

static int had_threads;

static void look_for_threads(void) {
    had_threads = !&__libc_single_threaded || !__libc_single_threaded;
}
static void stop_libunwind(void) {
    if (had_threads)
        libunwind_allowed = 0;
}

__attribute__((constructor)) static void start(void) {
    const char *file = getenv("UNWIND_COMPARE_COUNTS");
    const char *text = getenv("UNWIND_COMPARE_EVERY");
    busy = 1;
    int fd = file ? open(file, O_RDWR | O_CLOEXEC) : -1;
    if (fd < 0)
        return;
    void *map = mmap(NULL, sizeof *counts, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    close(fd);
    nodes = mmap(NULL, NODES * sizeof *nodes, PROT_READ | PROT_WRITE,
                 MAP_SHARED | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    void *library = dlopen("libunwind.so.8", RTLD_NOW | RTLD_LOCAL);
    if (map == MAP_FAILED || nodes == MAP_FAILED || !library)
        return;
    node_count = (_Atomic uint32_t *)nodes;
    atomic_store(node_count, 1);
    backtrace_by_libunwind = (int (*)(void **, int))dlsym(library, "unw_backtrace");
    init_cursor = (int (*)(unw_cursor_t *, unw_context_t *))dlsym(library, "_ULx86_64_init_local");
    get_context = (int (*)(unw_context_t *))dlsym(library, "_Ux86_64_getcontext");
    step_cursor = (int (*)(unw_cursor_t *))dlsym(library, "_ULx86_64_step");
    read_register = (int (*)(unw_cursor_t *, int, unw_word_t *))dlsym(library, "_ULx86_64_get_reg");
    flush_caches =
        (void (*)(unw_addr_space_t, unw_word_t, unw_word_t))dlsym(library, "_Ux86_64_flush_cache");
    local_space = dlsym(library, "_ULx86_64_local_addr_space");
    if (!backtrace_by_libunwind || !init_cursor || !get_context || !step_cursor || !read_register ||
        !flush_caches || !local_space)
        return;
    pthread_atfork(look_for_threads, NULL, stop_libunwind);
    struct hak_object own;
    if (!hak_object_find((uintptr_t)start, &own))
        return;
    own_start = own.start;
    own_bytes = own.end - own_start;
    counts = map;
    every = text ? (unsigned)atoi(text) : 1;
    hak_modules_start(&listener);
    hak_stacks_start(&(struct hak_stacks_setup){.nodes = nodes,
                                                .node_capacity = NODES,
                                                .node_count = node_count,
                                                .no_stack = &no_stack,
                                                .process = 0,
                                                .depth = DEPTH});
    libunwind_allowed = getenv("UNWIND_COMPARE_ALONE") == NULL;
    busy = 0;
}

/* The ips by unw_step from the registers in `context`, which lie in the calling function. */
static int step_all(unw_context_t *context, uintptr_t *ips) {
    unw_cursor_t cursor;
    unw_word_t ip;
    int count = 0;
    init_cursor(&cursor, context);
    do {
        read_register(&cursor, UNW_REG_IP, &ip);
        if (ip == 0)
            break;
        ips[count++] = ip;
    } while (count < FRAMES && step_cursor(&cursor) > 0);
    return count;
}

static void show(const char *what, const uintptr_t *ips, size_t count) {
    char line[400];
    for (size_t i = 0; i < count; i++) {
        struct hak_object object;
        bool found = hak_object_find(ips[i], &object);
        int bytes = snprintf(line, sizeof line, "%s %3zu %#lx %s+%#lx\n", what, i, ips[i],
                             found ? object.name : "?", found ? ips[i] - object.bias : 0);
        (void)!write(2, line, (size_t)bytes);
    }
}

/* The first few that are not alike, on stderr. */
static void show_both(const char *what, enum hak_unwind_end end, const uintptr_t *ours,
                      size_t our_count, const uintptr_t *theirs, size_t their_count) {
    static _Atomic unsigned shown;
    char line[100];
    if (atomic_fetch_add(&shown, 1) >= SHOWN)
        return;
    int bytes = snprintf(line, sizeof line, "%s, our walk's end %d:\n", what, end);
    (void)!write(2, line, (size_t)bytes);
    show("hakmem   ", ours, our_count);
    show("libunwind", theirs, their_count);
}

enum answer { SAME, DIFFERENT, OURS_FURTHER, THEIRS_FURTHER, GUESSED_OTHERWISE };

/* The frames up to the first without CFI, that one included: what both must find alike. */
static size_t count_known(const uintptr_t *ips, size_t count) {
    for (size_t i = 1; i < count; i++)
        if (!hak_code_has_cfi(ips[i] - 1))
            return i + 1;
    return count;
}

/* Do `ours` and `theirs` tell of the same callers? The first frame lies in compare(), where the two
 * were called from different places. A walk of ours that ended after as many frames as fit is
 * compared as far as it went. Behind a frame without CFI both guess, each in its own way. */
static enum answer compare_frames(const uintptr_t *ours, size_t our_count, enum hak_unwind_end end,
                                  const uintptr_t *theirs, size_t their_count) {
    size_t known = count_known(ours, our_count), both = 1;
    while (both < our_count && both < their_count && ours[both] == theirs[both])
        both++;
    if (end == HAK_UNWIND_DEPTH && both == our_count)
        return SAME;
    if (both == our_count && both == their_count)
        return SAME;
    if (both < known || (end == HAK_UNWIND_COMPLETE && known == our_count))
        return DIFFERENT;
    return both == their_count ? OURS_FURTHER
           : both == our_count ? THEIRS_FURTHER
                               : GUESSED_OTHERWISE;
}

/* Leaves out of `theirs` what is no code at all: behind a frame without CFI, libunwind takes
 * whatever lies above rbp for a return address. */
static size_t leave_out_wild(uintptr_t *theirs, size_t their_count) {
    size_t kept = 0;
    for (size_t i = 0; i < their_count; i++)
        if (hak_code_is_executable(theirs[i]))
            theirs[kept++] = theirs[i];
    if (kept != their_count)
        atomic_fetch_add(&counts->theirs_wild, 1);
    return kept;
}

/* Takes note of what is not a difference. Returns false when it is one. */
static int note_answer(enum answer answer, enum hak_unwind_end end) {
    if (answer == OURS_FURTHER) {
        atomic_fetch_add(&counts->ours_further, 1);
        if (end == HAK_UNWIND_BY_FRAMES)
            atomic_fetch_add(&counts->ours_further_whole, 1);
    } else if (answer == THEIRS_FURTHER) {
        atomic_fetch_add(&counts->theirs_further, 1);
    } else if (answer == GUESSED_OTHERWISE) {
        atomic_fetch_add(&counts->guessed_otherwise, 1);
    }
    return answer != DIFFERENT;
}

/* Does the interned stack `id` read back as `ips`, or as the newest of them, DEPTH at most and
 * three quarters of it at least? Frames of this library, which a signal may have interrupted, are
 * left out of stacks. `cut` gets whether there were more than DEPTH. */
static int reads_back(uint32_t id, const uintptr_t *ips, size_t count, int *cut) {
    size_t frames = 0, kept = 0;
    int differs = 0;
    for (size_t i = 0; i < count; i++) {
        if (ips[i] - own_start < own_bytes)
            continue;
        frames++;
        if (id == 0)
            continue;
        /* interrupted frames have their pc + 1 in nodes */
        differs |= id >= *node_count || nodes[id].ip - ips[i] > 1;
        id = differs ? 0 : nodes[id].parent;
        kept++;
    }
    *cut = frames > DEPTH;
    return !differs && id == 0 &&
           (*cut ? kept <= DEPTH && kept > DEPTH - DEPTH / 4 : kept == frames);
}

static __attribute__((noinline)) void compare(hak_call_t call) {
    uintptr_t ours[FRAMES], theirs[FRAMES];
    enum hak_unwind_end end;
    uint8_t flags;
    size_t our_count = hak_unwind_here(ours, FRAMES, &end);
    uint32_t id = hak_stack_of_call(__builtin_frame_address(0), call, &flags);
    /* The splice, which must come to the same, and makes this the last stack: not each time, or
     * the call would never be found among the tails. */
    uint32_t spliced = id;
    uint8_t flags_of_splice = flags;
    if (++times % SPLICED_EVERY == 0)
        spliced = hak_stack_here(false, &flags_of_splice);
    atomic_fetch_add(&counts->end[end], 1);
    /* frame 1 is malloc or free of this file, frame 2 its caller */
    if (our_count > 2 && hak_called_by_loader(ours[2])) {
        atomic_fetch_add(&counts->from_loader, 1);
        return;
    }
    int cut, whole = reads_back(id, ours + 2, our_count - 2, &cut);
    if (!whole || flags != (hak_stacks_flags(end) | (cut ? HAK_RECORD_PARTIAL : 0)) ||
        spliced != id || flags_of_splice != flags)
        atomic_fetch_add(&counts->interned_wrong, 1);
    atomic_fetch_add(&counts->frames, our_count);
    if (!libunwind_allowed) {
        atomic_fetch_add(&counts->ours_alone, 1);
        return;
    }
    size_t their_count = (size_t)backtrace_by_libunwind((void **)theirs, FRAMES);
    atomic_fetch_add(&counts->compared, 1);
    if (end != HAK_UNWIND_COMPLETE)
        their_count = leave_out_wild(theirs, their_count);
    enum answer answer = compare_frames(ours, our_count, end, theirs, their_count);
    if (answer == THEIRS_FURTHER || answer == GUESSED_OTHERWISE)
        show_both("libunwind went on", end, ours, our_count, theirs, their_count);
    if (note_answer(answer, end))
        return;
    unw_context_t context;
    flush_caches(*local_space, 0, 0);
    get_context(&context);
    their_count = (size_t)step_all(&context, theirs);
    if (note_answer(compare_frames(ours, our_count, end, theirs, their_count), end)) {
        atomic_fetch_add(&counts->stale_cache, 1);
        return;
    }
    atomic_fetch_add(&counts->different, 1);
    show_both("stacks differ", end, ours, our_count, theirs, their_count);
}

static inline int enter(void) {
    if (busy || !counts || ++calls % every != 0)
        return 0;
    busy = 1;
    return 1;
}

__attribute__((visibility("default"), noinline)) void *malloc(size_t bytes) {
    if (enter()) {
        compare(HAK_CALL);
        busy = 0;
    }
    return __libc_malloc(bytes);
}

__attribute__((visibility("default"), noinline)) void *calloc(size_t count, size_t bytes) {
    if (enter()) {
        compare(HAK_CALL);
        busy = 0;
    }
    return __libc_calloc(count, bytes);
}

__attribute__((visibility("default"), noinline)) void *realloc(void *block, size_t bytes) {
    if (enter()) {
        compare(HAK_CALL);
        busy = 0;
    }
    return __libc_realloc(block, bytes);
}

__attribute__((visibility("default"), noinline)) void free(void *block) {
    if (block && enter()) {
        compare(HAK_CALL);
        busy = 0;
    }
    __libc_free(block);
}

/* A program that brings an allocator of its own must not ask that one about libc's blocks. */
__attribute__((visibility("default"))) void *memalign(size_t alignment, size_t bytes) {
    return __libc_memalign(alignment, bytes);
}
__attribute__((visibility("default"))) void *aligned_alloc(size_t alignment, size_t bytes) {
    return __libc_memalign(alignment, bytes);
}
__attribute__((visibility("default"))) int posix_memalign(void **block, size_t alignment,
                                                          size_t bytes) {
    *block = __libc_memalign(alignment, bytes);
    return *block ? 0 : ENOMEM;
}
__attribute__((visibility("default"))) size_t malloc_usable_size(void *block) {
    return block ? (((size_t *)block)[-1] & ~(size_t)7) - 8 - 8 * ((((size_t *)block)[-1] & 2) != 0)
                 : 0;
}
