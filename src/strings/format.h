/* The formats of printf and scanf, conversion by conversion, as glibc reads them, and the arguments
 * that stand in a va_list. For this folder alone.
 *
 * A format that is not understood is lost: nothing is said of its call. Understood by glibc and not
 * here: %w8d and similar ones of C23, %H %D, %as of scanf without C99, arguments by number beside
 * arguments in order, more than HAK_FORMAT_ARGUMENTS of them. */
#ifndef HAK_STRINGS_FORMAT_H
#define HAK_STRINGS_FORMAT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <wchar.h>
#include "arch.h"
#include "attributes.h"
#include HAK_ARCH_FILE(va_list.h)

/* Character `i` of a text of bytes (unit 1) or of wide characters (4). */
static inline unsigned unit_at(const char *s, unsigned unit, size_t i) {
    return unit == 1 ? (unsigned char)s[i] : (unsigned)((const wchar_t *)(const void *)s)[i];
}

enum { HAK_FORMAT_ARGUMENTS = 32 };

enum hak_format_length {
    HAK_LENGTH_NONE,
    HAK_LENGTH_CHAR,  /* hh */
    HAK_LENGTH_SHORT, /* h */
    HAK_LENGTH_LONG,  /* l */
    HAK_LENGTH_MORE,  /* ll, L, q */
    HAK_LENGTH_WORD,  /* j, z, Z, t */
};

struct hak_conversion {
    const char *start; /* its % */
    unsigned letter;
    uint8_t length;     /* enum hak_format_length */
    bool is_suppressed; /* scanf: * */
    bool is_allocated;  /* scanf: m */
    int argument;       /* the number of what is printed or stored, from 0; -1 = none */
    int width_argument, precision_argument;
    size_t width, precision; /* SIZE_MAX = none; printf: the width is not kept */
};

struct hak_format {
    const char *at;
    unsigned unit;     /* bytes of a character, 1 or 4 */
    int arguments;     /* taken in order */
    bool is_by_number; /* %1$s */
    bool is_lost;      /* not understood */
};

/* The next conversion; false: there is none, or the format is lost. */
HAK_HIDDEN bool hak_format_next_printed(struct hak_format *format,
                                        struct hak_conversion *conversion);
HAK_HIDDEN bool hak_format_next_scanned(struct hak_format *format,
                                        struct hak_conversion *conversion);

#endif
