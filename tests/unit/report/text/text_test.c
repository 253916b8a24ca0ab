/* Text that grows: columns, blanks, and names from outside that must not reach a terminal raw. */
#include <limits.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include "report/text/text.h"
#include "unit/suite.h"

static struct hak_text text;

static void stop(void) {
    hak_text_free(&text);
}

TEST(text_grows_and_is_taken) {
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

TEST(columns_count_characters_not_colours) {
    hak_text_add(&text, "first\n\033[1;31mgr\xc3\xbcn\033[0m");
    ck_assert_int_eq(hak_text_column(&text), 4);
    hak_text_tab(&text, 8);
    ck_assert_int_eq(hak_text_column(&text), 8);
    hak_text_tab(&text, 3);
    ck_assert_int_eq(hak_text_column(&text), 9);
    ck_assert_int_eq(hak_text_lines(&text), 1);
}

TEST(an_empty_line_takes_no_blank) {
    hak_text_tab(&text, 0);
    ck_assert_uint_eq(text.length, 0);
    hak_text_tab(&text, 2);
    ck_assert_str_eq(text.bytes, "  ");
}

TEST(names_cannot_play_with_a_terminal) {
    static const char *const cases[][2] = {
        {"plain name", "plain name"},
        {"gr\xc3\xbcn \xe2\x82\xac \xf0\x9f\x90\x9f", "gr\xc3\xbcn \xe2\x82\xac \xf0\x9f\x90\x9f"},
        {"a\nb\tc", "a\\nb\\tc"},
        {"\033[2J", "\\x1b[2J"},
        {"\x7f", "\\x7f"},
        {"\xc2\x9b", "\\xc2\\x9b"},          /* C1: CSI in one character */
        {"\xe2\x80\xae", "\\xe2\\x80\\xae"}, /* right-to-left override */
        {"\xe2\x81\xa6", "\\xe2\\x81\\xa6"}, /* left-to-right isolate */
        {"\xe2\x80\xa8", "\\xe2\\x80\\xa8"}, /* line separator */
        {"a\r\b\x9b", "a\\x0d\\x08\\x9b"},
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
        char foreign[64];
        snprintf(foreign, sizeof foreign, "%s", cases[i][0]);
        hak_text_add(&text, "%s", foreign);
        ck_assert_str_eq(text.bytes, cases[i][1]);
        hak_text_add(&text, "\n%.*s", (int)text.length, text.bytes); /* once more changes nothing */
        ck_assert_str_eq(strchr(text.bytes, '\n') + 1, cases[i][1]);
        hak_text_free(&text);
    }
    hak_text_add_name(&text, NULL);
    ck_assert_uint_eq(text.length, 0);
}

/* Hakmem's own text goes through, and only that. */
TEST(formats_and_literals_are_our_own) {
    char foreign[] = "\033[1mline\nforged";
    hak_text_add(&text, "%s|%s\n%s", "\033[1mbold\033[0m\n", foreign, "\t");
    ck_assert_str_eq(text.bytes, "\033[1mbold\033[0m\n|\\x1b[1mline\\nforged\n\t");
}

/* As printf has it, but for what is escaped. */
TEST(conversions_are_those_of_printf) {
    char due[256], name[] = "name";
    int width = 7;
    unsigned char byte = 0xfe;
#define SAME(...)                                                                                  \
    do {                                                                                           \
        hak_text_add(&text, __VA_ARGS__);                                                          \
        snprintf(due, sizeof due, __VA_ARGS__);                                                    \
        ck_assert_str_eq(text.bytes, due);                                                         \
        hak_text_free(&text);                                                                      \
    } while (0)
    SAME("%d %5d|%-5d|%05d %+d %i", -1, 42, 42, 42, 42, -7);
    SAME("%u %x %X %o %02x %03u", 4000000000u, 0xabcu, 0xabcu, 8u, byte, 7u);
    SAME("%lld %llu %llx %016llx", -1LL, ~0ULL, ~0ULL, 0xabcULL);
    SAME("%ld %lu %zu %zd %jd", -5L, 5UL, (size_t)9, (ssize_t)-9, (intmax_t)-3);
    SAME("%+lld %.3f %.0f %8.2f|%-8.2f|%g", 3LL, 1.0005, 2.5, 3.14159, 3.14159, 1e-7);
    SAME("%*d|%-*d|%*d", width, 1, width, 2, -width, 3);
    SAME("%-*.3llu|%*u", width, 5ULL, width, 6u);
    SAME("%s|%8s|%-8s|%.2s|%*s|%-*s|%.*s", name, name, name, name, width, name, width, name, 3,
         name);
    SAME("%c%c%3c|%-3c|", 'a', '\n', 'b', 'c');
    SAME("100 %% of %s%%", name);
    SAME("%lld", LLONG_MIN);
    SAME("plain");
#undef SAME
    char green[] = "gr\xc3\xbcn";
    hak_text_add(&text, "%6s|%-6s|", green, green); /* by characters */
    ck_assert_str_eq(text.bytes, "  gr\xc3\xbcn|gr\xc3\xbcn  |");
}

/* 20 MB of it take no longer than they are long, and it is said that they are not all shown. */
TEST(long_names_are_cut_and_it_is_said) {
    size_t length = 20u << 20;
    char *name = malloc(length + 1);
    memset(name, '\x9b', length);
    name[length] = '\0';
    hak_text_add_name(&text, name);
    ck_assert_uint_eq(text.length, 4 * HAK_TEXT_NAME_MAX + strlen(" ... (cut)"));
    hak_text_free(&text);
    hak_text_add_lines(&text, name);
    ck_assert_uint_eq(text.length, 4 * HAK_TEXT_LINES_MAX + strlen(" ... (cut)"));
    hak_text_free(&text);
    hak_text_add_field(&text, name, length); /* what is asked for is whole */
    ck_assert_uint_eq(text.length, 4 * length);
    hak_text_free(&text);
    for (size_t i = 0; i + 1 < length; i += 2)
        memcpy(name + i, "\xc3\xa4", 2);
    name[0] = 'a', name[1] = 'b', name[2] = 'c', memmove(name + 3, name + 4, length - 4);
    hak_text_add(&text, "%s", name); /* no character is cut in two */
    ck_assert_str_eq(text.bytes + text.length - 12, "\xc3\xa4 ... (cut)");
    free(name);
}

TEST(fields_can_be_had_back) {
    hak_text_add_field(&text, "a\\n\n\0b\t\xff", 8);
    ck_assert_str_eq(text.bytes, "a\\\\n\\n\\x00b\\t\\xff");
}

TEST(names_for_machines_stay_what_they_are) {
    static const char *const cases[][2] = {
        {"a\nb\t\033[2J\x7f", "a\nb\t\033[2J\x7f"},
        {"gr\xc3\xbcn \xe2\x80\xae \xf0\x9f\x90\x9f", "gr\xc3\xbcn \xe2\x80\xae \xf0\x9f\x90\x9f"},
        {"\xff\xfe!", "\xef\xbf\xbd"
                      "ff\xef\xbf\xbd"
                      "fe!"},
        {"\xc0\xaf", "\xef\xbf\xbd"
                     "c0\xef\xbf\xbd"
                     "af"},
        {"\xef\xbf\xbd", "\xef\xbf\xbd"
                         "ef\xef\xbf\xbd"
                         "bf\xef\xbf\xbd"
                         "bd"}, /* one that was there */
        {"\xe2\x82", "\xef\xbf\xbd"
                     "e2\xef\xbf\xbd"
                     "82"}, /* cut: the NUL behind it is not eaten */
        {"\xed\xa0\x80", "\xef\xbf\xbd"
                         "ed\xef\xbf\xbd"
                         "a0\xef\xbf\xbd"
                         "80"},
        {"", ""},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        hak_text_add_utf8(&text, cases[i][0], HAK_TEXT_MACHINE_MAX);
        ck_assert_str_eq(text.bytes ? text.bytes : "", cases[i][1]);
        hak_text_free(&text);
    }
    hak_text_add_utf8(&text, NULL, HAK_TEXT_MACHINE_MAX);
    ck_assert_uint_eq(text.length, 0);
}

RUN_TESTS(.tear_down = stop)
