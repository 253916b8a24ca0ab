/* Findings, and profiles (pulls.h), on their way to the server. */
#ifndef HAK_REMOTE_FINDINGS_H
#define HAK_REMOTE_FINDINGS_H

#include "remote/link.h"
#include "remote/remote.h"

/* A connection for them. */
struct hak_remote_link {
    struct hak_link link;
    bool has_finding; /* statement "finding" is prepared */
    bool has_pull;    /* the layout was checked, and statements "stack" and "sum" are prepared */
};

/* Connects to a server for findings (hak_remote.begin_findings). */
int hak_remote_begin_findings(const char *url, struct hak_remote_link **out, char **why);
/* Sends a run's findings in a transaction; for one that the server has, only what was missing is
 * filled in. 0, or an error: `*why` is its text, for the caller to free. */
int hak_remote_send_findings(struct hak_remote_link *link, const struct hak_remote_run *run,
                             struct hak_remote_sent *out, char **why);
/* Closes the connection and frees `link`; NULL is passed over. */
void hak_remote_end_findings(struct hak_remote_link *link);

#endif
