/* The help pages: one for the tool, one for each command, made from the table in commands.c. */
#include "viewer/cli/cli.h"

#include <string.h>

#define WIDTH 100

const struct view_status_word view_statuses[] = {
    {VIEW_OK, "nothing wrong"},
    {VIEW_FAULT, "a fault was found"},
    {VIEW_USAGE, "usage"},
    {VIEW_UNREADABLE, "the capture cannot be read"},
    {VIEW_INCOMPLETE, "the capture is incomplete and the answer could differ"},
    {VIEW_INTERRUPTED, "interrupted"},
    {0, NULL},
};

/* Prints `text` from the present column on, later lines indented to `indent`, no wider than WIDTH.
 */
static void print_wrapped(FILE *to, const char *text, int indent) {
    int column = indent;
    while (*text) {
        int length = (int)strcspn(text, " ");
        if (column > indent && column + 1 + length > WIDTH) {
            view_write(to, "\n%*s", indent, "");
            column = indent;
        } else if (column > indent) {
            view_write(to, " ");
            column++;
        }
        view_write(to, "%.*s", length, text);
        column += length;
        text += length;
        text += strspn(text, " ");
    }
    view_write(to, "\n");
}

/* An option's line, with its sentence wrapped beside it. */
static void print_option(FILE *to, const struct view_option *option) {
    char left[96];
    if (option->name[0] == '\0')
        return;
    bool alone = view_value_alone(option) != NULL;
    int length =
        snprintf(left, sizeof left, "  %c%c%c --%s%s%s%s", option->letter ? '-' : ' ',
                 option->letter ? option->letter : ' ', option->letter ? ',' : ' ', option->name,
                 alone ? "[=" : " ", option->argument ? option->argument : "", alone ? "]" : "");
    if (length > 33) {
        view_write(to, "%s\n%34s", left, "");
    } else {
        view_write(to, "%-34s", left);
    }
    print_wrapped(to, option->sentence, 34);
}

void view_help_general(FILE *to) {
    view_write(to, "hakmem-trace: where has this pointer been?\n\nUSAGE\n");
    view_write(to, "  %-48s %s\n", "hakmem-trace run [OPTIONS] -- PROGRAM [ARG...]",
               "record a program, report its faults");
    view_write(to, "  %-48s %s\n", "hakmem-trace why ADDR",
               "the story of one address, on one page");
    view_write(to, "  hakmem-trace [OPTIONS FOR ALL] COMMAND [OPTIONS]\n");
    const char *group = "";
    for (int i = 0; view_command_at(i); i++) {
        const struct view_command *command = view_command_at(i);
        if (strcmp(group, command->group) != 0)
            view_write(to, "%s%s\n", i == 0 ? "\n" : "", command->group);
        group = command->group;
        view_write(to, "  %-11s %s\n", command->name, command->sentence);
    }
    view_write(to, "\nOPTIONS FOR ALL\n");
    for (int i = 0; i < view_common_option_count; i++)
        print_option(to, &view_common_options[i]);
    view_write(to, "\nEXIT STATUS\n");
    for (int i = 0; view_statuses[i].sentence; i++)
        view_write(to, "%s%d %s%s", i == 0 || i == 4 ? "  " : "   ", view_statuses[i].status,
                   view_statuses[i].sentence, i == 3 || !view_statuses[i + 1].sentence ? "\n" : "");
}

int command_help(struct view *view) {
    if (view->argument_count == 0) {
        view_help_general(stdout);
        return VIEW_OK;
    }
    const struct view_command *command = view_need_command(view->argument[0]);
    if (command)
        view_help_command(stdout, command);
    return command ? VIEW_OK : VIEW_USAGE;
}

bool view_has_own_option(const struct view_command *command, const char *name) {
    for (int i = 0; i < command->option_count; i++)
        if (strcmp(command->options[i].name, name) == 0)
            return true;
    return false;
}

struct view_option view_option_as_typed(const struct view_option *option) {
    struct view_option whole = *option;
    for (int i = 0; i < view_common_option_count; i++)
        if (strcmp(view_common_options[i].name, whole.name) == 0) {
            whole.letter = view_common_options[i].letter;
            whole.argument = view_common_options[i].argument;
        }
    return whole;
}

void view_help_command(FILE *to, const struct view_command *command) {
    view_write(to, "hakmem-trace %s: %s\n\nUSAGE\n  hakmem-trace %s [OPTIONS]%s%s\n\n",
               command->name, command->sentence, command->name, command->arguments[0] ? " " : "",
               command->arguments);
    view_write(to, "%s", command->about);
    if (command->option_count > 0)
        view_write(to, "\nOPTIONS\n");
    for (int i = 0; i < command->option_count; i++) {
        struct view_option option = view_option_as_typed(&command->options[i]);
        print_option(to, &option);
    }
    view_write(to, "\nOPTIONS FOR ALL\n");
    for (int i = 0; i < view_common_option_count; i++)
        if (!view_has_own_option(command, view_common_options[i].name))
            print_option(to, &view_common_options[i]);
    if (command->examples)
        view_write(to, "\nEXAMPLES\n%s", command->examples);
}
