/* The lines of `sql` that begin with a dot: what is there to be asked. */
#ifndef HAK_VIEWER_SQL_DOT_H
#define HAK_VIEWER_SQL_DOT_H

#include "viewer/capture/capture.h"

struct sqlite3;

enum sql_dot { SQL_DOT_NONE, SQL_DOT_QUERY, SQL_DOT_HELP, SQL_DOT_QUIT, SQL_DOT_WRONG };

/* Reads `line`. SQL_DOT_QUERY: `query` answers it, and is the caller's to free. SQL_DOT_HELP,
 * SQL_DOT_QUIT: that is asked for. SQL_DOT_WRONG: the error is printed. SQL_DOT_NONE: it is SQL. */
enum sql_dot sql_dot_read(struct sqlite3 *database, const char *line, char **query);
/* Appends the dot commands and examples of queries, for people. */
void sql_dot_add_help(struct hak_text *text);

#endif
