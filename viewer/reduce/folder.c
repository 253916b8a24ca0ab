/* A folder for the files of the compiler and of the user's test. */
#include "viewer/reduce/parts.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "base/bytes.h"

bool folder_make(struct reduction *r) {
    const char *parent = getenv("TMPDIR");
    if (r->folder[0])
        return true;
    int length = snprintf(r->folder, sizeof r->folder, "%s/hakmem-reduce-XXXXXX",
                          parent && parent[0] ? parent : "/tmp");
    if (length < (int)sizeof r->folder && mkdtemp(r->folder))
        return true;
    view_error("reduce: no folder can be made in %s: %s; TMPDIR names another one",
               parent && parent[0] ? parent : "/tmp", strerror(errno));
    r->folder[0] = '\0';
    return false;
}

void folder_path(const struct reduction *r, const char *name, char *path) {
    snprintf(path, PATH_MAX + 16, "%s/%s", r->folder, name);
}

bool folder_write(const struct reduction *r, const char *name, const char *text) {
    char path[PATH_MAX + 16];
    folder_path(r, name, path);
    int file = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    bool good = file >= 0 && hak_write_fully(file, text, strlen(text));
    int error = errno;
    if (file >= 0 && close(file) != 0 && good) {
        error = errno;
        good = false;
    }
    if (!good)
        view_error("reduce: %s cannot be written: %s", path, strerror(error));
    return good;
}

void folder_remove(struct reduction *r) {
    DIR *folder = r->folder[0] ? opendir(r->folder) : NULL;
    struct dirent *entry;
    while (folder && (entry = readdir(folder)))
        unlinkat(dirfd(folder), entry->d_name, 0);
    if (folder)
        closedir(folder);
    if (r->folder[0])
        rmdir(r->folder);
    r->folder[0] = '\0';
}
