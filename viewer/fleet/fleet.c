/* `fleet`: the findings and heap profiles of all machines, asked of the server. */
#include "viewer/fleet/fleet.h"

#include <string.h>

struct word {
    const char *name;
    int (*run)(struct view *view); /* its arguments are view->argument[1] and on */
    int arguments_max;             /* behind the word */
};

static const struct word words[] = {
    {"findings", fleet_findings, 0}, {"hosts", fleet_hosts, 0}, {"builds", fleet_builds, 0},
    {"trend", fleet_trend, 1},       {"show", fleet_show, 1},   {"baseline", fleet_baseline, 1},
    {"setup", fleet_setup, 0},       {"keep", fleet_keep, 0},   {"html", fleet_html, 1},
    {"top", fleet_top, 0},           {"diff", fleet_diff, 2},
};

/* Runs the word after `fleet` (the first one if none was typed). An unknown one is refused with the
 * nearest, one with too many arguments, too. */
int command_fleet(struct view *view) {
    const char *typed = view->argument_count ? view->argument[0] : words[0].name;
    struct nearest nearest = {.typed = typed};
    for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
        nearest_offer(&nearest, words[i].name);
        if (strcmp(words[i].name, typed) != 0)
            continue;
        if (view->argument_count - 1 <= words[i].arguments_max)
            return words[i].run(view);
        view_error("fleet %s: '%s' is one argument too many; see `hakmem-trace help fleet`", typed,
                   view->argument[words[i].arguments_max + 1]);
        return VIEW_USAGE;
    }
    view_error("fleet: '%s' is no word of it%s; see `hakmem-trace help fleet`", typed,
               nearest_words(&nearest, ""));
    return VIEW_USAGE;
}
