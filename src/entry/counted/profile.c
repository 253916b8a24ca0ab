/* The heap profile of libhakmem.so: leads the family to the counted one, draws the gaps between
 * samples, and takes the stacks of sampled blocks (counted.h has the picture). */
#include "entry/counted/counted.h"

#include <pthread.h>
#include "entry/entry.h"
#include "heap_profile/heap_profile.h"
#include "large/large.h"
#include "light.h"
#include "platform/jumps/jumps.h"
#include "platform/line.h"
#include "platform/objects.h"
#include "platform/raw_call.h"
#include "platform/run_time.h"
#include "unwind/code.h"
#include "unwind/modules.h"
#include "unwind/unwind.h"

_Static_assert((int)HAK_LIGHT_LOOK_BYTES == (int)HAK_HEAP_PROFILE_LOOK_BYTES,
               "small blocks are sampled at looks");

/* ---- when ------------------------------------------------------------------------------------ */

/* Mean calls between looks, of which the thread's last gap was drawn. */
static __thread uint64_t own_gap __attribute__((tls_model("initial-exec")));

uint16_t hak_light_first_look(void) {
    own_gap = hak_heap_profile_gap();
    return (uint16_t)hak_chance_gap(own_gap, UINT16_MAX, hak_heap_profile_random());
}

/* Nothing is guarded: a look is for the heap profile alone. */
void *hak_light_take(struct hak_hand_out *how, uint16_t *until_look, int64_t *until_point,
                     double *weight) {
    hak_heap_profile_renew_point(until_point);
    if (how->asked_bytes <= HAK_LIGHT_LOOK_BYTES)
        *weight = hak_heap_profile_weigh_look(how->asked_bytes, own_gap, hak_heap_profile_random());
    *until_look = hak_light_first_look();
    return NULL;
}

static void begin_thread(void) {
    hak_thread.until_look = hak_light_first_look();
    hak_thread.until_point = hak_light_first_point();
}

/* ---- samples --------------------------------------------------------------------------------- */

static struct hak_object this_library;

/* The return addresses in the program, innermost first; returns how many there are. A module that
 * was unloaded since the last sample may have left its place to another. */
static size_t take_stack(uintptr_t ips[HAK_HEAP_PROFILE_DEPTH]) {
    enum { OWN_FRAMES = 16 };
    uintptr_t all[OWN_FRAMES + HAK_HEAP_PROFILE_DEPTH];
    enum hak_unwind_end end;
    size_t first = 0, count;
    hak_modules_check();
    count = hak_unwind_here(all, OWN_FRAMES + HAK_HEAP_PROFILE_DEPTH, &end);
    while (first < count && all[first] - this_library.start < this_library.end - this_library.start)
        first++;
    count -= first;
    if (count > HAK_HEAP_PROFILE_DEPTH)
        count = HAK_HEAP_PROFILE_DEPTH;
    memcpy(ips, all + first, count * sizeof *ips);
    return count;
}

uint32_t hak_light_sample(size_t bytes, size_t extra_bytes, double weight, hak_call_t call) {
    struct hak_heap_sample sample = {bytes, extra_bytes, weight};
    uintptr_t ips[HAK_HEAP_PROFILE_DEPTH];
    size_t count = take_stack(ips);
    (void)call;
    return hak_heap_profile_came(&sample, ips, count, hak_clock_ns(CLOCK_MONOTONIC));
}

void hak_light_sample_ends(uint32_t sample) {
    hak_heap_profile_went(sample, hak_clock_ns(CLOCK_MONOTONIC));
}

/* ---- start ----------------------------------------------------------------------------------- */

#define COUNTED(name)                                                                              \
    HAK_HIDDEN extern const char hak_own_##name[];                                                 \
    HAK_HIDDEN extern const char counted_hak_own_##name[]
/* Not a table: at each start ld.so would have to relocate that. */
#define ADD(name)                                                                                  \
    jumps[count++] = (struct hak_jump) {                                                           \
        hak_own_##name, counted_hak_own_##name                                                     \
    }

COUNTED(malloc);
COUNTED(calloc);
COUNTED(realloc);
COUNTED(reallocarray);
COUNTED(memalign);
COUNTED(aligned_alloc);
COUNTED(posix_memalign);
COUNTED(valloc);
COUNTED(pvalloc);
COUNTED(malloc_usable_size);
/* NOLINTBEGIN(bugprone-reserved-identifier,readability-identifier-naming) */
COUNTED(_Znwm);
COUNTED(_Znam);
COUNTED(_ZnwmRKSt9nothrow_t);
COUNTED(_ZnamRKSt9nothrow_t);
COUNTED(_ZnwmSt11align_val_t);
COUNTED(_ZnamSt11align_val_t);
COUNTED(_ZnwmSt11align_val_tRKSt9nothrow_t);
COUNTED(_ZnamSt11align_val_tRKSt9nothrow_t);

/* As the program's calls are bound. */
HAK_EXPORT extern const char _Znwm[], _Znam[], _ZnwmSt11align_val_t[], _ZnamSt11align_val_t[];

enum { JUMPS_MOST = 18 };

/* A compiler takes two names for two places. */
static bool is_bound_here(const char *bound, const char *own_form) {
    __asm__("" : "+r"(bound));
    return bound == own_form;
}

/* Lists the functions that allocate. A form of new whose place the program's own may take calls
 * that, and stays as it is (operators.c). */
static size_t list_jumps(struct hak_jump jumps[JUMPS_MOST]) {
    size_t count = 0;
    ADD(malloc);
    ADD(calloc);
    ADD(realloc);
    ADD(reallocarray);
    ADD(memalign);
    ADD(aligned_alloc);
    ADD(posix_memalign);
    ADD(valloc);
    ADD(pvalloc);
    ADD(malloc_usable_size);
    ADD(_Znwm);
    ADD(_ZnwmSt11align_val_t);
    if (is_bound_here(_Znwm, hak_own__Znwm)) {
        ADD(_Znam);
        ADD(_ZnwmRKSt9nothrow_t);
        if (is_bound_here(_Znam, hak_own__Znam))
            ADD(_ZnamRKSt9nothrow_t);
    }
    if (is_bound_here(_ZnwmSt11align_val_t, hak_own__ZnwmSt11align_val_t)) {
        ADD(_ZnamSt11align_val_t);
        ADD(_ZnwmSt11align_val_tRKSt9nothrow_t);
        if (is_bound_here(_ZnamSt11align_val_t, hak_own__ZnamSt11align_val_t))
            ADD(_ZnamSt11align_val_tRKSt9nothrow_t);
    }
    return count;
}
/* NOLINTEND(bugprone-reserved-identifier,readability-identifier-naming) */

static HAK_COLD void say_refused(int error) {
    struct hak_line line = {.length = 0};
    hak_line_say(&line,
                 "hakmem: HAKMEM_HEAP_PROFILE: there is no heap profile: this system lets no "
                 "program change its code (errno ",
                 (uint64_t)error, "); HAKMEM_CHECK=light of hakmem-debug.so needs no such change");
    hak_line_end(&line);
}

static void after_fork(void) {
    hak_code_fork_child();
    hak_heap_profile_after_fork();
}

void hak_entry_start_counting(void) {
    struct hak_jump jumps[JUMPS_MOST];
    if (!hak_object_find((uintptr_t)hak_own_malloc, &this_library))
        return;
    hak_heap_profile_start(hak_options.heap_profile_rate);
    hak_large_sample_ends = hak_light_sample_ends;
    hak_modules_start(NULL);
    begin_thread();
    size_t count = list_jumps(jumps);
    int error = hak_jumps_write(jumps, count);
    if (error != 0) {
        hak_heap_profile_start(0);
        say_refused(error);
        return;
    }
    hak_entry_begin_counting = begin_thread;
    (void)pthread_atfork(NULL, NULL, after_fork);
}
