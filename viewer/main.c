/* hakmem-trace: reads the command line and hands over to the command's own file. */
#include <signal.h>
#include <sqlite3.h>
#include "viewer/capture/capture.h"
#include "viewer/commands.h"
#include "viewer/fleet/fleet.h"

/* Programs that a command starts have the signal's own action again, other than with SIG_IGN. */
static void ignore(int number) {
    (void)number;
}

/* A file that must not grow any more (ulimit -f) is an error like others, and no end. */
static void heed_limit_of_files(void) {
    struct sigaction action = {.sa_handler = ignore, .sa_flags = SA_RESTART}, before;
    if (sigaction(SIGXFSZ, NULL, &before) == 0 && before.sa_handler == SIG_DFL)
        sigaction(SIGXFSZ, &action, NULL);
}

/* Parses the command line and runs the command. An unreadable stack and an answer that Ctrl-C cut
 * off replace its exit status; an error of the output replaces only VIEW_OK. */
int main(int argc, char **argv) {
    struct view view = {0};
    heed_limit_of_files();
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
