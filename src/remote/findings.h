/* Findings on their way to the server. */
#ifndef HAK_REMOTE_FINDINGS_H
#define HAK_REMOTE_FINDINGS_H

#include "remote/remote.h"

/* Connects to a server for findings (hak_remote.begin_findings). */
int hak_remote_begin_findings(const char *url, struct hak_remote_link **out, char **why);
/* As hak_remote.send_findings. */
int hak_remote_send_findings(struct hak_remote_link *link, const struct hak_remote_run *run,
                             struct hak_remote_sent *out, char **why);
/* As hak_remote.end_findings. */
void hak_remote_end_findings(struct hak_remote_link *link);

#endif
