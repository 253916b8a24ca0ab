/* Decides whether hakmem can be loaded into the program that is about to be executed. Where it
 * cannot, and trying would be noticed, the program gets its environment without hakmem:
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
#include "platform/readable.h"
#include "tree/exec_look.h"

enum {
    HAK_EXEC_PRELOAD_BYTES = 64 << 10, /* a longer LD_PRELOAD stays as it is */
    HAK_EXEC_FOUND_BYTES = 512,
};

/* A reader of the program's text: memory that the kernel will refuse with EFAULT is not read, where
 * a sandbox lets us ask, also if another thread closes it meanwhile. */
#define HAK_EXEC_READER ((struct hak_byte_reader){.goes_on = true})

/* Copies what the kernel may refuse; false: it cannot be read. */
static inline bool hak_exec_copy(struct hak_readable *known, void *to, const void *from,
                                 size_t bytes) {
    return from && hak_copy_if_may(known, to, from, bytes);
}

/* True when `text` can be read to its end. */
HAK_HIDDEN bool hak_exec_is_text(const char *text);

/* Copies `text`, as far as it can be read, its first `most` bytes at the most; returns how many. No
 * NUL is put behind them. */
HAK_HIDDEN size_t hak_exec_copy_text(char *to, const char *text, size_t most);

/* How many bytes at the start of `text` are of `letters`, or none of them (`is_in` false); no more
 * than can be read. */
HAK_HIDDEN size_t hak_exec_span(struct hak_byte_reader *reader, const char *text,
                                const char *letters, bool is_in);

/* True when hakmem's name stands in the value of LD_PRELOAD in `environment`. */
HAK_HIDDEN bool hak_exec_is_preloaded(char *const environment[]);

/* The path of the program that execvp finds for `name`, which is in `found` (HAK_EXEC_FOUND_BYTES)
 * where it had to be looked up in PATH; NULL: none. */
HAK_HIDDEN const char *hak_exec_find(const char *name, char *found);

/* For hak_exec_without(); {0}: the environment can go as it is. */
struct hak_exec_need {
    size_t pointers, text_bytes;
};

/* Finds whether the program at `path`, a path for open (NULL: not known), cannot have the hakmem
 * that `environment` preloads; `about` gets the reason. Returns how much room an environment
 * without it takes, all 0 where it may go as it is. */
HAK_HIDDEN struct hak_exec_need hak_exec_unfit(const char *path, char *const environment[],
                                               struct hak_exec_look *about);

/* The environment without hakmem, made in `list` and `text`, which are as large as it needs; the
 * same environment where another thread has changed or closed it since. */
HAK_HIDDEN char *const *hak_exec_without(char *const environment[], char **list, char *text,
                                         const struct hak_exec_need *need);

/* Declares `to`, the environment with which the program at `path` is executed, and `to`_about: what
 * its file says (a misfit: hakmem is not in the environment). The memory is the calling function's.
 */
#define HAK_EXEC_ENVIRONMENT(to, path, environment)                                                \
    struct hak_exec_look to##_about = {NULL, NULL};                                                \
    struct hak_exec_need to##_need = hak_exec_unfit(path, environment, &to##_about);               \
    char *to##_list[to##_need.pointers + 1];                                                       \
    char to##_text[to##_need.text_bytes + 1];                                                      \
    char *const *to = to##_need.pointers > 0                                                       \
                          ? hak_exec_without(environment, to##_list, to##_text, &to##_need)        \
                          : (environment)

#endif
