/* The picture of the timeline in its three kinds, and columns and times. */
#include "unit/suite.h"
#include "viewer/view/chart.h"

static struct canvas canvas;

static void start(void) {
    canvas = (struct canvas){.is_utf8 = true};
    ck_assert(canvas_resize(&canvas, 2, 4));
}

static void stop(void) {
    canvas_free(&canvas);
}

static void draw(enum chart_kind kind, const uint64_t *value, uint64_t most) {
    struct chart chart = {.kind = kind,
                          .value = value,
                          .most = most,
                          .rows = 2,
                          .columns = 4,
                          .cursor = 1,
                          .span_from = 2,
                          .span_to = 3};
    chart_draw(&canvas, &chart);
}

static uint32_t at(int row, int column) {
    return canvas.cell[row * canvas.columns + column].ch[0];
}

TEST(braille_has_two_values_and_four_dots_in_a_cell) {
    /* of 8 dots: 0 and 1, 4 and 5, 8 and 8, 0 and 0 */
    static const uint64_t value[] = {0, 1, 4, 5, 8, 8, 0, 0};
    draw(CHART_BRAILLE, value, 8);
    ck_assert_uint_eq(at(0, 0), ' ');
    ck_assert_uint_eq(at(1, 0), 0x2880); /* the lowest dot at the right */
    ck_assert_uint_eq(at(0, 1), 0x2880);
    ck_assert_uint_eq(at(1, 1), 0x28ff);
    ck_assert_uint_eq(at(0, 2), 0x28ff);
    ck_assert_uint_eq(at(1, 2), 0x28ff);
    ck_assert_uint_eq(at(1, 3), ' ');
    ck_assert_int_eq(canvas.cell[0].style, CANVAS_CHART);
    ck_assert_int_eq(canvas.cell[1].style, CANVAS_MARKED); /* the moment */
    ck_assert_int_eq(canvas.cell[2].style, CANVAS_SPAN);
}

TEST(blocks_and_ascii_have_one_value) {
    static const uint64_t value[] = {0, 1, 9, 16};
    draw(CHART_BLOCKS, value, 16);
    ck_assert_uint_eq(at(1, 0), ' ');
    ck_assert_uint_eq(at(1, 1), 0x2581);
    ck_assert_uint_eq(at(0, 2), 0x2581);
    ck_assert_uint_eq(at(1, 2), 0x2588);
    ck_assert_uint_eq(at(0, 3), 0x2588);
    draw(CHART_ASCII, value, 16);
    ck_assert_uint_eq(at(1, 1), '.');
    ck_assert_uint_eq(at(0, 2), '.');
    ck_assert_uint_eq(at(1, 2), '#');
    ck_assert_uint_eq(at(0, 3), '#');
    ck_assert_uint_eq(at(1, 0), ' ');
}

TEST(large_numbers_and_nothing_do_no_harm) {
    static const uint64_t large[] = {UINT64_MAX, 1, UINT64_MAX / 2, 0}, none[4] = {0};
    draw(CHART_BLOCKS, large, UINT64_MAX);
    ck_assert_uint_eq(at(0, 0), 0x2588);
    ck_assert_uint_eq(at(1, 1), 0x2581);
    ck_assert_uint_eq(at(1, 2), 0x2588);
    ck_assert_uint_eq(at(0, 2), ' ');
    draw(CHART_BLOCKS, none, 0);
    for (int i = 0; i < 8; i++)
        ck_assert_uint_eq(at(i / 4, i % 4), ' ');
}

TEST(a_time_lies_in_the_column_that_ends_with_it_or_later) {
    for (int columns = 1; columns < 200; columns += 7)
        for (int column = 0; column < columns; column++) {
            uint64_t end = chart_time(column, 1000, 999777, columns);
            ck_assert_int_eq(chart_column(end, 1000, 999777, columns), column);
            if (column + 1 < columns)
                ck_assert_int_eq(chart_column(end + 1, 1000, 999777, columns), column + 1);
        }
    ck_assert_int_eq(chart_column(1000, 1000, 2000, 10), 0);
    ck_assert_int_eq(chart_column(2000, 1000, 2000, 10), 9);
    ck_assert_int_eq(chart_column(999, 1000, 2000, 10), -1);
    ck_assert_int_eq(chart_column(2001, 1000, 2000, 10), -1);
    ck_assert_int_eq(chart_column(5, 5, 5, 10), 9);
    ck_assert_uint_eq(chart_time(9, 0, UINT64_MAX, 10), UINT64_MAX);
}

RUN_TESTS(.set_up = start, .tear_down = stop)
