/* hakmem_sqlite.so gives any program that speaks SQLite the tables of a capture that lie coded in
 * it.
 *
 *   sqlite3 app.db ".load hakmem_sqlite" --> sqlite3_hakmemsqlite_init --> store/sql
 *                                                                             |
 *   the program's own SQLite <--sqlite3_api-- sqlite3_NAME, a jump <----------+
 *
 * The store is the one of the commands: its calls come to jumps of this file, through the table of
 * functions that the program hands over, so that the program's own SQLite does the work, linked
 * dynamically or not. For the thread of the connection, as all of SQLite. */
#include <sqlite3ext.h>
SQLITE_EXTENSION_INIT1

#include "arch.h"
#include "store/database.h"
#include "store/file.h"
#include "store/sql/sql.h"

/* Hands the store's last message to SQLite's loader and returns `error`. */
static int fail_with_store_message(char **message, int error) {
    if (message)
        *message = sqlite3_mprintf("%s", hak_store_message());
    return error;
}

/* Checks that the main database is a capture of this format. Asks the connection, not the file:
 * opening that a second time here, and closing it, would drop the locks that SQLite has on it.
 * Returns 0 or a store error with its message. */
static int look_at_main(sqlite3 *database) {
    const char *path = sqlite3_db_filename(database, "main");
    const struct hak_database db = {.connection = database, .path = (char *)path};
    uint64_t kind[2];
    if (!path || !*path)
        return hak_store_fail(HAK_STORE_MISSING,
                              "no capture is open here; expected one as the main database: "
                              "sqlite3 CAPTURE.db, and then .load");
    int found = hak_database_numbers(
        &db, "SELECT application_id, user_version FROM pragma_application_id, pragma_user_version",
        0, kind, 2);
    if (found < 0)
        return found;
    if (kind[0] != HAK_STORE_APPLICATION_ID)
        return hak_store_fail(HAK_STORE_FOREIGN,
                              "%s: a database of another program; expected a capture of hakmem",
                              path);
    if (kind[1] != HAK_STORE_FORMAT)
        return hak_store_fail(HAK_STORE_NEWER,
                              "%s: written in format %llu; this hakmem_sqlite reads format %d: "
                              "take that of the hakmem that wrote it",
                              path, (unsigned long long)kind[1], HAK_STORE_FORMAT);
    return 0;
}

/* Adds the tables of the capture that is open as main, and nothing where main is none.
 * SQLITE_ERROR: `message` says why. */
__attribute__((visibility("default"))) int
sqlite3_hakmemsqlite_init(sqlite3 *database, char **message, const sqlite3_api_routines *routines);

/* SQLite's loader calls it: checks that the main database is a capture, and adds the virtual
 * tables. SQLITE_ERROR with a message if one of them fails. */
int sqlite3_hakmemsqlite_init(sqlite3 *database, char **message,
                              const sqlite3_api_routines *routines) {
    SQLITE_EXTENSION_INIT2(routines);
    if (look_at_main(database) < 0 || hak_store_add_tables(database) < 0)
        return fail_with_store_message(message, SQLITE_ERROR);
    return SQLITE_OK;
}

/* made/sqlite_calls.h has a CALL for each function of SQLite that the store calls. */
#undef sqlite3_api
#define sqlite3_api ((const sqlite3_api_routines *)0)
#include HAK_ARCH_FILE(sqlite_jump.h)
#define CALL(name) HAK_SQLITE_JUMP(name)
__attribute__((used)) static void write_jumps(void) {
#include "made/sqlite_calls.h"
}
