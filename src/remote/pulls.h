/* Heap profiles on their way to the server. */
#ifndef HAK_REMOTE_PULLS_H
#define HAK_REMOTE_PULLS_H

#include "remote/findings.h"

/* Sends a process's heap profile and its stacks in a transaction; one that the server has is left
 * as it is. 0, or an error: `*why` is its text, for the caller to free. */
int hak_remote_send_pull(struct hak_remote_link *link, const struct hak_remote_pull *pull,
                         struct hak_remote_sent *out, char **why);

#endif
