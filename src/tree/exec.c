/* Notes the program that a process is about to execute in its entry, so that its row can name one
 * that is not recorded, and takes the note back when the call fails.
 *
 * The functions of the exec family only look at their arguments and hand them on, to another
 * preload's where there is one behind (fakechroot's, a build recorder's); a program that
 * makes the system call itself is not seen. In the child of a vfork the entry is its parent's: the
 * program is told of only where it cannot be recorded (exec_look.c). */
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <string.h>
#include <unistd.h>
#include "newer.h"
#include "trace/collector/collector.h"
#include "trace/memory/memory.h"
#include "tree/exec_fit.h"
#include "tree/sandbox.h"
#include "trace/trace.h"
#include "platform/raw_call.h"
#include "platform/symbols.h"

typedef int exec_search(const char *, char *const[], char *const[]);
typedef int exec_file(int, char *const[], char *const[]);
typedef int exec_at(int, const char *, char *const[], char *const[], int);
static exec_search *next_execve, *next_execvpe;
static exec_file *next_fexecve;
static exec_at *next_execveat;

/* Finds the C library's exec functions while there is one thread: a forked child must not wait for
 * ld.so's lock. */
__attribute__((constructor)) static void find_next_exec(void) {
    next_execve = (exec_search *)hak_symbol_next("execve");
    next_execveat = (exec_at *)hak_symbol_next_since("2.34", "execveat");
    next_execvpe = (exec_search *)hak_symbol_next("execvpe");
    next_fexecve = (exec_file *)hak_symbol_next("fexecve");
}

/* Stores in the process's entry the program that it is about to execute, why hakmem was taken out
 * or will not be loaded, and whether the program is preloaded, dropped hakmem or is barred from its
 * hello. In the child of a vfork it tells the keeper of a program that will not be recorded
 * instead. */
static void note_exec(const char *path, const struct hak_exec_look *about,
                      char *const environment[]) {
    if (!hak_current_ready() || (path && !hak_exec_is_text(path)))
        return;
    if (!hak_is_own_process()) {
        hak_exec_tell(path, about, 0);
        return;
    }
    struct hak_process_entry *entry = hak_current.process;
    bool has_hakmem = hak_exec_is_preloaded(environment);
    const char *why = about->misfit                     ? about->misfit
                      : has_hakmem && about->unrecorded ? about->unrecorded
                                                        : "";
    size_t why_bytes = strlen(why) + 1;
    size_t most = sizeof entry->exec_path - 1 - why_bytes;
    size_t bytes = path ? hak_exec_copy_text(entry->exec_path, path, most) : 0;
    entry->exec_path[bytes] = 0;
    memcpy(entry->exec_path + bytes + 1, why, why_bytes);
    entry->tsc_exec = hak_session_ticks();
    uint32_t state = !has_hakmem                ? HAK_EXEC_DROPPED
                     : hak_sandbox_bars_hello() ? HAK_EXEC_BARRED
                                                : HAK_EXEC_PRELOADED;
    atomic_store_explicit(&entry->exec_state, state, memory_order_release);
    hak_file_leave();
}

/* Takes note_exec's note back after an exec that failed; returns `result`. */
static int take_back(int result) {
    if (hak_current_ready() && hak_is_own_process())
        atomic_store(&hak_current.process->exec_state, HAK_EXEC_NONE);
    return result;
}

static int miss(void) {
    errno = ENOSYS;
    return take_back(-1);
}

/* Executes `path` by libc's execve, without hakmem in the environment where the program cannot have
 * it. All names of exec come here: a preload in front would see a call of our own as the
 * program's. */
static int execute(const char *path, char *const arguments[], char *const environment[]) {
    HAK_EXEC_ENVIRONMENT(fitting, path, environment);
    note_exec(path, &fitting_about, fitting);
    return next_execve ? take_back(next_execve(path, arguments, fitting)) : miss();
}

/* As execute, for a file that libc's execvpe looks up in PATH. */
static int search_and_execute(const char *file, char *const arguments[],
                              char *const environment[]) {
    char found[HAK_EXEC_FOUND_BYTES];
    HAK_EXEC_ENVIRONMENT(fitting, hak_exec_find(file, found), environment);
    note_exec(file, &fitting_about, fitting);
    return next_execvpe ? take_back(next_execvpe(file, arguments, fitting)) : miss();
}

HAK_EXPORT int execve(const char *path, char *const arguments[], char *const environment[]) {
    return execute(path, arguments, environment);
}

HAK_EXPORT int execveat(int folder, const char *path, char *const arguments[],
                        char *const environment[], int flags) {
    char letter;
    bool is_known = hak_exec_is_text(path) && hak_exec_copy_text(&letter, path, 1) == 1 &&
                    (letter == '/' || folder == AT_FDCWD);
    HAK_EXEC_ENVIRONMENT(fitting, is_known ? path : NULL, environment);
    note_exec(path, &fitting_about, fitting);
    /* Before glibc 2.34 only the kernel has it. */
    return take_back(next_execveat ? next_execveat(folder, path, arguments, fitting, flags)
                                   : (int)hak_libc_result(hak_raw_call_always(
                                         SYS_execveat, folder, (long)path, (long)arguments,
                                         (long)fitting, flags, 0)));
}

/* The program's fexecve: notes the exec as of a file without a name; the environment stays as it
 * is. */
HAK_EXPORT int fexecve(int file, char *const arguments[], char *const environment[]) {
    static const struct hak_exec_look nothing;
    note_exec("a file without a name", &nothing, environment);
    return next_fexecve ? take_back(next_fexecve(file, arguments, environment)) : miss();
}

HAK_EXPORT int execvpe(const char *file, char *const arguments[], char *const environment[]) {
    return search_and_execute(file, arguments, environment);
}

HAK_EXPORT int execv(const char *path, char *const arguments[]) {
    return execute(path, arguments, hak_environment());
}

HAK_EXPORT int execvp(const char *file, char *const arguments[]) {
    return search_and_execute(file, arguments, hak_environment());
}

/* Counts the first argument and those of the list up to its NULL. */
static size_t count_arguments(va_list list) {
    size_t count = 1;
    while (va_arg(list, char *))
        count++;
    return count;
}

/* The list `first`, ..., NULL as an array on the stack of the calling function. Its first may be
 * NULL, whatever the declaration says. */
#define COLLECT_ARGUMENTS(to, list, first)                                                         \
    const char *volatile to##_first = first;                                                       \
    va_start(list, first);                                                                         \
    size_t to##_count = to##_first ? count_arguments(list) : 0;                                    \
    va_end(list);                                                                                  \
    char *to[to##_count + 1];                                                                      \
    va_start(list, first);                                                                         \
    (to)[0] = (char *)to##_first;                                                                  \
    for (size_t i = 1; i <= to##_count; i++)                                                       \
    (to)[i] = va_arg(list, char *)

HAK_EXPORT int execl(const char *path, const char *argument, ...) {
    va_list list;
    COLLECT_ARGUMENTS(arguments, list, argument);
    va_end(list);
    return execute(path, arguments, hak_environment());
}

HAK_EXPORT int execlp(const char *file, const char *argument, ...) {
    va_list list;
    COLLECT_ARGUMENTS(arguments, list, argument);
    va_end(list);
    return search_and_execute(file, arguments, hak_environment());
}

HAK_EXPORT int execle(const char *path, const char *argument, ...) {
    va_list list;
    COLLECT_ARGUMENTS(arguments, list, argument);
    char *const *environment = va_arg(list, char *const *);
    va_end(list);
    return execute(path, arguments, environment);
}
