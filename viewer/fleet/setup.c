/* `fleet setup`: lays out a server. */
#include "viewer/fleet/setup.h"

#include <sqlite3.h>
#include <stdlib.h>
#include "store/schema.h"
#include "viewer/capture/capture.h"

int fleet_open_layout(struct hak_database *layout) {
    *layout = (struct hak_database){.path = (char *)"the layout of a store"};
    return sqlite3_open(":memory:", &layout->connection) == SQLITE_OK
               ? hak_store_make_schema(layout)
               : hak_store_no_memory(layout->path);
}

void fleet_close_layout(struct hak_database *layout) {
    sqlite3_close(layout->connection);
}

int fleet_lay_out(const struct hak_remote *remote, const char *url, struct hak_remote_laid *laid) {
    struct hak_database layout;
    char *why = NULL;
    int error = fleet_open_layout(&layout);
    if (error)
        view_fail(hak_store_message());
    else if ((error = remote->setup(url, layout.connection, laid, &why)) != 0)
        view_fail(why ? why : "out of memory");
    free(why);
    fleet_close_layout(&layout);
    return error ? VIEW_UNREADABLE : 0;
}

/* Prints as JSON or text which layout the server has now and how many migrations and partitions
 * were made. An exit status. */
static int print_setup(struct view *view, const struct hak_remote_laid *laid) {
    if (view->json) {
        json_t *document = hak_json_set(view_json_document(view), WORD("word", "setup"),
                                        NUMBER("layout", (uint64_t)laid->layout),
                                        NUMBER("migrations", (uint64_t)laid->migrations),
                                        NUMBER("partitions", (uint64_t)laid->partitions));
        return view_print_json(hak_json_print(document)) ? VIEW_OK : VIEW_UNREADABLE;
    }
    struct hak_text text = {0};
    hak_text_add(&text, "layout %d: %d migrations and %d partitions were made\n", laid->layout,
                 laid->migrations, laid->partitions);
    hak_text_add(&text, "give who pushes the role hakmem_writer, who reads hakmem_reader\n");
    return view_print(&text) ? VIEW_OK : VIEW_UNREADABLE;
}

int fleet_setup(struct view *view) {
    const char *url = fleet_need_url(view);
    struct hak_remote_laid laid = {0};
    if (!url)
        return VIEW_USAGE;
    const struct hak_remote *remote = fleet_load_remote();
    if (!remote) {
        view_fail(hak_store_message());
        return VIEW_UNREADABLE;
    }
    int status = fleet_lay_out(remote, url, &laid);
    return status ? status : print_setup(view, &laid);
}
