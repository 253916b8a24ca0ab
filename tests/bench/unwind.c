/* Measures one stack in nanoseconds, at three depths: by hakmem's walk, by the walk with interning
 * (what an event costs) and by libunwind's unw_backtrace. unwind [ROUNDS [DEPTH]]. */
#define UNW_LOCAL_ONLY
#include <libunwind.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <time.h>
#include "unwind/modules.h"
#include "trace/stacks/stacks.h"
#include "trace/trace.h"
#include "unwind/unwind.h"

enum { NODES = 1 << 16, FRAMES = 256, REPEATS = 7 };

static void note_load(const char *path, const uint8_t *build_id, size_t build_id_bytes,
                      uint64_t load_bias, uint64_t map_start, uint64_t map_end,
                      uint32_t generation) {
    (void)path, (void)build_id, (void)build_id_bytes, (void)load_bias;
    (void)map_start, (void)map_end, (void)generation;
}

static void note_unload(uint64_t map_start, uint64_t map_end, uint32_t mark, uint32_t generation) {
    (void)generation;
    hak_stacks_forget(map_start, map_end, mark);
}

static const struct hak_modules_listener listener = {hak_stacks_node_count, note_load, note_unload};

static long rounds;
static uintptr_t ips[FRAMES];
static enum hak_unwind_end end;
static uint8_t flags;

static size_t by_walk(void) {
    return hak_unwind_here(ips, FRAMES, &end);
}
static size_t by_stack(void) {
    return hak_stack_here(false, &flags);
}
static size_t by_libunwind(void) {
    return (size_t)unw_backtrace((void **)ips, FRAMES);
}

/* As programs do: every other call comes from another function. */
static __attribute__((noinline)) size_t first_caller(size_t (*unwind)(void)) {
    size_t result = unwind();
    __asm__ volatile("" : "+r"(result));
    return result;
}
static __attribute__((noinline)) size_t second_caller(size_t (*unwind)(void)) {
    volatile char room[48];
    room[0] = 0;
    size_t result = unwind() + (size_t)room[0];
    __asm__ volatile("" : "+r"(result));
    return result;
}

static double now(void) {
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec * 1e9 + (double)time.tv_nsec;
}

static __attribute__((noinline)) double measure(int depth, size_t (*unwind)(void)) {
    if (depth > 0) {
        double result = measure(depth - 1, unwind);
        __asm__ volatile("" : : : "memory");
        return result;
    }
    double best = 1e18;
    for (int i = 0; i < REPEATS; i++) {
        double start = now();
        for (long k = 0; k < rounds; k++) {
            first_caller(unwind);
            second_caller(unwind);
        }
        double each = (now() - start) / (double)rounds / 2;
        best = each < best ? each : best;
    }
    return best;
}

int main(int argc, char **argv) {
    static const int depths[] = {3, 13, 48};
    static _Atomic uint32_t node_count;
    static _Atomic uint64_t no_stack;
    rounds = argc > 1 ? atol(argv[1]) : 200000;
    hak_modules_start(&listener);
    hak_stacks_start(&(struct hak_stacks_setup){.nodes = calloc(NODES, sizeof(struct hak_node)),
                                                .node_capacity = NODES,
                                                .node_count = &node_count,
                                                .no_stack = &no_stack,
                                                .depth = 64,
                                                .own_start = 1,
                                                .own_end = 1});
    printf("frames  walk  spliced and interned  unw_backtrace   (ns for each stack)\n");
    for (int i = 0; i < 3; i++) {
        int depth = argc > 2 ? atoi(argv[2]) : depths[i];
        size_t frames = hak_unwind_here(ips, FRAMES, &end) + (size_t)depth + 3;
        double walk = measure(depth, by_walk), stack = measure(depth, by_stack);
        printf("%6zu  %4.0f  %20.0f  %13.0f\n", frames, walk, stack, measure(depth, by_libunwind));
    }
    return 0;
}
