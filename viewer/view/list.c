/* Moves of a cursor through lines. */
#include "viewer/view/list.h"

#define WHEEL_LINES 3

static int clamp(int value, int most) {
    return value < 0 ? 0 : value > most ? (most < 0 ? 0 : most) : value;
}

void list_settle(struct list *list) {
    int height = list->height > 0 ? list->height : 1;
    list->cursor = clamp(list->cursor, list->rows - 1);
    if (!list->is_text && list->cursor < list->top)
        list->top = list->cursor;
    if (!list->is_text && list->cursor >= list->top + height)
        list->top = list->cursor - height + 1;
    list->top = clamp(list->top, list->rows - height);
}

void list_go_to(struct list *list, int row) {
    list->cursor = row;
    if (list->is_text)
        list->top = row;
    list_settle(list);
}

/* Moves the cursor, or the top of a text, within the list. */
static void move(struct list *list, int by) {
    int *at = list->is_text ? &list->top : &list->cursor;
    *at = clamp(*at + by, list->rows - 1);
    list_settle(list);
}

/* Moves as one of the letters of vi and less; false for another. */
static bool move_by_character(struct list *list, uint32_t character) {
    switch (character) {
    case 'j':
        move(list, 1);
        return true;
    case 'k':
        move(list, -1);
        return true;
    case ' ':
        move(list, list->height);
        return true;
    case 'b':
        move(list, -list->height);
        return true;
    case 'd':
        move(list, list->height / 2);
        return true;
    case 'u':
        move(list, -list->height / 2);
        return true;
    case 'g':
        list_go_to(list, 0);
        return true;
    case 'G':
        list_go_to(list, list->rows - 1);
        return true;
    default:
        return false;
    }
}

bool list_key(struct list *list, const struct key *key) {
    switch (key->name) {
    case KEY_NAME_CHARACTER:
        return move_by_character(list, key->character);
    case KEY_NAME_UP:
        move(list, -1);
        return true;
    case KEY_NAME_DOWN:
        move(list, 1);
        return true;
    case KEY_NAME_PAGE_UP:
        move(list, -list->height);
        return true;
    case KEY_NAME_PAGE_DOWN:
        move(list, list->height);
        return true;
    case KEY_NAME_HOME:
        list_go_to(list, 0);
        return true;
    case KEY_NAME_END:
        list_go_to(list, list->rows - 1);
        return true;
    case KEY_NAME_WHEEL_UP:
        move(list, -WHEEL_LINES);
        return true;
    case KEY_NAME_WHEEL_DOWN:
        move(list, WHEEL_LINES);
        return true;
    default:
        return false;
    }
}

int list_find(const struct list *list, int from, int direction,
              bool (*matches)(void *context, int row), void *context) {
    for (int i = 1; i <= list->rows; i++) {
        int row = (from + direction * i % list->rows + 2 * list->rows) % list->rows;
        if (matches(context, row))
            return row;
    }
    return -1;
}
