/* `push`: sends a capture to a server. */
#include "viewer/fleet/fleet.h"

#include <stdlib.h>
#include "report/words/words.h"
#include "store/database.h"
#include "store/source.h"
#include "viewer/capture/capture.h"

static int send_capture(struct view *view, const struct hak_remote *remote, const char *url) {
    struct hak_remote_pushed pushed;
    char *why;
    int error = remote->push(url, hak_store_database(view->reader)->connection, view->store_path,
                             NULL, NULL, &pushed, &why);
    if (error) {
        view_fail(why ? why : "out of memory");
        free(why);
        return VIEW_UNREADABLE;
    }
    view_write(stdout, "capture %llu: %s, %s; ", (unsigned long long)pushed.capture,
               hak_words_count(pushed.rows, "row", "rows"), hak_words_size(pushed.bytes));
    view_write(stdout, "%s of %s sent\n", hak_words_number(pushed.sent_parts),
               hak_words_count(pushed.parts, "part", "parts"));
    return VIEW_OK;
}

int command_push(struct view *view) {
    const char *url = view_value(view, "to");
    if (!url || !hak_source_is_url(url)) {
        view_error("push: expected --to postgresql://HOST/DATABASE");
        return VIEW_USAGE;
    }
    int status = view_open(view);
    if (status)
        return status;
    const struct hak_remote *remote = fleet_remote();
    if (!remote) {
        view_fail(hak_store_message());
        return VIEW_UNREADABLE;
    }
    return send_capture(view, remote, url);
}
