/* Parses the text of a HAKMEM_ variable by options.def: for the program's start (options_read.c)
 * and, value by value, for `run`. */
#include "options.h"

#include <string.h>
#include "options_table.h"

const struct hak_option hak_option_table[HAK_OPTIONS] = {
#define OPTION(name, field, type, standard, range, run, sentence)                                  \
    {#name,           standard,         range,                                                     \
     HAK_TYPE_##type, sizeof #name - 1, offsetof(struct hak_options, field)},
#include "options.def"
};

/* Finds the index of `value` among the choices of `range`; false: it is none. */
static bool parse_choice(const char *range, const char *value, uint64_t *result) {
    uint64_t index = 0;
    for (const char *at = range;; index++) {
        const char *wanted = value;
        while (*at && *at != '|' && *at == *wanted)
            at++, wanted++;
        if (!*wanted && (!*at || *at == '|')) {
            *result = index;
            return at != range; /* an empty value is no choice */
        }
        while (*at && *at != '|')
            at++;
        if (!*at++)
            return false;
    }
}

/* Reads digits and, if `with_unit`, K, M or G behind them into *result. Returns where the number
 * ends, NULL when there is none or it is too large. */
static const char *parse_number(const char *text, bool with_unit, uint64_t *result) {
    const char *at = text;
    uint64_t number = 0;
    for (; *at >= '0' && *at <= '9'; at++)
        if (__builtin_mul_overflow(number, 10, &number) ||
            __builtin_add_overflow(number, (uint64_t)(*at - '0'), &number))
            return NULL;
    if (at == text)
        return NULL;
    unsigned shift = !with_unit || !*at ? 0
                     : *at == 'K'       ? 10
                     : *at == 'M'       ? 20
                     : *at == 'G'       ? 30
                                        : 0;
    if (shift) {
        if (__builtin_mul_overflow(number, (uint64_t)1 << shift, &number))
            return NULL;
        at++;
    }
    *result = number;
    return at;
}

/* Reads a number, with a unit where bytes are meant. False: it is none, or not in the option's
 * range. */
static bool parse_in_range(const struct hak_option *option, const char *value, uint64_t *result) {
    bool with_unit = option->type == HAK_TYPE_BYTES;
    uint64_t low = 0, high = 0, number = 0;
    const char *end = parse_number(value, with_unit, &number);
    const char *dots = parse_number(option->range, with_unit, &low);
    const char *unit = dots ? parse_number(dots + 2, with_unit, &high) : NULL;
    if (!end || !unit || number < low || number > high)
        return false;
    if (*end && (*unit != '%' || *end != '%' || end[1]))
        return false;
    *result = number;
    return true;
}

/* Reads 0..1 with at most six places after the point, as millionths. */
static bool parse_fraction(const char *value, uint64_t *result) {
    uint64_t whole = 0, part = 0, unit = HAK_FRACTION_ONE;
    const char *at = parse_number(value, false, &whole);
    if (!at || whole > 1)
        return false;
    if (*at == '.')
        for (at++; *at >= '0' && *at <= '9' && unit > 1; at++) {
            unit /= 10;
            part += (uint64_t)(*at - '0') * unit;
        }
    *result = whole * HAK_FRACTION_ONE + part;
    return !*at && *result <= HAK_FRACTION_ONE;
}

/* Reads `value` as a number; whether it lies between those around the dots of `range`. */
static bool is_number_in(const char *range, const char *value, uint64_t *number) {
    uint64_t low = 0, high = 0;
    const char *dots = parse_number(range, false, &low), *end = parse_number(value, false, number);
    return end && !*end && dots && parse_number(dots + 2, false, &high) && *number >= low &&
           *number <= high;
}

/* Whether `value` is the word at `range`. If the range goes on with a colon, a number in its bounds
 * or, without bounds, a text that is not empty must follow; it is put into `variant`. */
static bool is_variant(const char *range, const char *value, struct hak_variant *variant) {
    while (*range && *range != '|' && *range != ':' && *range == *value)
        range++, value++;
    if (*range != ':')
        return !*value && (!*range || *range == '|');
    if (*value != ':')
        return false;
    variant->text = value + 1;
    if (range[1] >= '0' && range[1] <= '9')
        return is_number_in(range + 1, value + 1, &variant->number);
    return value[1] != '\0';
}

/* Reads a value by its range of words, some of which take a number or a text behind a colon. False:
 * it is none of them, and `variant` is all zero. */
bool hak_option_read_variant(const char *range, const char *value, struct hak_variant *variant) {
    for (unsigned index = 0;; index++) {
        *variant = (struct hak_variant){.index = index};
        if (is_variant(range, value, variant))
            return true;
        while (*range && *range != '|')
            range++;
        if (!*range++)
            break;
    }
    *variant = (struct hak_variant){0};
    return false;
}

bool hak_option_is_text(const struct hak_option *option) {
    return option->type == HAK_TYPE_PATH || option->type == HAK_TYPE_VARIANT ||
           option->type == HAK_TYPE_TEXT;
}

bool hak_option_take_number(const struct hak_option *option, const char *value, uint64_t *number,
                            const char **expected) {
    *expected = option->range;
    switch (option->type) {
    case HAK_TYPE_CHOICE:
        return parse_choice(option->range, value, number);
    case HAK_TYPE_NUMBER:
    case HAK_TYPE_BYTES:
        return parse_in_range(option, value, number);
    case HAK_TYPE_POWER:
        return parse_in_range(option, value, number) && (*number & (*number - 1)) == 0;
    case HAK_TYPE_FRACTION:
        return parse_fraction(value, number);
    case HAK_TYPE_PATH:
    case HAK_TYPE_VARIANT:
    case HAK_TYPE_TEXT:
    default:
        return false;
    }
}

/* Whether a choice begins with off and on. */
static bool is_switch(const char *range) {
    return range[0] == '0' && range[1] == '|' && range[2] == '1' &&
           (range[3] == '\0' || range[3] == '|');
}

/* The number of an option's standard value. It stands in its range (tests/unit/options_test.c):
 * nothing is refused here. */
uint64_t hak_option_standard(const struct hak_option *option) {
    const char *standard = option->standard;
    uint64_t number = 0;
    if (option->type == HAK_TYPE_CHOICE && is_switch(option->range) && !standard[1])
        number = standard[0] == '1'; /* most choices are, and each start reads all of them */
    else if (option->type == HAK_TYPE_CHOICE)
        (void)parse_choice(option->range, standard, &number);
    else if (option->type == HAK_TYPE_FRACTION)
        (void)parse_fraction(standard, &number);
    else if (option->type == HAK_TYPE_BYTES && standard[1])
        (void)parse_number(standard, true, &number);
    else
        for (const char *at = standard; *at; at++) /* digits alone, likewise */
            number = number * 10 + (uint64_t)(*at - '0');
    return number;
}

bool hak_option_take(struct hak_options *into, const struct hak_option *option, const char *value,
                     const char **expected) {
    char *field = (char *)into + option->offset;
    if (hak_option_is_text(option)) {
        size_t length = strlen(value);
        struct hak_variant variant;
        *expected = option->range;
        if (option->type == HAK_TYPE_VARIANT &&
            !hak_option_read_variant(option->range, value, &variant))
            return false;
        *expected = "at most 4095 bytes";
        if (length >= HAK_TEXT_BYTES)
            return false;
        bool *has_text = &into->has_text[option - hak_option_table];
        bool is_standard = strcmp(value, option->standard) == 0;
        if (!is_standard || *has_text)
            memcpy(field, is_standard ? "" : value, is_standard ? 1 : length + 1);
        *has_text = !is_standard;
        return true;
    }
    uint64_t number = 0;
    if (!hak_option_take_number(option, value, &number, expected))
        return false;
    memcpy(field, &number, sizeof number);
    return true;
}

const struct hak_option *hak_option_find(const char *name, size_t length) {
    for (unsigned i = 0; i < HAK_OPTIONS; i++) {
        const struct hak_option *option = &hak_option_table[i];
        if (option->name_bytes == length && memcmp(option->name, name, length) == 0)
            return option;
    }
    return NULL;
}

/* Parses the value of the option called `name` (without HAKMEM_). False: there is no such option,
 * or it does not take this value; `*expected` says what would have been right. */
bool hak_option_parse(struct hak_options *into, const char *name, const char *value,
                      const char **expected) {
    const struct hak_option *option = hak_option_find(name, strlen(name));
    if (!option) {
        *expected = "a variable that `hakmem-trace info --options` lists";
        return false;
    }
    return hak_option_take(into, option, value, expected);
}
