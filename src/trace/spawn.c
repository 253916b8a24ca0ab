/* posix_spawn, whose child has no entry of its own in the process table: when the program that it
 * becomes cannot be recorded, its parent lets the keeper know. (The exec functions do it for the
 * child of a vfork.) */
#include <dlfcn.h>
#include <errno.h>
#include <spawn.h>
#include <stdbool.h>
#include <string.h>
#include "platform/raw_call.h"
#include "trace/environment.h"
#include "trace/exec_look.h"
#include "trace/start.h"

enum { PATH_ROOM = 512, SEE = 1 /* faccessat's X_OK */ };

typedef int spawn_function(pid_t *, const char *, const posix_spawn_file_actions_t *,
                           const posix_spawnattr_t *, char *const[], char *const[]);
static spawn_function *next_spawn, *next_spawnp;

/* While there is one thread: a forked child must not wait for ld.so's lock. */
__attribute__((constructor)) static void find_next(void) {
    next_spawn = (spawn_function *)dlsym(RTLD_NEXT, "posix_spawn");
    next_spawnp = (spawn_function *)dlsym(RTLD_NEXT, "posix_spawnp");
}

/* Looks `name`, which has no slash, up in PATH. */
static bool search(const char *name, char found[PATH_ROOM]) {
    const char *folders = "/bin:/usr/bin";
    for (char **variable = hak_environment(); *variable; variable++)
        if (strncmp(*variable, "PATH=", 5) == 0)
            folders = *variable + 5;
    size_t bytes = strlen(name) + 1;
    for (const char *end; *folders; folders = *end ? end + 1 : end) {
        end = strchrnul(folders, ':');
        size_t length = (size_t)(end - folders);
        if (length == 0 || length + 1 + bytes > PATH_ROOM)
            continue;
        memcpy(found, folders, length);
        found[length] = '/';
        memcpy(found + length + 1, name, bytes);
        if (hak_raw_call(SYS_faccessat, -100 /* AT_FDCWD */, (long)found, SEE, 0, 0, 0) == 0)
            return true;
    }
    return false;
}

static int spawn(spawn_function *next, bool searches, pid_t *pid, const char *path,
                 const posix_spawn_file_actions_t *actions, const posix_spawnattr_t *attributes,
                 char *const arguments[], char *const environment[]) {
    pid_t child = 0;
    char found[PATH_ROOM];
    if (!next)
        return ENOSYS;
    int error = next(&child, path, actions, attributes, arguments, environment);
    if (error)
        return error;
    if (pid)
        *pid = child;
    if (!hak_start_is_own() || !hak_exec_is_preloaded(environment))
        return 0;
    if (searches && !strchr(path, '/'))
        path = search(path, found) ? found : NULL;
    hak_exec_look(path, child);
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
