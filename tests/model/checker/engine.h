/* The exhaustive checker: runs the real layers under every schedule of two or three threads.
 *
 *   layers, compiled with -fsanitize=thread      the calls that this makes the compiler write
 *        |                                       (__tsan_*) are hooks.c: no thread sanitizer here
 *        | each access
 *   hooks.c --- atomic: a point where another thread may go on ---> explore.c: depth first over
 *        |                                                          all choices, states known by
 *        +--- plain: races.c: ordered behind the last one?          a hash are not gone into again
 *   platform.c: mappings, futex                  memory.c: pages, snapshot, restore, hash
 *
 * Threads are coroutines on stacks of their own. A state is: all pages that were ever written, the
 * live part of each stack, each thread's hak_thread, what it is about to do, and its store buffer.
 *
 * Memory model: x86-TSO (Sewell and others, "x86-TSO", CACM 2010): a store that is not seq_cst goes
 * to the thread's buffer and reaches memory at any later moment, in order; read-modify-writes,
 * seq_cst stores, fences and system calls wait until the buffer is empty. Reorderings by the
 * compiler are covered by races.c: plain accesses must be ordered by the C11 orders that the source
 * names, whatever the machine does.
 *
 * All of the checker's own state is in *model, outside of what is saved and restored. */
#ifndef TESTS_MODEL_ENGINE_H
#define TESTS_MODEL_ENGINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "front/front.h"

enum {
    THREADS_MAX = 3,
    STACK_BYTES = 64 << 10,
    BUFFER_STORES = 8,
    SUPERSLABS = 16,
    PAGE = 4096,
};

/* The memory that the layers get lies at one place, so that states can be compared. */
#define SPAN_START      ((char *)0x200000000000)
#define SPAN_BYTES      ((size_t)256 << 20)
#define SUPERSLAB_START (SPAN_START + SPAN_BYTES - SUPERSLABS * HAK_SUPERSLAB_BYTES)

enum op_kind {
    OP_BEGIN,
    OP_LOAD,
    OP_STORE,
    OP_CHANGE,
    OP_FENCE,
    OP_WAIT,
    OP_WAKE,
    OP_MAPPING,
    OP_LOCK
};

/* The next operation of a thread. */
struct op {
    enum op_kind kind;
    void *address;
    const void *where; /* code address, for the report */
    uint32_t expected; /* OP_WAIT: sleep while the word has this value */
};

typedef uint16_t clock_set[THREADS_MAX];

struct store {
    void *address;
    uint64_t value;
    uint32_t bytes;
    clock_set clocks; /* what the store releases */
    bool releases;
};

enum thread_status { THREAD_READY, THREAD_ASLEEP, THREAD_DONE };

struct model_thread {
    void *stack_pointer;
    enum thread_status status;
    struct op next;
    unsigned store_count;
    struct store stores[BUFFER_STORES];
    struct hak_thread hak;
    unsigned asleep_since; /* order of those that sleep */
    clock_set clocks, acquired_later, released_before;
};

/* All of a state but pages and stacks. */
struct now {
    unsigned sleeps;
    struct model_thread threads[THREADS_MAX];
};

struct scenario {
    const char *name;
    const char *words; /* what happens */
    unsigned threads;
    bool has_simple_locks;
    void (*set_up)(void);
    void (*run[THREADS_MAX])(void);
    void (*check)(void); /* after the last step */
};

struct hash {
    uint64_t low, high;
};

/* The content of a page. It does not change while it has users: snapshots, `now` and `before`
 * below. */
struct copy {
    char bytes[PAGE];
    struct hash hash; /* 0 when it is as before all */
    unsigned users;
    struct copy *next; /* that nobody uses */
};

struct page {
    char *address;
    struct copy *before; /* before all */
    struct copy *now;    /* when the memory's hash was made */
};

/* The accesses that races.c knows of eight bytes: an access is its thread and clock, 0 is none. */
struct cell {
    uint16_t wrote[8];
    uint16_t read[THREADS_MAX][8];
};

/* The clocks that an atomic variable hands on to whoever acquires it. */
struct sync {
    clock_set clocks;
};

enum { CELLS_MAX = 8192, SYNCS_MAX = 1024 };

struct search;
enum { PAGES_MAX = 4096, DEPTH_MAX = 4000 };

struct model {
    const struct scenario *scenario;
    struct search *search;
    bool has_buffers; /* stores are delayed */
    bool is_running;  /* a step is being made; else calls are direct */
    unsigned current; /* the thread that runs, or whose hak_thread is in place */
    void *scheduler_stack_pointer;
    struct now now;
    struct page pages[PAGES_MAX];
    unsigned page_count;
    struct copy *free_copies;
    bool is_hashed; /* each page is as its `now` says */
    char *stacks;
    char *data_start, *data_end;
    const void *cell_addresses[2 * CELLS_MAX]; /* by hash; these three only grow */
    uint16_t cell_indices[2 * CELLS_MAX];
    const void *sync_addresses[SYNCS_MAX];
    unsigned cell_count;
    struct cell cells[CELLS_MAX];
    struct sync syncs[SYNCS_MAX];
    /* figures */
    uint64_t states, steps, ends;
    double schedules;
    unsigned deepest;
};

extern struct model *model;

/* ---- for the scenarios ----------------------------------------------------------------------- */

/* Calls `function` at once as thread `thread`, from set_up or check. */
void model_as(unsigned thread, void (*function)(void));

/* The schedule that led here is an error: prints it and ends the program with status 1. */
_Noreturn void model_fail(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* A name for an address in reports. */
void model_name(const void *address, const char *name);

/* Checks the end of every schedule; ends all threads on the way (world.c). */
void world_check(unsigned live_blocks);
void world_start(void);

extern const struct scenario *const scenarios[];

/* ---- between the checker's files ------------------------------------------------------------- */

void memory_start(void);
struct snapshot;
void memory_save(struct snapshot **snapshot);
void memory_restore(const struct snapshot *snapshot);
struct hash memory_hash(void);
void memory_zero(void *start, size_t bytes);

/* The calling thread stops before `op`, until it is chosen. */
void explore_point(struct op op);
void explore(const struct scenario *scenario, bool has_buffers);
bool explore_is_shared(const void *address, bool is_write);
void explore_flush(struct model_thread *thread);
const char *report_name_of(const void *address);
void report_where(const void *where);

bool platform_is_mapped(const void *address);
void platform_check(void);
/* The program maps memory of its own where a SuperSlab could lie. False: something is there. */
bool platform_claim(unsigned place);

void races_start(void);
void races_plain(const void *address, size_t bytes, bool is_write, const void *where);
void races_forget(void *start, size_t bytes);
void races_load(void *address, int order);
void races_release(const void *address, const clock_set clocks, bool releases, bool is_change);
void races_fence(int order);
void races_store_clocks(clock_set clocks, int order, bool *releases);

#endif
