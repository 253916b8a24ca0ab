/* Formats of printf and scanf, conversion by conversion, and what is lost. */
#include "strings/format.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <wchar.h>
#include "unit/suite.h"

/* Each conversion as "letter length argument width-argument precision-argument precision". */
static const char *printed(const char *text, unsigned unit) {
    static char all[512];
    struct hak_format format = {.at = text, .unit = unit};
    struct hak_conversion c;
    size_t used = 0;
    all[0] = 0;
    while (hak_format_next_printed(&format, &c))
        used += (size_t)snprintf(all + used, sizeof all - used, "%c%u %d %d %d %zd;",
                                 (char)c.letter, c.length, c.argument, c.width_argument,
                                 c.precision_argument, (ssize_t)c.precision);
    return format.is_lost ? "lost" : all;
}

/* Each as "letter length argument width *m". */
static const char *scanned(const char *text) {
    static char all[512];
    struct hak_format format = {.at = text, .unit = 1};
    struct hak_conversion c;
    size_t used = 0;
    all[0] = 0;
    while (hak_format_next_scanned(&format, &c))
        used += (size_t)snprintf(all + used, sizeof all - used, "%c%u %d %zd%s%s;", (char)c.letter,
                                 c.length, c.argument, (ssize_t)c.width,
                                 c.is_suppressed ? " *" : "", c.is_allocated ? " m" : "");
    return format.is_lost ? "lost" : all;
}

TEST(printf_takes_its_arguments_in_order) {
    ck_assert_str_eq(printed("", 1), "");
    ck_assert_str_eq(printed("100%% %m", 1), "%0 -1 -1 -1 -1;m0 -1 -1 -1 -1;");
    ck_assert_str_eq(printed("a%-05d b%hhx%hd%ld%lld%Lg%zu", 1),
                     "d0 0 -1 -1 -1;x1 1 -1 -1 -1;d2 2 -1 -1 -1;d3 3 -1 -1 -1;d4 4 -1 -1 -1;"
                     "g4 5 -1 -1 -1;u5 6 -1 -1 -1;");
    ck_assert_str_eq(printed("%*.*s%.s%.12ls", 1), "s0 2 0 1 -1;s0 3 -1 -1 0;s3 4 -1 -1 12;");
    ck_assert_str_eq(printed((const char *)L"\u20ac%S%'.3f", sizeof(wchar_t)),
                     "S0 0 -1 -1 -1;f0 1 -1 -1 3;");
}

TEST(printf_takes_its_arguments_by_number) {
    ck_assert_str_eq(printed("%2$s %1$d", 1), "s0 1 -1 -1 -1;d0 0 -1 -1 -1;");
    ck_assert_str_eq(printed("%3$*1$.*2$f", 1), "f0 2 0 1 -1;");
    ck_assert_str_eq(printed("%32$d", 1), "d0 31 -1 -1 -1;");
}

TEST(what_printf_may_mean_is_not_guessed) {
    static const char *const formats[] = {"%",     "%5",       "%1$s %s", "%s %1$s", "%w8d",
                                          "%Q %s", "%.-3s",    "%33$d",   "%k",      "%1$*s",
                                          "%l",    "%\xe9 %s", "%0$s"};
    for (unsigned i = 0; i < sizeof formats / sizeof *formats; i++)
        ck_assert_msg(strcmp(printed(formats[i], 1), "lost") == 0, "%s", formats[i]);
    ck_assert_str_eq(printed("%99999999999999999999d", 1), "lost");
    ck_assert_str_eq(
        printed("%d%d%d%d%d%d%d%d%d%d%d%d%d%d%d%d%d%d%d%d%d%d%d%d%d%d%d%d%d%d%d%d%d", 1), "lost");
}

TEST(scanf_has_sets_widths_and_what_is_left_out) {
    ck_assert_str_eq(scanned("%d,%5s %*d%hhi %%"), "d0 0 -1;s0 1 5;d0 -1 -1 *;i1 2 -1"
                                                   ";%0 -1 -1;");
    ck_assert_str_eq(scanned("%[]a%d]%[^]%]%3[a-z%]x"), "[0 0 -1;[0 1 -1;[0 2 3;");
    ck_assert_str_eq(scanned("%ms%mls%ml[a]%4lc"), "s0 0 -1 m;s3 1 -1 m;[3 2 -1 m;c3 3 4;");
    ck_assert_str_eq(scanned("%2$d%1$15s"), "d0 1 -1;s0 0 15;");
    ck_assert_str_eq(scanned("%Lf%a%n"), "f4 0 -1;a0 1 -1;n0 2 -1;");
}

TEST(what_scanf_may_mean_is_not_guessed) {
    static const char *const formats[] = {"%",     "%[a",   "%[^]", "%as",
                                          "%aS%s", "%a[b]", "%w8d", "%d %1$d",
                                          "%H",    "%l",    "%5*d", "%99999999999d"};
    for (unsigned i = 0; i < sizeof formats / sizeof *formats; i++)
        ck_assert_msg(strcmp(scanned(formats[i]), "lost") == 0, "%s", formats[i]);
}

/* As the compiler lays them out. */
static void read_list(const char *format, ...) {
    struct hak_list list;
    va_list given;
    va_start(given, format);
    memcpy(&list, &given, sizeof list); /* an array on x86-64, a struct on aarch64 */
    uint64_t due = 1;
    for (const char *at = format; *at; at++) {
        if (*at == 'w')
            ck_assert_uint_eq(hak_list_word(&list), due++);
        else if (*at == 'd')
            hak_list_skip_double(&list);
        else
            hak_list_skip_long_double(&list);
    }
    va_end(given);
}

TEST(arguments_are_found_in_registers_and_behind) {
    read_list("wwwwwww", 1L, 2L, 3L, 4L, 5L, 6L, 7L);
    read_list("dwdwdwdwdwdwdwdwdwdw", .5, 1L, .5, 2L, .5, 3L, .5, 4L, .5, 5L, .5, 6L, .5, 7L, .5,
              8L, .5, 9L, .5, 10L);
    read_list("LwwwwwwLwLLw", .5L, 1L, 2L, 3L, 4L, 5L, 6L, .5L, 7L, .5L, .5L, 8L);
    read_list("wwwwwwwLw", 1L, 2L, 3L, 4L, 5L, 6L, 7L, .5L, 8L);
}

RUN_TESTS()
