/* The table of commands, as main hands it over, and the options that every command has. */
#include "viewer/cli/cli.h"

#include <string.h>

const struct view_option view_common_options[] = {
    {"store", 's', "FILE", "the capture (default: newest hakmem.*.db here)"},
    {"json", 0, NULL, "versioned JSON, one document"},
    {"color", 0, "WHEN", "auto, always, never"},
    {"no-pager", 0, NULL, "print at once, also on a terminal"},
    {"help", 'h', NULL, "this page; after a command, its own"},
    {"version", 'V', NULL, "the version, and what this was built of"},
};
const int view_common_option_count = sizeof view_common_options / sizeof view_common_options[0];

static const struct view_command *command_table;

void view_use_commands(const struct view_command *table) {
    command_table = table;
}

const struct view_command *view_used_commands(void) {
    return command_table;
}

const char *view_value_alone(const struct view_option *option) {
    static const struct {
        const char *name, *value;
    } alone[] = {{"leaks", "1"}, {"start-paused", "1"}, {"profile-only", "1"}};
    for (size_t i = 0; i < sizeof alone / sizeof *alone; i++)
        if (option->argument && strcmp(option->name, alone[i].name) == 0)
            return alone[i].value;
    return NULL;
}

const struct view_command *view_command_at(int i) {
    return command_table[i].name ? &command_table[i] : NULL;
}

const struct view_command *view_find_command(const char *name) {
    for (int i = 0; view_command_at(i); i++)
        if (strcmp(command_table[i].name, name) == 0)
            return &command_table[i];
    return NULL;
}
