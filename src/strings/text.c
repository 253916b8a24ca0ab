/* Strings and searches: how far they read, and what that makes a copy write.
 *
 * A string is looked at within its block alone: one that has no end there runs past it. The end of
 * a comparison or a search is taken into account where the C standard says that it stops there. */
#include <errno.h>
#include "strings/call.h"

/* Units in front of the end of a string whose room is `room` and of which `most` units are read.
 * Tells of one that has no end in its block: its length is UNKNOWN. */
static inline size_t length_in(const struct call *call, const char *s, size_t room, size_t most) {
    size_t units = room == UNKNOWN ? SIZE_MAX : room / call->row->unit;
    size_t length = length_within(s, call->row->unit, smaller(units, most));
    if (HAK_LIKELY(length < units || units >= most))
        return length;
    hak_string_runs_out(call, s, room, call->row->unit);
    return UNKNOWN;
}

/* Reads a string to its end, or `most` units of it. Where nothing is known of it nothing is read
 * here. */
void hak_string_reads(const struct call *call, const char *s, size_t most) {
    size_t room = most ? room_at(call, s) : UNKNOWN;
    if (room != UNKNOWN)
        (void)length_in(call, s, room, most);
}

/* 0: the end, or that nothing can be read there. */
static unsigned unit_if_there(struct hak_byte_reader *reader, const char *s, unsigned unit) {
    unsigned char bytes[sizeof(unsigned)] = {0};
    unsigned value;
    for (unsigned i = 0; i < unit; i++) {
        int byte = hak_read_byte(reader, s + i);
        if (byte < 0)
            return 0;
        bytes[i] = (unsigned char)byte;
    }
    memcpy(&value, bytes, sizeof value);
    return value;
}

/* The pages of its block may be closed by the program, at any moment: a copy is looked at. */
void hak_string_reads_open(const struct call *call, const char *s, unsigned unit, size_t most) {
    size_t room = room_at(call, s), units = room / unit;
    if (room == UNKNOWN)
        return;
    struct hak_byte_reader reader = {.known = HAK_READABLE_STACK};
    for (size_t i = 0; i < smaller(units, most); i++)
        if (unit_if_there(&reader, s + i * unit, unit) == 0)
            return;
    if (units < most)
        hak_string_runs_out(call, s, room, unit);
}

/* Of an argument of a program, or a variable, the kernel reads no more than 32 pages. */
static void reads_argument(const struct call *call, const char *s) {
    hak_string_reads_open(call, s, 1, (size_t)32 * HAK_READABLE_PAGE_BYTES);
}

bool hak_string_is_whole(const char *s, unsigned unit, size_t room) {
    for (size_t left = room / unit, near; left > 0; left -= near, s += near * unit) {
        near = smaller(left, hak_string_units_of_page(s, unit));
        if (!hak_string_unit_is_there(s, unit))
            return false;
        if (length_within(s, unit, near) < near)
            return true;
    }
    return true;
}

bool hak_string_reads_format(const struct call *call) {
    const char *format = second(call);
    size_t room = format ? room_at(call, format) : UNKNOWN;
    return format && (room == UNKNOWN || (hak_string_is_whole(format, call->row->unit, room) &&
                                          length_in(call, format, room, SIZE_MAX) != UNKNOWN));
}

/* True when a string, of which the call reads the first unit, can be read to its end, or to that of
 * its block: where the call stops before, it need not meet the pages behind. */
static bool is_open(const char *s, unsigned unit) {
    struct hak_readable known = {0};
    size_t units = hak_room_at(s) / unit, seen = smaller(units, hak_string_units_of_page(s, unit)),
           next;
    for (; seen < units && length_within(s, unit, seen) == seen; seen = next) {
        next = smaller(units, seen + HAK_READABLE_PAGE_BYTES / unit);
        if (!hak_is_readable(&known, s + seen * unit, (next - seen) * unit))
            return false;
    }
    return true;
}

/* Copies `length` units from the string `from` and an end; `length` is UNKNOWN where that was told.
 */
static void writes_string(const struct call *call, char *to, size_t length) {
    if (length != UNKNOWN)
        writes(call, to, product(length + 1, call->row->unit));
}

static bool is_room_known(const char *p) {
    return hak_room_at(p) != UNKNOWN;
}

void hak_string_look_at_copy(const struct call *call) {
    const char *from = second(call);
    if (is_room_known(first(call)))
        writes_string(call, first(call), length_in(call, from, room_at(call, from), SIZE_MAX));
    else
        hak_string_reads(call, from, SIZE_MAX);
}

void hak_string_look_at_append(const struct call *call, size_t most) {
    const char *from = second(call);
    char *to = first(call);
    if (most == 0)
        return;
    size_t room = room_at(call, to);
    size_t length = room == UNKNOWN ? UNKNOWN : length_in(call, to, room, SIZE_MAX);
    if (length == UNKNOWN)
        hak_string_reads(call, from, most);
    else
        writes_string(call, to + length * call->row->unit,
                      length_in(call, from, room_at(call, from), most));
}

/* Of a string and its end as much as fits in `units` units is copied. */
static void writes_within(const struct call *call, char *to, size_t length, size_t units) {
    if (length != UNKNOWN)
        writes(call, to, product(smaller(length + 1, units), call->row->unit));
}

/* strlcpy's check. If the room of the destination is known, at most `units` units of the source and
 * its end are written; otherwise only reading the source to its end is checked. */
void hak_string_look_at_copy_within(const struct call *call, size_t units) {
    const char *from = second(call);
    if (is_room_known(first(call)))
        writes_within(call, first(call), length_in(call, from, room_at(call, from), SIZE_MAX),
                      units);
    else
        hak_string_reads(call, from, SIZE_MAX);
}

void hak_string_look_at_append_within(const struct call *call, size_t units) {
    const char *from = second(call);
    char *to = first(call);
    size_t room = hak_room_at(to);
    size_t length = room == UNKNOWN ? UNKNOWN : length_in(call, to, room, units);
    if (length >= units) /* or UNKNOWN: nothing is appended, or not known where */
        hak_string_reads(call, from, SIZE_MAX);
    else
        writes_within(call, to + length * call->row->unit,
                      length_in(call, from, room_at(call, from), SIZE_MAX), units - length);
}

/* The vector may be anything, as a name may; the kernel refuses one that it cannot read. */
void hak_string_reads_vector(const struct call *call, char *const *strings) {
    struct hak_readable known = HAK_READABLE_STACK;
    size_t room = hak_room_at(strings), count = room / sizeof *strings;
    for (size_t i = 0; i < count || room == UNKNOWN; i++) {
        const char *string;
        if (!hak_copy_readable(&known, &string, strings + i, sizeof string) || !string)
            return;
        reads_argument(call, string);
    }
    hak_string_runs_out(call, (const char *)strings, room, sizeof *strings);
}

uint64_t hak_string_reads_arguments(const struct call *call) {
    struct hak_list list = hak_string_list_of(call);
    for (uint64_t word; (word = hak_list_word(&list)) != 0;)
        reads_argument(call, (const char *)(uintptr_t)word);
    return hak_list_word(&list);
}

/* Names of libc in parentheses: since glibc 2.43 these are macros of functions, too. */

/* True when a search in the `units` units at `s`, which hold no end, stops at `c` among them. */
static bool has_unit(const struct call *call, const char *s, uint64_t c, size_t units) {
    return call->row->unit == 1
               ? (hak_libc.memchr)(s, (int)c, units) != NULL
               : (hak_libc.wmemchr)((const wchar_t *)(const void *)s, (wchar_t)c, units) != NULL;
}

/* The first of `units` units behind `from` that is in the set, or is not; `units` where none is. */
static size_t find_in_set(const struct call *call, const char *s, size_t from, size_t units,
                          bool is_in) {
    unsigned unit = call->row->unit;
    const char *set = second(call);
    for (size_t i = from; i < units; i++) {
        unsigned c = unit_at(s, unit, i);
        bool is_found =
            unit == 1 ? strchr(set, (int)c) != NULL
                      : (hak_libc.wcschr)((const wchar_t *)(const void *)set, (wchar_t)c) != NULL;
        if (is_found == is_in)
            return i;
    }
    return units;
}

/* The piece stands among the units, as the call compares. */
static bool has_piece(const struct call *call, const char *s, size_t units) {
    const char *piece = second(call);
    unsigned unit = call->row->unit;
    size_t length = length_within(piece, unit, SIZE_MAX);
    if (call->row->shape == FIND_STRING && unit == 1)
        return hak_libc.memmem(s, units, piece, length) != NULL;
    for (size_t i = 0; length <= units && i <= units - length; i++) {
        if (unit == 1 ? hak_libc.strncasecmp(s + i, piece, length) == 0
                      : hak_libc.wmemcmp((const wchar_t *)(const void *)s + i,
                                         (const wchar_t *)(const void *)piece, length) == 0)
            return true;
    }
    return false;
}

/* The string has no end in its block: does the search stop before? */
static HAK_COLD bool stops_in(const struct call *call, const char *s, size_t units) {
    switch (call->row->shape) {
    case FIND_IN_STRING:
        return has_unit(call, s, word(call, call->row->b), units);
    case FIND_STRING:
    case FIND_STRING_CASE:
        return has_piece(call, s, units);
    case TOKEN: /* separators in front of it are skipped */
        return find_in_set(call, s, find_in_set(call, s, 0, units, false), units, true) < units;
    default:
        return find_in_set(call, s, 0, units, call->row->shape != SPAN) < units;
    }
}

static bool ends_in(const struct call *call, const char *s, size_t units) {
    return length_within(s, call->row->unit, units) < units || stops_in(call, s, units);
}

/* The first page is read by the call, too; it may stop in front of one that the program has closed.
 */
static void search(const struct call *call, const char *s) {
    struct hak_readable known = {0};
    unsigned unit = call->row->unit;
    size_t room = room_at(call, s), units = room / unit, next;
    if (room == UNKNOWN)
        return;
    for (size_t seen = smaller(units, hak_string_units_of_page(s, unit)); !ends_in(call, s, seen);
         seen = next) {
        if (seen == units) {
            hak_string_runs_out(call, s, room, unit);
            return;
        }
        next = smaller(units, 2 * seen + HAK_READABLE_PAGE_BYTES / unit);
        if (!hak_is_readable(&known, s + seen * unit, (next - seen) * unit))
            return;
    }
}

/* A string in a block, of which the call reads the first unit. */
static bool is_empty(const char *s, unsigned unit) {
    size_t room = hak_room_at(s);
    return room != UNKNOWN && room >= unit && unit_at(s, unit, 0) == 0;
}

/* With an empty piece, or set of bytes, nothing is read but that. */
static bool needs_piece(const struct call *call) {
    unsigned shape = call->row->shape;
    bool is_set = shape == SPAN || shape == SPAN_WITHOUT;
    return is_set ? call->row->unit == 1 && call->number != HAK_CALL_strcspn : true;
}

static bool is_empty_piece(const struct call *call) {
    struct hak_readable known = HAK_READABLE_STACK;
    unsigned unit = call->row->unit;
    const char *piece = second(call);
    return is_room_known(piece)
               ? is_empty(piece, unit)
               : hak_is_readable(&known, piece, unit) && unit_at(piece, unit, 0) == 0;
}

/* With an empty string of wide characters the second one is not read, or not to its end. */
static void reads_piece(const struct call *call, const char *s) {
    unsigned unit = call->row->unit;
    const char *piece = second(call);
    bool is_read = unit == 1 || (is_room_known(s) && !is_empty(s, unit));
    if (is_read && is_room_known(piece) && is_open(piece, unit))
        hak_string_reads(call, piece, SIZE_MAX);
    else if (!is_read && !is_room_known(s))
        hak_string_reads_open(call, piece, unit, SIZE_MAX);
}

void hak_string_look_at_search_for(const struct call *call) {
    const char *s = first(call);
    if (is_room_known(s) && needs_piece(call) && is_empty_piece(call))
        return;
    reads_piece(call, s);
    search(call, s);
}

void hak_string_look_at_search(const struct call *call) {
    search(call, first(call));
}

/* strtok, strsep: one token from `s` on. With none, or an empty one, the set may not be read. */
void hak_string_look_at_token(const struct call *call, const char *s) {
    if (!is_room_known(s))
        hak_string_reads_open(call, second(call), call->row->unit, SIZE_MAX);
    else if (call->row->shape == TOKEN_AT || !is_empty(s, call->row->unit))
        hak_string_reads(call, second(call), SIZE_MAX);
    search(call, s);
}

static bool is_digit_of(unsigned c, unsigned base) {
    unsigned value = c - '0' < 10 ? c - '0' : (c | 32) - 'a' < 26 ? (c | 32) - 'a' + 10 : base;
    return value < base;
}

/* In each locale; others may have more. */
static bool is_space(unsigned c) {
    return c == ' ' || c - '\t' <= '\r' - '\t';
}

/* A number goes on behind the room when all that stands in it belongs to one: spaces, a sign,
 * digits. With base 0, what follows a 0 says which digits. */
void hak_string_look_at_number(const struct call *call, int base) {
    enum { MOST_DIGITS = 36 };
    const char *s = first(call);
    unsigned unit = call->row->unit;
    size_t room = room_at(call, s), units = room / unit, i = 0;
    if (room == UNKNOWN || base < 0 || base == 1 || base > MOST_DIGITS) /* nothing is read */
        return;
    while (i < units && is_space(unit_at(s, unit, i)))
        i++;
    if (i < units && (unit_at(s, unit, i) == '+' || unit_at(s, unit, i) == '-'))
        i++;
    if (base == 0) {
        if (i < units && unit_at(s, unit, i) == '0')
            return;
        base = 10;
    }
    while (i < units && is_digit_of(unit_at(s, unit, i), (unsigned)base))
        i++;
    if (i == units)
        hak_string_runs_out(call, s, room, unit);
}

static size_t transformed_in(const struct call *call, const char *from) {
    locale_t locale = (locale_t)(uintptr_t)word(call, call->row->c + 1u);
    return call->row->unit == 1
               ? hak_libc.strxfrm_l(NULL, from, 0, locale)
               : hak_libc.wcsxfrm_l(NULL, (const wchar_t *)(const void *)from, 0, locale);
}

/* strxfrm(to, from, units): the length that it would write is measured by writing nothing first.
 * When it does not fit in `units`, the written part is not known. */
void hak_string_look_at_transform(const struct call *call) {
    char *to = first(call), *from = second(call);
    size_t room = hak_room_at(to), most = last(call), from_room = room_at(call, from);
    int before = errno;
    if (from_room != UNKNOWN && length_in(call, from, from_room, SIZE_MAX) == UNKNOWN)
        return;
    if (room == UNKNOWN || product(most, call->row->unit) <= room)
        return;
    size_t length = call->row->shape == TRANSFORM_IN ? transformed_in(call, from)
                    : call->row->unit == 1
                        ? hak_libc.strxfrm(NULL, from, 0)
                        : hak_libc.wcsxfrm(NULL, (const wchar_t *)(const void *)from, 0);
    if (length < most)
        writes(call, to, product(length + 1, call->row->unit));
    errno = before;
}

/* Without regard to case, in the locale that the call names last. */
static int compare_in(const struct call *call, size_t units) {
    bool has_count = call->row->shape == STRING_COMPARE_CASE_N_IN;
    locale_t locale = (locale_t)(uintptr_t)word(call, call->row->c + has_count);
    if (call->row->unit == 1)
        return hak_libc.strncasecmp_l(first(call), second(call), units, locale);
    return hak_libc.wcsncasecmp_l((const wchar_t *)(const void *)first(call),
                                  (const wchar_t *)(const void *)second(call), units, locale);
}

/* The two strings agree in their first `units` units, of which neither is an end. */
static bool agree(const struct call *call, size_t units) {
    const char *a = first(call), *b = second(call);
    unsigned shape = call->row->shape;
    bool is_any_case = shape == STRING_COMPARE_CASE || shape == STRING_COMPARE_CASE_N;
    const wchar_t *wide_a = (const wchar_t *)(const void *)a;
    const wchar_t *wide_b = (const wchar_t *)(const void *)b;
    int differs;
    if (shape == STRING_COMPARE_CASE_IN || shape == STRING_COMPARE_CASE_N_IN)
        differs = compare_in(call, units);
    else if (call->row->unit == 4)
        differs = is_any_case ? hak_libc.wcsncasecmp(wide_a, wide_b, units)
                              : hak_libc.wcsncmp(wide_a, wide_b, units);
    else
        differs = is_any_case ? hak_libc.strncasecmp(a, b, units) : strncmp(a, b, units);
    return differs == 0 && length_within(a, call->row->unit, units) == units;
}

void hak_string_look_at_compare(const struct call *call, size_t most) {
    const char *a = first(call), *b = second(call);
    if (most == 0)
        return;
    size_t room_a = room_at(call, a), room_b = room_at(call, b), room = smaller(room_a, room_b);
    size_t units = room / call->row->unit;
    if (room != UNKNOWN && units < most && agree(call, units))
        hak_string_runs_out(call, room == room_a ? a : b, room, call->row->unit);
}

void hak_string_look_at_find(const struct call *call) {
    const char *s = first(call);
    if (last(call) == 0)
        return;
    size_t room = room_at(call, s), units = room / call->row->unit;
    if (room != UNKNOWN && last(call) > units &&
        !has_unit(call, s, word(call, call->row->b), units))
        hak_string_runs_out(call, s, room, call->row->unit);
}

/* memccpy(to, from, c, bytes): as many as there are up to the first c. */
void hak_string_look_at_copy_until(const struct call *call) {
    const char *from = second(call);
    if (last(call) == 0)
        return;
    size_t room = room_at(call, from), most = last(call), look = smaller(room, most);
    if (room == UNKNOWN && !is_room_known(first(call)))
        return;
    const char *found = (hak_libc.memchr)(from, (int)word(call, 2), look);
    if (found)
        writes(call, first(call), (size_t)(found - from) + 1);
    else if (room < most)
        hak_string_runs_out(call, from, room, call->row->unit);
    else
        writes(call, first(call), most);
}
