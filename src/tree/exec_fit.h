/* Can hakmem be loaded into the program that is about to be executed? Where it cannot, and trying
 * would be noticed, the program gets its environment without hakmem:
 *
 *   another C library than glibc's   musl's loader ends the program
 *   AddressSanitizer's library       it ends a program that has another library in front of it
 *   32 bits                          ld.so complains on stderr
 *   the library is out of reach      the same (chroot, a changed user, another mount namespace)
 *
 * A static or set-user-id program does not look at LD_PRELOAD: it keeps it, for what it executes.
 *
 * Everything here is made of system calls alone: it runs in the child of a vfork, in signal
 * handlers, and in sandboxes (where it then may see nothing, and changes nothing). */
#ifndef HAK_TREE_EXEC_FIT_H
#define HAK_TREE_EXEC_FIT_H

#include <stdbool.h>
#include <stddef.h>
#include "block.h"
#include "platform/raw_call.h"
#include "tree/exec_look.h"

enum {
    HAK_EXEC_PRELOAD_BYTES = 4096, /* a longer LD_PRELOAD stays as it is */
    HAK_EXEC_FOUND_BYTES = 512,
};

/* What the kernel will refuse with EFAULT is not looked at, where a sandbox lets us ask. */
static inline bool hak_exec_can_read(const void *at) {
    return hak_call_is_forbidden(SYS_rt_sigprocmask) ||
           hak_raw_readable((uintptr_t)at & ~(uintptr_t)7);
}

/* The path of the program that execvp finds for `name`, which is in `found` (HAK_EXEC_FOUND_BYTES)
 * where it had to be looked up in PATH; NULL: none. */
HAK_HIDDEN const char *hak_exec_find(const char *name, char *found);

/* 0: `environment` can go with the program at `path`, a path for open (NULL: not known). Else the
 * number of pointers that hak_exec_without() needs. `about` gets what was found, if hakmem is in
 * it. */
HAK_HIDDEN size_t hak_exec_unfit(const char *path, char *const environment[],
                                 struct hak_exec_look *about);

/* The environment without hakmem, made in `list` and `text` (HAK_EXEC_PRELOAD_BYTES). */
HAK_HIDDEN char *const *hak_exec_without(char *const environment[], char **list, char *text);

/* Declares `to`, the environment with which the program at `path` is executed, and `to`_about: what
 * its file says (a misfit: hakmem is not in the environment). The memory is the calling function's.
 */
#define HAK_EXEC_ENVIRONMENT(to, path, environment)                                                \
    struct hak_exec_look to##_about = {NULL, NULL};                                                \
    size_t to##_count = hak_exec_unfit(path, environment, &to##_about);                            \
    char *to##_list[to##_count + 1];                                                               \
    char to##_text[to##_count > 0 ? HAK_EXEC_PRELOAD_BYTES : 1];                                   \
    char *const *to =                                                                              \
        to##_count > 0 ? hak_exec_without(environment, to##_list, to##_text) : (environment)

#endif
