/* Errors of a store, for writer and readers alike. */
#ifndef HAK_STORE_ERROR_H
#define HAK_STORE_ERROR_H

enum hak_store_error {
    HAK_STORE_MISSING = -1,    /* no such file */
    HAK_STORE_FOREIGN = -2,    /* a file, but no store of ours (application_id) */
    HAK_STORE_NEWER = -3,      /* written by a newer hakmem */
    HAK_STORE_BROKEN = -4,     /* cut short, or a checksum does not hold */
    HAK_STORE_NO_ACCESS = -5,  /* may not be read or written */
    HAK_STORE_FULL = -6,       /* disk full */
    HAK_STORE_EXISTS = -7,     /* would be overwritten */
    HAK_STORE_BUSY = -8,       /* another process holds it */
    HAK_STORE_INTERNAL = -9,   /* SQLite said something else; the message has it */
    HAK_STORE_OLDER = -11,     /* of a format from before the first release */
    HAK_STORE_NO_EVENTS = -12, /* it keeps only the profile (reader.h) */
    HAK_STORE_STOPPED = -10,   /* the watcher of the reading said stop (reader.h) */
};

/* The last error of the calling thread in one line: what, which file, what was expected, what to
 * do. */
const char *hak_store_message(void);

struct sqlite3;

/* For the store's own files: keeps the formatted line for hak_store_message(). */
__attribute__((format(printf, 1, 2))) void hak_store_say(const char *format, ...);
/* The same as an expression: keeps the line, is `error`. */
#define hak_store_fail(error, ...) (hak_store_say(__VA_ARGS__), (int)(error))

/* The error for missing memory while working on the store at `path`. */
int hak_store_no_memory(const char *path);
/* A decoder says that something is wrong, or, with this text (it is told by its address), that
 * memory ended: then the store is as good as before. */
extern const char hak_store_memory_ended[];
/* hak_store_fail for what a decoder said is wrong in the store at `path`. */
#define hak_store_fail_wrong(wrong, path, ...)                                                     \
    ((wrong) == hak_store_memory_ended ? hak_store_no_memory(path)                                 \
                                       : hak_store_fail(HAK_STORE_BROKEN, __VA_ARGS__))

/* Makes the error of what SQLite just answered on `database`, with its line: `doing` says what was
 * tried, `path` on which file. Full disks, locks, damage and missing rights have their own codes.
 */
int hak_store_say_sqlite(struct sqlite3 *database, const char *path, const char *doing);
static inline int hak_store_fail_sqlite(struct sqlite3 *database, const char *path,
                                        const char *doing) {
    int error = hak_store_say_sqlite(database, path, doing);
    return error < 0 ? error : HAK_STORE_INTERNAL;
}

#endif
