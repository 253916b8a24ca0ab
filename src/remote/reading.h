/* A capture on the server as tables of SQLite. */
#ifndef HAK_REMOTE_READING_H
#define HAK_REMOTE_READING_H

#include "remote/remote.h"

/* Opens a capture on a server as an SQLite connection (hak_remote.open). */
int hak_remote_open(const char *url, const char *schema, struct hak_remote_capture *out,
                    char **why);

#endif
