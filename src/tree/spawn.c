/* Interposes posix_spawn, whose child has no entry of its own in the process table: when its
 * program cannot be recorded, the parent tells the keeper. (The exec functions do it for the child
 * of a vfork.) */
#include <errno.h>
#include <spawn.h>
#include <stdbool.h>
#include "tree/exec_fit.h"
#include "trace/memory/memory.h"
#include "trace/collector/collector.h"
#include "trace/trace.h"
#include "platform/symbols.h"

typedef int spawn_function(pid_t *, const char *, const posix_spawn_file_actions_t *,
                           const posix_spawnattr_t *, char *const[], char *const[]);
static spawn_function *next_spawn, *next_spawnp;

/* While there is one thread: a forked child must not wait for ld.so's lock. */
__attribute__((constructor)) static void find_next_spawn(void) {
    next_spawn = (spawn_function *)hak_symbol_next("posix_spawn");
    next_spawnp = (spawn_function *)hak_symbol_next("posix_spawnp");
}

/* Spawns by libc's function `next`, with an environment that fits the program, which it looks up in
 * PATH if `searches`; tells the keeper of one that will not be recorded. ENOSYS without `next`. */
static int spawn(spawn_function *next, bool searches, pid_t *pid, const char *path,
                 const posix_spawn_file_actions_t *actions, const posix_spawnattr_t *attributes,
                 char *const arguments[], char *const environment[]) {
    pid_t child = 0;
    char found[HAK_EXEC_FOUND_BYTES];
    if (!next)
        return ENOSYS;
    if (hak_current_ready() && hak_is_own_process())
        hak_collector_replace_dead(HAK_COLLECTOR_DEAD_MS);
    const char *file = searches ? hak_exec_find(path, found) : path;
    HAK_EXEC_ENVIRONMENT(fitting, file, environment);
    int error = next(&child, path, actions, attributes, arguments, fitting);
    if (error)
        return error;
    if (pid)
        *pid = child;
    if (hak_is_own_process())
        hak_exec_tell(file, &fitting_about, child);
    return 0;
}

HAK_EXPORT int posix_spawn(pid_t *pid, const char *path, const posix_spawn_file_actions_t *actions,
                           const posix_spawnattr_t *attributes, char *const arguments[],
                           char *const environment[]) {
    return spawn(next_spawn, false, pid, path, actions, attributes, arguments, environment);
}

HAK_EXPORT int posix_spawnp(pid_t *pid, const char *file, const posix_spawn_file_actions_t *actions,
                            const posix_spawnattr_t *attributes, char *const arguments[],
                            char *const environment[]) {
    return spawn(next_spawnp, true, pid, file, actions, attributes, arguments, environment);
}
