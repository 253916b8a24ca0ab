/* The layout of a server, for the words of `fleet` that make or keep it. */
#ifndef HAK_VIEWER_FLEET_SETUP_H
#define HAK_VIEWER_FLEET_SETUP_H

#include "store/database.h"
#include "viewer/fleet/fleet.h"

/* Opens an empty store in memory: its tables are those of captures. 0, or an error of
 * store/error.h; close it then, too. */
int fleet_open_layout(struct hak_database *layout);
void fleet_close_layout(struct hak_database *layout);
/* Makes what the server lacks. 0, or an exit status: the error is printed. */
int fleet_lay_out(const struct hak_remote *remote, const char *url, struct hak_remote_laid *laid);

#endif
