/* The door of sqlite: hakmem_sqlite.so, which gives any program that speaks SQLite the tables of a
 * capture that lie coded in it.
 *
 *   sqlite3 app.db ".load hakmem_sqlite" --> sqlite3_hakmemsqlite_init --> store/sql
 *
 * The Makefile includes it before every source of that library: SQLite is called through the table
 * of functions that the program hands over, so that the program's own SQLite does the work, linked
 * dynamically or not. For the thread of the connection, as all of SQLite. */
#ifndef HAK_SQLITE_EXTENSION_H
#define HAK_SQLITE_EXTENSION_H

#include <sqlite3ext.h>
SQLITE_EXTENSION_INIT3

#endif
