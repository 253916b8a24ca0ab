/* libc's functions that this folder calls and nothing else of hakmem does: found when it starts. An
 * undefined symbol would be looked up by the loader in every program, also where calls are not
 * looked at. For this folder alone. */
#ifndef HAK_STRINGS_LIBC_H
#define HAK_STRINGS_LIBC_H

#include <dlfcn.h>
#include <gnu/libc-version.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <wchar.h>
#include "attributes.h"

#define HAK_STRING_LIBC(FUNCTION)                                                                  \
    FUNCTION(gnu_get_libc_version)                                                                 \
    FUNCTION(mbsnrtowcs)                                                                           \
    FUNCTION(memchr)                                                                               \
    FUNCTION(memmem)                                                                               \
    FUNCTION(strncasecmp)                                                                          \
    FUNCTION(strncasecmp_l)                                                                        \
    FUNCTION(strxfrm)                                                                              \
    FUNCTION(strxfrm_l)                                                                            \
    FUNCTION(wcschr)                                                                               \
    FUNCTION(wcslen)                                                                               \
    FUNCTION(wcsncasecmp)                                                                          \
    FUNCTION(wcsncasecmp_l)                                                                        \
    FUNCTION(wcsncmp)                                                                              \
    FUNCTION(wcsnlen)                                                                              \
    FUNCTION(wcsnrtombs)                                                                           \
    FUNCTION(wcsxfrm)                                                                              \
    FUNCTION(wcsxfrm_l)                                                                            \
    FUNCTION(wmemchr)                                                                              \
    FUNCTION(wmemcmp)                                                                              \
    FUNCTION(wmemset)

struct hak_string_libc {
#define FUNCTION(name) __typeof__(name) *name;
    HAK_STRING_LIBC(FUNCTION)
#undef FUNCTION
    FILE **standard_input; /* the program's `stdin` */
    /* Of libdl before glibc 2.34; NULL: the program does not have it. */
    __typeof__(dladdr1) *dladdr1;
    __typeof__(dlerror) *dlerror;
};
HAK_HIDDEN extern struct hak_string_libc hak_libc;

/* Once, before the first call is looked at. False: libc lacks one of them. */
HAK_HIDDEN bool hak_string_find_libc(void);

#endif
