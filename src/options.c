/* Reads HAKMEM_* by options.def: in the program at its start, and value by value for `run`. */
#include "options.h"

#include <errno.h>
#include <stddef.h>
#include <string.h>
#include <sys/auxv.h>
#include <unistd.h>
#include "hop.h"

struct hak_options hak_options;

enum option_type { TYPE_CHOICE, TYPE_NUMBER, TYPE_BYTES, TYPE_FRACTION, TYPE_PATH, TYPE_TEXT };

struct option {
    const char *name;
    const char *standard;
    const char *range;
    enum option_type type;
    size_t offset; /* of the field in struct hak_options */
};

static const struct option options[] = {
#define OPTION(name, field, type, standard, range, run, sentence)                                  \
    {#name, standard, range, TYPE_##type, offsetof(struct hak_options, field)},
#include "options.def"
};

enum { OPTION_COUNT = sizeof options / sizeof *options };

/* What a profile or preset sets, in the table's order. */
static const struct group {
    const char *name, *choice, *other, *value;
} groups[] = {
#define SETS(name, choice, other, value) {#name, choice, #other, value},
#include "options.def"
};

static bool is_given[OPTION_COUNT];

static const char prefix[] = "HAKMEM_";

static bool parse_choice(const char *range, const char *value, uint64_t *result) {
    size_t length = strlen(value);
    uint64_t index = 0;
    for (const char *choice = range;; choice++, index++) {
        size_t choice_length = strcspn(choice, "|");
        if (choice_length == length && memcmp(choice, value, length) == 0) {
            *result = index;
            return true;
        }
        choice += choice_length;
        if (!*choice)
            return false;
    }
}

/* Digits, then K, M or G if `with_unit`. Returns where the number ends, NULL when there is none or
 * it is too large. */
static const char *parse_number(const char *text, bool with_unit, uint64_t *result) {
    const char *at = text;
    uint64_t number = 0;
    for (; *at >= '0' && *at <= '9'; at++)
        if (__builtin_mul_overflow(number, 10, &number) ||
            __builtin_add_overflow(number, (uint64_t)(*at - '0'), &number))
            return NULL;
    if (at == text)
        return NULL;
    const char *units = "KMG";
    const char *unit = with_unit && *at ? strchr(units, *at) : NULL;
    if (unit) {
        if (__builtin_mul_overflow(number, (uint64_t)1 << (10 * (unit - units + 1)), &number))
            return NULL;
        at++;
    }
    *result = number;
    return at;
}

static bool parse_in_range(const struct option *option, const char *value, uint64_t *result) {
    bool with_unit = option->type == TYPE_BYTES;
    uint64_t low = 0, high = 0, number = 0;
    const char *end = parse_number(value, with_unit, &number);
    if (!end || *end)
        return false;
    const char *dots = parse_number(option->range, with_unit, &low);
    if (!dots || !parse_number(dots + 2, with_unit, &high) || number < low || number > high)
        return false;
    *result = number;
    return true;
}

/* 0..1 with at most six places after the point, as millionths. */
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

static bool parse(struct hak_options *into, const struct option *option, const char *value,
                  const char **expected) {
    void *field = (char *)into + option->offset;
    uint64_t number = 0;
    *expected = option->range;
    switch (option->type) {
    case TYPE_CHOICE:
        if (!parse_choice(option->range, value, &number))
            return false;
        break;
    case TYPE_NUMBER:
    case TYPE_BYTES:
        if (!parse_in_range(option, value, &number))
            return false;
        break;
    case TYPE_FRACTION:
        if (!parse_fraction(value, &number))
            return false;
        break;
    case TYPE_PATH:
    case TYPE_TEXT: {
        size_t length = strlen(value);
        if (length >= HAK_TEXT_BYTES) {
            *expected = "at most 4095 bytes";
            return false;
        }
        memcpy(field, value, length + 1);
        return true;
    }
    }
    memcpy(field, &number, sizeof number);
    return true;
}

static const struct option *find_option(const char *name, size_t length) {
    for (unsigned i = 0; i < OPTION_COUNT; i++)
        if (strlen(options[i].name) == length && memcmp(options[i].name, name, length) == 0)
            return &options[i];
    return NULL;
}

bool hak_option_parse(struct hak_options *into, const char *name, const char *value,
                      const char **expected) {
    const struct option *option = find_option(name, strlen(name));
    if (!option) {
        *expected = "a variable that `hakmem-trace info --options` lists";
        return false;
    }
    return parse(into, option, value, expected);
}

/* One line on fd 2: the variable, its value (cut after 200 bytes), what was expected, what holds.
 */
static void complain(const struct option *option, const char *value, const char *expected) {
    char line[1024];
    size_t length = 0;
    const char *parts[] = {"hakmem: ",       prefix,   option->name, "=",       value,
                           ": expected ",    expected, "; ",         "taking ", "",
                           option->standard, "\n"};
    if (!*option->standard)
        parts[8] = "taking none";
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
        size_t bytes = strnlen(parts[i], 200);
        if (bytes > sizeof line - length)
            break;
        for (size_t j = 0; j < bytes; j++) {
            bool is_control = (unsigned char)parts[i][j] < ' ' && parts[i] == value;
            line[length++] = is_control ? '?' : parts[i][j];
        }
    }
    int saved_errno = errno;
    if (write(2, line, length) < 0)
        errno = saved_errno; /* nobody listens: the default holds all the same */
}

/* The plain build counts nothing: who asks for counters is told, not left to wait for them. */
static void complain_of_counters(const struct option *option, const char *value) {
    static const char line[] = "hakmem: HAKMEM_TINY_FRONT_METRICS and HAKMEM_TINY_FRONT_DUMP need "
                               "hakmem-debug.so; this is libhakmem, which counts nothing\n";
    bool asks = strncmp(option->name, "TINY_FRONT_", 11) == 0 && strcmp(value, "1") == 0;
    int saved_errno = errno;
    if (asks && write(2, line, sizeof line - 1) < 0)
        errno = saved_errno;
}

static void take_variable(const char *variable) {
    const char *name = variable + sizeof prefix - 1;
    const char *equals = strchr(name, '=');
    const struct option *option = equals ? find_option(name, (size_t)(equals - name)) : NULL;
    const char *expected = "";
    if (!option)
        return;
    is_given[option - options] = parse(&hak_options, option, equals + 1, &expected);
    if (!is_given[option - options])
        complain(option, equals + 1, expected);
    else if (!hak_is_debug_build)
        complain_of_counters(option, equals + 1);
}

/* A profile's or preset's values, where the variable itself was not given. */
static void apply_groups(struct hak_options *o) {
    for (unsigned i = 0; i < sizeof groups / sizeof *groups; i++) {
        const struct option *option = find_option(groups[i].name, strlen(groups[i].name));
        const struct option *other = find_option(groups[i].other, strlen(groups[i].other));
        const char *expected;
        uint64_t holds, asked;
        if (!option || !other || is_given[other - options])
            continue;
        memcpy(&holds, (const char *)o + option->offset, sizeof holds);
        if (parse_choice(option->range, groups[i].choice, &asked) && asked == holds)
            (void)parse(o, other, groups[i].value, &expected);
    }
}

/* Puts what holds in the place of "auto". The plain build knows one layout and stays lean. */
static void resolve_auto(struct hak_options *o) {
    if (!hak_is_debug_build) {
        o->layout = HAK_LAYOUT_SAME;
        o->magazine_enable = o->magazine_enable == HAK_MAGAZINE_ON;
        return;
    }
    if (o->layout == HAK_LAYOUT_AUTO)
        o->layout = o->check == HAK_CHECK_TRACE ? HAK_LAYOUT_SAME : HAK_LAYOUT_HEADER;
    if (o->magazine_enable == HAK_MAGAZINE_AUTO)
        o->magazine_enable =
            o->layout == HAK_LAYOUT_HEADER || o->inject[0] ? HAK_MAGAZINE_ON : HAK_MAGAZINE_OFF;
}

void hak_options_read(char **environment) {
    const char *expected;
    for (unsigned i = 0; i < OPTION_COUNT; i++)
        (void)parse(&hak_options, &options[i], options[i].standard, &expected);
    bool is_secure = getauxval(AT_SECURE) != 0;
    for (char **variable = environment; !is_secure && variable && *variable; variable++)
        if (strncmp(*variable, prefix, sizeof prefix - 1) == 0)
            take_variable(*variable);
    if (is_secure)
        hak_options.trace = 0; /* off */
    apply_groups(&hak_options);
    resolve_auto(&hak_options);
}
