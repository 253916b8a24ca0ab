/* The pages of the commands, from the table that parses them and prints their help. */
#include <stdio.h>
#include <string.h>
#include "tools/man/pages.h"
#include "tools/man/roff.h"
#include "viewer/commands.h"

static void put_option(FILE *page, const struct view_option *option) {
    if (option->name[0] == '\0')
        return;
    fputs(".It ", page);
    if (option->letter)
        fprintf(page, "Fl %c , ", option->letter);
    fputs("Fl \\-", page);
    for (const char *at = option->name; *at; at++)
        fputs(*at == '-' ? "\\-" : (char[]){*at, '\0'}, page);
    if (option->argument) {
        fputs(view_value_alone(option) ? " Ns Op Ns = Ns Ar " : " Ar ", page);
        roff_words(page, option->argument);
    }
    fputs("\n", page);
    roff_text(page, option->sentence);
}

static void put_common(FILE *page, const struct view_command *command) {
    fputs(".Ss Options for all commands\n.Bl -tag -width Ds\n", page);
    for (int i = 0; i < view_common_option_count; i++)
        if (!command || !view_has_own_option(command, view_common_options[i].name))
            put_option(page, &view_common_options[i]);
    fputs(".El\n", page);
}

static void write_command(const char *folder, const struct view_command *command) {
    static const char marker[] = "Exit status: ";
    char name[64];
    snprintf(name, sizeof name, "hakmem-trace-%s", command->name);
    FILE *page = roff_open(folder, name, 1, command->sentence);
    fprintf(page, ".Sh SYNOPSIS\n.Nm hakmem-trace %s\n", command->name);
    fputs(".Op Ar options\n", page);
    if (command->arguments[0]) {
        fputs(".Ar ", page);
        roff_words(page, command->arguments);
        fputs("\n", page);
    }
    const char *about = command->about, *status = strstr(about, marker);
    fputs(".Sh DESCRIPTION\n", page);
    roff_paragraphs(page, about, status ? (size_t)(status - about) : strlen(about));
    const char *after = status ? strstr(status, "\n\n") : NULL;
    if (after) {
        fputs(".Pp\n", page);
        roff_paragraphs(page, after + 2, strlen(after + 2));
    }
    if (command->option_count > 0)
        fputs(".Ss Options\n.Bl -tag -width Ds\n", page);
    for (int i = 0; i < command->option_count; i++) {
        struct view_option option = view_option_as_typed(&command->options[i]);
        put_option(page, &option);
    }
    if (command->option_count > 0)
        fputs(".El\n", page);
    put_common(page, command);
    if (status) {
        fputs(".Sh EXIT STATUS\n", page);
        status += sizeof marker - 1;
        roff_text_of(page, status, after ? (size_t)(after - status) : strlen(status));
    }
    if (command->examples) {
        fputs(".Sh EXAMPLES\n", page);
        roff_literal(page, command->examples, strlen(command->examples));
    }
    fputs(".Sh SEE ALSO\n.Xr hakmem-trace 1 ,\n.Xr hakmem-store 5 ,\n.Xr hakmem 7\n", page);
    roff_close(page);
}

static void write_general(const char *folder) {
    FILE *page = roff_open(folder, "hakmem-trace", 1, "where has this pointer been");
    fputs(".Sh SYNOPSIS\n.Nm\n.Op Ar options\n.Ar command\n.Op Ar options\n.Op Ar arguments\n"
          ".Sh DESCRIPTION\n",
          page);
    roff_text(page, "Records the heap of a program, with every move of every block, into a store, "
                    "and answers questions about it. "
                    "The libraries that the program is given for it, and their variables, are on "
                    "the page hakmem(7), the store on hakmem-store(5). "
                    "Each command has a page of its own: `man hakmem-trace-run`. "
                    "`hakmem-trace help run` shows the same text.");
    const char *group = "";
    for (int i = 0; view_commands[i].name; i++) {
        const struct view_command *command = &view_commands[i];
        if (strcmp(group, command->group) != 0)
            fprintf(page, "%s.Ss %s\n.Bl -tag -width Ds\n", i > 0 ? ".El\n" : "", command->group);
        group = command->group;
        fprintf(page, ".It Cm \\&%s\n", command->name);
        roff_text(page, command->sentence);
    }
    fputs(".El\n", page);
    put_common(page, NULL);
    fputs(".Sh ENVIRONMENT\nThe variables of recorded programs are on the page\n.Xr hakmem 7 .\n"
          ".Bl -tag -width Ds\n.It Ev NO_COLOR\n",
          page);
    roff_text(page, "If it is set and not empty, `--color auto` means `never`.");
    fputs(".It Ev PAGER\n", page);
    roff_text(page, "The pager for long answers on a terminal (default: less).");
    fputs(".El\n.Sh FILES\n.Bl -tag -width Ds\n.It Pa hakmem.PROGRAM.PID.db\n", page);
    roff_text(page, "The store of a recording, in the folder in which it began; the commands read "
                    "the newest one where no other is named.");
    fputs(".El\n.Sh EXIT STATUS\n.Bl -tag -width Ds\n", page);
    for (int i = 0; view_statuses[i].sentence; i++) {
        fprintf(page, ".It %d\n", view_statuses[i].status);
        roff_text(page, view_statuses[i].sentence);
    }
    fputs(".El\n.Pp\n", page);
    roff_text(page, "`run` ends with the status of its program, unless a fault was found.");
    fputs(".Sh EXAMPLES\nWhere the pointer of the first fault has been:\n", page);
    static const char first[] = "  hakmem-trace run -- ./app\n"
                                "  hakmem-trace why @fault\n";
    roff_literal(page, first, strlen(first));
    fputs(".Pp\nWhat takes the memory, and what nothing points to any more:\n", page);
    static const char second[] = "  hakmem-trace run --leaks=1 -- ./app\n"
                                 "  hakmem-trace top\n"
                                 "  hakmem-trace leaks\n";
    roff_literal(page, second, strlen(second));
    fputs(".Sh SEE ALSO\n", page);
    const char *names[64] = {0};
    int count = 0;
    for (; count < 64 && view_commands[count].name; count++) { /* by name, as lint wants it */
        int at = count;
        for (; at > 0 && strcmp(names[at - 1], view_commands[count].name) > 0; at--)
            names[at] = names[at - 1];
        names[at] = view_commands[count].name;
    }
    for (int i = 0; i < count; i++)
        fprintf(page, ".Xr hakmem-trace-%s 1 ,\n", names[i]);
    fputs(".Xr hakmem-store 5 ,\n.Xr hakmem 7\n", page);
    roff_close(page);
}

void man_write_commands(const char *folder) {
    view_use_commands(view_commands);
    write_general(folder);
    for (int i = 0; view_commands[i].name; i++)
        write_command(folder, &view_commands[i]);
}
