/* `mcp`: from the command line to the server. */
#include "viewer/mcp/mcp.h"
#include "viewer/mcp/parts.h"

#include <unistd.h>

/* `mcp`: enters the folder and answers the client's messages on standard input until it ends. */
int command_mcp(struct view *view) {
    static struct mcp_server server;
    if (view_given(view, "store")) {
        view_error(
            "mcp --store %s: the caller names captures; give the folder below which they lie",
            view_value(view, "store"));
        return VIEW_USAGE;
    }
    if (!mcp_folder_enter(view->argument_count > 0 ? view->argument[0] : "."))
        return VIEW_USAGE;
    if (isatty(STDIN_FILENO))
        view_error(
            "mcp: waits for a client's messages on standard input, one a line (docs/mcp.md); "
            "Ctrl-D ends it");
    server.allows_run = view_given(view, "allow-run");
    return mcp_serve(&server);
}
