/* Questions to the server's own tables, as rows. */
#ifndef HAK_REMOTE_ASKING_H
#define HAK_REMOTE_ASKING_H

#include "remote/remote.h"

/* Connects for questions and begins their transaction (hak_remote.asking_open); all questions of
 * one command see the same moment. */
int hak_remote_asking_open(const char *url, bool writes, struct hak_remote_asking **out,
                           char **name, char **why);
/* Asks the server for one statement with values and gives each row to `row`. 0, or an error: `*why`
 * is then its last line, for the caller to free. */
int hak_remote_ask(struct hak_remote_asking *asking, const char *sql,
                   const struct hak_remote_cell *values, int count, const char *doing,
                   hak_remote_row *row, void *context, char **why);
/* Closes the connection and frees `asking`; NULL is passed over. */
void hak_remote_asking_close(struct hak_remote_asking *asking);

#endif
