/* A cursor through lines, the keys that move it, and the search around the end. */
#include "unit/suite.h"
#include "viewer/view/list.h"

static struct list list;

static void start(void) {
    list = (struct list){.rows = 100, .height = 10};
}

static bool press(enum key_name name) {
    return list_key(&list, &(struct key){.name = name});
}

static bool type(char c) {
    return list_key(&list, &(struct key){.name = KEY_NAME_CHARACTER, .character = (uint32_t)c});
}

static void is_at(int cursor, int top) {
    ck_assert_int_eq(list.cursor, cursor);
    ck_assert_int_eq(list.top, top);
}

TEST(keys_move_and_stop_at_both_ends) {
    press(KEY_NAME_UP);
    is_at(0, 0);
    for (int i = 0; i < 10; i++)
        type('j');
    is_at(10, 1);
    press(KEY_NAME_PAGE_DOWN);
    is_at(20, 11);
    type('k');
    is_at(19, 11);
    type('G');
    is_at(99, 90);
    press(KEY_NAME_DOWN);
    is_at(99, 90);
    press(KEY_NAME_PAGE_UP);
    is_at(89, 89);
    type('u');
    is_at(84, 84);
    type('g');
    is_at(0, 0);
    press(KEY_NAME_WHEEL_DOWN);
    is_at(3, 0);
    press(KEY_NAME_END);
    press(KEY_NAME_HOME);
    is_at(0, 0);
    ck_assert(!type('x'));
    ck_assert(!press(KEY_NAME_ENTER));
}

TEST(fewer_lines_or_a_smaller_screen_keep_the_cursor_on_it) {
    list_go_to(&list, 95);
    is_at(95, 86);
    list.rows = 20;
    list_settle(&list);
    is_at(19, 10);
    list.height = 3;
    list_settle(&list);
    is_at(19, 17);
    list.height = 50;
    list_settle(&list);
    is_at(19, 0);
    list.rows = 0;
    list_settle(&list);
    is_at(0, 0);
    type('G');
    press(KEY_NAME_DOWN);
    is_at(0, 0);
}

TEST(a_text_moves_as_a_whole) {
    list.is_text = true;
    type('j');
    ck_assert_int_eq(list.top, 1);
    type(' ');
    ck_assert_int_eq(list.top, 11);
    type('G');
    ck_assert_int_eq(list.top, 90);
    type('j');
    ck_assert_int_eq(list.top, 90);
    type('g');
    ck_assert_int_eq(list.top, 0);
}

static bool is_seventh(void *context, int row) {
    (void)context;
    return row % 30 == 7;
}

static bool is_none(void *context, int row) {
    (void)row;
    ++*(int *)context;
    return false;
}

TEST(a_search_goes_around_and_sees_each_line_once) {
    int seen = 0;
    ck_assert_int_eq(list_find(&list, 0, 1, is_seventh, NULL), 7);
    ck_assert_int_eq(list_find(&list, 7, 1, is_seventh, NULL), 37);
    ck_assert_int_eq(list_find(&list, 97, 1, is_seventh, NULL), 7);
    ck_assert_int_eq(list_find(&list, 7, -1, is_seventh, NULL), 97);
    ck_assert_int_eq(list_find(&list, 50, -1, is_none, &seen), -1);
    ck_assert_int_eq(seen, 100);
}

RUN_TESTS(.set_up = start)
