/* Questions to the server's own tables, as rows. */
#ifndef HAK_REMOTE_ASKING_H
#define HAK_REMOTE_ASKING_H

#include "remote/remote.h"

/* As hak_remote.asking_open, .ask and .asking_close. */
int hak_remote_asking_open(const char *url, bool writes, struct hak_remote_asking **out,
                           char **name, char **why);
int hak_remote_ask(struct hak_remote_asking *asking, const char *sql,
                   const struct hak_remote_cell *values, int count, const char *doing,
                   hak_remote_row *row, void *context, char **why);
void hak_remote_asking_close(struct hak_remote_asking *asking);

#endif
