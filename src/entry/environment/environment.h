/* Reads the options and finds sanitizers, before anything else at the start of each hakmem library.
 *
 * Called once, before there is a thread; nothing is allocated. */
#ifndef HAK_ENTRY_ENVIRONMENT_H
#define HAK_ENTRY_ENVIRONMENT_H

#include <gnu/libc-version.h>
#include <stdbool.h>
#include <string.h>
#include "attributes.h"

/* True when the running glibc is of this version or later: programs are served as it serves them.
 * Takes no lock and keeps errno. */
static inline bool hak_entry_libc_is_since(const char *version) {
    return strverscmp(gnu_get_libc_version(), version) >= 0;
}

/* True when the calls that come are of other libraries' constructors, and hakmem's are due at once:
 * before glibc 2.34 libpthread has -z initfirst too, and the loader keeps only the last such
 * library that it has mapped. Of no use once hakmem's have run. Takes no lock and keeps errno. */
HAK_HIDDEN bool hak_entry_is_overtaken(void);

/* Reads the options from `environment`; NULL: from libc's, or where that is not set up yet, from
 * what the kernel gave the process. */
HAK_HIDDEN void hak_entry_read_options(char **environment);

/* The program is built with a sanitizer, whose own malloc serves it. */
HAK_HIDDEN bool hak_entry_is_sanitized(void);

#endif
