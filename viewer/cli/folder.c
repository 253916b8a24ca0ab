/* A folder for files that last as long as the command. */
#include "viewer/cli/cli.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { LIST_BYTES = 4096 };

/* A name in the list of getdents64. */
struct entry {
    uint64_t number, next;
    uint16_t bytes;
    uint8_t type;
    char name[];
};

static char made[PATH_MAX]; /* "" = none is there */

const char *view_folder_make(const char *command) {
    const char *named = getenv("TMPDIR");
    const char *parent = named && named[0] == '/' ? named : "/tmp";
    char path[PATH_MAX];
    int length = snprintf(path, sizeof path, "%s/hakmem-%s-XXXXXX", parent, command);
    if (made[0])
        return made;
    errno = ENAMETOOLONG;
    if (length < (int)sizeof path && mkdtemp(path))
        return memcpy(made, path, (size_t)length + 1);
    view_error("%s: no folder can be made in %s: %s; TMPDIR names another one", command, parent,
               strerror(errno));
    return NULL;
}

/* No readdir: a signal handler calls this, too. */
void view_folder_remove(void) {
    _Alignas(struct entry) char list[LIST_BYTES];
    long got;
    int folder = made[0] ? open(made, O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1;
    while (folder >= 0 && (got = syscall(SYS_getdents64, folder, list, sizeof list)) > 0)
        for (long at = 0; at < got; at += ((struct entry *)(void *)(list + at))->bytes)
            unlinkat(folder, ((struct entry *)(void *)(list + at))->name, 0);
    if (folder >= 0)
        close(folder);
    if (made[0])
        rmdir(made);
    made[0] = '\0';
}
