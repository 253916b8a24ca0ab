/* A store's rows on their way to the server. */
#ifndef HAK_REMOTE_COPY_H
#define HAK_REMOTE_COPY_H

#include "remote/remote.h"
#include "remote/tables.h"

/* Pushes a whole capture over `jobs` connections (hak_remote.push), of one moment: in a transaction
 * of the store. */
int hak_remote_push(const char *url, sqlite3 *store, const char *path, int jobs,
                    void (*told)(void *context, uint64_t done, uint64_t total), void *context,
                    struct hak_remote_pushed *out, char **why);

#endif
