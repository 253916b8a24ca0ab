/* `hunt`: from the command line to the last word. */
#include "viewer/hunt/hunt.h"

#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "viewer/hunt/parts.h"

enum { RUNS_MAX = 10000, TIMEOUT_MAX_S = 365 * 86400 };

static bool check_show(const struct view *view) {
    const char *show = view_value(view, "show");
    if (!show || strcmp(show, "first") == 0 || strcmp(show, "all") == 0 ||
        strcmp(show, "none") == 0)
        return true;
    view_error("hunt --show %s: first, all or none was expected", show);
    return false;
}

static bool read_options(struct hunt *hunt, uint64_t *exit_code, uint64_t *fault) {
    const struct view *view = hunt->view;
    hunt->runs_max = 12;
    if (!view_read_number(view, "runs", &hunt->runs_max) ||
        !view_read_number(view, "timeout", &hunt->timeout_s) ||
        !view_read_number(view, "exitcode", exit_code) || !view_read_number(view, "fault", fault) ||
        !check_show(view))
        return false;
    if (hunt->runs_max < 1 || hunt->runs_max > RUNS_MAX) {
        view_error("hunt --runs %s: 1 to %d was expected", view_value(view, "runs"), RUNS_MAX);
        return false;
    }
    if (hunt->timeout_s > TIMEOUT_MAX_S) {
        view_error("hunt --timeout %s: seconds, 0 to %d, were expected",
                   view_value(view, "timeout"), TIMEOUT_MAX_S);
        return false;
    }
    if (*exit_code > 255) {
        view_error("hunt --exitcode %s: 0 to 255 was expected", view_value(view, "exitcode"));
        return false;
    }
    hunt->is_repeated = view_given(view, "runs");
    return true;
}

/* `path` with `suffix` in the place of its ".db". */
static void put_beside(char *out, const char *path, const char *suffix) {
    size_t length = strlen(path);
    if (length > 3 && strcmp(path + length - 3, ".db") == 0)
        length -= 3;
    snprintf(out, HUNT_PATH, "%.*s%s", (int)length, path, suffix);
}

static bool settle_paths(struct hunt *hunt) {
    const char *pattern = view_value(hunt->view, "output");
    struct stat given, output;
    if (!record_settle_store(hunt->view, pattern && pattern[0] ? pattern : NULL, hunt->store,
                             sizeof hunt->store))
        return false;
    if (hunt->best_store && stat(hunt->best_store, &given) == 0 &&
        stat(hunt->store, &output) == 0 && given.st_dev == output.st_dev &&
        given.st_ino == output.st_ino) {
        view_error("hunt: %s is the capture whose fault is hunted; -o FILE names another store",
                   hunt->store);
        return false;
    }
    put_beside(hunt->site, hunt->store, ".only");
    put_beside(hunt->aside, hunt->store, ".best");
    return true;
}

/* The fault of a capture: -s FILE, or the newest one here. 0, or an exit status (printed). */
static int take_given(struct hunt *hunt, uint32_t row) {
    struct view seen = *hunt->view;
    int status = view_open(&seen);
    hak_store_watch(NULL, NULL);
    char *path = seen.store_path ? strdup(seen.store_path) : NULL;
    view_close(&seen);
    if (status != 0 || !path)
        return status ? status : VIEW_UNREADABLE;
    status = hunt_read_fault(&seen, path, row, &hunt->target);
    if (status == 0 && hunt_is_of_damage(&hunt->target) && hunt_is_in_slack(&hunt->target))
        hunt_count_blocks(&seen, &hunt->target);
    if (status == 0 && hunt->target.sight == HUNT_NOTHING) {
        if (row)
            view_error("hunt --fault %u: %s holds no such fault; `hakmem-trace faults` lists them",
                       row, path);
        else
            view_error("hunt: %s holds no fault", path);
        status = VIEW_USAGE;
    }
    hunt->is_given = row != 0;
    hunt->best_store = path;
    if (status == 0 &&
        (!hunt_copy_fault(&hunt->best, &hunt->target) || !hunt_note_build(hunt, &seen)))
        status = VIEW_UNREADABLE;
    view_close(&seen);
    return status;
}

/* The store of the best run waits elsewhere while the next run writes its own. False, and said: it
 * cannot, and stays. */
static bool put_aside(const struct hunt *hunt) {
    if (hunt->best_run == 0 || rename(hunt->store, hunt->aside) == 0)
        return true;
    view_error("hunt: %s cannot be renamed to %s: %s; the next run would take its place, so the "
               "hunt ends with what is known",
               hunt->store, hunt->aside, strerror(errno));
    return false;
}

/* Keeps the better one of the run's store and the one that waits. */
static void keep_better(struct hunt *hunt, const struct hunt_run *run) {
    if (run->is_better) {
        hunt->best_store = hunt->store;
        unlink(hunt->aside);
    } else {
        unlink(hunt->store);
        if (hunt->best_run > 0 && rename(hunt->aside, hunt->store) != 0) {
            view_error("hunt: %s cannot be renamed: %s; it is the capture of the best run",
                       hunt->aside, strerror(errno));
            hunt->best_store = hunt->aside;
        }
    }
}

/* False: it is over. */
static bool run_next(struct hunt *hunt, int *trouble) {
    struct hunt_plan plan;
    struct hunt_run run;
    if ((uint64_t)hunt->runs >= hunt->runs_max || !hunt_plan_next(hunt, &plan) ||
        (plan.blocks == HUNT_ONLY && !hunt_write_site(hunt, &plan)))
        return false;
    if (!put_aside(hunt)) {
        *trouble = VIEW_INCOMPLETE;
        return false;
    }
    bool has_started = hunt_attempt(hunt, &plan, &run);
    hunt->runs++;
    if (!has_started || (!run.is_recorded && !hunt_stop_signal()))
        *trouble = has_started ? VIEW_INCOMPLETE : VIEW_USAGE;
    bool is_over = hunt_plan_learn(hunt, &run) || *trouble || hunt_stop_signal();
    if (!*trouble) {
        hunt_say_run(hunt, &run);
        hunt_add_run_json(hunt, &run);
    }
    keep_better(hunt, &run);
    hunt_forget_fault(&run.fault);
    return !is_over;
}

static int settle_status(const struct hunt *hunt, int trouble, int exit_code) {
    if (hunt_stop_signal())
        return 128 + hunt_stop_signal();
    if (trouble)
        return trouble;
    return hunt->best.sight == HUNT_NOTHING ? VIEW_OK : exit_code;
}

int command_hunt(struct view *view) {
    static struct hunt hunt;
    uint64_t exit_code = VIEW_FAULT, fault = 0;
    int trouble = 0, status;
    hunt = (struct hunt){.view = view, .bears_byte = true, .list = json_array()};
    if (!read_options(&hunt, &exit_code, &fault))
        return VIEW_USAGE;
    if (view_given(view, "store") || view_given(view, "fault")) {
        status = take_given(&hunt, (uint32_t)fault);
        if (status != 0)
            return status;
    }
    if (!settle_paths(&hunt) || !hunt_input_start())
        return VIEW_USAGE;
    hunt_take_signals();
    while (run_next(&hunt, &trouble))
        continue;
    unlink(hunt.site);
    status = settle_status(&hunt, trouble, (int)exit_code);
    if (trouble != VIEW_USAGE) {
        hunt_say_end(&hunt);
        if (view->json)
            hunt_print_json(&hunt, status);
    }
    json_decref(hunt.list);
    free(hunt.earlier);
    free(hunt.symptom);
    free(hunt.unwatched);
    hunt_forget_fault(&hunt.target);
    hunt_forget_fault(&hunt.given);
    json_decref(hunt.wanted);
    hunt_forget_fault(&hunt.best);
    return status;
}
