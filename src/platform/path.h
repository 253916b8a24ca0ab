/* Names of files that hakmem writes: %e, %p and %% expanded, made absolute.
 *
 * Thread and signal safety: any; raw system calls, nothing is allocated, errno is kept. */
#ifndef HAK_PLATFORM_PATH_H
#define HAK_PLATFORM_PATH_H

#include "platform/platform.h"

/* Puts the directory that the process is in into `to`; "" where it is not to be had. */
HAK_HIDDEN void hak_path_here(char *to, size_t capacity);

/* Puts `pattern` into `to` with %e (the last part of `program`), %p (the id of the process, 0 in a
 * sandbox that does not tell) and %% expanded. A relative one begins in `directory`; NULL = where
 * the process is now, "" = it stays relative. "" becomes "". False: it does not fit. */
HAK_HIDDEN bool hak_path_expand(char *to, size_t capacity, const char *pattern,
                                const char *directory, const char *program);

#endif
