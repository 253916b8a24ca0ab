/* The table of options.def as options.c and options_read.c share it; no other file includes this.
 *
 *   options.def --OPTION--> hak_option_table[i]      name, type, range, standard, place
 *                                                    of the field
 *               --SETS----> groups[] (options_read.c)    NAME's index, choice, OTHER's index, value
 *
 * An option's index is known when hakmem is compiled, so nothing is looked up by name at start but
 * the HAKMEM_ variables that are there. */
#ifndef HAK_OPTIONS_TABLE_H
#define HAK_OPTIONS_TABLE_H

#include <stddef.h>
#include "block.h"
#include "options.h"

enum hak_option_type {
    HAK_TYPE_CHOICE,
    HAK_TYPE_NUMBER,
    HAK_TYPE_POWER,
    HAK_TYPE_BYTES,
    HAK_TYPE_FRACTION,
    HAK_TYPE_PATH,
    HAK_TYPE_VARIANT,
    HAK_TYPE_TEXT,
};

struct hak_option {
    const char *name;
    const char *standard;
    const char *range;
    uint16_t type; /* enum hak_option_type */
    uint16_t name_bytes;
    uint32_t offset; /* of the field in struct hak_options */
};

HAK_HIDDEN extern const struct hak_option hak_option_table[HAK_OPTIONS];

/* True for PATH, VARIANT and TEXT. */
HAK_HIDDEN bool hak_option_is_text(const struct hak_option *option);

/* Parses `value` of an option that is no text into `*number`. False where it cannot be read.
 * `*expected` is set to the option's range in both cases. */
HAK_HIDDEN bool hak_option_take_number(const struct hak_option *option, const char *value,
                                       uint64_t *number, const char **expected);

/* The number that holds where nothing is given; the option is no text. */
HAK_HIDDEN uint64_t hak_option_standard(const struct hak_option *option);

/* Puts `value` into the option's field. False, and nothing changed, where it is no value of the
 * option or a text above 4,095 bytes: `*expected` says then what was expected. A text that is the
 * standard leaves its field empty. */
HAK_HIDDEN bool hak_option_take(struct hak_options *into, const struct hak_option *option,
                                const char *value, const char **expected);

/* Finds the option called so (without HAKMEM_), NULL when there is none. */
HAK_HIDDEN const struct hak_option *hak_option_find(const char *name, size_t length);

#endif
