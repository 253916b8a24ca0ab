/* printf: the strings that it reads, found by reading the format; and what it would write, measured
 * by printing elsewhere first, where the block may be too small. */
#include <errno.h>
#include <stdatomic.h>
#include <stdio.h>
#include "strings/call.h"

static atomic_bool is_extended;

void hak_string_extend_formats(void) {
    atomic_store_explicit(&is_extended, true, memory_order_relaxed);
}

/* ---- what is read ---------------------------------------------------------------------------- */

enum { STRINGS_AT_MOST = 16 };
enum argument_kind { UNSEEN, WORD, DOUBLE, LONG_DOUBLE };

struct printed_string {
    int argument, precision_argument;
    size_t precision;
    unsigned unit;
};

struct printed {
    uint8_t kinds[HAK_FORMAT_ARGUMENTS]; /* enum kind */
    int arguments;
    unsigned count;
    struct printed_string strings[STRINGS_AT_MOST];
};

static enum argument_kind kind_of(const struct hak_conversion *conversion) {
    if (!strchr("eEfFgGaA", (int)conversion->letter))
        return WORD;
    return conversion->length == HAK_LENGTH_MORE ? LONG_DOUBLE : DOUBLE;
}

/* False when the format has it as something else already. */
static bool note_argument(struct printed *printed, int argument, enum argument_kind kind) {
    if (argument < 0)
        return true;
    if (printed->kinds[argument] != UNSEEN && printed->kinds[argument] != kind)
        return false;
    printed->kinds[argument] = (uint8_t)kind;
    if (argument >= printed->arguments)
        printed->arguments = argument + 1;
    return true;
}

static void note_string(struct printed *printed, const struct hak_conversion *conversion) {
    bool is_wide = conversion->letter == 'S' || conversion->length == HAK_LENGTH_LONG;
    if ((conversion->letter != 's' && conversion->letter != 'S') ||
        conversion->length > HAK_LENGTH_LONG || printed->count == STRINGS_AT_MOST)
        return;
    printed->strings[printed->count++] =
        (struct printed_string){.argument = conversion->argument,
                                .precision_argument = conversion->precision_argument,
                                .precision = conversion->precision,
                                .unit = is_wide ? sizeof(wchar_t) : 1};
}

/* False where the format is not understood. */
static bool read_printed_format(const struct call *call, struct printed *printed) {
    struct hak_format format = {.at = second(call), .unit = call->row->unit};
    struct hak_conversion conversion;
    while (hak_format_next_printed(&format, &conversion)) {
        if (!note_argument(printed, conversion.width_argument, WORD) ||
            !note_argument(printed, conversion.precision_argument, WORD) ||
            !note_argument(printed, conversion.argument, kind_of(&conversion)))
            return false;
        note_string(printed, &conversion);
    }
    return !format.is_lost;
}

/* False where one of them is not named by the format, and may be anything. */
static bool read_arguments(const struct call *call, const struct printed *printed,
                           uint64_t words[HAK_FORMAT_ARGUMENTS]) {
    struct hak_list list = hak_string_list_of(call);
    for (int i = 0; i < printed->arguments; i++) {
        switch ((enum argument_kind)printed->kinds[i]) {
        case WORD:
            words[i] = hak_list_word(&list);
            break;
        case DOUBLE:
            hak_list_skip_double(&list);
            break;
        case LONG_DOUBLE:
            hak_list_skip_long_double(&list);
            break;
        case UNSEEN:
            return false;
        }
    }
    return true;
}

/* How many characters of the format's kind `units` of the other kind make; UNKNOWN: printf fails at
 * one of them. */
static size_t converted(const char *s, unsigned unit, size_t units) {
    mbstate_t state = {0};
    int before = errno;
    const wchar_t *wide = (const wchar_t *)(const void *)s;
    size_t made = unit == 1 ? hak_libc.mbsnrtowcs(NULL, &s, units, 0, &state)
                            : hak_libc.wcsnrtombs(NULL, &wide, units, 0, &state);
    errno = before;
    return made;
}

void hak_string_reads_converted(const struct call *call, const char *s, unsigned unit,
                                size_t most) {
    size_t room = most ? room_at(call, s) : UNKNOWN, units = room / unit;
    bool is_same = unit == call->row->unit;
    if (room == UNKNOWN || (is_same && units >= most))
        return;
    bool asks = units > 0 && hak_room_near(s) == 0; /* a block of a page or more, not a freed one */
    size_t near = smaller(units, hak_string_units_of_page(s, unit));
    if (asks && !hak_string_unit_is_there(s, unit))
        return; /* libc may fail before it reads what is not there */
    if (length_within(s, unit, near) < near)
        return;
    if (near < units && !is_same && converted(s, unit, near) >= most)
        return; /* or it fails there */
    if ((asks && !hak_string_is_whole(s, unit, room)) || length_within(s, unit, units) < units)
        return;
    if (is_same || converted(s, unit, units) < most)
        hak_string_runs_out(call, s, room, unit);
}

/* Most formats have none, and are not taken apart then. Neither is one that cannot be read. */
static bool may_have_strings(const struct call *call) {
    const char *at = second(call);
    unsigned unit = call->row->unit;
    bool is_conversion = false;
    while (hak_string_unit_is_there(at, unit)) {
        for (size_t left = hak_string_units_of_page(at, unit); left > 0; left--, at += unit) {
            unsigned c = unit_at(at, unit, 0);
            if (c == 0)
                return false;
            if (is_conversion && (c | 32) == 's')
                return hak_string_is_whole(at, unit, UNKNOWN);
            is_conversion |= c == '%';
        }
    }
    return false;
}

static void reads_strings(const struct call *call) {
    struct printed printed; /* not its strings, of which `count` are set */
    memset(printed.kinds, UNSEEN, sizeof printed.kinds);
    printed.arguments = 0;
    printed.count = 0;
    uint64_t words[HAK_FORMAT_ARGUMENTS];
    if (!read_printed_format(call, &printed) || printed.count == 0 ||
        !read_arguments(call, &printed, words))
        return;
    for (unsigned i = 0; i < printed.count; i++) {
        const struct printed_string *string = &printed.strings[i];
        size_t precision = string->precision;
        if (string->precision_argument >= 0) {
            int given = (int)words[string->precision_argument];
            precision = given < 0 ? SIZE_MAX : (size_t)given;
        }
        hak_string_reads_converted(call, (const char *)(uintptr_t)words[string->argument],
                                   string->unit, precision);
    }
}

void hak_string_look_at_arguments(const struct call *call) {
    if (hak_string_reads_format(call) && may_have_strings(call) &&
        !atomic_load_explicit(&is_extended, memory_order_relaxed))
        reads_strings(call);
}

/* ---- what is written ------------------------------------------------------------------------- */

/* How many bytes the end included the call prints; UNKNOWN: it fails. */
static size_t printed_bytes(const struct call *call) {
    int (*print)(char *, size_t, const char *, struct hak_list *);
    struct hak_list list = hak_string_list_of(call);
    int before = errno;
    *(void **)&print = hak_string_functions[HAK_CALL_vsnprintf];
    int length = print ? print(NULL, 0, second(call), &list) : -1;
    errno = before;
    return length < 0 ? UNKNOWN : (size_t)length + 1;
}

void hak_string_look_at_output(const struct call *call, size_t most) {
    size_t room = most ? room_at(call, first(call)) : UNKNOWN;
    if (room == UNKNOWN || most <= room)
        return;
    size_t bytes = printed_bytes(call);
    if (bytes != UNKNOWN && smaller(bytes, most) > room)
        hak_string_tell(call, first(call), smaller(bytes, most), true, false, false);
}

/* Wide characters cannot be printed to nowhere: they are printed to the stack. Output that does not
 * fit there, or in the room that the program names, fails; its end is seen by the units that it
 * left untouched. */
enum { MEASURED_UNITS = 512, UNTOUCHED = 0x7ea5a5a5 };

static HAK_COLD void measure_wide(const struct call *call, size_t most, size_t room) {
    int (*print)(wchar_t *, size_t, const char *, struct hak_list *);
    struct hak_list list = hak_string_list_of(call);
    wchar_t printed[MEASURED_UNITS];
    size_t tried = smaller(most, MEASURED_UNITS), units = tried;
    int before = errno;
    *(void **)&print = hak_string_functions[HAK_CALL_vswprintf];
    if (!print)
        return;
    hak_libc.wmemset(printed, UNTOUCHED, tried);
    int length = print(printed, tried, second(call), &list);
    errno = before;
    if (length >= 0)
        units = (size_t)length + 1;
    while (length < 0 && units > 0 && printed[units - 1] == UNTOUCHED)
        units--;
    if (units * sizeof(wchar_t) > room)
        hak_string_tell(call, first(call), units * sizeof(wchar_t), true,
                        length < 0 && tried < most, false);
}

void hak_string_look_at_wide_output(const struct call *call, size_t most) {
    size_t room = room_at(call, first(call));
    if (room != UNKNOWN && product(most, sizeof(wchar_t)) > room)
        measure_wide(call, most, room);
}
