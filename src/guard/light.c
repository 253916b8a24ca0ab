/* Level light, the checks' half: guarded blocks for the plain allocator's program, and reports of
 * what that allocator finds itself (light.h). */
#include "guard/give_back.h"
#include "guard/guard.h"
#include "guard/profile_file.h"
#include "guard/choose/choose.h"
#include "guard/watched/watched.h"
#include "guarded/guarded.h"
#include "heap_profile/heap_profile.h"
#include "light.h"
#include "platform/platform.h"
#include "platform/run_time.h"
#include "trace/stacks/stacks.h"
#include "trace/wait.h"

_Static_assert((int)HAK_LIGHT_LOOK_BYTES == (int)HAK_HEAP_PROFILE_LOOK_BYTES &&
                   (int)HAK_SAMPLE_INTERVAL == (int)HAK_HEAP_PROFILE_GAP,
               "the heap profile uses light's looks");

/* ---- the heap profile ------------------------------------------------------------------------ */

uint16_t hak_light_first_look(void) {
    return hak_sample_interval();
}

uint32_t hak_light_sample(size_t bytes, size_t extra_bytes, double weight, hak_call_t call) {
    struct hak_heap_sample sample = {bytes, extra_bytes, weight};
    uintptr_t ips[HAK_HEAP_PROFILE_DEPTH];
    uint8_t flags = 0;
    uint32_t stack = hak_take_call_stack(call, &flags);
    size_t count = hak_stacks_frames(stack, ips, HAK_HEAP_PROFILE_DEPTH);
    uint64_t now = hak_monotonic_ns();
    uint32_t number = hak_heap_profile_came(&sample, ips, count, now);
    if (HAK_UNLIKELY(hak_writes_profile))
        hak_write_profile_if_due(now);
    return number;
}

void hak_light_sample_ends(uint32_t sample) {
    uint64_t now = hak_monotonic_ns();
    hak_heap_profile_went(sample, now);
    if (HAK_UNLIKELY(hak_writes_profile))
        hak_write_profile_if_due(now);
}

/* ---- guarded blocks -------------------------------------------------------------------------- */

/* The cost of a block is the thread's own time: on a busy machine others run meanwhile. */
static struct hak_run_time begin_charge(void) {
    struct hak_run_time ran = {0};
    (void)hak_ran_ticks(&ran, CLOCK_THREAD_CPUTIME_ID);
    return ran;
}
static uint64_t charge_of(struct hak_run_time *ran) {
    uint64_t before_ns = ran->ran_ns, ticks = hak_ran_ticks(ran, CLOCK_THREAD_CPUTIME_ID);
    atomic_fetch_add_explicit(&hak_sample_ns, ran->ran_ns - before_ns, memory_order_relaxed);
    return ticks;
}

/* The block remembers its site in a field that only blocks of the BigCache need. */
static void *take(struct hak_hand_out *how, uint32_t site, double weight) {
    base_t base = hak_check_take_guarded(how);
    struct hak_large *large = base.p ? hak_large_find(base.p) : NULL;
    if (!large)
        return NULL;
    how->class_index = HAK_CLASS_NONE;
    large->look = site;
    large->life = (struct hak_large_life){0}; /* nobody tells of the one before meanwhile */
    void *user = hak_check_hand_out(base, how).p;
    if (!user) {
        hak_guarded_give(large); /* `sample` is a link of its slot now */
        return NULL;
    }
    hak_life_begins(large);
    uint32_t sample = weight != 0 ? hak_light_sample(how->asked_bytes, 0, weight, how->call) : 0;
    atomic_store_explicit(&large->sample, sample, memory_order_relaxed);
    return user;
}

/* Offers the block to a debug register, or takes that off; the credit of registers pays. */
static void watch(const void *user, bool is_freed) {
    struct hak_located at;
    if (!hak_locate(user, &at) || (is_freed && !(at.slot->subkind & HAK_SLOT_WATCHED)))
        return;
    struct hak_run_time ran = begin_charge();
    if (is_freed)
        hak_watched_leave(at.slot);
    else
        hak_watched_offer_briefly(&at);
    hak_sample_watched(charge_of(&ran));
}

void *hak_light_take(struct hak_hand_out *how, uint16_t *until_look, int64_t *until_point,
                     double *weight) {
    hak_heap_profile_renew_point(until_point);
    if (how->asked_bytes <= HAK_LIGHT_LOOK_BYTES)
        *weight = hak_heap_profile_weigh_look(how->asked_bytes, hak_sample_gap(),
                                              hak_heap_profile_random());
    uint32_t site = hak_sample_look(how->call, __builtin_frame_address(0));
    *until_look = hak_sample_interval();
    if (hak_trace_is_asked())
        hak_trace_serve_asked();
    if (site == 0 || how->asked_bytes > PTRDIFF_MAX || hak_trace_is_stopped())
        return NULL;
    struct hak_run_time ran = begin_charge();
    void *user = take(how, site, *weight);
    if (!user)
        return NULL;
    hak_sample_taken(site, charge_of(&ran));
    if (hak_watched_is_on && hak_sample_may_watch())
        watch(user, false);
    return user;
}

struct hak_sampled hak_check_sampled(void) {
    return (struct hak_sampled){.blocks = hak_sample_blocks(),
                                .ns = atomic_load_explicit(&hak_sample_ns, memory_order_relaxed)};
}

/* ---- and back ---------------------------------------------------------------------------------
 */

bool hak_light_covers(const void *pointer) {
    return hak_guarded_covers(pointer);
}

unsigned hak_light_tag_of(const void *pointer) {
    struct hak_located at;
    return hak_locate(pointer, &at) && at.large && at.slot->place == HAK_PLACE_LIVE ? at.large->tag
                                                                                    : 0;
}

uint32_t hak_light_leave_sample(void *pointer) {
    struct hak_located at;
    struct hak_large *large = hak_locate(pointer, &at) ? at.large : NULL;
    return large ? atomic_exchange_explicit(&large->sample, 0, memory_order_relaxed) : 0;
}

void hak_light_give(void *pointer) {
    enum hak_record_kind kind = hak_free_by(HAK_GIVEN_BY_FREE);
    if (hak_watched_is_on)
        watch(pointer, true);
    struct hak_run_time ran = begin_charge();
    base_t base;
    if (hak_check_pointer(user_from(pointer), kind, &base) != HAK_TAKE)
        return;
    struct hak_large *large = hak_large_find(base.p);
    /* Of two threads that free it the other is told; only one ends the life and the sample. */
    if (!hak_take_from_program(hak_located_as_large(large), kind, HAK_PLACE_GUARDED))
        return;
    uint32_t site = large->look;
    uint32_t sample = atomic_exchange_explicit(&large->sample, 0, memory_order_relaxed);
    if (sample)
        hak_light_sample_ends(sample);
    hak_life_ends(large);
    hak_guard_give(large);
    hak_sample_given(site, charge_of(&ran));
}

bool hak_light_resizes(void *pointer, size_t *asked_bytes) {
    base_t base;
    if (hak_check_pointer(user_from(pointer), HAK_REALLOC, &base) != HAK_TAKE)
        return false;
    *asked_bytes = hak_light_usable(pointer);
    return true;
}

size_t hak_light_usable(void *pointer) {
    struct hak_located at;
    if (HAK_LIKELY(hak_locate(pointer, &at) && at.slot->place == HAK_PLACE_LIVE))
        return hak_asked_bytes_of(&at);
    hak_check_asked_about(user_from(pointer));
    return 0;
}

void hak_light_thread_end(void) {
    hak_watched_thread_end();
    hak_check_thread_end();
}

/* ---- what the plain allocator finds itself ----------------------------------------------------
 */

/* Reports a wrong pointer of level light: one that is surely no block as everywhere; about a block
 * of the plain allocator only that allocator's finding is known. */
void hak_light_blame(const char *what, const void *pointer) {
    enum hak_record_kind kind = hak_free_by(HAK_GIVEN_BY_FREE);
    bool is_double = what[0] == 'd';
    struct hak_located at;
    base_t base;
    if (!is_double &&
        hak_check_pointer(user_from((void *)(uintptr_t)pointer), kind, &base) != HAK_FOREIGN)
        return;
    (void)hak_locate(pointer, &at);
    struct hak_finding finding = {
        .code = is_double ? HAK_FAULT_DOUBLE_FREE : HAK_FAULT_BAD_FREE,
        .kind = kind,
        .pointer = pointer,
        .class_found = HAK_CLASS_NONE,
        .memory = is_double                                      ? HAK_MEMORY_SLOT_START
                  : light_hak_owner && !light_hak_owner(pointer) ? HAK_MEMORY_MAPPED
                                                                 : HAK_MEMORY_OTHER,
    };
    hak_report_fault(&at, &finding);
}
