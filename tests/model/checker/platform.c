/* The platform as the checked layers see it: memory of one span, a few places for SuperSlabs, a
 * futex whose sleepers the explorer knows, a clock that stands. */
#include <string.h>
#include "engine.h"
#include "platform/discard.h"
#include "platform/registry.h"

bool model_has_real_locks(void);
void model_lock(struct hak_lock *lock);
void model_unlock(struct hak_lock *lock);

/* All of this is part of the state. */
static char *next_free = SPAN_START;
static enum { NOTHING, HELD, MEMORY, FOREIGN } places[SUPERSLABS]; /* of 2 MiB */

static void mapping_point(void *start) {
    if (model->is_running)
        explore_point((struct op){OP_MAPPING, start, __builtin_return_address(0), 0});
}

static void *take(size_t bytes) {
    char *start = next_free;
    if (bytes > (size_t)(SUPERSLAB_START - start))
        return NULL;
    next_free += HAK_PAGES_OF(bytes);
    return start;
}

void *hak_map(size_t bytes) {
    return take(bytes);
}

static unsigned place_of(const void *address) {
    return (unsigned)((size_t)((const char *)address - SUPERSLAB_START) / HAK_SUPERSLAB_BYTES);
}

static char *start_of(unsigned place) {
    return SUPERSLAB_START + place * HAK_SUPERSLAB_BYTES;
}

static bool has_places(const void *address) {
    const char *p = address;
    return p >= SUPERSLAB_START && p < SPAN_START + SPAN_BYTES;
}

/* The lowest addresses that are free, as they were never used before. */
static void *hold(size_t bytes, unsigned kind) {
    unsigned wanted = (unsigned)(bytes / HAK_SUPERSLAB_BYTES), run = 0;
    mapping_point(NULL);
    for (unsigned i = 0; i < SUPERSLABS; i++) {
        run = places[i] == NOTHING ? run + 1 : 0;
        if (run < wanted)
            continue;
        char *start = start_of(i + 1 - wanted);
        for (unsigned k = 0; k < wanted; k++)
            places[i - k] = kind;
        memory_zero(start, bytes);
        races_forget(start, bytes);
        return start;
    }
    return NULL;
}

void *hak_map_aligned(size_t bytes, size_t alignment) {
    return alignment == HAK_SUPERSLAB_BYTES ? hold(bytes, MEMORY) : take(bytes);
}

void *hak_hold(size_t bytes, size_t alignment) {
    (void)alignment;
    return hold(bytes, HELD);
}

bool hak_allow_writes(void *start, size_t bytes) {
    if (!has_places(start))
        return true;
    mapping_point(start);
    for (size_t at = 0; at < bytes; at += HAK_SUPERSLAB_BYTES) {
        unsigned place = place_of((char *)start + at);
        if (places[place] != HELD)
            model_fail("memory is asked for at an address that is not held");
        places[place] = MEMORY;
    }
    return true;
}

bool hak_open_untouched(void *start, size_t bytes) {
    return hak_allow_writes(start, bytes);
}

bool hak_unmap(void *start, size_t bytes) {
    if (!has_places(start))
        return true;
    mapping_point(start);
    for (size_t at = 0; at < bytes; at += HAK_SUPERSLAB_BYTES) {
        unsigned place = place_of((char *)start + at);
        if (places[place] != HELD && places[place] != MEMORY)
            model_fail("what is not mapped is unmapped: %p", (void *)start_of(place));
        places[place] = NOTHING;
    }
    return true;
}

bool platform_is_mapped(const void *address) {
    return !has_places(address) || places[place_of(address)] == MEMORY;
}

bool platform_claim(unsigned place) {
    mapping_point(start_of(place));
    if (places[place] != NOTHING)
        return false;
    places[place] = FOREIGN;
    return true;
}

/* The registry holds all that is mapped, and nothing else. */
void platform_check(void) {
    unsigned held = 0, mapped = 0;
    for (unsigned i = 0; i < SUPERSLABS; i++) {
        hak_owner_t owner = hak_registry_owner(start_of(i));
        held += places[i] == HELD;
        mapped += places[i] == MEMORY;
        if ((places[i] == MEMORY) != (owner != HAK_OWNER_NOBODY))
            model_fail("SuperSlab %u is %smapped, and its owner in the registry is %u", i,
                       places[i] == MEMORY ? "" : "not ", owner);
    }
    if (held > 0 && mapped == 0)
        model_fail("addresses for %u SuperSlabs are held and nothing is in use", held);
}

void *hak_reserve(size_t bytes) {
    return take(bytes);
}
void *hak_reserve_read_only(size_t bytes) {
    return take(bytes);
}
void hak_ask_for_huge_pages(void *start, size_t bytes) {
    (void)start;
    (void)bytes;
}
void hak_decline_huge_pages(void *start, size_t bytes) {
    (void)start;
    (void)bytes;
}
bool hak_discard(void *start, size_t bytes) {
    memory_zero(start, bytes);
    return true;
}
void hak_ranges_add(struct hak_ranges *ranges, void *start, size_t bytes) {
    if (ranges->count == HAK_RANGES_MOST)
        (void)hak_ranges_discard(ranges);
    ranges->range[ranges->count++] = (struct iovec){start, bytes};
}
size_t hak_ranges_discard(struct hak_ranges *ranges) {
    for (unsigned i = 0; i < ranges->count; i++) {
        memory_zero(ranges->range[i].iov_base, ranges->range[i].iov_len);
        ranges->given_back_bytes += ranges->range[i].iov_len;
    }
    ranges->count = 0;
    return ranges->given_back_bytes;
}
bool hak_ranges_go_together(void) {
    return true;
}
void hak_discard_locked(void *start, size_t bytes) {
    memory_zero(start, bytes);
}
bool hak_is_mapped(const void *p) {
    return platform_is_mapped(p);
}
size_t hak_address_space_limit(void) {
    return SIZE_MAX;
}
int hak_thread_id(void) {
    return (int)model->current + 1;
}

/* ---- locks that are not looked at -------------------------------------------------------------
 */

bool model_has_real_locks(void) {
    return !model->is_running || !model->scenario->has_simple_locks;
}

static void set_holder(struct hak_lock *lock, uint32_t holder) {
    memcpy((void *)&lock->holder, &holder, sizeof holder);
}

void model_lock(struct hak_lock *lock) {
    if (explore_is_shared(lock, true) || model->now.threads[model->current].store_count > 0)
        explore_point((struct op){OP_LOCK, lock, __builtin_return_address(0), 0});
    races_load(lock, memory_order_acquire);
    set_holder(lock, model->current + 1);
}

void model_unlock(struct hak_lock *lock) {
    if (model->now.threads[model->current].store_count > 0)
        explore_point((struct op){OP_FENCE, lock, __builtin_return_address(0), 0});
    clock_set clocks;
    bool releases;
    races_store_clocks(clocks, memory_order_release, &releases);
    races_release(lock, clocks, releases, true);
    set_holder(lock, 0);
}

/* ---- waiting --------------------------------------------------------------------------------- */

void hak_futex_wait(_Atomic uint32_t *word, uint32_t value) {
    if (!model->is_running)
        model_fail("a lock is held at the end");
    const void *where = __builtin_return_address(0);
    explore_point((struct op){OP_WAIT, word, where, value});
    struct model_thread *self = &model->now.threads[model->current];
    uint32_t seen;
    memcpy(&seen, word, sizeof seen);
    if (seen != value)
        return;
    self->status = THREAD_ASLEEP;
    self->asleep_since = ++model->now.sleeps;
    explore_point((struct op){OP_BEGIN, word, where, 0});
}

/* The clock stands: nobody wakes because of it. */
void hak_futex_wait_for(_Atomic uint32_t *word, uint32_t value, uint64_t ns) {
    (void)ns;
    hak_futex_wait(word, value);
}

/* As the kernel does: the one that sleeps longest. */
void hak_futex_wake(_Atomic uint32_t *word, int count) {
    if (model->is_running)
        explore_point((struct op){OP_WAKE, word, __builtin_return_address(0), 0});
    for (; count > 0; count--) {
        struct model_thread *longest = NULL;
        for (unsigned i = 0; i < THREADS_MAX; i++) {
            struct model_thread *t = &model->now.threads[i];
            if (t->status == THREAD_ASLEEP && t->next.address == (void *)word &&
                (!longest || t->asleep_since < longest->asleep_since))
                longest = t;
        }
        if (!longest)
            return;
        longest->status = THREAD_READY;
    }
}

/* ---- the end --------------------------------------------------------------------------------- */

_Noreturn void hak_die(const char *what, const void *address, const char *why) {
    model_fail("%s: %p %s", what, address, why);
}
