/* Strings that live as long as their pool, each kept once: names of functions and files. */
#ifndef HAK_SYMBOLS_STRINGS_H
#define HAK_SYMBOLS_STRINGS_H

#include <stdint.h>
#include "base/index.h"

#define HAK_NAME_BYTES 1024 /* longer names end in "..." */

struct hak_strings {
    char **texts; /* row id - 1 */
    uint32_t count, capacity;
    struct hak_index index;
};

/* The pool's copy ("" for NULL, and when memory ran out) of the name that `mangled` means: C++ (and
 * Rust's old style) names as a person writes them with parameters, any other unchanged. */
const char *hak_strings_demangle(struct hak_strings *strings, const char *mangled);

/* The pool's copy of `name`, which may be shortened, and `mark` behind it. */
const char *hak_strings_mark(struct hak_strings *strings, const char *name, const char *mark);

/* Keeps `folder`/`name`, shortened, or `name` where it is absolute or there is no folder. */
const char *hak_strings_join(struct hak_strings *strings, const char *folder, const char *name);

void hak_strings_free(struct hak_strings *strings);

#endif
