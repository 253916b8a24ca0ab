/* Strings and searches: how far they read, and what that makes a copy write.
 *
 * A string is looked at within its block alone: one that has no end there runs past it. What a
 * comparison or a search stops at is taken into account where the C standard says that it stops
 * there. */
#include <string.h>
#include <strings.h>
#include <wchar.h>
#include "strings/call.h"

/* Units in front of the end of the string at `s`, of the first `most`: `most` where there is none.
 */
static inline size_t length_within(const struct call *call, const char *s, size_t most) {
    if (HAK_LIKELY(call->row->unit == 1))
        return most == SIZE_MAX ? strlen(s) : strnlen(s, most);
    const wchar_t *wide = (const wchar_t *)(const void *)s;
    return most == SIZE_MAX ? wcslen(wide) : wcsnlen(wide, most);
}

/* The same of a string whose room is `room` and of which `most` units are read. Tells of one that
 * has no end in its block: its length is UNKNOWN. */
static inline size_t length_in(const struct call *call, const char *s, size_t room, size_t most) {
    size_t units = room == UNKNOWN ? SIZE_MAX : room / call->row->unit;
    size_t length = length_within(call, s, smaller(units, most));
    if (HAK_LIKELY(length < units || units >= most))
        return length;
    hak_string_runs_out(call, s, room);
    return UNKNOWN;
}

/* Reads a string to its end, or `most` units of it. Where nothing is known of it nothing is read
 * here. */
void hak_string_reads(const struct call *call, const char *s, size_t most) {
    size_t room = hak_room_at(s);
    if (room != UNKNOWN)
        (void)length_in(call, s, room, most);
}

/* Copies `length` units from the string `from` and an end; `length` is UNKNOWN where that was told.
 */
static void writes_string(const struct call *call, char *to, size_t length) {
    if (length != UNKNOWN)
        writes(call, to, product(length + 1, call->row->unit));
}

static bool is_known(const char *p) {
    return hak_room_at(p) != UNKNOWN;
}

void hak_string_copy(const struct call *call) {
    const char *from = second(call);
    if (is_known(first(call)))
        writes_string(call, first(call), length_in(call, from, hak_room_at(from), SIZE_MAX));
    else
        hak_string_reads(call, from, SIZE_MAX);
}

void hak_string_append(const struct call *call, size_t most) {
    const char *from = second(call);
    char *to = first(call);
    size_t room = hak_room_at(to);
    size_t length = room == UNKNOWN ? UNKNOWN : length_in(call, to, room, SIZE_MAX);
    if (length == UNKNOWN)
        hak_string_reads(call, from, most);
    else
        writes_string(call, to + length * call->row->unit,
                      length_in(call, from, hak_room_at(from), most));
}

/* True when a search in the `units` units at `s`, which hold no end, stops at `c` among them. */
static bool has_unit(const struct call *call, const char *s, uint64_t c, size_t units) {
    return call->row->unit == 1
               ? memchr(s, (int)c, units) != NULL
               : wmemchr((const wchar_t *)(const void *)s, (wchar_t)c, units) != NULL;
}

static bool ends_in_span(const char *s, size_t room, const char *set, bool is_without) {
    for (size_t i = 0; i < room; i++)
        if ((strchr(set, s[i]) != NULL) == is_without)
            return true;
    return false;
}

/* The string has no end in its block: does the search stop before? */
static HAK_COLD bool stops_in(const struct call *call, const char *s, size_t room) {
    switch (call->row->shape) {
    case FIND_IN_STRING:
        return has_unit(call, s, word(call, call->row->b), room / call->row->unit);
    case FIND_STRING:
        return memmem(s, room, second(call), strlen(second(call))) != NULL;
    default:
        return ends_in_span(s, room, second(call), call->row->shape == SPAN_WITHOUT);
    }
}

void hak_string_search(const struct call *call) {
    const char *s = first(call);
    size_t room = hak_room_at(s), units = room / call->row->unit;
    if (room != UNKNOWN && length_within(call, s, units) == units && !stops_in(call, s, room))
        hak_string_runs_out(call, s, room);
}

/* The two strings agree in their first `units` units, of which neither is an end. */
static bool agree(const struct call *call, size_t units) {
    const char *a = first(call), *b = second(call);
    bool is_any_case =
        call->row->shape == STRING_COMPARE_CASE || call->row->shape == STRING_COMPARE_CASE_N;
    int differs = call->row->unit == 4
                      ? wcsncmp((const wchar_t *)(void *)a, (const wchar_t *)(void *)b, units)
                  : is_any_case ? strncasecmp(a, b, units)
                                : strncmp(a, b, units);
    return differs == 0 && length_within(call, a, units) == units;
}

void hak_string_compare(const struct call *call, size_t most) {
    const char *a = first(call), *b = second(call);
    size_t room_a = hak_room_at(a), room_b = hak_room_at(b), room = smaller(room_a, room_b);
    size_t units = room / call->row->unit;
    if (room != UNKNOWN && units < most && agree(call, units))
        hak_string_runs_out(call, room == room_a ? a : b, room);
}

void hak_string_find(const struct call *call) {
    const char *s = first(call);
    size_t room = hak_room_at(s), units = room / call->row->unit;
    if (room != UNKNOWN && last(call) > units &&
        !has_unit(call, s, word(call, call->row->b), units))
        hak_string_runs_out(call, s, room);
}

/* memccpy(to, from, c, bytes): as many as there are up to the first c. */
void hak_string_copy_until(const struct call *call) {
    const char *from = second(call);
    size_t room = hak_room_at(from), most = last(call), look = smaller(room, most);
    if (room == UNKNOWN && !is_known(first(call)))
        return;
    const char *found = memchr(from, (int)word(call, 2), look);
    if (found)
        writes(call, first(call), (size_t)(found - from) + 1);
    else if (room < most)
        hak_string_runs_out(call, from, room);
    else
        writes(call, first(call), most);
}
