/* `fleet setup`: lays out a server. */
#include "viewer/fleet/fleet.h"

#include <sqlite3.h>
#include <stdlib.h>
#include "store/database.h"
#include "store/schema.h"
#include "viewer/capture/capture.h"

static int lay_out(const struct hak_remote *remote, const char *url, struct hak_remote_laid *laid) {
    struct hak_database layout = {.path = (char *)"the layout of a store"};
    char *why = NULL;
    int error = sqlite3_open(":memory:", &layout.connection) == SQLITE_OK
                    ? hak_store_make_schema(&layout)
                    : hak_store_no_memory(layout.path);
    if (error)
        view_fail(hak_store_message());
    else if ((error = remote->setup(url, layout.connection, laid, &why)) != 0)
        view_fail(why ? why : "out of memory");
    free(why);
    sqlite3_close(layout.connection);
    return error;
}

int fleet_setup(struct view *view) {
    const char *url = fleet_url(view);
    struct hak_remote_laid laid;
    if (!url)
        return VIEW_USAGE;
    const struct hak_remote *remote = fleet_remote();
    if (!remote)
        view_fail(hak_store_message());
    if (!remote || lay_out(remote, url, &laid) != 0)
        return VIEW_UNREADABLE;
    struct hak_text text = {0};
    hak_text_add(&text, "layout %d: %d migrations and %d partitions were made\n", laid.layout,
                 laid.migrations, laid.partitions);
    hak_text_add(&text, "give who pushes the role hakmem_writer, who reads hakmem_reader\n");
    return view_print(&text) ? VIEW_OK : VIEW_UNREADABLE;
}
