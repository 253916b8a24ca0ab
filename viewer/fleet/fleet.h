/* Many machines, one place to ask: captures on a server, and what was found in them.
 *
 *   push --whole --------------------------------> whole.c ---> hakmem_postgres.so (server.c)
 *   push, run --push --> document.c --> queue.c --> sending.c --^
 *   push --profile --> document_profile.c --^
 *               early.c, while it runs --^ on disk    a process of its own
 *
 * Calls html, findings, capture and cli. One thread. */
#ifndef HAK_VIEWER_FLEET_FLEET_H
#define HAK_VIEWER_FLEET_FLEET_H

#include <sys/types.h>
#include "remote/remote.h"
#include "viewer/cli/cli.h"
#include "viewer/findings/findings.h"

/* Lets -s be a URL; main calls it. Loads nothing. */
void fleet_start(void);
/* The module, loaded; NULL: it is not there, and hak_store_message() says so. */
const struct hak_remote *fleet_load_remote(void);

/* The server of `fleet`; NULL: none was given, and that was said. */
const char *fleet_need_url(const struct view *view);

enum { FLEET_URL_BYTES = 2048 };
/* Checks that a URL is that of a server and has no password. False: not so, which is printed for
 * `who`. */
bool fleet_check_url(const char *who, const char *url);

/* Finds the server that `run` pushes to, by --push or HAKMEM_PUSH; NULL = none. False: printed. */
bool fleet_settle_run(const struct view *view, const char **url);
/* Sends what was found in the capture that is open, or leaves it in the queue, within seconds.
 * Errors are printed, and change nothing for the caller. `early`: what was sent before. */
struct fleet_early;

/* Pushes a run's findings to the server of `early`, in the place of the document that its helper
 * left, and says it on a terminal. A failure is said; the document waits in the queue. */
void fleet_push_run(struct view *view, const struct findings *findings,
                    const struct fleet_early *early);

/* Sends faults and crashes as they happen, from a process of its own, until it is ended. Nothing
 * happens where `url` is NULL. */
struct fleet_early {
    const char *url; /* set by who begins */
    pid_t pid;       /* below 1 = there is none */
    int end;         /* a pipe, closed with this process */
    struct fleet_early_left *left;
};
void fleet_early_begin(struct fleet_early *early, struct view *view, const char *store);
/* Kills the watching process at once, whatever it does. */
void fleet_early_end(struct fleet_early *early);
/* The document in the queue that the last push makes needless; "" = none. */
const char *fleet_early_left(const struct fleet_early *early);

/* Pushes a whole capture: `push` with --whole; an exit status. */
int fleet_push_whole(struct view *view);

/* `push`: sends the findings of a capture, or with --profile its heap profile, to --to or
 * HAKMEM_PUSH, or with --queue all documents that wait. An exit status: the error is printed. */
int fleet_push_findings(struct view *view);
/* The findings of the capture that is open and was pushed whole as `capture`: an exit status. */
int fleet_push_findings_of(struct view *view, const char *url, uint64_t capture);
int command_push(struct view *view);
int command_fleet(struct view *view);
/* `fleet setup`: makes or updates the server's tables; an exit status, as of all words of `fleet`.
 */
int fleet_setup(struct view *view);

/* `fleet findings`: lists the findings of a server by the filters, 50 without --limit. An exit
 * status. */
int fleet_findings(struct view *view);
int fleet_hosts(struct view *view);
int fleet_builds(struct view *view);
int fleet_trend(struct view *view);
int fleet_show(struct view *view);
int fleet_baseline(struct view *view);
int fleet_keep(struct view *view);
int fleet_html(struct view *view);
/* `fleet top`: who holds how much memory, by stack, in all processes whose heap profiles were
 * pushed; `fleet diff`: what grew from one version to another. */
int fleet_top(struct view *view);
int fleet_diff(struct view *view);

#endif
