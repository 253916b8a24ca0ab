/* Finds the cache folder, makes files in it, and removes those that nobody used lately. */
#include "remote/cache_folder.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { FILES = 4096 }; /* that are looked at to make room */

/* A file or folder that its owner alone may read or write. */
static bool is_own(const struct stat *about) {
    return about->st_uid == geteuid() && (about->st_mode & 077) == 0;
}

/* Makes the folder where it is missing. False: it cannot be used. */
static bool make_folder(const char *path) {
    struct stat about;
    if (mkdir(path, 0700) != 0 && errno != EEXIST)
        return false;
    return lstat(path, &about) == 0 && S_ISDIR(about.st_mode) && is_own(&about);
}

/* The path of a file in $XDG_CACHE_HOME/hakmem, whose folders are made, with mode 0700. NULL: there
 * is no place that is the user's own. */
static char *make_path(const char *name) {
    const char *cache = getenv("XDG_CACHE_HOME"), *home = getenv("HOME");
    struct stat about;
    char *base = NULL, *folder = NULL, *path = NULL;
    int length = -1;
    if (cache && cache[0] == '/')
        length = asprintf(&base, "%s", cache);
    else if (home && home[0] == '/' && stat(home, &about) == 0 && about.st_uid == geteuid())
        length = asprintf(&base, "%s/.cache", home);
    if (length < 0)
        return NULL;
    (void)mkdir(base, 0700);
    if (asprintf(&folder, "%s/hakmem", base) < 0)
        folder = NULL;
    if (folder && make_folder(folder) && asprintf(&path, "%s/%s", folder, name) < 0)
        path = NULL;
    free(base);
    free(folder);
    return path;
}

/* Makes the cache's file if it is not there, and marks it as used; the path, to be freed, or NULL.
 * A file that is there is not opened: to close it again would drop the locks of another connection
 * of this process. */
char *hak_cache_file(const char *name) {
    char *path = make_path(name);
    struct stat about;
    int made = path ? open(path, O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC | O_RDWR, 0600) : -1;
    if (made >= 0)
        close(made);
    if (path && lstat(path, &about) == 0 && S_ISREG(about.st_mode) && is_own(&about)) {
        (void)utimensat(AT_FDCWD, path, NULL, 0); /* it is used now */
        return path;
    }
    free(path);
    return NULL;
}

/* ---- room -------------------------------------------------------------------------------------
 */

struct file {
    char name[48];
    struct timespec used;
    uint64_t bytes;
};

static bool is_name(const char *name) {
    size_t digits = strspn(name, "0123456789abcdef");
    return digits == 32 && strcmp(name + digits, ".db") == 0;
}

/* The file used longest ago first. */
static int by_use(const void *left, const void *right) {
    const struct file *a = left, *b = right;
    if (a->used.tv_sec != b->used.tv_sec)
        return a->used.tv_sec < b->used.tv_sec ? -1 : 1;
    return a->used.tv_nsec < b->used.tv_nsec ? -1 : a->used.tv_nsec > b->used.tv_nsec;
}

/* Lists hakmem's files in the folder, the one used longest ago first, and adds up their bytes.
 * Returns how many. */
static unsigned list_files(DIR *folder, struct file *files, uint64_t *bytes) {
    unsigned count = 0;
    struct stat about;
    for (const struct dirent *one; count < FILES && (one = readdir(folder)) != NULL;) {
        if (!is_name(one->d_name) ||
            fstatat(dirfd(folder), one->d_name, &about, AT_SYMLINK_NOFOLLOW) != 0)
            continue;
        struct file *file = &files[count++];
        *file = (struct file){.used = about.st_mtim, .bytes = (uint64_t)about.st_size};
        memcpy(file->name, one->d_name, strlen(one->d_name) + 1);
        *bytes += file->bytes;
    }
    qsort(files, count, sizeof *files, by_use);
    return count;
}

void hak_cache_make_room(const char *path) {
    const char *slash = strrchr(path, '/');
    char *name = slash ? strndup(path, (size_t)(slash - path)) : NULL;
    DIR *folder = name ? opendir(name) : NULL;
    struct file *files = folder ? calloc(FILES, sizeof *files) : NULL;
    uint64_t bytes = 0;
    unsigned count = files ? list_files(folder, files, &bytes) : 0;
    for (unsigned i = 0; i < count && bytes > (uint64_t)HAK_CACHE_MOST_MIB << 20; i++)
        if (strcmp(files[i].name, slash + 1) != 0 && unlinkat(dirfd(folder), files[i].name, 0) == 0)
            bytes -= files[i].bytes;
    free(files);
    if (folder)
        closedir(folder);
    free(name);
}
