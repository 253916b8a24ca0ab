/* Input at the terminal: keys, by their purpose, and the mouse. */
#ifndef HAK_VIEWER_VIEW_KEYS_H
#define HAK_VIEWER_VIEW_KEYS_H

#include <stdint.h>

enum key_name {
    KEY_NAME_NONE, /* nothing came */
    KEY_NAME_CHARACTER,
    KEY_NAME_UP,
    KEY_NAME_DOWN,
    KEY_NAME_LEFT,
    KEY_NAME_RIGHT,
    KEY_NAME_PAGE_UP,
    KEY_NAME_PAGE_DOWN,
    KEY_NAME_HOME,
    KEY_NAME_END,
    KEY_NAME_ENTER,
    KEY_NAME_ESCAPE,
    KEY_NAME_BACKSPACE,
    KEY_NAME_TAB,
    KEY_NAME_BACK_TAB,
    KEY_NAME_RESIZE,
    KEY_NAME_CLICK,
    KEY_NAME_DOUBLE_CLICK,
    KEY_NAME_WHEEL_UP,
    KEY_NAME_WHEEL_DOWN,
    KEY_NAME_F1,
    KEY_NAME_F2,
    KEY_NAME_F3,
    KEY_NAME_F4,
    KEY_NAME_F5,
    KEY_NAME_F6,
    KEY_NAME_F7,
    KEY_NAME_F8,
    KEY_NAME_F9,
    KEY_NAME_F10,
};

struct key {
    enum key_name name;
    uint32_t character; /* of KEY_NAME_CHARACTER: its code point */
    int row, column;    /* of the mouse */
};

#endif
