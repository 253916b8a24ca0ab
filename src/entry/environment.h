/* What hakmem's libraries look at before anything else, each in its own start.
 *
 * Called once, before there is a thread; nothing is allocated. */
#ifndef HAK_ENTRY_ENVIRONMENT_H
#define HAK_ENTRY_ENVIRONMENT_H

#include <stdbool.h>
#include "attributes.h"

/* Reads the options from `environment`; NULL: from libc's, or where that is not set up yet, from
 * what the kernel gave the process. */
HAK_HIDDEN void hak_entry_read_options(char **environment);

/* The program is built with a sanitizer, whose own malloc serves it. */
HAK_HIDDEN bool hak_entry_is_sanitized(void);

#endif
