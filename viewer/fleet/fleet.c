/* `fleet`: what all machines found, asked of the server. */
#include "viewer/fleet/fleet.h"

#include <string.h>
#include "store/source.h"

struct word {
    const char *name;
    int (*run)(struct view *view); /* its arguments are view->argument[1] and on */
};

static const struct word words[] = {
    {"setup", fleet_setup},
};

const char *fleet_url(const struct view *view) {
    const char *url = view_value(view, "to");
    if (url && hak_source_is_url(url))
        return url;
    view_error("fleet: expected --to postgresql://HOST/DATABASE");
    return NULL;
}

int command_fleet(struct view *view) {
    const char *typed = view->argument_count ? view->argument[0] : "";
    struct nearest nearest = {.typed = typed};
    for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
        if (strcmp(words[i].name, typed) == 0)
            return words[i].run(view);
        nearest_offer(&nearest, words[i].name);
    }
    view_error("fleet: '%s' is no word of it%s; see `hakmem-trace help fleet`", typed,
               nearest_words(&nearest, ""));
    return VIEW_USAGE;
}
