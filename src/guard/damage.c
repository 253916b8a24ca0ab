/* Reports damage around a live block that a call of the program met: finds the block whose write it
 * was, as far as the bytes tell, makes one report, and repairs the bytes where the program goes on.
 *
 *   | header | asked | canary || header | asked | canary |
 *                      ########## --->                       from the canary's end on: an overflow
 *                                                            of the block in front, told with it
 *                        <--- ##########                     not from its start, and up to its end:
 *                                                            an underflow of the block behind
 *
 * A write that leaves the canary in front alone, or stays in it, is of the block itself. One that
 * runs on through the border of the block beside it is counted up to there; what follows are that
 * block's own bytes, or memory in which nobody knows what was written: there may be more of it. */
#include "guard/guard.h"
#include "guard/pages.h"
#include "guard/touch.h"
#include "guard/watched/watched.h"
#include "platform/readable.h"

/* The call that met the damage: one of the malloc family by its kind, or one of libc by its name.
 */
struct finder {
    enum hak_record_kind kind;
    const char *call; /* NULL = of the malloc family */
};

/* A finding about damaged bytes; its offset is that of the first one from the user pointer. */
static struct hak_finding make_damage_finding(const struct hak_located *at, struct finder finder,
                                              enum hak_fault_code code,
                                              const struct hak_damage *damage) {
    return (struct hak_finding){
        .code = code,
        .kind = finder.kind,
        .pointer = hak_user_in(at),
        .offset_bytes = (const char *)damage->first - hak_user_in(at),
        .class_found = HAK_CLASS_NONE,
        .found_by = finder.call ? HAK_FOUND_BY_LOOK : HAK_FOUND_BY_CALL,
        .call = finder.call,
        .damage = damage,
    };
}

/* The live block of the program in the slot at `base`, which is next to a live one. Its pages may
 * be closed by the program. */
static bool find_live(char *base, struct hak_located *at) {
    return hak_locate_slot(base, at) && at->base == base && at->slot->place == HAK_PLACE_LIVE &&
           !at->slot->is_changing && hak_can_read(at->base, at->slot_bytes);
}

static const uint8_t *end_of(const struct hak_located *at) {
    return (const uint8_t *)at->base + at->slot_bytes;
}

/* The damage of a block beside is of the same write, and is told with that. */
static void note_as_told(const struct hak_located *at) {
    __atomic_fetch_or(&at->slot->subkind, HAK_SLOT_TOLD, __ATOMIC_RELAXED);
}

/* Joins `next`, which begins where `damage` ends, to `damage`. */
static void append_damage(struct hak_damage *damage, const struct hak_damage *next) {
    damage->bytes += next->bytes;
    damage->last = next->last;
    damage->end = next->end;
}

void hak_follow_overflow(const struct hak_located *at, struct hak_damage *damage) {
    struct hak_located behind;
    const char *canary = hak_user_in(at) + hak_asked_bytes_of(at);
    damage->is_open = damage->last + 1 == damage->end;
    if (!at->superslab || (const char *)damage->first != canary || damage->last + 1 != end_of(at) ||
        !find_live(at->base + at->slot_bytes, &behind))
        return;
    struct hak_damage header = hak_header_damage(&behind);
    damage->is_open = header.bytes != 0 && header.first == end_of(at);
    if (!damage->is_open)
        return;
    append_damage(damage, &header);
    damage->is_open = damage->last + 1 == damage->end;
    note_as_told(&behind);
}

void hak_follow_underflow(const struct hak_located *at, struct hak_damage *damage) {
    struct hak_located front;
    char *base = at->base - at->slot_bytes;
    if (!at->superslab || (const char *)damage->first != at->base || !find_live(base, &front))
        return;
    struct hak_damage before = hak_canary_damage(&front);
    if (!before.bytes || before.last + 1 != damage->first)
        return;
    note_as_told(&front);
    append_damage(&before, damage);
    *damage = before;
}

/* Reports the damage of a block beside the one of the call, unless that was told; nobody tells of
 * it again. It may be another thread's, so it is not repaired. */
static void report_neighbour(const struct hak_located *at, struct hak_finding finding) {
    bool is_told = (at->slot->subkind & HAK_SLOT_TOLD) != 0;
    if (!finding.call)
        finding.found_by = HAK_FOUND_BY_NEIGHBOUR;
    __atomic_fetch_or(&at->slot->subkind, HAK_SLOT_TOLD, __ATOMIC_RELAXED);
    if (!is_told)
        hak_report_fault(at, &finding);
}

/* Reports, where the header of `at` is damaged, the block in front of it if that ran over its end;
 * false: it did not. */
static bool report_overflow_in_front(const struct hak_located *at, struct finder finder) {
    struct hak_located front;
    if (!at->superslab || !find_live(at->base - at->slot_bytes, &front))
        return false;
    struct hak_damage damage = hak_canary_damage(&front);
    if (!damage.bytes || damage.last + 1 != end_of(&front))
        return false;
    hak_follow_overflow(&front, &damage);
    report_neighbour(&front,
                     make_damage_finding(&front, finder, HAK_FAULT_HEAP_BUFFER_OVERFLOW, &damage));
    return true;
}

/* Reports, where the canary of `at` is damaged but not its first byte, the block behind it if that
 * wrote backwards; false: it did not. */
static bool report_underflow_behind(const struct hak_located *at, struct finder finder,
                                    const struct hak_damage *canary) {
    struct hak_located behind;
    const char *start = hak_user_in(at) + hak_asked_bytes_of(at);
    if (!at->superslab || (const char *)canary->first == start || canary->last + 1 != end_of(at) ||
        !find_live(at->base + at->slot_bytes, &behind))
        return false;
    struct hak_damage damage = hak_header_damage(&behind);
    if (!damage.bytes)
        return false;
    hak_follow_underflow(&behind, &damage);
    report_neighbour(
        &behind, make_damage_finding(&behind, finder, HAK_FAULT_HEAP_BUFFER_UNDERFLOW, &damage));
    return true;
}

static void tell_of_header(const struct hak_located *at, struct finder finder,
                           struct hak_damage damage) {
    if (report_overflow_in_front(at, finder))
        return;
    hak_follow_underflow(at, &damage);
    struct hak_finding finding =
        make_damage_finding(at, finder, HAK_FAULT_HEAP_BUFFER_UNDERFLOW, &damage);
    hak_report_fault(at, &finding);
}

static void tell_of_canary(const struct hak_located *at, struct finder finder,
                           struct hak_damage damage) {
    if (report_underflow_behind(at, finder, &damage))
        return;
    hak_follow_overflow(at, &damage);
    struct hak_finding finding =
        make_damage_finding(at, finder, HAK_FAULT_HEAP_BUFFER_OVERFLOW, &damage);
    hak_report_fault(at, &finding);
}

/* Reports a block's damaged header or canary, or the neighbour that did it, unless told before. A
 * block that is changing was left so by a thread that a fork did not take along: nobody knows what
 * is due around it. */
void hak_tell_damage(const struct hak_located *at, enum hak_record_kind kind) {
    if (at->slot->is_changing)
        return;
    bool is_told = (at->slot->subkind & HAK_SLOT_TOLD) != 0;
    struct finder finder = {.kind = kind};
    struct hak_damage damage = hak_header_damage(at);
    hak_watched_leave(at->slot);
    if (damage.bytes) {
        if (!is_told)
            tell_of_header(at, finder, damage);
        hak_write_header(at);
    }
    damage = hak_canary_damage(at);
    if (damage.bytes) {
        if (!is_told)
            tell_of_canary(at, finder, damage);
        hak_write_canary(at);
    }
}

/* ---- at a call of libc -------------------------------------------------------------------------
 */

static bool is_to_be_told(const struct hak_located *at) {
    __atomic_thread_fence(__ATOMIC_ACQUIRE);
    return __atomic_load_n(&at->slot->place, __ATOMIC_ACQUIRE) == HAK_PLACE_LIVE &&
           !at->slot->is_changing && !(at->slot->subkind & HAK_SLOT_TOLD);
}

/* The block may be another thread's, which gives it back or changes its size meanwhile; so it is
 * not repaired. */
void hak_damage_met(const void *p, const char *call) {
    struct hak_located at;
    if (!hak_locate(hak_untagged(p), &at) || !hak_has_border(&at) || !is_to_be_told(&at) ||
        !hak_can_read_border(&at))
        return;
    uint32_t count = __atomic_load_n(&at.slot->record_count, __ATOMIC_RELAXED);
    __atomic_thread_fence(__ATOMIC_ACQUIRE); /* the bytes come between two looks at the state */
    struct hak_damage header = hak_header_damage(&at), canary = hak_canary_damage(&at);
    if (!is_to_be_told(&at) || __atomic_load_n(&at.slot->record_count, __ATOMIC_RELAXED) != count)
        return;
    struct finder finder = {HAK_FAULT, call};
    if (header.bytes || canary.bytes)
        note_as_told(&at);
    if (header.bytes)
        tell_of_header(&at, finder, header);
    else if (canary.bytes)
        tell_of_canary(&at, finder, canary);
}
