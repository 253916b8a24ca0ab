/* Keeps the one line that describes an error of a store, for each thread its own. */
#include "store/error.h"

#include <sqlite3.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define MESSAGE_BYTES 5120 /* a path of 4,096 bytes and a sentence */

static _Thread_local char message[MESSAGE_BYTES];

const char *hak_store_message(void) {
    return message;
}

/* Sets the text that hak_store_message gives, cut at its room. */
void hak_store_say(const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(message, sizeof message, format, arguments);
    va_end(arguments);
}

const char hak_store_memory_ended[] = "there is not enough memory for it";

int hak_store_no_memory(const char *path) {
    return hak_store_fail(HAK_STORE_INTERNAL, "%s: out of memory", path);
}

int hak_store_say_sqlite(struct sqlite3 *database, const char *path, const char *doing) {
    int code = database ? sqlite3_extended_errcode(database) : SQLITE_NOMEM;
    const char *said = database ? sqlite3_errmsg(database) : "out of memory";
    if ((code & 0xff) == SQLITE_NOMEM || code == SQLITE_IOERR_NOMEM)
        return hak_store_no_memory(path);
    switch (code & 0xff) {
    case SQLITE_FULL:
        return hak_store_fail(HAK_STORE_FULL,
                              "%s: the disk is full while %s; what was committed before is kept: "
                              "make room, or set HAKMEM_TRACE_MAX",
                              path, doing);
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
        return hak_store_fail(HAK_STORE_BUSY,
                              "%s: another process holds the store while %s (%s); try again when "
                              "it has ended",
                              path, doing, said);
    case SQLITE_CORRUPT:
        return hak_store_fail(HAK_STORE_BROKEN,
                              "%s: the store is damaged or cut short, noticed while %s (%s). Copy "
                              "it again from its original place, with its -wal file if there is "
                              "one",
                              path, doing, said);
    case SQLITE_NOTADB:
        return hak_store_fail(HAK_STORE_FOREIGN,
                              "%s: is no SQLite file; expected a store written by hakmem-collect",
                              path);
    case SQLITE_INTERRUPT:
        return hak_store_fail(HAK_STORE_STOPPED, "%s: stopped while %s", path, doing);
    case SQLITE_PERM:
    case SQLITE_AUTH:
    case SQLITE_READONLY:
        return hak_store_fail(HAK_STORE_NO_ACCESS,
                              "%s: no right to write there while %s (%s); check the rights of the "
                              "file and its directory",
                              path, doing, said);
    case SQLITE_CANTOPEN:
        return hak_store_fail(HAK_STORE_NO_ACCESS,
                              "%s: cannot be opened while %s (%s); check the rights of the file "
                              "and its directory: a store that was not finished needs a directory "
                              "in which its -shm file can be made",
                              path, doing, said);
    case SQLITE_IOERR:
        return hak_store_fail(
            HAK_STORE_BROKEN,
            "%s: reading or writing failed while %s (%s, code %d); check the disk", path, doing,
            said, code);
    case SQLITE_ERROR:
        if (strncmp(said, "no such table", 13) == 0 || strncmp(said, "no such column", 14) == 0)
            return hak_store_fail(HAK_STORE_BROKEN,
                                  "%s: lacks what every store has (%s), noticed while %s; somebody "
                                  "changed it: use an unchanged copy",
                                  path, said, doing);
        /* fall through */
    default:
        return hak_store_fail(HAK_STORE_INTERNAL, "%s: SQLite failed while %s: %s (code %d)", path,
                              doing, said, code);
    }
}
