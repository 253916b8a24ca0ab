/* Text that grows: columns, blanks, and names from outside that must not reach a terminal raw. */
#include <string.h>
#include "report/text.h"
#include "unit/suite.h"

static struct hak_text text;

static void stop(void) {
    hak_text_free(&text);
}

START_TEST(text_grows_and_is_taken) {
    for (int i = 0; i < 1000; i++)
        hak_text_add(&text, "%d,", i % 10);
    ck_assert_uint_eq(text.length, 2000);
    char *bytes = hak_text_take(&text);
    ck_assert_uint_eq(strlen(bytes), 2000);
    ck_assert_ptr_null(text.bytes);
    free(bytes);
    bytes = hak_text_take(&text);
    ck_assert_str_eq(bytes, "");
    free(bytes);
}
END_TEST

START_TEST(columns_count_characters_not_colours) {
    hak_text_add(&text, "first\n\033[1;31mgr\xc3\xbcn\033[0m");
    ck_assert_int_eq(hak_text_column(&text), 4);
    hak_text_tab(&text, 8);
    ck_assert_int_eq(hak_text_column(&text), 8);
    hak_text_tab(&text, 3);
    ck_assert_int_eq(hak_text_column(&text), 9);
    ck_assert_int_eq(hak_text_lines(&text), 1);
}
END_TEST

START_TEST(an_empty_line_takes_no_blank) {
    hak_text_tab(&text, 0);
    ck_assert_uint_eq(text.length, 0);
    hak_text_tab(&text, 2);
    ck_assert_str_eq(text.bytes, "  ");
}
END_TEST

START_TEST(names_cannot_play_with_a_terminal) {
    static const char *const cases[][2] = {
        {"plain name", "plain name"},
        {"gr\xc3\xbcn \xe2\x82\xac \xf0\x9f\x90\x9f", "gr\xc3\xbcn \xe2\x82\xac \xf0\x9f\x90\x9f"},
        {"a\nb\tc", "a\\nb\\tc"},
        {"\033[2J", "\\x1b[2J"},
        {"\x7f", "\\x7f"},
        {"\xc2\x9b", "\\xc2\\x9b"},                   /* C1: CSI in one character */
        {"\xe2\x80\xae", "\\xe2\\x80\\xae"},          /* right-to-left override */
        {"\xff\xfe", "\\xff\\xfe"},                   /* no UTF-8 */
        {"\xc0\xaf", "\\xc0\\xaf"},                   /* longer than needed */
        {"\xe2\x82", "\\xe2\\x82"},                   /* cut */
        {"\xed\xa0\x80", "\\xed\\xa0\\x80"},          /* half of a pair of UTF-16 */
        {"\xf4\x90\x80\x80", "\\xf4\\x90\\x80\\x80"}, /* beyond Unicode */
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        hak_text_add_name(&text, cases[i][0]);
        ck_assert_str_eq(text.bytes, cases[i][1]);
        hak_text_free(&text);
    }
    hak_text_add_name(&text, NULL);
    ck_assert_uint_eq(text.length, 0);
}
END_TEST

START_TEST(names_for_machines_stay_what_they_are) {
    static const char *const cases[][2] = {
        {"a\nb\t\033[2J\x7f", "a\nb\t\033[2J\x7f"},
        {"gr\xc3\xbcn \xe2\x80\xae \xf0\x9f\x90\x9f", "gr\xc3\xbcn \xe2\x80\xae \xf0\x9f\x90\x9f"},
        {"\xff\xfe!", "\xef\xbf\xbd\xef\xbf\xbd!"},
        {"\xc0\xaf", "\xef\xbf\xbd\xef\xbf\xbd"},
        {"\xe2\x82", "\xef\xbf\xbd\xef\xbf\xbd"}, /* cut: the NUL behind it is not eaten */
        {"\xed\xa0\x80", "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd"},
        {"", ""},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        hak_text_add_utf8(&text, cases[i][0]);
        ck_assert_str_eq(text.bytes ? text.bytes : "", cases[i][1]);
        hak_text_free(&text);
    }
    hak_text_add_utf8(&text, NULL);
    ck_assert_uint_eq(text.length, 0);
}
END_TEST

int main(void) {
    TCase *cases = tcase_create("text");
    tcase_add_checked_fixture(cases, NULL, stop);
    tcase_add_test(cases, text_grows_and_is_taken);
    tcase_add_test(cases, columns_count_characters_not_colours);
    tcase_add_test(cases, an_empty_line_takes_no_blank);
    tcase_add_test(cases, names_for_machines_stay_what_they_are);
    tcase_add_test(cases, names_cannot_play_with_a_terminal);
    return run_cases("text", cases);
}
