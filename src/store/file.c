/* Makes and opens the store's file so that nobody can slip in another one. */
#include "store/file.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <limits.h>
#include <sqlite3.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define HEADER_BYTES     100 /* of an SQLite file: https://www.sqlite.org/fileformat2.html */
#define SQLITE_MAGIC     "SQLite format 3"
#define RINGS_MAGIC      "HAKSES01" /* HAK_SESSION_MAGIC of trace/session.h */
#define WAL_MAGIC        0x377f0683 /* of the log beside it; the last bit is the order of bytes */
#define LOCK_TRIES       100
#define LOCK_INTERVAL_NS 10000000

static const char *const beside[] = {"-wal", "-shm", "-journal"};

/* Sets the store's error for errno, with advice. Returns it. */
static int fail_errno(const char *path, const char *doing) {
    int code = errno;
    switch (code) {
    case ENOENT:
    case ENOTDIR:
        return hak_store_fail(HAK_STORE_MISSING,
                              "%s: no such file or directory; name the store with -s FILE", path);
    case EACCES:
    case EPERM:
    case EROFS:
        return hak_store_fail(HAK_STORE_NO_ACCESS,
                              "%s: %s is not allowed (%s); check the rights of the file and its "
                              "directory (a store belongs to who recorded it, mode 0600)",
                              path, doing, strerror(code));
    case EEXIST:
        return hak_store_fail(HAK_STORE_EXISTS,
                              "%s: exists already and would be overwritten; choose another name or "
                              "say --force",
                              path);
    case ELOOP:
        return hak_store_fail(HAK_STORE_NO_ACCESS,
                              "%s: is a symbolic link, and a store is never written through one; "
                              "name the file itself",
                              path);
    case ENOSPC:
    case EDQUOT:
        return hak_store_fail(HAK_STORE_FULL, "%s: the disk is full; make room", path);
    default:
        return hak_store_fail(HAK_STORE_INTERNAL, "%s: %s failed: %s", path, doing, strerror(code));
    }
}

/* The path with the symbolic links of its directory resolved, the last component as it is; the
 * caller frees it. NULL, with errno, where that cannot be done. */
static char *resolve_directory(const char *path) {
    char *copy1 = strdup(path), *copy2 = strdup(path), *result = NULL;
    char *directory = copy1 ? realpath(dirname(copy1), NULL) : NULL;
    if (directory && copy2) {
        const char *name = basename(copy2);
        const char *slash = strcmp(directory, "/") ? "/" : "";
        if (asprintf(&result, "%s%s%s", directory, slash, name) < 0)
            result = NULL;
    }
    free(directory);
    free(copy1);
    free(copy2);
    return result;
}

/* Checks that SQLite can keep the path, "-journal" included, in HAK_STORE_PATH_BYTES. 0, or an
 * error. */
static int check_length(const char *real_path) {
    size_t length = strlen(real_path);
    if (length + sizeof "-journal" <= HAK_STORE_PATH_BYTES)
        return 0;
    return hak_store_fail(HAK_STORE_NO_ACCESS,
                          "the path asked for has %zu bytes, and SQLite takes %zu: %s", length,
                          HAK_STORE_PATH_BYTES - sizeof "-journal", real_path);
}

/* Removes what lies at the path, if that is a store nobody is writing. An error: it is something
 * else. */
static int remove_old(const char *real_path, const char *path) {
    struct stat status;
    if (lstat(real_path, &status) != 0)
        return errno == ENOENT ? 0 : fail_errno(path, "looking at it");
    if (!S_ISREG(status.st_mode))
        return hak_store_fail(HAK_STORE_EXISTS,
                              "%s: exists and is no regular file; choose another name", path);
    if (status.st_size > 0) {
        int fd;
        char *ignored;
        int error = hak_store_file_open(real_path, false, &fd, &ignored);
        if (error == HAK_STORE_FOREIGN || error == HAK_STORE_NO_ACCESS)
            return hak_store_fail(HAK_STORE_EXISTS,
                                  "%s: exists and is not a hakmem store, so it is not overwritten; "
                                  "choose another name",
                                  path);
        if (error == 0) {
            bool is_locked = hak_store_file_is_locked(fd);
            close(fd);
            free(ignored);
            if (is_locked)
                return hak_store_fail(HAK_STORE_BUSY,
                                      "%s: is being written by another hakmem-collect; choose "
                                      "another name or end that capture",
                                      path);
        }
    }
    return unlink(real_path) == 0 ? 0 : fail_errno(path, "removing the old store");
}

/* Removes the files that SQLite keeps beside a store. 0, or an error. */
static int remove_left_overs(const char *real_path) {
    for (size_t i = 0; i < sizeof beside / sizeof *beside; i++) {
        char name[PATH_MAX + 16];
        snprintf(name, sizeof name, "%s%s", real_path, beside[i]);
        if (unlink(name) != 0 && errno != ENOENT)
            return fail_errno(name, "removing what an older store left");
    }
    return 0;
}

int hak_store_file_create(const char *path, bool replace, int *fd, char **real_path) {
    *fd = -1;
    *real_path = resolve_directory(path);
    if (!*real_path)
        return fail_errno(path, "finding its directory");
    int error = check_length(*real_path);
    if (!error && replace)
        error = remove_old(*real_path, path);
    if (!error) {
        *fd = open(*real_path, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
        if (*fd < 0)
            error = fail_errno(path, "making it");
        else if (fchmod(*fd, 0600) != 0)
            error = fail_errno(path, "setting its mode");
        else
            error = remove_left_overs(*real_path);
    }
    if (error) {
        if (*fd >= 0) {
            unlink(*real_path);
            close(*fd);
            *fd = -1;
        }
        free(*real_path);
        *real_path = NULL;
    }
    return error;
}

static uint32_t read_big(const uint8_t *at) {
    return (uint32_t)at[0] << 24 | (uint32_t)at[1] << 16 | (uint32_t)at[2] << 8 | at[3];
}

/* True when a write-ahead log that is not empty lies beside the store. */
static bool has_wal(const char *real_path) {
    char name[PATH_MAX + 16];
    struct stat status;
    snprintf(name, sizeof name, "%s-wal", real_path);
    return stat(name, &status) == 0 && status.st_size > 0;
}

/* Looks at the file's kind and first bytes. An error says why it is no store. */
static int examine(int fd, const char *path, const char *real_path) {
    struct stat status;
    uint8_t head[HEADER_BYTES] = {0};
    if (fstat(fd, &status) != 0)
        return fail_errno(path, "looking at it");
    if (S_ISDIR(status.st_mode))
        return hak_store_fail(HAK_STORE_FOREIGN,
                              "%s: is a directory; expected a store, the file that `hakmem-trace "
                              "run` wrote",
                              path);
    if (!S_ISREG(status.st_mode))
        return hak_store_fail(HAK_STORE_FOREIGN, "%s: is no regular file; expected a store", path);
    if (status.st_size == 0)
        return hak_store_fail(HAK_STORE_BROKEN,
                              "%s: is empty: what should have written it ended before its first "
                              "byte, or the disk was full; record again",
                              path);
    ssize_t got = pread(fd, head, sizeof head, 0);
    if (got < 16 || memcmp(head, SQLITE_MAGIC, 16) != 0)
        return hak_store_fail(HAK_STORE_FOREIGN,
                              "%s: not a hakmem store (not an SQLite file); expected the "
                              "file that `hakmem-trace run` wrote",
                              path);
    if (got < HEADER_BYTES)
        return hak_store_fail(HAK_STORE_BROKEN,
                              "%s: is cut short: %lld bytes are there, not even a page; copy it "
                              "again from where it was made",
                              path, (long long)status.st_size);
    if (read_big(head + 68) != HAK_STORE_APPLICATION_ID)
        return hak_store_fail(HAK_STORE_FOREIGN,
                              "%s: is an SQLite file of another program (application_id 0x%08x, "
                              "expected 0x%08x); expected the file that `hakmem-trace run` wrote",
                              path, read_big(head + 68), HAK_STORE_APPLICATION_ID);
    if (read_big(head + 60) < HAK_STORE_FORMAT)
        return hak_store_fail(
            HAK_STORE_OLDER,
            "%s: was written by a hakmem from before the first release (format %u, "
            "this one reads from %d on); record the program again",
            path, read_big(head + 60), HAK_STORE_FORMAT);
    if (read_big(head + 60) > HAK_STORE_FORMAT)
        return hak_store_fail(HAK_STORE_NEWER,
                              "%s: was written by a newer hakmem (format %u, this one reads up to "
                              "%d); read it with that version",
                              path, read_big(head + 60), HAK_STORE_FORMAT);
    uint64_t page_bytes = (uint64_t)head[16] << 8 | head[17];
    uint64_t due = (page_bytes == 1 ? 65536 : page_bytes) * read_big(head + 28);
    if ((uint64_t)status.st_size < due && !has_wal(real_path) && !hak_store_file_is_locked(fd))
        return hak_store_fail(HAK_STORE_BROKEN,
                              "%s: is cut short: %lld of %llu bytes are there; copy it again from "
                              "where it was made",
                              path, (long long)status.st_size, (unsigned long long)due);
    return 0;
}

/* Whether the file or link may be another user's: neither this one's nor root's. */
static bool is_strange(const struct stat *status) {
    return status->st_uid != 0 && status->st_uid != geteuid();
}

/* In a folder that everybody may write to, somebody else may have laid down the store, or a log
 * beside it, that would be gone on with. 0, or an error. */
static int check_owner(int fd, const char *path, const char *real_path) {
    char name[PATH_MAX + 16];
    struct stat status;
    snprintf(name, sizeof name, "%s", real_path);
    if (stat(dirname(name), &status) == 0 && !(status.st_mode & S_IWOTH))
        return 0;
    bool is_wrong = fstat(fd, &status) != 0 || is_strange(&status);
    for (size_t i = 0; i < sizeof beside / sizeof *beside && !is_wrong; i++) {
        snprintf(name, sizeof name, "%s%s", real_path, beside[i]);
        is_wrong = lstat(name, &status) == 0 && (!S_ISREG(status.st_mode) || is_strange(&status));
    }
    if (!is_wrong)
        return 0;
    return hak_store_fail(
        HAK_STORE_NO_ACCESS,
        "%s: this file, or a log beside it, belongs to user %u in a folder of everybody; "
        "expected user %u or root: choose a folder of your own",
        path, (unsigned)status.st_uid, (unsigned)geteuid());
}

enum hak_file_kind hak_store_file_kind(const char *path) {
    struct stat status;
    uint8_t head[HEADER_BYTES] = {0};
    if (stat(path, &status) != 0 || !S_ISREG(status.st_mode))
        return HAK_FILE_OTHER; /* opening a fifo wakes its waiting writer */
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    ssize_t got = fd >= 0 && fstat(fd, &status) == 0 && S_ISREG(status.st_mode)
                      ? pread(fd, head, sizeof head, 0)
                      : -1;
    if (fd >= 0)
        close(fd);
    if (got >= 4 && (read_big(head) | 1) == WAL_MAGIC)
        return HAK_FILE_SQLITE;
    if (got >= 8 && memcmp(head, RINGS_MAGIC, 8) == 0)
        return HAK_FILE_RINGS;
    if (got < 16 || memcmp(head, SQLITE_MAGIC, 16) != 0)
        return HAK_FILE_OTHER;
    return read_big(head + 68) == HAK_STORE_APPLICATION_ID ? HAK_FILE_STORE : HAK_FILE_SQLITE;
}

int hak_store_file_open(const char *path, bool writing, int *fd, char **real_path) {
    int access = writing ? O_RDWR | O_NOFOLLOW : O_RDONLY;
    *real_path = NULL;
    *fd = open(path, access | O_CLOEXEC | O_NONBLOCK);
    if (*fd < 0 && errno == EISDIR)
        *fd = open(path, O_RDONLY | O_CLOEXEC);
    if (*fd < 0)
        return fail_errno(path, writing ? "writing to it" : "reading it");
    *real_path = realpath(path, NULL);
    int error = *real_path ? examine(*fd, path, *real_path) : fail_errno(path, "finding it");
    if (!error && writing)
        error = check_owner(*fd, path, *real_path);
    if (error) {
        close(*fd);
        free(*real_path);
        *real_path = NULL;
        *fd = -1;
    }
    return error;
}

/* Whether this process has the file of `fd` open a second time (or that cannot be told). */
static bool is_open_twice(int fd) {
    struct stat own, other;
    DIR *directory = opendir("/proc/self/fd");
    if (!directory || fstat(fd, &own) != 0) {
        if (directory)
            closedir(directory);
        return true;
    }
    bool found = false;
    for (struct dirent *entry; !found && (entry = readdir(directory));) {
        int number = atoi(entry->d_name);
        if (number != fd && entry->d_name[0] != '.' && fstat(number, &other) == 0)
            found = other.st_dev == own.st_dev && other.st_ino == own.st_ino;
    }
    closedir(directory);
    return found;
}

int hak_store_file_connect(const char *real_path, int fd, bool writing, struct sqlite3 **out) {
    int flags = (writing ? SQLITE_OPEN_READWRITE : SQLITE_OPEN_READONLY) | SQLITE_OPEN_NOMUTEX;
    if (writing)
        flags |= SQLITE_OPEN_NOFOLLOW;
    int error = 0;
    *out = NULL;
    if (sqlite3_open_v2(real_path, out, flags, NULL) != SQLITE_OK)
        error = hak_store_fail_sqlite(*out, real_path, "opening it");
    else if (!is_open_twice(fd))
        error = hak_store_fail(HAK_STORE_NO_ACCESS,
                               "%s: was replaced by another file while it was opened; use a "
                               "directory that only you can write",
                               real_path);
    if (!error)
        sqlite3_busy_timeout(*out, 5000);
    if (error) {
        sqlite3_close(*out);
        *out = NULL;
    }
    return error;
}

static struct flock writer_lock(void) {
    return (struct flock){
        .l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = HAK_STORE_LOCK_BYTE, .l_len = 1};
}

int hak_store_file_lock(int fd, const char *path) {
    for (int i = 0; i < LOCK_TRIES; i++) {
        struct flock lock = writer_lock();
        if (fcntl(fd, F_OFD_SETLK, &lock) == 0)
            return 0;
        if (errno != EAGAIN && errno != EACCES)
            return 0; /* a file system without locks: then nobody can tell, and nobody is refused */
        nanosleep(&(struct timespec){.tv_nsec = LOCK_INTERVAL_NS}, NULL);
    }
    return hak_store_fail(HAK_STORE_BUSY,
                          "%s: is being written by another hakmem-collect; wait until it has ended",
                          path);
}

bool hak_store_file_is_locked(int fd) {
    struct flock lock = writer_lock();
    return fcntl(fd, F_OFD_GETLK, &lock) == 0 && lock.l_type != F_UNLCK;
}
