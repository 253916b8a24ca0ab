/* Colour on a report: which words have it, and that taking it off leaves the report. */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "report/text/text.h"
#include "unit/suite.h"

#define B "\033[1m"
#define R "\033[1;31m"
#define C "\033[36m"
#define O "\033[0m"

static void expect(const char *report, const char *due) {
    struct hak_text text = {0};
    hak_color_report(&text, report);
    ck_assert_str_eq(text.bytes ? text.bytes : "", due);
    hak_text_free(&text);
}

TEST(first_line_is_bold_and_its_code_red) {
    expect("hakmem: HKM-202 double-free: of 56 bytes\n",
           B "hakmem: " O R "HKM-202" O B " double-free: of 56 bytes" O "\n");
    expect("hakmem: SIGABRT: the program ended itself",
           B "hakmem: " O R "SIGABRT" O B ": the program ended itself" O);
    expect("hakmem: the rest\n", B "hakmem: " O B "the rest" O "\n");
}

TEST(parts_and_places_stand_out) {
    expect("  FOUND             event 9\n", B "  FOUND" O "             event 9\n");
    expect("  FIRST WRONG STEP  not known\n", B "  FIRST WRONG STEP" O "  not known\n");
    expect("  In the pool \"a\"\n", "  In the pool \"a\"\n");
    expect("      #0 close_all           faults/double_free.c:9\n",
           "      #0 close_all           " C "faults/double_free.c:9" O "\n");
    expect("  a (b.c:1), d.c:2; e:3 f.c: 1.5:\n",
           "  a (" C "b.c:1" O "), " C "d.c:2" O "; e:3 f.c: 1.5:\n");
    expect("SUMMARY: hakmem: double-free a.c:9 f\n",
           B "SUMMARY:" O " hakmem: double-free " C "a.c:9" O " f\n");
    expect("      0x7f00  61 2e |a.c:9 |\n", "      0x7f00  61 2e |a.c:9 |\n");
    expect("", "");
    expect("\n\n", "\n\n");
}

TEST(colour_is_for_terminals) {
    int pipes[2];
    ck_assert_int_eq(pipe(pipes), 0);
    ck_assert(!hak_color_is_wanted(HAK_COLOR_AUTO, pipes[1]));
    ck_assert(hak_color_is_wanted(HAK_COLOR_ALWAYS, pipes[1]));
    ck_assert(!hak_color_is_wanted(HAK_COLOR_NEVER, pipes[1]));
    close(pipes[0]);
    close(pipes[1]);
}

RUN_TESTS()
