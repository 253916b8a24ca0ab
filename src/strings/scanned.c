/* scanf: its stores are known after it alone, by the number of conversions that it says were
 * stored. Where one of them may store more than there is room for, the call is done here, with a
 * va_list, and looked at then; else it goes on as it was.
 *
 *   stored for certain                           bytes
 *   %d %lf %p %ms ..., and %n in front of one    those of the type
 *   %s %[, with a width or not                   the string that stands there, with its end
 *   %c                                           as many as its width; less where the input ended
 */
#include <errno.h>
#include <stdio.h>
#include "strings/call.h"

enum stored_kind { FIXED, TEXT, CHARACTERS };

struct stored {
    const char *to;
    size_t bytes; /* FIXED: its type's; TEXT: SIZE_MAX; CHARACTERS: all that its width asks for */
    unsigned unit;
    int rank; /* it is stored when scanf says that so many are */
    enum stored_kind kind;
    bool is_at_start; /* of the format */
};

struct scanned {
    unsigned count;
    struct stored stored[HAK_FORMAT_ARGUMENTS];
};

static size_t integer_bytes(const struct hak_conversion *conversion) {
    static const uint8_t bytes[] = {
        [HAK_LENGTH_NONE] = 4, [HAK_LENGTH_CHAR] = 1, [HAK_LENGTH_SHORT] = 2,
        [HAK_LENGTH_LONG] = 8, [HAK_LENGTH_MORE] = 8, [HAK_LENGTH_WORD] = 8};
    return conversion->letter == 'p' ? 8 : bytes[conversion->length];
}

static size_t float_bytes(const struct hak_conversion *conversion) {
    return conversion->length == HAK_LENGTH_MORE   ? HAK_LONG_DOUBLE_BYTES
           : conversion->length == HAK_LENGTH_LONG ? 8
                                                   : 4;
}

static bool is_conversion_in(const struct hak_conversion *conversion, const char *letters) {
    return strchr(letters, (int)conversion->letter) != NULL;
}

/* False where it is not known what is stored. */
static bool describe(const struct call *call, const struct hak_conversion *conversion,
                     struct stored *stored) {
    stored->is_at_start = conversion->start == second(call);
    if (conversion->is_allocated || !is_conversion_in(conversion, "cCsS[")) {
        stored->kind = FIXED;
        stored->bytes = conversion->is_allocated                   ? sizeof(char *)
                        : is_conversion_in(conversion, "aAeEfFgG") ? float_bytes(conversion)
                                                                   : integer_bytes(conversion);
        return true;
    }
    bool is_wide = conversion->length == HAK_LENGTH_LONG || is_conversion_in(conversion, "CS");
    stored->unit = is_wide ? sizeof(wchar_t) : 1;
    stored->kind = is_conversion_in(conversion, "cC") ? CHARACTERS : TEXT;
    stored->bytes = stored->kind == TEXT            ? SIZE_MAX
                    : conversion->width == SIZE_MAX ? stored->unit
                                                    : product(conversion->width, stored->unit);
    return conversion->length <= HAK_LENGTH_LONG;
}

/* More than its bytes it does not store; UNKNOWN: there is no such number. */
static size_t most_bytes(const struct call *call, const struct hak_conversion *conversion,
                         const struct stored *stored) {
    if (stored->kind == FIXED)
        return stored->bytes;
    if (stored->unit < call->row->unit) /* of one wide character it makes several bytes */
        return UNKNOWN;
    if (stored->kind == CHARACTERS)
        return stored->bytes;
    return conversion->width == SIZE_MAX ? UNKNOWN : product(conversion->width + 1, stored->unit);
}

/* The argument itself: all are pointers. */
static const char *argument_of(struct hak_list list, int argument) {
    for (int i = 0; i < argument; i++)
        (void)hak_list_word(&list);
    return (const char *)(uintptr_t)hak_list_word(&list);
}

/* True when one of them may store more than there is room for. */
static bool read_scanned_format(const struct call *call, struct scanned *scanned) {
    struct hak_format format = {.at = second(call), .unit = call->row->unit};
    struct hak_conversion conversion;
    struct hak_list list = hak_string_list_of(call);
    bool may_overrun = false;
    int rank = 0;
    while (hak_format_next_scanned(&format, &conversion)) {
        if (conversion.argument < 0)
            continue;
        if (scanned->count == HAK_FORMAT_ARGUMENTS)
            return false;
        struct stored *stored = &scanned->stored[scanned->count++];
        stored->to = argument_of(list, conversion.argument);
        stored->rank = conversion.letter == 'n' ? rank + 1 : ++rank;
        if (!describe(call, &conversion, stored))
            return false;
        size_t room = hak_room_at(stored->to);
        may_overrun |= room != UNKNOWN && most_bytes(call, &conversion, stored) > room;
    }
    return may_overrun && !format.is_lost;
}

/* ---- the call -------------------------------------------------------------------------------- */

static void *list_form(const struct call *call) {
#define FORMS(names)                                                                               \
    [HAK_CALL_##names##sscanf] = HAK_CALL_##names##vsscanf,                                        \
    [HAK_CALL_##names##fscanf] = HAK_CALL_##names##vfscanf,                                        \
    [HAK_CALL_##names##scanf] = HAK_CALL_##names##vscanf,                                          \
    [HAK_CALL_##names##swscanf] = HAK_CALL_##names##vswscanf,                                      \
    [HAK_CALL_##names##fwscanf] = HAK_CALL_##names##vfwscanf,                                      \
    [HAK_CALL_##names##wscanf] = HAK_CALL_##names##vwscanf
    static const uint16_t forms[HAK_STRING_CALLS] = {FORMS(), FORMS(__isoc99_), FORMS(__isoc23_)};
    bool is_list = call->row->shape == SCAN_LIST || call->row->shape == SCAN_STREAM_LIST;
    return hak_string_functions[is_list ? call->number : forms[call->number]];
}

/* scanf(format, ...) has its format first, the others what they read. */
static bool reads_standard_input(const struct call *call) {
    return call->row->b == 0;
}

static int call_scanf(const struct call *call, void *function) {
    struct hak_list own = hak_string_list_of(call), *list = &own;
    if (call->row->shape == SCAN_LIST || call->row->shape == SCAN_STREAM_LIST)
        list = (struct hak_list *)(uintptr_t)last(call); /* the caller's goes on, as it should */
    if (reads_standard_input(call)) {
        int (*form)(const char *, struct hak_list *);
        *(void **)&form = function;
        return form(second(call), list);
    }
    int (*form)(char *, const char *, struct hak_list *);
    *(void **)&form = function;
    return form(first(call), second(call), list);
}

/* ---- what it stored -------------------------------------------------------------------------- */

/* Nothing else was stored from a little in front of it to its block's end: the bytes there are its
 * own. */
static bool is_alone(const struct scanned *scanned, const struct stored *stored, size_t room) {
    enum { WIDEST = 16 };
    for (unsigned i = 0; i < scanned->count; i++) {
        const struct stored *other = &scanned->stored[i];
        if (other != stored && (size_t)(other->to - stored->to) + WIDEST < room + WIDEST)
            return false;
    }
    return true;
}

/* Characters that were there for a %c: the input of sscanf is measured before the call, since what
 * is stored may lie on it. */
static size_t input_bytes(const struct call *call, const struct stored *stored) {
    bool is_text = call->row->shape == SCAN || call->row->shape == SCAN_LIST;
    if (!is_text || stored->kind != CHARACTERS || !stored->is_at_start)
        return stored->unit;
    return product(length_within(first(call), call->row->unit, SIZE_MAX), stored->unit);
}

/* A stream that has not come to its end had all characters that were asked for. */
static bool has_more_input(const struct call *call) {
    switch (call->row->shape) {
    case SCAN_STREAM:
    case SCAN_STREAM_LIST:
        return !feof_unlocked(reads_standard_input(call) ? *hak_libc.standard_input
                                                         : (FILE *)(void *)first(call));
    default:
        return false;
    }
}

static size_t stored_bytes(const struct call *call, const struct scanned *scanned,
                           const struct stored *stored, int result, size_t input) {
    size_t room = hak_room_at(stored->to);
    switch (stored->kind) {
    case CHARACTERS:
        return result > stored->rank || has_more_input(call) ? stored->bytes
                                                             : smaller(input, stored->bytes);
    case TEXT:
        return room != UNKNOWN && is_alone(scanned, stored, room)
                   ? (length_within(stored->to, stored->unit, SIZE_MAX) + 1) * stored->unit
                   : 0;
    default:
        return stored->bytes;
    }
}

static void scan_and_look(struct call *call, void *function) {
    struct scanned scanned = {.count = 0};
    if (!read_scanned_format(call, &scanned))
        return;
    size_t input = input_bytes(call, &scanned.stored[0]);
    int result = call_scanf(call, function), before = errno;
    call->arguments->result = (unsigned)result;
    call->way = HAK_RETURN;
    for (unsigned i = 0; i < scanned.count; i++) {
        const struct stored *stored = &scanned.stored[i];
        if (stored->rank <= result)
            hak_string_wrote(
                call, stored->to,
                stored_bytes(call, &scanned, stored, result, i == 0 ? input : stored->unit));
    }
    errno = before;
}

void hak_string_scan(struct call *call) {
    void *function = list_form(call);
    if (function && hak_string_has_list(call) && hak_string_reads_format(call) &&
        hak_string_is_whole(second(call), call->row->unit, UNKNOWN))
        scan_and_look(call, function);
}
