/* hakmem-trace: reads the command line and hands over to the command's own file. */
#include <sqlite3.h>
#include "viewer/capture/capture.h"
#include "viewer/commands.h"
#include "viewer/fleet/fleet.h"

/* Parses the command line and runs the command. An unreadable stack and an answer that Ctrl-C cut
 * off replace its exit status; an error of the output replaces only VIEW_OK. */
int main(int argc, char **argv) {
    struct view view = {0};
    sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0); /* a lock less in each of its allocations */
    fleet_start();
    int status = view_parse(&view, view_commands, argc, argv);
    if (status < 0) {
        status = view.command->run(&view);
        if (view.reader && hak_store_stack_error(view.reader)) {
            view_error("%s", hak_store_stack_error(view.reader));
            status = VIEW_UNREADABLE;
        }
        view_close(&view);
    }
    view_parse_end(&view);
    if (!view_end_output() && status == VIEW_OK)
        status = VIEW_USAGE;
    if (view_answer_is_cut()) {
        view_error("interrupted: the answer is partial");
        status = VIEW_INTERRUPTED;
    }
    return status;
}
