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
#include "guard/around.h"
#include "guard/guard.h"
#include "guard/pages.h"
#include "guard/watched.h"
#include "platform/readable.h"

/* ---- may it be looked at? ---------------------------------------------------------------------
 */

/* The first byte of what is written in front of the block. */
static const char *front_of(const struct hak_located *at) {
    return hak_has_no_header(at) ? hak_user_in(at)
           : hak_is_guarded(at)  ? at->base
                                 : hak_user_in(at) - HAK_HEADER_BYTES;
}

void hak_open_border(const struct hak_located *at, bool writes) {
    hak_pages_open_for_call(front_of(at), hak_user_in(at), writes);
    hak_pages_open_for_call(at->base + hak_canary_from(at), at->base + hak_canary_to(at), writes);
}

bool hak_can_read_border(const struct hak_located *at) {
    struct hak_readable known = {0};
    const char *front = front_of(at);
    return hak_call_is_forbidden(SYS_rt_sigprocmask) ||
           (hak_is_readable(&known, front, (size_t)(hak_user_in(at) - front)) &&
            hak_is_readable(&known, at->base + hak_canary_from(at),
                            hak_canary_to(at) - hak_canary_from(at)));
}

/* ---- whose write it was ------------------------------------------------------------------------
 */

static struct hak_finding make_damage_finding(const struct hak_located *at,
                                              enum hak_record_kind kind, enum hak_fault_code code,
                                              const struct hak_damage *damage) {
    return (struct hak_finding){
        .code = code,
        .kind = kind,
        .pointer = hak_user_in(at),
        .offset_bytes = (const char *)damage->first - hak_user_in(at),
        .class_found = HAK_CLASS_NONE,
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

/* `next` begins where `damage` ends. */
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

/* Nobody tells of the block's damage again. It may be another thread's, so it is not repaired. */
static void report_neighbour(const struct hak_located *at, struct hak_finding finding) {
    bool is_told = (at->slot->subkind & HAK_SLOT_TOLD) != 0;
    finding.found_by = HAK_FOUND_BY_NEIGHBOUR;
    __atomic_fetch_or(&at->slot->subkind, HAK_SLOT_TOLD, __ATOMIC_RELAXED);
    if (!is_told)
        hak_report_fault(at, &finding);
}

/* The header of `at` is damaged: did the block in front of it run over its end? */
static bool report_overflow_in_front(const struct hak_located *at, enum hak_record_kind kind) {
    struct hak_located front;
    if (!at->superslab || !find_live(at->base - at->slot_bytes, &front))
        return false;
    struct hak_damage damage = hak_canary_damage(&front);
    if (!damage.bytes || damage.last + 1 != end_of(&front))
        return false;
    hak_follow_overflow(&front, &damage);
    report_neighbour(&front,
                     make_damage_finding(&front, kind, HAK_FAULT_HEAP_BUFFER_OVERFLOW, &damage));
    return true;
}

/* The canary of `at` is damaged, but not its first byte: did the block behind it write backwards?
 */
static bool report_underflow_behind(const struct hak_located *at, enum hak_record_kind kind,
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
    report_neighbour(&behind,
                     make_damage_finding(&behind, kind, HAK_FAULT_HEAP_BUFFER_UNDERFLOW, &damage));
    return true;
}

/* A block that is changing was left so by a thread that a fork did not take along: nobody knows
 * what is due around it. */
void hak_tell_damage(const struct hak_located *at, enum hak_record_kind kind) {
    if (at->slot->is_changing)
        return;
    bool is_told = (at->slot->subkind & HAK_SLOT_TOLD) != 0;
    struct hak_damage damage = hak_header_damage(at);
    hak_watched_leave(at->slot);
    if (damage.bytes) {
        if (!is_told && !report_overflow_in_front(at, kind)) {
            hak_follow_underflow(at, &damage);
            struct hak_finding finding =
                make_damage_finding(at, kind, HAK_FAULT_HEAP_BUFFER_UNDERFLOW, &damage);
            hak_report_fault(at, &finding);
        }
        hak_write_header(at);
    }
    damage = hak_canary_damage(at);
    if (damage.bytes) {
        if (!is_told && !report_underflow_behind(at, kind, &damage)) {
            hak_follow_overflow(at, &damage);
            struct hak_finding finding =
                make_damage_finding(at, kind, HAK_FAULT_HEAP_BUFFER_OVERFLOW, &damage);
            hak_report_fault(at, &finding);
        }
        hak_write_canary(at);
    }
}
