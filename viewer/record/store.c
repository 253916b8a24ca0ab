/* Chooses the path of the store of `run` and `import`: a named path is taken as it is or refused,
 * never replaced. */
#include "viewer/record/record.h"
#include "viewer/record/run.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "store/file.h"

#define FIRST_BYTES (160 << 10) /* what an empty store and its log take */

/* The option that names the store to write. */
static const char *option_of(const struct view *view) {
    return strcmp(view->command->name, "hunt") == 0 ? "-o FILE" : "-s FILE";
}

/* Whether --force may replace the file: captures, whole or broken, and empty files, nothing
 * else. */
static bool is_replaceable(const char *path, const struct stat *about) {
    char *real_path;
    int fd, error = hak_store_file_open(path, false, &fd, &real_path);
    if (error == 0) {
        close(fd);
        free(real_path);
    }
    return error != HAK_STORE_FOREIGN || about->st_size == 0;
}

static const char *kind_of(mode_t mode) {
    return S_ISDIR(mode)    ? "a directory"
           : S_ISFIFO(mode) ? "a pipe"
           : S_ISSOCK(mode) ? "a socket"
                            : "a device";
}

/* Checks whether the file that lies at `path` may be replaced. False: printed. */
static bool check_existing(const struct view *view, const char *path, const struct stat *about) {
    if (S_ISLNK(about->st_mode)) {
        view_error("%s: %s is a symbolic link, which is not followed; name the file itself with "
                   "%s",
                   view->command->name, path, option_of(view));
        return false;
    }
    if (!S_ISREG(about->st_mode)) {
        view_error("%s: %s is %s, and a store must be a file; %s names another",
                   view->command->name, path, kind_of(about->st_mode), option_of(view));
        return false;
    }
    if (hak_store_file_kind(path) == HAK_FILE_RINGS)
        return view_sink_check(path);
    if (!view_given(view, "force")) {
        view_error("%s: %s exists already; --force replaces it, %s names another",
                   view->command->name, path, option_of(view));
        return false;
    }
    if (!is_replaceable(path, about)) {
        view_error("%s: %s exists and is not a hakmem store: it is not replaced; %s names "
                   "another",
                   view->command->name, path, option_of(view));
        return false;
    }
    return true;
}

static bool has_directory(const char *path) {
    char directory[PATH_MAX];
    struct stat about;
    const char *slash = strrchr(path, '/');
    snprintf(directory, sizeof directory, "%.*s", slash > path ? (int)(slash - path) : 1, path);
    return stat(directory, &about) == 0 && S_ISDIR(about.st_mode);
}

/* Prints why no file can be made at `path`. Returns false. */
static bool refuse_to_make(const struct view *view, const char *path, int error) {
    if (!has_directory(path))
        view_error("%s: %s: its directory does not exist; create it, or name another with %s",
                   view->command->name, path, option_of(view));
    else if (error == ENOSPC || error == EDQUOT)
        view_error("%s: %s: the disk is full (a store begins with %d KiB); make room, or name "
                   "another with %s",
                   view->command->name, path, FIRST_BYTES >> 10, option_of(view));
    else
        view_error("%s: %s cannot be created: %s; name another with %s", view->command->name, path,
                   strerror(error), option_of(view));
    return false;
}

/* Makes the file as its store will be made, and takes it away again. False, and said: it cannot be
 * made, or its path is too long. */
static bool try_to_make(const struct view *view, const char *path) {
    if (strlen(path) + sizeof "-journal" > HAK_STORE_PATH_BYTES) {
        view_error("%s: the store's path has %zu bytes, and SQLite takes %zu; name a shorter one "
                   "with %s: %s",
                   view->command->name, strlen(path), HAK_STORE_PATH_BYTES - sizeof "-journal",
                   option_of(view), path);
        return false;
    }
    int fd = open(path, O_CREAT | O_EXCL | O_NOFOLLOW | O_WRONLY | O_CLOEXEC, 0600);
    if (fd < 0)
        return refuse_to_make(view, path, errno);
    /* A limit of the file's size (ulimit -f) is the collector's to lift or to tell of. */
    int error = posix_fallocate(fd, 0, FIRST_BYTES);
    close(fd);
    unlink(path);
    return error == ENOSPC || error == EDQUOT ? refuse_to_make(view, path, error) : true;
}

bool run_settle_store(const struct view *view, pid_t pid, char *path, size_t bytes) {
    const char *pattern = view_variable_value(view, "TRACE_FILE");
    bool is_named = pattern && pattern[0];
    struct stat about;
    if (!run_expand_path(is_named ? pattern : "hakmem.%e.%p.db", view->argument[0], pid, path,
                         bytes))
        return false;
    if (lstat(path, &about) == 0)
        return check_existing(view, path, &about);
    return !is_named || try_to_make(view, path);
}

bool record_settle_store_of(const struct view *view, const char *pattern, const char *program,
                            pid_t pid, char *path, size_t bytes) {
    struct stat about;
    if (!run_expand_path(pattern ? pattern : "hakmem.%e.%p.db", program, pid, path, bytes))
        return false;
    return lstat(path, &about) == 0 ? check_existing(view, path, &about) : try_to_make(view, path);
}

bool record_settle_store(const struct view *view, const char *pattern, char *path, size_t bytes) {
    return record_settle_store_of(view, pattern, view->argument[0], getpid(), path, bytes);
}

bool run_check_store(const struct view *view, const char *path) {
    struct stat about;
    return lstat(path, &about) == 0 ? check_existing(view, path, &about) : try_to_make(view, path);
}

bool run_check_log(const char *path) {
    struct stat about;
    if (has_directory(path) && (stat(path, &about) != 0 || !S_ISDIR(about.st_mode)))
        return view_sink_check(path);
    view_error("%s: nothing can be written to %s: %s", run_name(), path,
               has_directory(path) ? "it is a directory" : "its directory does not exist");
    return false;
}
