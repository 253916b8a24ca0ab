/* The variables HAKMEM_*: what `run` was given for one, or what the environment has. */
#include "viewer/cli/cli.h"

#include <string.h>
#include <unistd.h>

const struct view_variable view_variables[] = {
#define OPTION(NAME, field, TYPE, standard, range, run, sentence) {#NAME, run},
#include "options.def"
    {NULL, NULL},
};

/* The environment's value of HAKMEM_<name>. */
static const char *value_in_environment(const char *name) {
    size_t length = strlen(name);
    for (char **entry = environ; entry && *entry; entry++)
        if (strncmp(*entry, "HAKMEM_", 7) == 0 && strncmp(*entry + 7, name, length) == 0 &&
            (*entry)[7 + length] == '=')
            return *entry + 7 + length + 1;
    return NULL;
}

const char *view_variable_value(const struct view *view, const char *name) {
    for (const struct view_variable *v = view_variables; v->name; v++)
        if (strcmp(v->name, name) == 0 && v->option[0] && view_given(view, v->option))
            return view_value(view, v->option);
    return value_in_environment(name);
}
