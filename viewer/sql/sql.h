/* Queries: the command `sql`, with the log as tables (store/sql).
 *
 *   QUERY, stdin, or line.c (a shell) --> dot.c: .tables, .schema --> sql.c --> print.c
 *
 * Calls capture and cli. */
#ifndef HAK_VIEWER_SQL_SQL_H
#define HAK_VIEWER_SQL_SQL_H

#include "viewer/cli/cli.h"

int command_sql(struct view *view);

#endif
