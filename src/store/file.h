/* The store as a file: makes it safely, tells it from other files, and locks it for its writer.
 *
 * The writer holds an open-file-description lock (fcntl F_OFD_SETLK) on one byte that SQLite never
 * touches, HAK_STORE_LOCK_BYTE, as long as it lives; the kernel drops it however the writer ends.
 * So "is being written" never depends on a process id. */
#ifndef HAK_STORE_FILE_H
#define HAK_STORE_FILE_H

#include <stdbool.h>
#include "store/error.h"

#define HAK_STORE_APPLICATION_ID 0x48616b6d /* "Hakm" */
#define HAK_STORE_FORMAT         3          /* PRAGMA user_version */
#define HAK_STORE_LOCK_BYTE      ((long long)1 << 62)
#define HAK_STORE_PATH_BYTES     ((size_t)512) /* SQLite's MAX_PATHNAME */

struct sqlite3;

/* The kind of the file at a path, by its first bytes. */
enum hak_file_kind {
    HAK_FILE_OTHER,  /* nothing, no regular file, or one that is none of these */
    HAK_FILE_SQLITE, /* a database of another program, or the log beside one (-wal) */
    HAK_FILE_STORE,  /* a store of any version, whole or not */
    HAK_FILE_RINGS,  /* rings that a program recorded into a file, for `import` */
};

/* Tells by its first bytes what a file is: a store, its WAL, a file of rings, or another; one that
 * is not regular is never opened. */
enum hak_file_kind hak_store_file_kind(const char *path);

/* Makes an empty file: mode 0600, O_EXCL, O_NOFOLLOW. `replace` first removes a regular file of
 * that name that is a store or empty. Files that SQLite may have left beside an old file of that
 * name go too. `fd` and `real_path` (to be freed; its directory without symbolic links) are set on
 * success. */
int hak_store_file_create(const char *path, bool replace, int *fd, char **real_path);
/* Opens an existing file, read-only or for writing, and checks by its first page that it is a
 * store, of a version that is known, and whole; for writing, also that in a folder of everybody's
 * nobody else but root owns it. `fd` and `real_path` (to be freed) are set on
 * success. 0, or an error. */
int hak_store_file_open(const char *path, bool writing, int *fd, char **real_path);

/* Opens `real_path` with SQLite and makes sure that it is the very file that `fd` is. 0, or an
 * error; `out` is NULL then. */
int hak_store_file_connect(const char *real_path, int fd, bool writing, struct sqlite3 **out);

/* Takes the writer's lock; HAK_STORE_BUSY when another process holds it for longer than a second. 0
 * also where the file system has no locks. */
int hak_store_file_lock(int fd, const char *path);
/* True if a writer holds the lock through another open file than `fd`. */
bool hak_store_file_is_locked(int fd);

#endif
