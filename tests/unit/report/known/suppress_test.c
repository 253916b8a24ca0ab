/* Suppressions: the format, what a pattern matches, and errors that name their line. */
#include <stdlib.h>
#include <string.h>
#include "report/known/known.h"
#include "unit/suite.h"

static struct hak_suppressions *parse(const char *text) {
    char error[256] = "";
    struct hak_suppressions *made = hak_suppressions_parse("known", text, error, sizeof error);
    ck_assert_str_eq(error, "");
    ck_assert_ptr_nonnull(made);
    return made;
}

TEST(patterns_are_looked_for_anywhere) {
    ck_assert(hak_suppress_matches("row", "parse_row_of"));
    ck_assert(!hak_suppress_matches("rows", "parse_row_of"));
    ck_assert(hak_suppress_matches("", "x"));
}

TEST(marks_hold_a_pattern_to_the_ends) {
    ck_assert(hak_suppress_matches("^parse", "parse_row"));
    ck_assert(!hak_suppress_matches("^row", "parse_row"));
    ck_assert(hak_suppress_matches("row$", "parse_row"));
    ck_assert(!hak_suppress_matches("parse$", "parse_row"));
    ck_assert(hak_suppress_matches("^parse_row$", "parse_row"));
    ck_assert(!hak_suppress_matches("^parse_row$", "parse_rows"));
    ck_assert(hak_suppress_matches("a$", "aba"));
}

TEST(stars_stand_for_anything) {
    ck_assert(hak_suppress_matches("p*w", "parse_row"));
    ck_assert(hak_suppress_matches("^p*w$", "pw"));
    ck_assert(hak_suppress_matches("^*row$", "parse_row"));
    ck_assert(!hak_suppress_matches("^p*x$", "parse_row"));
    ck_assert(hak_suppress_matches("^a*b*c$", "a_b_b_c"));
    ck_assert(hak_suppress_matches("*", ""));
    /* ends in time, too */
    char many[4096];
    memset(many, 'a', sizeof many - 1);
    many[sizeof many - 1] = '\0';
    ck_assert(!hak_suppress_matches("^a*a*a*a*a*a*a*a*b$", many));
}

TEST(files_of_other_systems_are_read) {
    struct hak_suppressions *made = parse("\xef\xbb\xbf# known\r\nleak:row\r\n");
    const struct hak_frame frame = {.function = "row", .file = "", .module = ""};
    ck_assert_ptr_nonnull(hak_suppressions_match(made, 401, &frame, 1));
    hak_suppressions_free(made);
}

TEST(any_frame_of_the_stack_is_looked_at) {
    struct hak_suppressions *s =
        parse("# known\n\n  leak:make_table  \r\nleak:libold.so\nfault:double-free:^util.c$\n");
    struct hak_frame frames[] = {
        {.function = "malloc", .file = "/x/src/entry/malloc.c", .module = "h", .is_hakmem = true},
        {.function = "make_table", .file = "/a/table.c", .module = "/a/app"},
        {.function = "main", .file = "/a/util.c", .module = "/a/app"},
    };
    ck_assert_uint_eq(s->count, 3);
    ck_assert_ptr_eq(hak_suppressions_match(s, 401, frames, 3), &s->list[0]);
    ck_assert_ptr_null(hak_suppressions_match(s, 401, frames, 1));
    ck_assert_ptr_eq(hak_suppressions_match(s, 202, frames, 3), &s->list[2]);
    ck_assert_ptr_null(hak_suppressions_match(s, 201, frames, 3));
    frames[1].function = "other";
    frames[1].module = "/usr/lib/libold.so.3";
    ck_assert_ptr_eq(hak_suppressions_match(s, 401, frames, 3), &s->list[1]);
    ck_assert_uint_eq(s->list[0].used, 1);
    ck_assert_uint_eq(s->list[0].line, 3);
    ck_assert_str_eq(s->list[0].text, "leak:make_table");
    ck_assert_ptr_null(hak_suppressions_match(NULL, 401, frames, 3));
    hak_suppressions_free(s);
}

TEST(own_frames_count_for_moves_only) {
    struct hak_suppressions *s = parse("fault:*:malloc\nleak:malloc\n");
    struct hak_frame own = {.function = "malloc", .module = "hakmem-debug.so", .is_hakmem = true};
    ck_assert_ptr_null(hak_suppressions_match(s, 202, &own, 1));
    ck_assert_ptr_null(hak_suppressions_match(s, 401, &own, 1));
    ck_assert_ptr_nonnull(hak_suppressions_match(s, 104, &own, 1));
    hak_suppressions_free(s);
}

TEST(leaks_are_no_part_of_all_faults) {
    struct hak_suppressions *s = parse("fault:*:work\n");
    struct hak_frame frame = {.function = "work", .module = "app"};
    ck_assert_ptr_null(hak_suppressions_match(s, 401, &frame, 1));
    ck_assert_ptr_nonnull(hak_suppressions_match(s, 301, &frame, 1));
    hak_suppressions_free(s);
}

TEST(codes_and_names_are_taken) {
    struct hak_suppressions *s = parse("fault:HKM-202:a\nfault:202:b\nfault:double-free:c::d\n");
    for (uint32_t i = 0; i < 3; i++)
        ck_assert_uint_eq(s->list[i].code, 202);
    ck_assert_str_eq(s->list[2].pattern, "c::d");
    hak_suppressions_free(s);
}

static void expect_error(const char *text, const char *due) {
    char error[256] = "";
    ck_assert_ptr_null(hak_suppressions_parse("known", text, error, sizeof error));
    ck_assert_msg(strncmp(error, due, strlen(due)) == 0, "%s", error);
}

TEST(errors_name_their_line) {
    expect_error("leak:a\nrace:b\n",
                 "known:2: `race:b` is not a suppression; expected leak:PATTERN");
    expect_error("\n\nfault:oops:b", "known:3: there is no fault `oops`");
    expect_error("fault:double-free", "known:1: `fault:double-free` has no pattern");
    expect_error("leak:", "known:1: `leak:` has no pattern");
    expect_error("fault:*:  ", "known:1: `fault:*:` has no pattern");
    char error[256] = "";
    ck_assert_ptr_null(hak_suppressions_load("/no/such", error, sizeof error));
    ck_assert_str_eq(error, "/no/such: the suppressions cannot be read: No such file or directory");
}

RUN_TESTS()
