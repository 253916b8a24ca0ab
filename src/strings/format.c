/* Reads formats of printf and scanf (format.h). */
#include "strings/format.h"

#include <limits.h>
#include <string.h>

static unsigned peek(const struct hak_format *format) {
    return unit_at(format->at, format->unit, 0);
}
static void advance(struct hak_format *format) {
    format->at += format->unit;
}
static bool skip(struct hak_format *format, unsigned letter) {
    bool is_there = peek(format) == letter;
    if (is_there)
        advance(format);
    return is_there;
}
static bool is_letter_in(unsigned letter, const char *letters) {
    return letter != 0 && letter < 128 && strchr(letters, (int)letter) != NULL;
}
static bool is_digit(unsigned letter) {
    return letter - '0' < 10;
}

static bool lose(struct hak_format *format) {
    format->is_lost = true;
    return false;
}

/* 0 where there is none. */
static size_t read_number(struct hak_format *format) {
    size_t number = 0;
    for (; is_digit(peek(format)); advance(format)) {
        number = number * 10 + (peek(format) - '0');
        if (number > INT_MAX) {
            (void)lose(format);
            number = INT_MAX;
        }
    }
    return number;
}

/* "2$"; 0 where none is named, and nothing was read then. */
static size_t read_position(struct hak_format *format) {
    const char *start = format->at;
    size_t number = read_number(format);
    if (number > 0 && skip(format, '$'))
        return number;
    format->at = start;
    return 0;
}

static int take_argument(struct hak_format *format, size_t position) {
    if ((position != 0) != format->is_by_number) {
        if (format->is_by_number || format->arguments > 0)
            (void)lose(format); /* both kinds */
        format->is_by_number = true;
    }
    size_t number = position ? position - 1 : (size_t)format->arguments++;
    if (number < HAK_FORMAT_ARGUMENTS)
        return (int)number;
    (void)lose(format);
    return -1;
}

static uint8_t read_length(struct hak_format *format) {
    if (skip(format, 'h'))
        return skip(format, 'h') ? HAK_LENGTH_CHAR : HAK_LENGTH_SHORT;
    if (skip(format, 'l'))
        return skip(format, 'l') ? HAK_LENGTH_MORE : HAK_LENGTH_LONG;
    if (skip(format, 'L') || skip(format, 'q'))
        return HAK_LENGTH_MORE;
    if (!is_letter_in(peek(format), "jzZt"))
        return HAK_LENGTH_NONE;
    advance(format);
    return HAK_LENGTH_WORD;
}

/* Goes behind the next %. */
static bool find_conversion(struct hak_format *format, struct hak_conversion *conversion) {
    while (peek(format) != '%') {
        if (peek(format) == 0)
            return false;
        advance(format);
    }
    *conversion = (struct hak_conversion){.start = format->at,
                                          .argument = -1,
                                          .width_argument = -1,
                                          .precision_argument = -1,
                                          .width = SIZE_MAX,
                                          .precision = SIZE_MAX};
    advance(format);
    return true;
}

static bool read_letter(struct hak_format *format, struct hak_conversion *conversion,
                        const char *letters) {
    conversion->letter = peek(format);
    if (!is_letter_in(conversion->letter, letters))
        return lose(format);
    advance(format);
    return true;
}

bool hak_format_next_printed(struct hak_format *format, struct hak_conversion *conversion) {
    if (format->is_lost || !find_conversion(format, conversion))
        return false;
    size_t position = read_position(format);
    while (is_letter_in(peek(format), "-+ #0'I"))
        advance(format);
    if (skip(format, '*'))
        conversion->width_argument = take_argument(format, read_position(format));
    else
        (void)read_number(format);
    if (skip(format, '.')) {
        if (skip(format, '*'))
            conversion->precision_argument = take_argument(format, read_position(format));
        else
            conversion->precision = read_number(format);
    }
    conversion->length = read_length(format);
    if (!read_letter(format, conversion, "diouxXbBcCpsSneEfFgGaAm%"))
        return false;
    if (!is_letter_in(conversion->letter, "m%"))
        conversion->argument = take_argument(format, position);
    return !format->is_lost;
}

/* Behind the [ of a set. */
static bool skip_set(struct hak_format *format) {
    (void)skip(format, '^');
    (void)skip(format, ']');
    while (!skip(format, ']')) {
        if (peek(format) == 0)
            return lose(format);
        advance(format);
    }
    return true;
}

static void read_scanned_width(struct hak_format *format, struct hak_conversion *conversion) {
    while (is_letter_in(peek(format), "*'I")) {
        conversion->is_suppressed |= peek(format) == '*';
        advance(format);
    }
    size_t width = read_number(format);
    if (width > 0)
        conversion->width = width;
}

bool hak_format_next_scanned(struct hak_format *format, struct hak_conversion *conversion) {
    if (format->is_lost || !find_conversion(format, conversion))
        return false;
    size_t position = read_position(format);
    read_scanned_width(format, conversion);
    conversion->is_allocated = skip(format, 'm');
    conversion->length = read_length(format);
    if (!read_letter(format, conversion, "diouxXbpaAeEfFgGcCsS[n%"))
        return false;
    /* Without C99 it allocates, as m does. */
    if (conversion->letter == 'a' && is_letter_in(peek(format), "sS["))
        return lose(format);
    if (conversion->letter == '[' && !skip_set(format))
        return false;
    if (conversion->letter != '%' && !conversion->is_suppressed)
        conversion->argument = take_argument(format, position);
    return !format->is_lost;
}
