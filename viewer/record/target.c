/* Checks that PROGRAM can be recorded, before anything is started, so that no capture is silently
 * empty. */
#include "viewer/record/run.h"

#include "collector/target/target.h"

static struct hak_target_trouble trouble;
static const char *name = "run"; /* of the command that the user typed */

const char *run_name(void) {
    return name;
}

void run_set_name(const char *of_command) {
    name = of_command;
}

bool run_target_check(const char *program) {
    char path[PATH_MAX];
    if (hak_target_find(program, path, &trouble) && hak_target_check(path, &trouble))
        return true;
    view_error("%s: %s%s%s", run_name(), trouble.file, trouble.reason, trouble.consequence);
    return false;
}

const char *run_target_unreadable(void) {
    return trouble.unreadable ? trouble.file : NULL;
}
