/* The settings of this process: HAKMEM_* read once at start, checked against options.def.
 *
 * The environment is read here and nowhere else. A value that cannot be read gives one line on
 * stderr that names the variable, the value and what was expected; the default holds then. Unknown
 * HAKMEM_ names are left alone. Nothing here allocates. */
#ifndef HAK_OPTIONS_H
#define HAK_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define HAK_TEXT_BYTES 4096

enum hak_option_index {
#define OPTION(name, field, type, standard, range, run, sentence) HAK_INDEX_##name,
#include "options.def"
    HAK_OPTIONS
};

/* One field for each line of options.def. CHOICE, NUMBER, POWER, BYTES and FRACTION (in millionths)
 * are uint64_t, and stand together at the front: one page; PATH, VARIANT and TEXT are char arrays
 * of a page each: whoever asks at each start asks has_text first, so that the pages of empty ones
 * are not touched. A standard that is not empty is not written there: hak_option_text gives what
 * holds. */
struct hak_options {
#define HAK_AS_NUMBER_CHOICE(field)   uint64_t field;
#define HAK_AS_NUMBER_NUMBER(field)   uint64_t field;
#define HAK_AS_NUMBER_POWER(field)    uint64_t field;
#define HAK_AS_NUMBER_BYTES(field)    uint64_t field;
#define HAK_AS_NUMBER_FRACTION(field) uint64_t field;
#define HAK_AS_NUMBER_PATH(field)
#define HAK_AS_NUMBER_VARIANT(field)
#define HAK_AS_NUMBER_TEXT(field)
#define OPTION(name, field, type, standard, range, run, sentence) HAK_AS_NUMBER_##type(field)
#include "options.def"
    bool has_text[HAK_OPTIONS]; /* by index: a text was given in place of its standard */
#define HAK_AS_TEXT_CHOICE(field)
#define HAK_AS_TEXT_NUMBER(field)
#define HAK_AS_TEXT_POWER(field)
#define HAK_AS_TEXT_BYTES(field)
#define HAK_AS_TEXT_FRACTION(field)
#define HAK_AS_TEXT_PATH(field)                                   char field[HAK_TEXT_BYTES];
#define HAK_AS_TEXT_VARIANT(field)                                char field[HAK_TEXT_BYTES];
#define HAK_AS_TEXT_TEXT(field)                                   char field[HAK_TEXT_BYTES];
#define OPTION(name, field, type, standard, range, run, sentence) HAK_AS_TEXT_##type(field)
#include "options.def"
    bool stores_faults; /* level light, but for HAKMEM_TRACE=off: a fault gets a store */
};

enum { HAK_CHECK_TRACE, HAK_CHECK_NORMAL, HAK_CHECK_LIGHT };
enum { HAK_LAYOUT_AUTO, HAK_LAYOUT_SAME, HAK_LAYOUT_HEADER };
enum { HAK_MAGAZINE_OFF, HAK_MAGAZINE_ON, HAK_MAGAZINE_AUTO };
enum { HAK_FULL_WAIT, HAK_FULL_DROP };
enum { HAK_FRAMES_NATIVE, HAK_FRAMES_PYTHON };
enum { HAK_PROFILE_DEFAULT, HAK_PROFILE_BALANCED, HAK_PROFILE_ADAPTIVE, HAK_PROFILE_TIGHT };
enum { HAK_TINY_HOT, HAK_TINY_CONSERVATIVE, HAK_TINY_OFF, HAK_TINY_FULL };
enum { HAK_PRESET_DEFAULT, HAK_PRESET_ULTRA_TIGHT };
#define HAK_FRACTION_ONE 1000000 /* what a FRACTION's field holds for 1 */
enum { HAK_ON_FAULT_STOP, HAK_ON_FAULT_CONTINUE };
/* Indices of the VARIANT. */
enum {
    HAK_GUARD_OFF,
    HAK_GUARD_ALL,
    HAK_GUARD_ONLY,
    HAK_GUARD_SITES,
    HAK_GUARD_SAMPLE,
    HAK_GUARD_AUTO
};
enum { HAK_SIDE_AFTER, HAK_SIDE_BEFORE, HAK_SIDE_BOTH, HAK_SIDE_AUTO };
enum { HAK_GUARD_ALIGN_FIT, HAK_GUARD_ALIGN_SIZE, HAK_GUARD_ALIGN_16, HAK_GUARD_ALIGN_1 };
enum { HAK_GUARD_WATCH_OFF, HAK_GUARD_WATCH_READS, HAK_GUARD_WATCH_ALL };
enum { HAK_STRING_OFF, HAK_STRING_ON, HAK_STRING_AUTO };
enum { HAK_LEAKS_OFF, HAK_LEAKS_ON, HAK_LEAKS_ERROR };

/* Read-only after hak_options_read(). "auto" values are already resolved to what holds. */
extern struct hak_options hak_options __attribute__((visibility("hidden")));

/* Reads the environment (of this process; `environment` as in environ). Call once, before any
 * thread exists. Under AT_SECURE everything stays at its default and trace is off. */
__attribute__((visibility("hidden"))) void hak_options_read(char **environment);

/* Parses one value for the option called `name` (without HAKMEM_) into `options`. Returns true, or
 * false with `expected` set to a static text that says what would have been right. Used by `run`,
 * which checks its arguments before the program starts. */
__attribute__((visibility("hidden"))) bool hak_option_parse(struct hak_options *options,
                                                            const char *name, const char *value,
                                                            const char **expected);

/* The text that holds for a PATH, VARIANT or TEXT of this process: its field's, or the standard. */
__attribute__((visibility("hidden"))) const char *hak_option_text(enum hak_option_index index);

/* A VARIANT's value. */
struct hak_variant {
    unsigned index;   /* of its word in the range */
    uint64_t number;  /* behind the colon, where the range has low..high there */
    const char *text; /* behind the colon, in the value; NULL = there is no colon */
};

/* Reads a VARIANT's value by its range (options.def). False: it is none of them, and `variant` is
 * all zero. */
__attribute__((visibility("hidden"))) bool
hak_option_read_variant(const char *range, const char *value, struct hak_variant *variant);

/* The same of what holds for HAKMEM_GUARD, without HAK_GUARD_AUTO. */
__attribute__((visibility("hidden"))) struct hak_variant hak_option_guard(void);

/* Writes the parts as one line to fd 2; of each part at most 200 bytes, and control characters as
 * '?', so that a value cannot forge a line. Any thread; keeps errno. */
__attribute__((visibility("hidden"))) void hak_options_say(const char *const *parts, size_t count);

#endif
