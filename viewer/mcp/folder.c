/* The one folder: checks the paths that a caller names. */
#include "viewer/mcp/parts.h"

#include <dirent.h>
#include <errno.h>
#include <fnmatch.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "store/file.h"

enum { NAMED = 10 }; /* captures that an error names */

static char folder[PATH_MAX]; /* without a symbolic link */

bool mcp_folder_enter(const char *path) {
    if (realpath(path, folder) && chdir(folder) == 0)
        return true;
    view_error("mcp %s: a folder with captures was expected: %s", path, strerror(errno));
    return false;
}

/* The part of an absolute path that lies below the folder; NULL = it lies elsewhere. */
static const char *below(const char *path) {
    size_t length = strcmp(folder, "/") == 0 ? 0 : strlen(folder);
    if (strncmp(path, folder, length) != 0 || path[length] != '/')
        return NULL;
    return path + length + 1;
}

/* Whether the path has a part "..", by which it could leave the folder. */
static bool has_parent(const char *path) {
    for (const char *at = path; at; at = strchr(at, '/')) {
        at += *at == '/';
        if (strncmp(at, "..", 2) == 0 && (at[2] == '/' || at[2] == '\0'))
            return true;
    }
    return false;
}

/* Refuses a path by its words, whatever lies there: empty, a URL, with a part "..", or outside of
 * the folder. False: `error` says so. */
static bool check_typed(const char *typed, struct hak_text *error) {
    const char *wrong = NULL;
    if (!typed[0])
        wrong = "is empty";
    else if (strstr(typed, "://"))
        wrong = "is a URL, and servers are not asked here";
    else if (has_parent(typed))
        wrong = "has a `..` in it";
    else if (typed[0] == '/' && !below(typed))
        wrong = "lies outside";
    if (wrong)
        hak_text_add(error, "'%s' %s: name a capture below %s", typed, wrong, folder);
    return !wrong;
}

/* Makes of `real` a path as a command takes it, to be freed; NULL: it is not below the folder, or
 * no memory. */
static char *from_here(const char *typed, const char *real, struct hak_text *error) {
    const char *relative = below(real);
    if (!relative)
        hak_text_add(error, "'%s' leads out of %s by a symbolic link: name a capture below it",
                     typed, folder);
    char *path = NULL;
    if (relative && asprintf(&path, "%s%s", relative[0] == '-' ? "./" : "", relative) < 0)
        return NULL;
    return path;
}

/* ---- captures that are there -------------------------------------------------------------------
 */

/* Whether the path is a file itself, no link, and when it was changed. */
static bool is_regular(const char *path, struct timespec *changed) {
    struct stat about;
    if (lstat(path, &about) != 0 || !S_ISREG(about.st_mode))
        return false;
    *changed = about.st_mtim;
    return true;
}

static bool is_newer(struct timespec a, struct timespec b) {
    return a.tv_sec != b.tv_sec ? a.tv_sec > b.tv_sec : a.tv_nsec > b.tv_nsec;
}

/* The captures of the folder itself whose names match, without symbolic links: how many there are,
 * the first NAMED of them into `names`, and the newest one. */
static uint32_t list_captures(const char *pattern, struct hak_text *names, char *newest) {
    struct dirent **list = NULL;
    struct timespec changed, best = {0};
    uint32_t found = 0;
    int count = scandir(".", &list, NULL, alphasort);
    newest[0] = '\0';
    for (int i = 0; i < count; i++) {
        const char *name = list[i]->d_name;
        if (fnmatch(pattern, name, 0) == 0 && is_regular(name, &changed) &&
            hak_store_file_kind(name) == HAK_FILE_STORE) {
            if (found < NAMED)
                hak_text_add(names, "%s%s", found ? ", " : "", name);
            if (found++ == 0 || is_newer(changed, best)) {
                best = changed;
                snprintf(newest, NAME_MAX + 1, "%s", name);
            }
        }
        free(list[i]);
    }
    free(list);
    return found;
}

/* Adds the names of the folder's captures, up to NAMED, to an error. */
static void add_captures(struct hak_text *error) {
    struct hak_text names = {0};
    char newest[NAME_MAX + 1] = "";
    uint32_t count = list_captures("*.db", &names, newest);
    if (count == 0)
        hak_text_add(error, "; the folder itself has none");
    else
        hak_text_add(error, "; the folder itself has %s", hak_text_string(&names));
    if (count > NAMED)
        hak_text_add(error, " and %u more", count - NAMED);
    hak_text_free(&names);
}

char *mcp_folder_newest(struct hak_text *error) {
    struct hak_text names = {0};
    char newest[NAME_MAX + 1] = "";
    list_captures("hakmem.*.db", &names, newest);
    hak_text_free(&names);
    if (newest[0])
        return strdup(newest);
    hak_text_add(error, "no capture is named, and %s has no hakmem.*.db: give `store`", folder);
    add_captures(error);
    return NULL;
}

char *mcp_folder_capture(const char *typed, struct hak_text *error) {
    char real[PATH_MAX];
    struct timespec changed;
    if (!check_typed(typed, error))
        return NULL;
    if (!realpath(typed, real)) {
        hak_text_add(error, "'%s' cannot be read below %s: %s", typed, folder, strerror(errno));
        add_captures(error);
        return NULL;
    }
    char *path = from_here(typed, real, error);
    if (path && is_regular(path, &changed))
        return path;
    if (path)
        hak_text_add(error, "'%s' is no file: name a capture below %s", typed, folder);
    free(path);
    return NULL;
}

/* ---- one that is to be written -----------------------------------------------------------------
 */

char *mcp_folder_new_capture(const char *typed, struct hak_text *error) {
    char real[PATH_MAX];
    struct stat about;
    const char *slash = strrchr(typed, '/');
    const char *name = slash ? slash + 1 : typed;
    if (!check_typed(typed, error))
        return NULL;
    if (!name[0] || strcmp(name, ".") == 0) {
        hak_text_add(error, "'%s' is a folder: name the file that is to be written", typed);
        return NULL;
    }
    char *parent = strndup(typed, slash ? (size_t)(slash - typed) + 1 : 0);
    char *path = NULL;
    if (!parent || !realpath(parent[0] ? parent : ".", real))
        hak_text_add(error, "'%s': its folder cannot be read: %s", typed, strerror(errno));
    else if (asprintf(&path, "%s%s%s", real, strcmp(real, "/") == 0 ? "" : "/", name) < 0)
        path = NULL;
    free(parent);
    char *relative = path ? from_here(typed, path, error) : NULL;
    free(path);
    if (!relative || lstat(relative, &about) != 0)
        return relative;
    hak_text_add(error, "'%s' is there already, and nothing is replaced: name another", typed);
    free(relative);
    return NULL;
}
