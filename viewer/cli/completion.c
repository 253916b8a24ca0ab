/* `completion`: prints the data that bash, zsh and fish need to complete a command line, made from
 * the table of commands and options. */
#include "viewer/cli/cli.h"

#include <ctype.h>
#include <string.h>
#include "report/words/words.h"

/* It takes kinds of events, several with commas between them. */
static bool takes_kinds(const struct view_option *option) {
    return option->argument && strcmp(option->name, "kind") == 0;
}

static void add_kinds(struct hak_text *text) {
    for (unsigned i = 0; hak_words_kind_at(i); i++)
        hak_text_add(text, "%s%s", i ? " " : "", hak_words_kind_at(i));
}

/* Length of the word that stands at `at` as one of a list, and `*item` of all up to the comma or
 * "or" behind it: "bytes (default), blocks or calls". 0: it is no word that can be typed. */
static size_t word_of_list(const char *at, size_t *item) {
    static const char standard[] = " (default)";
    size_t word = strspn(at, "abcdefghijklmnopqrstuvwxyz-"), end = strcspn(at, ",;");
    const char *colon = strstr(at, ": "); /* mark:NAME is one item */
    if (colon && (size_t)(colon - at) < end)
        end = (size_t)(colon - at);
    const char *last = strstr(at, " or ");
    *item = last && (size_t)(last - at) < end ? (size_t)(last - at) : end;
    bool is_standard = *item == word + sizeof standard - 1 &&
                       strncmp(at + word, standard, sizeof standard - 1) == 0;
    return *item == word || is_standard ? word : 0;
}

/* Adds the words of "what it is: bytes (default), blocks or calls; more about it": two at least,
 * the first at the start; else nothing. Moments and numbers of the list are left out. */
static void add_list(struct hak_text *text, const char *sentence) {
    const char *colon = strstr(sentence, ": ");
    size_t item;
    if (colon && strcspn(sentence, ",") > (size_t)(colon - sentence))
        sentence = colon + 2;
    if (!word_of_list(sentence, &item) || !strchr(", ", sentence[item]) || !sentence[item])
        return;
    for (const char *between = "";; between = " ") {
        size_t length = word_of_list(sentence, &item);
        if (length)
            hak_text_add(text, "%s%.*s", between, (int)length, sentence);
        sentence += item;
        if (*sentence != ',' && *sentence != ' ')
            return;
        sentence += strspn(sentence, ", ");
        sentence += strncmp(sentence, "or ", 3) == 0 ? 3 : 0;
    }
}

/* Adds the words that an option takes, with blanks between them, "" when it takes anything: kinds
 * of events, "trace|normal" as argument, a sentence that is nothing but words ("auto, always,
 * never"), or one that lists them ("bytes (default), blocks or calls; ..."). */
static void add_choices(struct hak_text *text, const struct view_option *option) {
    const char *from = "";
    if (takes_kinds(option))
        add_kinds(text);
    if (option->argument &&
        (strchr(option->argument, '|') || islower((unsigned char)option->argument[0])))
        from = strchr(option->argument, ' ') ? "" : option->argument;
    else if (option->argument &&
             strspn(option->sentence, "abcdefghijklmnopqrstuvwxyz, ") == strlen(option->sentence) &&
             strchr(option->sentence, ','))
        from = option->sentence;
    else if (option->argument && !takes_kinds(option))
        add_list(text, option->sentence);
    bool between = false;
    for (; *from; from++) {
        if (*from == '|' || *from == ',' || *from == ' ') {
            between = true;
            continue;
        }
        hak_text_add(text, "%s%c", between ? " " : "", *from);
        between = false;
    }
}

static bool takes_file(const struct view_option *option) {
    return option->argument &&
           (strcmp(option->argument, "FILE") == 0 || strcmp(option->argument, "a file name") == 0);
}

/* Calls `each` for the options of a command (NULL = none), then for those that all have. */
static void each_option(struct hak_text *text, const struct view_command *command,
                        void (*each)(struct hak_text *text, const struct view_command *command,
                                     const struct view_option *option)) {
    int own = command ? command->option_count : 0;
    for (int i = 0; i < own; i++)
        if (command->options[i].name[0])
            each(text, command, &command->options[i]);
    for (int i = 0; i < view_common_option_count; i++) {
        bool is_own = false;
        for (int k = 0; k < own; k++)
            is_own |= strcmp(command->options[k].name, view_common_options[i].name) == 0;
        if (!is_own)
            each(text, command, &view_common_options[i]);
    }
}

/* The codes and names of all faults. */
static void add_fault_codes(struct hak_text *text) {
    for (unsigned i = 0; hak_words_fault_at(i); i++)
        hak_text_add(text, "%sHKM-%u %s", i ? " " : "", hak_words_fault_at(i)->code,
                     hak_words_fault_at(i)->name);
}

static void add_commands(struct hak_text *text) {
    for (int i = 0; view_command_at(i); i++)
        hak_text_add(text, "%s%s", i ? " " : "", view_command_at(i)->name);
}

/* Adds the words that a command takes as its argument, as add_choices; false when it takes others.
 */
static bool add_arguments(struct hak_text *text, const struct view_command *command) {
    if (strcmp(command->name, "explain") == 0)
        add_fault_codes(text);
    else if (strcmp(command->name, "completion") == 0)
        hak_text_add(text, "bash zsh fish");
    else if (strcmp(command->name, "export") == 0)
        hak_text_add(
            text,
            "junit sarif codequality collapsed collapsed-diff speedscope pprof pprof-text perfetto "
            "heaptrack csv jsonl sqlite");
    else if (strcmp(command->name, "help") == 0)
        add_commands(text);
    else
        return false;
    return true;
}

/* ---- bash
 * ---------------------------------------------------------------------------------------- */

static void bash_word(struct hak_text *text, const struct view_command *command,
                      const struct view_option *option) {
    (void)command;
    hak_text_add(text, " --%s", option->name);
}

/* The case for the option's value: files, kinds or choices. */
static void bash_value(struct hak_text *text, const struct view_command *command,
                       const struct view_option *option) {
    struct hak_text choices = {0};
    if (!option->argument || view_value_alone(option))
        return;
    add_choices(&choices, option);
    const char *name = command ? command->name : "";
    hak_text_add(text, "    '%s --%s'", name, option->name);
    if (option->letter)
        hak_text_add(text, " | '%s -%c'", name, option->letter);
    if (takes_file(option))
        hak_text_add(text, ") mapfile -t COMPREPLY < <(compgen -f -- \"$current\"); return ;;\n");
    else if (takes_kinds(option))
        hak_text_add(text,
                     ") mapfile -t COMPREPLY < <(compgen -P \"${current%%\"${current##*,}\"}\" "
                     "-W '%s' -- \"${current##*,}\"); return ;;\n",
                     choices.bytes);
    else
        hak_text_add(text,
                     ") mapfile -t COMPREPLY < <(compgen -W '%s' -- \"$current\"); return ;;\n",
                     hak_text_string(&choices));
    hak_text_free(&choices);
}

/* Adds the case that skips the value of an option before the command, where only the common options
 * may stand. */
static void bash_skip(struct hak_text *text, const struct view_command *command,
                      const struct view_option *option) {
    (void)command;
    if (!option->argument)
        return;
    hak_text_add(text, "        --%s", option->name);
    if (option->letter)
        hak_text_add(text, " | -%c", option->letter);
    hak_text_add(text, ") ((at++)) ;;\n");
}

/* The bash completion. */
static void write_bash(struct hak_text *text) {
    hak_text_add(text,
                 "# bash completion of hakmem-trace, made by `hakmem-trace completion bash`\n"
                 "_hakmem_trace() {\n"
                 "    local current=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD-1]}\n"
                 "    local command= options= arguments= at\n"
                 "    for ((at = 1; at < COMP_CWORD; at++)); do\n"
                 "        case \"${COMP_WORDS[at]}\" in\n");
    each_option(text, NULL, bash_skip);
    hak_text_add(text, "        -*) ;;\n"
                       "        *) command=${COMP_WORDS[at]}; break ;;\n"
                       "        esac\n"
                       "    done\n"
                       "    case \"$command $before\" in\n");
    each_option(text, NULL, bash_value);
    for (int i = 0; view_command_at(i); i++)
        each_option(text, view_command_at(i), bash_value);
    hak_text_add(text, "    esac\n    case \"$command\" in\n    '')\n        options='");
    each_option(text, NULL, bash_word);
    hak_text_add(text, "'\n        arguments='");
    add_commands(text);
    hak_text_add(text, "'\n        ;;\n");
    for (int i = 0; view_command_at(i); i++) {
        const struct view_command *command = view_command_at(i);
        struct hak_text words = {0};
        hak_text_add(text, "    %s)\n        options='", command->name);
        each_option(text, command, bash_word);
        hak_text_add(text, "'\n");
        if (add_arguments(&words, command))
            hak_text_add(text, "        arguments='%s'\n", hak_text_string(&words));
        else if (command->stops_at_first)
            hak_text_add(text, "        arguments=$(compgen -c -- \"$current\")\n");
        hak_text_add(text, "        ;;\n");
        hak_text_free(&words);
    }
    hak_text_add(text,
                 "    esac\n"
                 "    case \"$current\" in\n"
                 "    -*) mapfile -t COMPREPLY < <(compgen -W \"$options\" -- \"$current\") ;;\n"
                 "    *) mapfile -t COMPREPLY < <(compgen -W \"$arguments\" -- \"$current\") ;;\n"
                 "    esac\n"
                 "}\n"
                 "complete -o default -F _hakmem_trace hakmem-trace\n");
}

/* ---- zsh
 * ----------------------------------------------------------------------------------------- */

/* Adds a sentence for zsh inside '...' and [...], where quotes, brackets and colons mean
 * something. */
static void add_zsh(struct hak_text *text, const char *sentence) {
    for (; *sentence; sentence++) {
        if (*sentence == '\'')
            hak_text_add(text, "'\\''");
        else
            hak_text_add(text, "%s%c", strchr("[]:\\", *sentence) ? "\\" : "", *sentence);
    }
}

/* One option in _arguments' language. */
static void zsh_option(struct hak_text *text, const struct view_command *command,
                       const struct view_option *option) {
    struct hak_text choices = {0};
    (void)command;
    add_choices(&choices, option);
    const char *equals = view_value_alone(option) ? "=-" : option->argument ? "=" : "";
    if (option->letter)
        hak_text_add(text, " \\\n            '(-%c --%s)'{-%c,--%s%s}'[", option->letter,
                     option->name, option->letter, option->name, equals);
    else
        hak_text_add(text, " \\\n            '--%s%s[", option->name, equals);
    add_zsh(text, option->sentence);
    hak_text_add(text, "]");
    if (option->argument) {
        hak_text_add(text, view_value_alone(option) ? "::" : ":");
        add_zsh(text, option->argument);
        hak_text_add(text, ":");
        if (takes_file(option))
            hak_text_add(text, "_files");
        else if (takes_kinds(option))
            hak_text_add(text, "_sequence compadd - %s", choices.bytes);
        else if (choices.bytes)
            hak_text_add(text, "(%s)", choices.bytes);
    }
    hak_text_add(text, "'");
    hak_text_free(&choices);
}

/* The zsh completion. */
static void write_zsh(struct hak_text *text) {
    hak_text_add(text, "#compdef hakmem-trace\n"
                       "# zsh completion of hakmem-trace, made by `hakmem-trace completion zsh`\n"
                       "_hakmem_trace() {\n"
                       "    local -a commands\n"
                       "    commands=(\n");
    for (int i = 0; view_command_at(i); i++) {
        hak_text_add(text, "        '%s:", view_command_at(i)->name);
        add_zsh(text, view_command_at(i)->sentence);
        hak_text_add(text, "'\n");
    }
    hak_text_add(text, "    )\n"
                       "    local curcontext=$curcontext state line\n"
                       "    typeset -A opt_args\n"
                       "    _arguments -C");
    each_option(text, NULL, zsh_option);
    hak_text_add(text, " \\\n            '(-): :->command'"
                       " \\\n            '(-)*:: :->arguments' && return\n"
                       "    if [[ $state == command ]]; then\n"
                       "        _describe command commands\n"
                       "        return\n"
                       "    fi\n"
                       "    case $words[1] in\n");
    for (int i = 0; view_command_at(i); i++) {
        const struct view_command *command = view_command_at(i);
        struct hak_text words = {0};
        hak_text_add(text, "    %s)\n        _arguments", command->name);
        each_option(text, command, zsh_option);
        if (add_arguments(&words, command))
            hak_text_add(text, " \\\n            ':argument:(%s)'", hak_text_string(&words));
        else if (command->stops_at_first)
            hak_text_add(text, " \\\n            '*::program:_normal'");
        hak_text_add(text, "\n        ;;\n");
        hak_text_free(&words);
    }
    hak_text_add(text, "    esac\n"
                       "}\n"
                       "_hakmem_trace \"$@\"\n");
}

/* ---- fish
 * ---------------------------------------------------------------------------------------- */

/* The sentence in fish's quotes. */
static void add_fish(struct hak_text *text, const char *sentence) {
    hak_text_add(text, "'");
    for (; *sentence; sentence++)
        hak_text_add(text, "%s%c", *sentence == '\'' || *sentence == '\\' ? "\\" : "", *sentence);
    hak_text_add(text, "'");
}

/* One option as a line of `complete`. */
static void fish_option(struct hak_text *text, const struct view_command *command,
                        const struct view_option *option) {
    struct hak_text choices = {0};
    add_choices(&choices, option);
    if (command)
        hak_text_add(text, "complete -c hakmem-trace -n '__fish_seen_subcommand_from %s' -l %s",
                     command->name, option->name);
    else
        hak_text_add(text, "complete -c hakmem-trace -n __hakmem_trace_needs_command -l %s",
                     option->name);
    if (option->letter)
        hak_text_add(text, " -s %c", option->letter);
    if (takes_file(option))
        hak_text_add(text, " -r -F");
    else if (option->argument && !view_value_alone(option))
        hak_text_add(text, " -x");
    if (takes_kinds(option))
        hak_text_add(text, " -a '(__fish_complete_list , \"printf %%s\\n %s\")'", choices.bytes);
    else if (choices.bytes)
        hak_text_add(text, " -a '%s'", choices.bytes);
    hak_text_add(text, " -d ");
    add_fish(text, option->sentence);
    hak_text_add(text, "\n");
    hak_text_free(&choices);
}

/* Adds an option as fish's argparse takes it, with a blank before: " s/store=". The command makes
 * no difference. */
static void fish_known(struct hak_text *text, const struct view_command *command,
                       const struct view_option *option) {
    (void)command;
    hak_text_add(text, " ");
    if (option->letter)
        hak_text_add(text, "%c/", option->letter);
    hak_text_add(text, "%s%s", option->name, option->argument ? "=" : "");
}

/* The fish completion. */
static void write_fish(struct hak_text *text) {
    hak_text_add(text, "# fish completion of hakmem-trace, made by `hakmem-trace completion fish`\n"
                       "function __hakmem_trace_needs_command\n"
                       "    set -l words (commandline -opc)\n"
                       "    set -e words[1]\n"
                       "    argparse -s");
    each_option(text, NULL, fish_known);
    hak_text_add(text, " -- $words 2>/dev/null\n"
                       "    or return 0\n"
                       "    test (count $argv) -eq 0\n"
                       "end\n"
                       "complete -c hakmem-trace -f\n");
    each_option(text, NULL, fish_option);
    for (int i = 0; view_command_at(i); i++) {
        const struct view_command *command = view_command_at(i);
        struct hak_text words = {0};
        hak_text_add(text, "complete -c hakmem-trace -n __hakmem_trace_needs_command -a %s -d ",
                     command->name);
        add_fish(text, command->sentence);
        hak_text_add(text, "\n");
        each_option(text, command, fish_option);
        if (command->stops_at_first)
            hak_text_add(text,
                         "complete -c hakmem-trace -n '__fish_seen_subcommand_from %s' -x -a "
                         "'(__fish_complete_subcommand --fcs-skip=2)'\n",
                         command->name);
        if (add_arguments(&words, command))
            hak_text_add(text,
                         "complete -c hakmem-trace -n '__fish_seen_subcommand_from %s' -a '%s'\n",
                         command->name, hak_text_string(&words));
        hak_text_free(&words);
    }
}

int command_completion(struct view *view) {
    static const struct {
        const char *shell;
        void (*write)(struct hak_text *text);
    } shells[] = {{"bash", write_bash}, {"zsh", write_zsh}, {"fish", write_fish}};
    struct hak_text text = {0};
    for (size_t i = 0; i < sizeof shells / sizeof shells[0]; i++)
        if (strcmp(view->argument[0], shells[i].shell) == 0) {
            shells[i].write(&text);
            return view_print(&text) ? VIEW_OK : VIEW_USAGE;
        }
    view_error("completion %s: bash, zsh or fish was expected", view->argument[0]);
    return VIEW_USAGE;
}
