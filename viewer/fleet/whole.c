/* `push --whole`: sends all of a capture to a server. */
#include "viewer/fleet/fleet.h"

#include <stdlib.h>
#include "report/words/words.h"
#include "store/database.h"
#include "viewer/capture/capture.h"

enum { JOBS = 2, JOBS_MAX = 32 };

/* Shows the progress of a push: bytes sent to the server of all there are. */
static void show_sending(void *context, uint64_t done, uint64_t total) {
    (void)context;
    view_progress(
        &(struct hak_progress){.doing = "sending", .unit = "bytes", .done = done, .total = total});
}

/* Prints the capture's number on the server, its size, and how many of its parts had to be sent. */
static void print_pushed(const struct hak_remote_pushed *pushed) {
    view_write(stdout, "capture %llu: %s, %s; ", (unsigned long long)pushed->capture,
               hak_words_count(pushed->rows, "row", "rows"), hak_words_size(pushed->bytes));
    view_write(stdout, "%s of %s sent\n", hak_words_number(pushed->sent_parts),
               hak_words_count(pushed->parts, "part", "parts"));
}

int fleet_push_whole(struct view *view) {
    const char *url = view_value(view, "to");
    struct hak_remote_pushed pushed;
    uint64_t jobs = JOBS;
    char *why;
    if (!view_read_number(view, "jobs", &jobs))
        return VIEW_USAGE;
    if (jobs < 1 || jobs > JOBS_MAX) {
        view_error("push: --jobs is 1 to %d", JOBS_MAX);
        return VIEW_USAGE;
    }
    int status = view_open(view);
    if (status)
        return status;
    const struct hak_remote *remote = fleet_load_remote();
    if (!remote) {
        view_fail(hak_store_message());
        return VIEW_UNREADABLE;
    }
    if (view->summary.being_written)
        view_error(
            "what is committed now is sent; when it has ended, push it again: that will be a "
            "capture of its own");
    int error = remote->push(url, hak_store_database(view->reader)->connection, view->store_path,
                             (int)jobs, show_sending, NULL, &pushed, &why);
    view_progress_end();
    if (error)
        view_fail(why ? why : "out of memory");
    free(why);
    if (error)
        return VIEW_UNREADABLE;
    if (!view->json)
        print_pushed(&pushed);
    return fleet_push_findings_of(view, url, pushed.capture);
}
