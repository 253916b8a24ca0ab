/* The command line: what the table of commands gives, and that help lists every option of it. */
#include <string.h>
#include "unit/suite.h"
#include "viewer/commands.h"
#include "viewer/cli/cli.h"

static struct view view;

static int parse(int count, char **words) {
    view_parse_end(&view);
    memset(&view, 0, sizeof view);
    return view_parse(&view, view_commands, count, words);
}
#define PARSE(...)                                                                                 \
    parse((int)(sizeof((char *[]){__VA_ARGS__}) / sizeof(char *)), (char *[]){__VA_ARGS__, NULL})

TEST(options_and_arguments_may_be_mixed) {
    ck_assert_int_eq(PARSE("hakmem-trace", "why", "0x10", "--moves", "-s", "a.db"), -1);
    ck_assert_str_eq(view.command->name, "why");
    ck_assert_int_eq(view.argument_count, 1);
    ck_assert_str_eq(view.argument[0], "0x10");
    ck_assert(view_given(&view, "moves"));
    ck_assert(!view_given(&view, "stacks"));
    ck_assert_str_eq(view_value(&view, "store"), "a.db");
    ck_assert(!view.json);
}

TEST(two_dashes_end_options) {
    ck_assert_int_eq(PARSE("hakmem-trace", "sql", "--", "--json"), -1);
    ck_assert(!view.json);
    ck_assert_str_eq(view.argument[0], "--json");
}

TEST(options_for_all_may_stand_before_the_command) {
    ck_assert_int_eq(PARSE("hakmem-trace", "-s", "a.db", "--json", "why", "0x10", "--moves"), -1);
    ck_assert_str_eq(view.command->name, "why");
    ck_assert_str_eq(view_value(&view, "store"), "a.db");
    ck_assert(view.json && view_given(&view, "moves"));
    ck_assert_str_eq(view.argument[0], "0x10");
    ck_assert_int_eq(PARSE("hakmem-trace", "--store=a.db", "faults", "-s", "b.db"), -1);
    ck_assert_str_eq(view_value(&view, "store"), "b.db");
    ck_assert_int_eq(PARSE("hakmem-trace", "-s", "x.db", "run", "ls", "--json"), -1);
    ck_assert_str_eq(view_value(&view, "store"), "x.db");
    ck_assert(!view.json);
    ck_assert_int_eq(view.argument_count, 2);
    ck_assert_int_eq(PARSE("hakmem-trace", "--moves", "why", "0x10"), VIEW_USAGE);
    ck_assert_int_eq(PARSE("hakmem-trace", "--store", "why"), VIEW_USAGE);
    ck_assert_int_eq(PARSE("hakmem-trace", "--help", "why"), VIEW_OK);
}

TEST(run_leaves_the_programs_options_alone) {
    ck_assert_int_eq(PARSE("hakmem-trace", "run", "--check", "trace", "ls", "--json", "-x"), -1);
    ck_assert_str_eq(view_value(&view, "check"), "trace");
    ck_assert(!view.json);
    ck_assert_int_eq(view.argument_count, 3);
    ck_assert_str_eq(view.argument[1], "--json");
    ck_assert_int_eq(PARSE("hakmem-trace", "run", "-s", "x.db", "--", "ls"), -1);
    ck_assert_str_eq(view_value(&view, "store"), "x.db");
}

TEST(an_option_may_stand_without_its_value) {
    ck_assert_int_eq(PARSE("hakmem-trace", "run", "--leaks", "--force", "--", "ls"), -1);
    ck_assert_str_eq(view_value(&view, "leaks"), "1");
    ck_assert(view_given(&view, "force"));
    ck_assert_int_eq(PARSE("hakmem-trace", "run", "--leaks", "error"), -1);
    ck_assert_str_eq(view_value(&view, "leaks"), "1");
    ck_assert_str_eq(view.argument[0], "error");
    ck_assert_int_eq(PARSE("hakmem-trace", "run", "--leaks=error", "ls"), -1);
    ck_assert_str_eq(view_value(&view, "leaks"), "error");
}

TEST(labels_may_be_given_several_times) {
    ck_assert_int_eq(PARSE("hakmem-trace", "push", "--label", "a=1", "--label", "b=2", "--host",
                           "x", "--label=c=3", "--host", "y"),
                     -1);
    ck_assert_str_eq(view_value(&view, "label"), "a=1\nb=2\nc=3");
    ck_assert_str_eq(view_value(&view, "host"), "y");
    view_parse_end(&view);
    ck_assert_ptr_null(view_value(&view, "label"));
    ck_assert_int_eq(PARSE("hakmem-trace", "push", "--label", "a=1"), -1);
    ck_assert_str_eq(view_value(&view, "label"), "a=1");
    ck_assert_int_eq(PARSE("hakmem-trace", "push", "--label", "a=1\nb=2"), VIEW_USAGE);
}

TEST(what_is_wrong_is_a_usage_error) {
    ck_assert_int_eq(PARSE("hakmem-trace", "nonsense"), VIEW_USAGE);
    ck_assert_int_eq(PARSE("hakmem-trace", "why"), VIEW_USAGE);
    ck_assert_int_eq(PARSE("hakmem-trace", "why", "1", "2"), VIEW_USAGE);
    ck_assert_int_eq(PARSE("hakmem-trace", "why", "1", "--nonsense"), VIEW_USAGE);
    ck_assert_int_eq(PARSE("hakmem-trace", "why", "1", "-s"), VIEW_USAGE);
    ck_assert_int_eq(PARSE("hakmem-trace", "why", "1", "--color", "maybe"), VIEW_USAGE);
    ck_assert_int_eq(PARSE("hakmem-trace", "run", "--"), VIEW_USAGE);
}

TEST(numbers_are_numbers) {
    uint64_t value = 7;
    ck_assert_int_eq(PARSE("hakmem-trace", "events", "--tail", "12"), -1);
    ck_assert(view_read_number(&view, "tail", &value));
    ck_assert_uint_eq(value, 12);
    ck_assert(view_read_number(&view, "thread", &value));
    ck_assert_uint_eq(value, 12);
    static const char *const wrong[] = {"", "-1", "1x", "99999999999999999999999", " 1"};
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        ck_assert_int_eq(PARSE("hakmem-trace", "events", "--tail", (char *)wrong[i]), -1);
        ck_assert_msg(!view_read_number(&view, "tail", &value), "'%s'", wrong[i]);
    }
}

/* All rows of the table stand on the page; nothing else is promised. */
TEST(help_lists_the_whole_table) {
    view_use_commands(view_commands);
    for (int i = 0; view_command_at(i); i++) {
        const struct view_command *command = view_command_at(i);
        char *page = NULL;
        size_t bytes;
        FILE *to = open_memstream(&page, &bytes);
        view_help_command(to, command);
        fclose(to);
        ck_assert_ptr_nonnull(strstr(page, command->sentence));
        for (int k = 0; k < command->option_count; k++) {
            char option[80];
            snprintf(option, sizeof option, "--%s%s", command->options[k].name,
                     view_value_alone(&command->options[k]) ? "[=" : " ");
            ck_assert_msg(!command->options[k].name[0] || strstr(page, option), "%s of %s", option,
                          command->name);
        }
        ck_assert_ptr_nonnull(strstr(page, "--json"));
        for (const char *line = page; *line; line += strcspn(line, "\n") + 1)
            ck_assert_msg(strcspn(line, "\n") <= 104, "%s: %.110s", command->name, line);
        free(page);
    }
}

RUN_TESTS()
