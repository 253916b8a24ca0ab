/* BenchFast's pool: reserved at start, a portion with its stacks for each thread. */
#include "entry/bench_fast.h"

#include "options.h"
#include "platform/line.h"
#include "slab/slab.h"

#define STACK_BYTES     ((HAK_BENCH_PLACES + 1) * sizeof(base_t))
#define ALL_STACK_BYTES (HAK_BENCH_CLASSES * STACK_BYTES)

enum { NO_PORTION = HAK_BENCH_PORTIONS };

uintptr_t hak_bench_pool;
size_t hak_bench_pool_bytes;

/* A portion's stacks, NULL until a thread had it; the tops between two threads. */
static struct portion {
    base_t *stacks;
    base_t *top[HAK_BENCH_CLASSES];
} portions[HAK_BENCH_PORTIONS];

static _Atomic uint32_t taken_portions; /* a bit for each */
static _Atomic bool has_reported;
static _Thread_local unsigned own_portion = NO_PORTION;

static base_t *stack_of(const struct portion *portion, unsigned class_index) {
    return portion->stacks + class_index * (STACK_BYTES / sizeof(base_t));
}

void hak_bench_fast_start(void) {
    if (!hak_options.bench_fast_mode)
        return;
    size_t bytes = (size_t)HAK_BENCH_CLASSES << HAK_BENCH_CLASS_SHIFT;
    void *start = hak_reserve(bytes);
    if (start) {
        hak_bench_pool = (uintptr_t)start;
        hak_bench_pool_bytes = bytes;
        return;
    }
    struct hak_line line = {.length = 0};
    hak_line_say(&line, "hakmem: HAKMEM_BENCH_FAST_MODE: ", bytes >> 30,
                 " GiB of addresses are not available; going the normal way");
    hak_line_end(&line);
}

/* A free portion, which is the caller's then; NO_PORTION when threads have all. */
static unsigned take_portion(void) {
    uint32_t taken = atomic_load_explicit(&taken_portions, memory_order_relaxed);
    for (;;) {
        unsigned portion = (unsigned)__builtin_ctz(~taken);
        if (portion >= HAK_BENCH_PORTIONS)
            return NO_PORTION;
        if (atomic_compare_exchange_weak_explicit(&taken_portions, &taken, taken | 1u << portion,
                                                  memory_order_acquire, memory_order_relaxed))
            return portion;
    }
}

/* Fills the stacks, the lowest address on top. False without memory. */
static bool make_stacks(struct portion *portion, unsigned number) {
    portion->stacks = hak_map(HAK_PAGES_OF(ALL_STACK_BYTES));
    if (!portion->stacks)
        return false;
    for (unsigned c = 0; c < HAK_BENCH_CLASSES; c++) {
        base_t *stack = stack_of(portion, c);
        uintptr_t first = hak_bench_pool + ((uintptr_t)c << HAK_BENCH_CLASS_SHIFT) +
                          ((uintptr_t)number << HAK_BENCH_PORTION_SHIFT);
        for (unsigned i = 0; i < HAK_BENCH_BLOCKS; i++)
            stack[HAK_BENCH_BLOCKS - i] = base_from((void *)(first + i * hak_class_bytes(c)));
        portion->top[c] = stack + HAK_BENCH_BLOCKS;
    }
    return true;
}

void hak_bench_fast_begin(void) {
    if (hak_bench_pool_bytes == 0 || own_portion != NO_PORTION ||
        hak_thread.state != HAK_THREAD_OWN)
        return;
    unsigned number = take_portion();
    if (number == NO_PORTION)
        return;
    struct portion *portion = &portions[number];
    if (!portion->stacks && !make_stacks(portion, number)) {
        atomic_fetch_and(&taken_portions, ~(1u << number));
        return;
    }
    own_portion = number;
    for (unsigned c = 0; c < HAK_BENCH_CLASSES; c++) {
        hak_thread.top[c] = portion->top[c];
        hak_thread.end[c] = stack_of(portion, c) + HAK_BENCH_PLACES;
    }
}

/* Gives the blocks of slabs that came onto a stack back to the heap; those of the pool stay.
 * Returns the new top. */
static base_t *sort_out(base_t *stack, const base_t *top) {
    base_t *kept = stack;
    for (const base_t *at = stack + 1; at <= top; at++)
        if (hak_bench_fast_holds(at->p))
            *++kept = *at;
        else
            hak_slab_give(hak_thread.heap, *at);
    return kept;
}

void hak_bench_fast_end(void) {
    if (own_portion == NO_PORTION)
        return;
    struct portion *portion = &portions[own_portion];
    for (unsigned c = 0; c < HAK_BENCH_CLASSES; c++) {
        base_t *top = hak_thread.top[c];
        hak_thread.top[c] = hak_thread.end[c] = &hak_no_block;
        portion->top[c] = sort_out(stack_of(portion, c), top);
    }
    atomic_fetch_and_explicit(&taken_portions, ~(1u << own_portion), memory_order_release);
    own_portion = NO_PORTION;
}

void hak_bench_fast_report_empty(unsigned class_index) {
    if (class_index >= HAK_BENCH_CLASSES || atomic_exchange(&has_reported, true))
        return;
    struct hak_line line = {.length = 0};
    hak_line_say(&line, "hakmem: HAKMEM_BENCH_FAST_MODE: no block of ",
                 hak_class_bytes(class_index),
                 " B is left in the pool; what is measured from here on is not the pool alone");
    hak_line_end(&line);
}
