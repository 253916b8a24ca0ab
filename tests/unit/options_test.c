/* The environment: every type of option, what is refused and how that is told, what auto becomes.
 */
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include "options.h"
#include "unit/suite.h"

static struct hak_options options;
static const char *expected;

static bool parses(const char *name, const char *value) {
    return hak_option_parse(&options, name, value, &expected);
}

START_TEST(choices_are_taken_whole) {
    ck_assert(parses("CHECK", "normal"));
    ck_assert_uint_eq(options.check, HAK_CHECK_NORMAL);
    ck_assert(parses("CHECK", "trace"));
    ck_assert_uint_eq(options.check, HAK_CHECK_TRACE);
    ck_assert(!parses("CHECK", "trac"));
    ck_assert(!parses("CHECK", "tracer"));
    ck_assert(!parses("CHECK", "normal|trace"));
    ck_assert(!parses("CHECK", ""));
    ck_assert_str_eq(expected, "trace|normal");
    ck_assert_uint_eq(options.check, HAK_CHECK_TRACE);
}
END_TEST

START_TEST(numbers_and_bytes_keep_their_range) {
    ck_assert(parses("STACK_DEPTH", "0"));
    ck_assert(parses("STACK_DEPTH", "256"));
    ck_assert_uint_eq(options.stack_depth, 256);
    const char *bad[] = {"257", "-1", "", "x", "1x", "64K", "99999999999999999999", " 1"};
    for (unsigned i = 0; i < sizeof bad / sizeof *bad; i++)
        ck_assert_msg(!parses("STACK_DEPTH", bad[i]), "took %s", bad[i]);
    ck_assert(parses("TRACE_RING", "1M"));
    ck_assert_uint_eq(options.trace_ring_bytes, 1 << 20);
    ck_assert(parses("TRACE_RING", "16384"));
    ck_assert(parses("TRACE_MAX", "1024G"));
    ck_assert_uint_eq(options.trace_max_bytes, 1024ull << 30);
    ck_assert(!parses("TRACE_RING", "8M"));
    ck_assert(!parses("TRACE_RING", "1MB"));
    ck_assert(!parses("TRACE_RING", "18446744073709551615G"));
}
END_TEST

START_TEST(texts_have_a_bound) {
    char text[HAK_TEXT_BYTES + 1];
    memset(text, 'a', sizeof text);
    text[HAK_TEXT_BYTES - 1] = 0;
    ck_assert(parses("TRACE_FILE", text));
    ck_assert_str_eq(options.trace_file, text);
    text[HAK_TEXT_BYTES - 1] = 'a';
    text[HAK_TEXT_BYTES] = 0;
    ck_assert(!parses("TRACE_FILE", text));
    ck_assert(!parses("NO_SUCH_VARIABLE", "1"));
}
END_TEST

/* What hak_options_read writes to fd 2 for an environment. */
static const char *told_by(char **environment) {
    static char told[4096];
    int saved = dup(2), ends[2];
    ck_assert_int_eq(pipe(ends), 0);
    dup2(ends[1], 2);
    hak_options_read(environment);
    dup2(saved, 2);
    close(ends[1]);
    ssize_t length = read(ends[0], told, sizeof told - 1);
    close(ends[0]);
    told[length > 0 ? length : 0] = 0;
    return told;
}

START_TEST(a_bad_value_is_one_line_and_the_default_holds) {
    char *environment[] = {"HAKMEM_STACK_DEPTH=many",
                           "HAKMEM_CHECK=trace",
                           "HAKMEM_UNKNOWN=1",
                           "HAKMEM_STACK",
                           "PATH=/bin",
                           NULL};
    ck_assert_str_eq(told_by(environment),
                     "hakmem: HAKMEM_STACK_DEPTH=many: expected 0..256; taking 64\n");
    ck_assert_uint_eq(hak_options.stack_depth, 64);
    ck_assert_uint_eq(hak_options.check, HAK_CHECK_TRACE);
}
END_TEST

START_TEST(a_value_cannot_forge_lines) {
    char *environment[] = {"HAKMEM_LAYOUT=a\nhakmem: all is well", NULL};
    ck_assert_str_eq(told_by(environment), "hakmem: HAKMEM_LAYOUT=a?hakmem: all is well: expected "
                                           "auto|same|header; taking auto\n");
}
END_TEST

START_TEST(a_healthy_start_says_nothing) {
    char *environment[] = {"HAKMEM_TRACE=off", "HAKMEM_TINY_MAG_CAP=2", NULL};
    ck_assert_str_eq(told_by(environment), "");
    ck_assert_uint_eq(hak_options.trace, 0);
    ck_assert_uint_eq(hak_options.magazine_capacity, 2);
    ck_assert_str_eq(told_by(NULL), "");
    ck_assert_str_eq(hak_options.trace_file, "hakmem.%e.%p.db");
    ck_assert_uint_eq(hak_options.trace, 1);
}
END_TEST

START_TEST(the_plain_build_has_one_layout_and_magazines_only_when_asked) {
    char *environment[] = {"HAKMEM_LAYOUT=header", NULL};
    hak_options_read(environment);
    ck_assert_uint_eq(hak_options.layout, HAK_LAYOUT_SAME);
    ck_assert_uint_eq(hak_options.magazine_enable, HAK_MAGAZINE_OFF);
    char *with_magazines[] = {"HAKMEM_TINY_MAGAZINE_ENABLE=1", NULL};
    hak_options_read(with_magazines);
    ck_assert_uint_eq(hak_options.magazine_enable, HAK_MAGAZINE_ON);
}
END_TEST

int main(void) {
    TCase *cases = tcase_create("options");
    tcase_add_test(cases, choices_are_taken_whole);
    tcase_add_test(cases, numbers_and_bytes_keep_their_range);
    tcase_add_test(cases, texts_have_a_bound);
    tcase_add_test(cases, a_bad_value_is_one_line_and_the_default_holds);
    tcase_add_test(cases, a_value_cannot_forge_lines);
    tcase_add_test(cases, a_healthy_start_says_nothing);
    tcase_add_test(cases, the_plain_build_has_one_layout_and_magazines_only_when_asked);
    return run_cases("options", cases);
}
