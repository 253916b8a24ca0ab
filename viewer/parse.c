/* Reads the command line by the table in commands.c; every error says what was wrong and what to
 * do. */
#include "version.h"
#include "view.h"

#include <errno.h>
#include <getopt.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define NAME_MAX_LETTERS 32  /* of a command, as typed */
#define FIRST_LONG       256 /* getopt's value of option 0; below are letters */

void view_error(const char *format, ...) {
    va_list list;
    fflush(stdout);
    view_progress_clear();
    fprintf(stderr, "hakmem-trace: ");
    va_start(list, format);
    vfprintf(stderr, format, list);
    va_end(list);
    fputc('\n', stderr);
}

static void merge_options(struct view *view) {
    const struct view_command *command = view->command;
    for (int i = 0; i < command->option_count; i++)
        if (command->options[i].name[0] && view->option_count < VIEW_OPTIONS_MAX)
            view->option[view->option_count++] = command->options[i];
    for (int i = 0; i < view_common_option_count; i++) {
        int same = -1;
        for (int k = 0; k < view->option_count; k++)
            if (strcmp(view->option[k].name, view_common_options[i].name) == 0)
                same = k;
        if (same >= 0)
            view->option[same].letter = view_common_options[i].letter;
        else if (view->option_count < VIEW_OPTIONS_MAX)
            view->option[view->option_count++] = view_common_options[i];
    }
}

static void fill_getopt(const struct view *view, struct option *longs, char *shorts) {
    char *s = shorts;
    *s++ = view->command->stops_at_first ? '+' : ':';
    if (s[-1] == '+')
        *s++ = ':';
    for (int i = 0; i < view->option_count; i++) {
        const struct view_option *option = &view->option[i];
        int has_value = view_value_alone(option) ? optional_argument
                        : option->argument       ? required_argument
                                                 : no_argument;
        longs[i] = (struct option){option->name, has_value, NULL, FIRST_LONG + i};
        if (option->letter) {
            *s++ = option->letter;
            if (option->argument)
                *s++ = ':';
        }
    }
    *s = '\0';
}

static int index_of_letter(const struct view *view, int letter) {
    for (int i = 0; i < view->option_count; i++)
        if (view->option[i].letter == letter)
            return i;
    return -1;
}

static int usage(const struct view *view) {
    if (view->command)
        fprintf(stderr, "hakmem-trace %s --help shows what it takes.\n", view->command->name);
    else
        fprintf(stderr, "hakmem-trace --help lists the commands.\n");
    return VIEW_USAGE;
}

static int parse_options(struct view *view, int argc, char **argv) {
    struct option longs[VIEW_OPTIONS_MAX + 1] = {0};
    char shorts[3 * VIEW_OPTIONS_MAX + 3];
    fill_getopt(view, longs, shorts);
    opterr = 0;
    optind = 1;
    int got;
    while ((got = getopt_long(argc, argv, shorts, longs, NULL)) != -1) {
        int i = got >= FIRST_LONG ? got - FIRST_LONG : index_of_letter(view, got);
        if (got == ':') {
            view_error("%s: %s needs a value", view->command->name, argv[optind - 1]);
            return usage(view);
        }
        if (got == '?' || i < 0 || i >= view->option_count) {
            /* optopt: a letter, 0 for an unknown long one, an index for a value too many */
            if (optopt >= FIRST_LONG)
                view_error("%s: --%s takes no value", view->command->name,
                           view->option[optopt - FIRST_LONG].name);
            else if (optopt > 0)
                view_error("%s: unknown option -%c", view->command->name, optopt);
            else
                view_error("%s: unknown or ambiguous option %s", view->command->name,
                           argv[optind - 1]);
            return usage(view);
        }
        const char *alone = view_value_alone(&view->option[i]);
        view->value[i] = optarg ? optarg : alone ? alone : "";
    }
    view->argument = argv + optind;
    view->argument_count = argc - optind;
    return -1;
}

static int settle_common(struct view *view) {
    const char *color = view_value(view, "color");
    const char *no_color = getenv("NO_COLOR");
    const char *terminal = getenv("TERM");
    view->terminal = isatty(STDOUT_FILENO);
    view->json = view_given(view, "json");
    view->color = view->terminal && !(no_color && no_color[0]) &&
                  !(terminal && strcmp(terminal, "dumb") == 0);
    if (color && strcmp(color, "always") == 0) {
        view->color = true;
    } else if (color && strcmp(color, "never") == 0) {
        view->color = false;
    } else if (color && strcmp(color, "auto") != 0) {
        view_error("--color %s: auto, always or never was expected", color);
        return usage(view);
    }
    if (view->json)
        view->color = false;
    return -1;
}

static int check_arguments(struct view *view) {
    const struct view_command *command = view->command;
    if (view->argument_count < command->arguments_min) {
        view_error("%s needs %s", command->name, command->arguments);
        return usage(view);
    }
    if (command->arguments_max >= 0 && view->argument_count > command->arguments_max) {
        view_error("%s: '%s' is too much: it takes %s", command->name,
                   view->argument[command->arguments_max],
                   command->arguments[0] ? command->arguments : "options only");
        return usage(view);
    }
    return -1;
}

/* How many letters must be changed, added or taken away to make `b` of `a` (Levenshtein). */
static int distance(const char *a, const char *b) {
    int row[NAME_MAX_LETTERS + 1], length = (int)strlen(b);
    for (int k = 0; k <= length; k++)
        row[k] = k;
    for (int i = 0; a[i]; i++) {
        int diagonal = row[0];
        row[0] = i + 1;
        for (int k = 0; k < length; k++) {
            int above = row[k + 1];
            int best = diagonal + (a[i] != b[k]);
            best = above + 1 < best ? above + 1 : best;
            best = row[k] + 1 < best ? row[k] + 1 : best;
            row[k + 1] = best;
            diagonal = above;
        }
    }
    return row[length];
}

/* The command that was probably meant; NULL where none is near. */
static const char *nearest_command(const char *name) {
    const char *nearest = NULL;
    int least = 3;
    for (int i = 0; view_command_at(i) && strlen(name) <= NAME_MAX_LETTERS; i++) {
        int changes = distance(name, view_command_at(i)->name);
        if (changes < least && changes < (int)strlen(name)) {
            least = changes;
            nearest = view_command_at(i)->name;
        }
    }
    return nearest;
}

int view_parse(struct view *view, int argc, char **argv) {
    if (argc < 2) {
        view_help_general(stderr);
        return VIEW_USAGE;
    }
    const char *name = argv[1];
    if (strcmp(name, "-h") == 0 || strcmp(name, "--help") == 0) {
        view_help_general(stdout);
        return VIEW_OK;
    }
    if (strcmp(name, "-V") == 0 || strcmp(name, "--version") == 0) {
        printf("hakmem-trace %s\n", HAK_VERSION);
        return VIEW_OK;
    }
    view->command = view_find_command(name);
    if (!view->command) {
        const char *near = nearest_command(name);
        view_error("there is no command '%s'%s%s%s", name, near ? "; is '" : "", near ? near : "",
                   near ? "' meant?" : "");
        return usage(view);
    }
    merge_options(view);
    int status = parse_options(view, argc - 1, argv + 1);
    if (status >= 0)
        return status;
    if (view_given(view, "help")) {
        view_help_command(stdout, view->command);
        return VIEW_OK;
    }
    if (view_given(view, "version")) {
        printf("hakmem-trace %s\n", HAK_VERSION);
        return VIEW_OK;
    }
    status = settle_common(view);
    return status >= 0 ? status : check_arguments(view);
}

const char *view_value(const struct view *view, const char *name) {
    for (int i = 0; i < view->option_count; i++)
        if (strcmp(view->option[i].name, name) == 0)
            return view->value[i];
    return NULL;
}

bool view_given(const struct view *view, const char *name) {
    return view_value(view, name) != NULL;
}

bool view_number(const struct view *view, const char *name, uint64_t *out) {
    const char *value = view_value(view, name);
    if (!value)
        return true;
    char *end;
    errno = 0;
    unsigned long long number = strtoull(value, &end, 10);
    if (value[0] < '0' || value[0] > '9' || *end || errno) {
        view_error("--%s %s: a number was expected", name, value);
        return false;
    }
    *out = number;
    return true;
}
