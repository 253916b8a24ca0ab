/* printf into a text, with every argument of %s that is not this program's own escaped. */
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include "report/text/text.h"

#define NUMBER_MAX 512 /* longest number that is written, with its width */

/* Linker symbols around the parts of this program's file that nobody writes to: its code and its
 * constants. The second symbol is where the data that may change begins. */
extern const char __executable_start[], __data_start[];

/* A literal or a constant of the program: nothing foreign can lie there. */
static bool is_own(const char *string) {
    uintptr_t at = (uintptr_t)string;
    return (uintptr_t)__executable_start <= at && at < (uintptr_t)__data_start;
}

/* One conversion: "%-*.3llu". */
struct conversion {
    char spec[32]; /* '%', flags and length modifiers, without width and precision */
    size_t used;
    int width, precision; /* -1 = none */
    bool is_left;
    enum { PLAIN, LONG, LONG_LONG, SIZE } length;
    char letter;
};

struct arguments {
    va_list list;
};

/* A width or precision: the digits, or the next argument for '*'; moves `at` behind it. */
static int digits_or_star(const char **at, struct arguments *given) {
    int value = 0;
    if (**at == '*') {
        (*at)++;
        return va_arg(given->list, int);
    }
    while (**at >= '0' && **at <= '9' && value < 100000)
        value = 10 * value + *(*at)++ - '0';
    return value;
}

/* Reads the conversion behind a '%'; returns the text that follows it. */
static const char *read_conversion(const char *at, struct arguments *given, struct conversion *c) {
    *c = (struct conversion){.spec = "%", .used = 1, .width = -1, .precision = -1};
    for (; *at && strchr("-+ #0", *at) && c->used < 8; at++) {
        c->is_left |= *at == '-';
        c->spec[c->used++] = *at;
    }
    if (*at == '*' || (*at >= '1' && *at <= '9'))
        c->width = digits_or_star(&at, given);
    if (c->width < -1) {
        c->is_left = true;
        c->spec[c->used++] = '-';
        c->width = -c->width;
    }
    if (*at == '.') {
        at++;
        c->precision = digits_or_star(&at, given);
    }
    for (; *at && strchr("hlzjt", *at); at++)
        c->length = *at == 'h' ? PLAIN : *at != 'l' ? SIZE : c->length == LONG ? LONG_LONG : LONG;
    c->letter = *at ? *at++ : '%';
    return at;
}

/* Appends a piece with blanks on one side up to `width` columns. */
static void add_padded(struct hak_text *text, const struct hak_text *piece, int width,
                       bool is_left) {
    int room = width - (width > 0 ? hak_text_column(piece) : 0);
    hak_text_fill(text, ' ', is_left ? 0 : room);
    hak_text_add_text(text, piece);
    hak_text_fill(text, ' ', is_left ? room : 0);
}

/* Appends a text of the program, made visible; with a precision at most so many bytes of it. */
static void add_foreign(struct hak_text *text, const char *string, int precision) {
    char head[HAK_TEXT_NAME_MAX];
    size_t length = precision < 0 ? 0 : strnlen(string, (size_t)precision);
    if (precision < 0 || length > sizeof head - 1) {
        hak_text_add_name(text, string);
        return;
    }
    memcpy(head, string, length);
    head[length] = '\0';
    hak_text_add_name(text, head);
}

/* Appends %s: a text of ours as it is, one of the program made visible; padded. */
static void add_string(struct hak_text *text, const struct conversion *c, const char *string) {
    struct hak_text piece = {0};
    struct hak_text *to = c->width > 0 ? &piece : text;
    if (!string)
        string = "";
    if (is_own(string))
        hak_text_add_bytes(
            to, string, c->precision < 0 ? strlen(string) : strnlen(string, (size_t)c->precision));
    else
        add_foreign(to, string, c->precision);
    if (to == &piece)
        add_padded(text, &piece, c->width, c->is_left);
    hak_text_free(&piece);
}

/* Appends a character in its width, made visible but for newline and tab. */
static void add_character(struct hak_text *text, const struct conversion *c, int value) {
    char string[2] = {(char)value, '\0'};
    hak_text_fill(text, ' ', c->is_left ? 0 : c->width - 1);
    if (value == '\n' || value == '\t')
        hak_text_add_bytes(text, string, 1);
    else
        hak_text_add_name(text, string);
    hak_text_fill(text, ' ', c->is_left ? c->width - 1 : 0);
}

/* Adds a number by printf, with its own conversion, and width and precision as arguments. */
static void add_number(struct hak_text *text, struct conversion *c, struct arguments *given) {
    char out[NUMBER_MAX];
    bool is_signed = c->letter == 'd' || c->letter == 'i';
    int width = c->width < 0 ? 0 : c->width, length;
    const char *with = strchr("diuxXoc", c->letter) ? "*.*ll" : "*.*";
    snprintf(c->spec + c->used, sizeof c->spec - c->used, "%s%c", with, c->letter);
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
    if (strchr("feEgGaF", c->letter)) {
        length =
            snprintf(out, sizeof out, c->spec, width, c->precision, va_arg(given->list, double));
    } else if (c->letter == 'p') {
        length = snprintf(out, sizeof out, "%*p", c->is_left ? -width : width,
                          va_arg(given->list, void *));
    } else {
        long long value = c->length == LONG || c->length == SIZE ? va_arg(given->list, long)
                          : c->length == LONG_LONG               ? va_arg(given->list, long long)
                          : is_signed
                              ? va_arg(given->list, int)
                              : (long long)(unsigned long long)va_arg(given->list, unsigned);
        length = snprintf(out, sizeof out, c->spec, width, c->precision, value);
    }
#pragma GCC diagnostic pop
    if (length > 0)
        hak_text_add_bytes(text, out,
                           (size_t)length < sizeof out ? (size_t)length : sizeof out - 1);
}

void hak_text_vadd(struct hak_text *text, const char *format, va_list list) {
    struct arguments given;
    struct conversion c;
    va_copy(given.list, list);
    hak_text_add_bytes(text, "", 0); /* an empty text is one, too */
    while (*format) {
        size_t run = strcspn(format, "%");
        hak_text_add_bytes(text, format, run);
        format += run;
        if (*format == '\0')
            break;
        format = read_conversion(format + 1, &given, &c);
        if (c.letter == '%')
            hak_text_add_bytes(text, "%", 1);
        else if (c.letter == 's')
            add_string(text, &c, va_arg(given.list, const char *));
        else if (c.letter == 'c')
            add_character(text, &c, va_arg(given.list, int));
        else
            add_number(text, &c, &given);
    }
    va_end(given.list);
}

void hak_text_add(struct hak_text *text, const char *format, ...) {
    va_list list;
    va_start(list, format);
    hak_text_vadd(text, format, list);
    va_end(list);
}

void hak_text_add_at(struct hak_text *text, int column, const char *format, ...) {
    va_list list;
    hak_text_tab(text, column);
    va_start(list, format);
    hak_text_vadd(text, format, list);
    va_end(list);
}
