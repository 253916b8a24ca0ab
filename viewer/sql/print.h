/* Prints the rows of a query: a table on a terminal, tab-separated values or JSON otherwise. */
#ifndef HAK_VIEWER_SQL_PRINT_H
#define HAK_VIEWER_SQL_PRINT_H

#include "viewer/capture/capture.h"

struct sqlite3_stmt;

/* Runs `query` and prints its rows. 0, or -1 when it failed (its connection has the message). */
int sql_print(struct view *view, struct sqlite3_stmt *query);
/* The JSON document around the results of one or more queries. */
void sql_json_begin(struct view *view);

/* Ends the list of results, and adds the capture's completeness. */
void sql_json_end(struct view *view);

#endif
