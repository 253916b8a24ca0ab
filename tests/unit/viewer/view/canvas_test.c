/* Text on the canvas: wide, combined, broken and hostile characters, and what is cut. */
#include "unit/suite.h"
#include "viewer/view/canvas.h"

#include <locale.h>
#include <string.h>
#include "viewer/view/coded.h"

static struct canvas canvas;

static void start(void) {
    setlocale(LC_CTYPE, "C.UTF-8");
    canvas = (struct canvas){.is_utf8 = true};
    ck_assert(canvas_resize(&canvas, 3, 10));
}

static void stop(void) {
    canvas_free(&canvas);
}

static uint32_t at(int row, int column) {
    return canvas.cell[row * canvas.columns + column].ch[0];
}

/* The row as ASCII: '?' for other characters, '>' for the right half of a wide one. */
static const char *row_text(int row) {
    static char text[64];
    for (int i = 0; i < canvas.columns; i++) {
        uint32_t c = at(row, i);
        text[i] = c == 0 ? '>' : c == 0x2026 ? '_' : c < 0x80 ? (char)c : '?';
    }
    text[canvas.columns] = '\0';
    return text;
}

TEST(text_is_cut_where_it_has_to_end) {
    ck_assert_int_eq(canvas_put(&canvas, 0, 1, 6, CANVAS_PLAIN, "abcde"), 6);
    ck_assert_str_eq(row_text(0), " abcde    ");
    ck_assert_int_eq(canvas_put(&canvas, 1, 1, 6, CANVAS_PLAIN, "abcdef"), 6);
    ck_assert_str_eq(row_text(1), " abcd_    ");
    ck_assert_int_eq(canvas_put(&canvas, 2, 8, 99, CANVAS_PLAIN, "abcdef"), 10);
    ck_assert_str_eq(row_text(2), "        a_");
    canvas_put_right(&canvas, 2, 0, 6, CANVAS_PLAIN, "12");
    ck_assert_str_eq(row_text(2), "    12  a_");
}

TEST(a_wide_character_is_whole_or_not_there) {
    canvas_put(&canvas, 0, 0, 10, CANVAS_PLAIN, "\u6f22\u5b57x");
    ck_assert_str_eq(row_text(0), "?>?>x     ");
    canvas_put(&canvas, 1, 0, 4, CANVAS_PLAIN, "\u6f22\u5b57x");
    ck_assert_str_eq(row_text(1), "?> _      "); /* the mark took one half of the second */
    canvas_put(&canvas, 2, 0, 3, CANVAS_PLAIN, "\u6f22\u5b57");
    ck_assert_str_eq(row_text(2), "?>_       ");
    ck_assert_int_eq(canvas_width(&canvas, "\u6f22x", 4), 3);
    ck_assert_uint_eq(canvas_skip(&canvas, "\u6f22x", 2), 3);
}

TEST(marks_stand_on_the_character_before) {
    canvas_put(&canvas, 0, 0, 10, CANVAS_PLAIN, "e\u0301\u0302\u0303x");
    ck_assert_uint_eq(at(0, 0), 'e');
    ck_assert_uint_eq(canvas.cell[0].ch[1], 0x301);
    ck_assert_uint_eq(canvas.cell[0].ch[2], 0x302);
    ck_assert_uint_eq(at(0, 1), 'x');
    canvas_put(&canvas, 1, 0, 10, CANVAS_PLAIN, "\u0301y"); /* none is before it */
    ck_assert_uint_eq(at(1, 0), 'y');
}

TEST(what_acts_on_a_terminal_is_a_question_mark) {
    canvas_put(&canvas, 0, 0, 10, CANVAS_PLAIN, "\033[2J\x9b\xff\u202e");
    ck_assert_str_eq(row_text(0), "?[2J?????"
                                  " ");
    for (int i = 0; i < canvas.columns; i++)
        ck_assert_uint_lt(at(0, i), 0x80);
}

TEST(without_utf8_all_is_ascii) {
    canvas.is_utf8 = false;
    canvas_put(&canvas, 0, 0, 5, CANVAS_PLAIN, "\u6f22\u00e9abcd");
    ck_assert_str_eq(row_text(0), "??ab~     ");
    for (int i = 0; i < canvas.columns; i++)
        ck_assert_uint_lt(at(0, i), 0x80);
}

TEST(nothing_is_drawn_outside) {
    canvas_put(&canvas, -1, 0, 10, CANVAS_PLAIN, "x");
    canvas_put(&canvas, 3, 0, 10, CANVAS_PLAIN, "x");
    canvas_put(&canvas, 0, -2, 10, CANVAS_PLAIN, "abc");
    ck_assert_str_eq(row_text(0), "c         ");
    canvas_fill(&canvas, 1, -5, 99, CANVAS_PLAIN, '.');
    ck_assert_str_eq(row_text(1), "..........");
    ck_assert_str_eq(row_text(2), "          ");
}

TEST(codes_of_colour_become_styles) {
    static const char line[] = "\033[1mab\033[0mc\033[36md";
    coded_put(&canvas, 0, 0, 10, 0, line, sizeof line - 1, "", true);
    ck_assert_str_eq(row_text(0), "abcd      ");
    ck_assert_int_eq(canvas.cell[1].style, CANVAS_BOLD);
    ck_assert_int_eq(canvas.cell[2].style, CANVAS_PLAIN);
    ck_assert_int_eq(canvas.cell[3].style, CANVAS_PLACE);
    coded_put(&canvas, 1, 0, 10, 1, line, sizeof line - 1, "BC", true);
    ck_assert_str_eq(row_text(1), "bcd       ");
    ck_assert_int_eq(canvas.cell[10].style, CANVAS_MARKED);
    ck_assert_int_eq(canvas.cell[11].style, CANVAS_MARKED);
    coded_put(&canvas, 2, 0, 10, 0, line, sizeof line - 1, "BC", false);
    ck_assert_int_eq(canvas.cell[21].style, CANVAS_BOLD); /* large letters only */
}

TEST(another_sequence_is_no_code) {
    static const char line[] = "\033[2Jab";
    coded_put(&canvas, 0, 0, 10, 0, line, sizeof line - 1, "", true);
    ck_assert_str_eq(row_text(0), "?[2Jab    ");
}

TEST(sentences_go_on_in_the_next_line_and_tables_do_not) {
    static const char text[] = "one two three\n  a  b  c  d  e\n\nlast";
    int count;
    size_t *begin = coded_find_lines(text, 8, &count);
    ck_assert_int_eq(count, 5);
    ck_assert_int_eq(strncmp(text + begin[1], "three\n", 6), 0);
    ck_assert_uint_eq(coded_length(text, begin, count, 0), 8);
    ck_assert_uint_eq(coded_length(text, begin, count, 1), 5);
    ck_assert_uint_eq(coded_length(text, begin, count, 2), 15);
    ck_assert_uint_eq(coded_length(text, begin, count, 3), 0);
    ck_assert_uint_eq(coded_length(text, begin, count, 4), 4);
    free(begin);
    begin = coded_find_lines("", 8, &count);
    ck_assert_int_eq(count, 0);
    free(begin);
}

RUN_TESTS(.set_up = start, .tear_down = stop)
