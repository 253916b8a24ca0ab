/* Reads the command line by the table in commands.c; every error says what was wrong and what to
 * do. */
#include "viewer/cli/cli.h"
#include "store/file.h"

#include <errno.h>
#include <getopt.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define FIRST_LONG 256 /* getopt's value of option 0; below are letters */

/* Merges the options of the command and those of all; the command's own come first. */
static void merge_options(struct view *view) {
    const struct view_command *command = view->command;
    for (int i = 0; command && i < command->option_count; i++)
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

/* Translates the options for getopt_long. */
static void fill_getopt(const struct view *view, struct option *longs, char *shorts) {
    char *s = shorts;
    *s++ = !view->command || view->command->stops_at_first ? '+' : ':';
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

/* The option with this letter, or -1. */
static int index_of_letter(const struct view *view, int letter) {
    for (int i = 0; i < view->option_count; i++)
        if (view->option[i].letter == letter)
            return i;
    return -1;
}

/* Says where help is. Returns VIEW_USAGE. */
static int usage(const struct view *view) {
    if (view->command)
        view_write(stderr, "hakmem-trace %s --help shows what it takes.\n", view->command->name);
    else
        view_write(stderr, "hakmem-trace --help lists the commands.\n");
    return VIEW_USAGE;
}

/* The beginning of a message: the command that was given. */
static const char *place(const struct view *view) {
    static char words[64];
    snprintf(words, sizeof words, "%s%s", view->command ? view->command->name : "",
             view->command ? ": " : "");
    return words;
}

/* Prefers the option that another command or tool calls by the typed name over a name of similar
 * letters. */
static void offer_synonym(struct nearest *nearest, const struct view *view) {
    static const struct {
        const char *typed, *means;
    } synonyms[] = {{"limit", "tail"}, {"limit", "last"}, {"last", "tail"},  {"tail", "last"},
                    {"tail", "limit"}, {"last", "limit"}, {"from", "since"}, {"to", "until"}};
    bool is_found = false;
    for (size_t i = 0; !is_found && i < sizeof synonyms / sizeof *synonyms; i++)
        for (int k = 0; k < view->option_count; k++)
            if (strcmp(synonyms[i].typed, nearest->typed) == 0 &&
                strcmp(synonyms[i].means, view->option[k].name) == 0) {
                nearest->best = synonyms[i].means;
                is_found = true;
            }
}

/* Prints that getopt does not know a long option, or knows several of it, with the nearest. */
static void say_unknown(const struct view *view, const char *typed) {
    char name[64];
    struct hak_text all = {0};
    int begins = 0;
    snprintf(name, sizeof name, "%.*s", (int)strcspn(typed + 2, "="), typed + 2);
    struct nearest nearest = {.typed = name};
    for (int i = 0; i < view->option_count; i++) {
        nearest_offer(&nearest, view->option[i].name);
        if (strncmp(view->option[i].name, name, strlen(name)) == 0)
            hak_text_add(&all, "%s--%s", begins++ ? ", " : "", view->option[i].name);
    }
    offer_synonym(&nearest, view);
    if (begins > 1)
        view_error("%s--%s is ambiguous: %s", place(view), name, hak_text_string(&all));
    else
        view_error("%sunknown option %s%s", place(view), typed, nearest_words(&nearest, "--"));
    hak_text_free(&all);
}

static bool is_repeatable(const struct view_option *option) {
    return option->argument &&
           (strcmp(option->argument, "KEY=VALUE") == 0 || strcmp(option->argument, "VERSION") == 0);
}

/* Keeps an option's value: one that may be given several times keeps each on a line of its own; of
 * others the last value holds. False: no memory. */
static bool set_value(struct view *view, int option, const char *value) {
    const char *before = view->value[option];
    char *both = NULL;
    if (before && is_repeatable(&view->option[option]) &&
        asprintf(&both, "%s\n%s", before, value) < 0)
        return false;
    free(view->joined[option]);
    view->joined[option] = both;
    view->value[option] = both ? both : value;
    return true;
}

/* Sets the values that are given in argv[1..], and the arguments to what is left. Without a command
 * it ends at the first word that is no option: the command. Returns -1, or the exit status of an
 * error that was printed. */
static int parse_options(struct view *view, int argc, char **argv) {
    struct option longs[VIEW_OPTIONS_MAX + 1] = {0};
    char shorts[3 * VIEW_OPTIONS_MAX + 3];
    fill_getopt(view, longs, shorts);
    opterr = 0;
    optind = 0; /* begin anew, as glibc has it */
    int got;
    while ((got = getopt_long(argc, argv, shorts, longs, NULL)) != -1) {
        int i = got >= FIRST_LONG ? got - FIRST_LONG : index_of_letter(view, got);
        if (got == ':') {
            view_error("%s%s needs a value", place(view), argv[optind - 1]);
            return usage(view);
        }
        if (got == '?' || i < 0 || i >= view->option_count) {
            /* optopt: a letter, 0 for an unknown long one, an index for a value too many */
            if (optopt >= FIRST_LONG)
                view_error("%s--%s takes no value", place(view),
                           view->option[optopt - FIRST_LONG].name);
            else if (optopt > 0)
                view_error("%sunknown option -%c", place(view), optopt);
            else
                say_unknown(view, argv[optind - 1]);
            return usage(view);
        }
        const char *alone = view_value_alone(&view->option[i]);
        if (is_repeatable(&view->option[i]) && optarg && strchr(optarg, '\n')) {
            view_error("%s--%s %s: %s of one line was expected", place(view), view->option[i].name,
                       optarg, view->option[i].argument);
            return usage(view);
        }
        if (!set_value(view, i, optarg ? optarg : alone ? alone : "")) {
            view_error("%sout of memory", place(view));
            return VIEW_UNREADABLE;
        }
    }
    view->argument = argv + optind;
    view->argument_count = argc - optind;
    return -1;
}

/* Settles colour, JSON and pager. Returns -1, or a status if an option is wrong. */
static int settle_common(struct view *view) {
    const char *color = view_value(view, "color");
    view->terminal = isatty(STDOUT_FILENO);
    view->json = view_given(view, "json");
    view->wants_pager = !view_given(view, "no-pager");
    view->color_when = HAK_COLOR_AUTO;
    if (color && strcmp(color, "always") == 0) {
        view->color_when = HAK_COLOR_ALWAYS;
    } else if (color && strcmp(color, "never") == 0) {
        view->color_when = HAK_COLOR_NEVER;
    } else if (color && strcmp(color, "auto") != 0) {
        view_error("--color %s: auto, always or never was expected", color);
        return usage(view);
    }
    view->color = !view->json && hak_color_is_wanted(view->color_when, STDOUT_FILENO);
    return -1;
}

/* A word of another kind (a moment, a number) may name a file, too, but none with '.' or '/'. */
static bool is_capture(const char *argument) {
    return strpbrk(argument, "./") && hak_store_file_kind(argument) == HAK_FILE_STORE;
}

/* Prints the command as it was typed, with its capture behind -s. */
static void say_capture(const struct view *view, const char *words, int capture) {
    struct hak_text text = {0};
    hak_text_add(&text, "%s", words);
    for (int i = 0; i < view->argument_count; i++)
        if (i != capture) {
            hak_text_add(&text, " ");
            hak_text_add_argument(&text, view->argument[i]);
        }
    hak_text_add(&text, " -s ");
    hak_text_add_argument(&text, view->argument[capture]);
    view_error("a capture is named with -s: hakmem-trace %s", hak_text_string(&text));
    hak_text_free(&text);
}

bool view_check_no_capture(const struct view *view, const char *words) {
    for (int i = 0; i < view->argument_count; i++)
        if (is_capture(view->argument[i])) {
            say_capture(view, words, i);
            return false;
        }
    return true;
}

/* Checks the number of arguments. Returns -1, or a status if it is wrong. */
static int check_arguments(struct view *view) {
    const struct view_command *command = view->command;
    if (command->asks && !view_check_no_capture(view, command->name))
        return VIEW_USAGE;
    if (view->argument_count < command->arguments_min) {
        view_error("%s needs %s", command->name, command->arguments);
        return usage(view);
    }
    if (command->arguments_max >= 0 && view->argument_count > command->arguments_max) {
        view_error("%s: unexpected argument '%s'; it takes %s", command->name,
                   view->argument[command->arguments_max],
                   command->arguments[0] ? command->arguments : "options only");
        return usage(view);
    }
    return -1;
}

const struct view_command *view_need_command(const char *name) {
    const struct view_command *command = view_find_command(name);
    struct nearest nearest = {.typed = name};
    for (int i = 0; !command && view_command_at(i); i++)
        nearest_offer(&nearest, view_command_at(i)->name);
    if (!command)
        view_error("unknown command '%s'%s", name, nearest_words(&nearest, ""));
    return command;
}

/* Begins anew with `command`; the options that stood before it hold until it is given them, too. */
static void begin_command(struct view *view, const struct view_command *command) {
    struct view before = *view;
    *view = (struct view){.command = command};
    merge_options(view);
    for (int i = 0; i < before.option_count; i++)
        for (int k = 0; k < view->option_count; k++)
            if (strcmp(before.option[i].name, view->option[k].name) == 0) {
                view->value[k] = before.value[i];
                view->joined[k] = before.joined[i];
            }
}

int view_parse(struct view *view, const struct view_command *commands, int argc, char **argv) {
    view_use_commands(commands);
    merge_options(view);
    int status = parse_options(view, argc, argv);
    if (status >= 0)
        return status;
    if (view->argument_count > 0) {
        const struct view_command *command = view_need_command(view->argument[0]);
        argc = view->argument_count;
        argv = view->argument;
        if (!command)
            return usage(view);
        begin_command(view, command);
        status = parse_options(view, argc, argv);
        if (status >= 0)
            return status;
    }
    if (view_given(view, "help")) {
        if (view->command)
            view_help_command(stdout, view->command);
        else
            view_help_general(stdout);
        return VIEW_OK;
    }
    if (view_given(view, "version")) {
        view_print_version();
        return VIEW_OK;
    }
    if (!view->command) {
        view_help_general(stderr);
        return VIEW_USAGE;
    }
    status = settle_common(view);
    return status >= 0 ? status : check_arguments(view);
}

void view_parse_end(struct view *view) {
    for (int i = 0; i < VIEW_OPTIONS_MAX; i++) {
        free(view->joined[i]);
        view->joined[i] = NULL;
        view->value[i] = NULL;
    }
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

bool view_read_number(const struct view *view, const char *name, uint64_t *out) {
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
