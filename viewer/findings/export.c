/* `export FORMAT`: what a capture found, in the forms that other tools read. */
#include "viewer/findings/findings.h"

#include <string.h>
#include "viewer/capture/capture.h"

/* Formats of findings; each makes its whole document, to be freed. */
static const struct {
    const char *name;
    char *(*make)(struct view *view, const struct findings *findings);
} formats[] = {
    {"junit", findings_junit},
    {"sarif", findings_sarif},
    {"codequality", findings_code_quality},
};
#define FORMATS (sizeof formats / sizeof *formats)

static int find_format(const char *name) {
    for (size_t i = 0; i < FORMATS; i++)
        if (strcmp(formats[i].name, name) == 0)
            return (int)i;
    view_error("export %s: junit, sarif or codequality was expected", name);
    return -1;
}

int command_export(struct view *view) {
    const char *output = view_value(view, "output");
    int format = find_format(view->argument[0]);
    if (format < 0)
        return VIEW_USAGE;
    int status = view_open(view);
    if (status != 0)
        return status;
    struct findings findings;
    uint32_t process;
    if (!view_process(view, &process))
        return VIEW_USAGE;
    if (!findings_gather(view, process, &findings))
        return VIEW_UNREADABLE;
    status = VIEW_USAGE;
    if (findings_compare(view, &findings)) {
        char *document = formats[format].make(view, &findings);
        bool to_file = output && output[0] && strcmp(output, "-") != 0;
        if (to_file ? findings_write_file(output, document) : view_print_json(document))
            status = VIEW_OK;
    }
    findings_free(&findings);
    return status;
}
