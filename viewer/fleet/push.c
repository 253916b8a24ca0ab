/* `push`: sends what a capture has to a server. */
#include "viewer/fleet/fleet.h"

#include "store/source.h"
#include "viewer/fleet/document.h"

/* `push --whole`: checks --to and --label and pushes the whole capture. */
static int push_whole(struct view *view) {
    const char *url = view_value(view, "to");
    if (!url || !hak_source_is_url(url)) {
        view_error("push: expected --to postgresql://HOST/DATABASE");
        return VIEW_USAGE;
    }
    if (!document_check_labels("push", view_value(view, "label")))
        return VIEW_USAGE;
    return fleet_push_whole(view);
}

int command_push(struct view *view) {
    if (view_given(view, "whole") && view_given(view, "profile")) {
        view_error("push: --whole and --profile are two pushes: type one after the other");
        return VIEW_USAGE;
    }
    return view_given(view, "whole") ? push_whole(view) : fleet_push_findings(view);
}
