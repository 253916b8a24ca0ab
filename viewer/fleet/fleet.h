/* Many machines, one place to ask: captures on a server. */
#ifndef HAK_VIEWER_FLEET_FLEET_H
#define HAK_VIEWER_FLEET_FLEET_H

#include "remote/remote.h"
#include "viewer/cli/cli.h"

/* Lets -s be a URL; main calls it. Loads nothing. */
void fleet_start(void);
/* The module, loaded; NULL: it is not there, and hak_store_message() says so. */
const struct hak_remote *fleet_remote(void);

/* The server of `fleet`; NULL: none was given, and that was said. */
const char *fleet_url(const struct view *view);

/* The rooms of push: an exit status. */
int fleet_push_whole(struct view *view);

int command_push(struct view *view);
int command_fleet(struct view *view);
/* The words of `fleet`: an exit status. */
int fleet_setup(struct view *view);
int fleet_findings(struct view *view);
int fleet_hosts(struct view *view);
int fleet_builds(struct view *view);
int fleet_trend(struct view *view);
int fleet_show(struct view *view);
int fleet_baseline(struct view *view);

#endif
