/* Names of threads while they live: a program names a thread when it likes, and its records tell
 * the name only at its beginning and end. */
#ifndef HAK_COLLECTOR_SESSION_THREAD_NAMES_H
#define HAK_COLLECTOR_SESSION_THREAD_NAMES_H

#include "collector/session/client.h"

/* Reads the present names of some threads of the session, the next ones at the next call. For the
 * worker's thread, now and then. */
void hak_names_read(struct hak_client *client, struct hak_rows *rows);

#endif
