/* Lines for people without stdio: built in a buffer of the caller, written with one system call.
 *
 * What does not fit is cut off; the line still ends.
 *
 * Thread and signal safety: any; nothing is allocated, errno is kept. */
#ifndef HAK_PLATFORM_LINE_H
#define HAK_PLATFORM_LINE_H

#include "platform/platform.h"

struct hak_line {
    size_t length;
    char text[1024];
};

/* Appends. Start with `struct hak_line line = {.length = 0};`: the text needs no zeroes. */
HAK_HIDDEN void hak_line_add(struct hak_line *line, const char *text);
/* In decimal digits. */
HAK_HIDDEN void hak_line_number(struct hak_line *line, uint64_t number);
/* As 0x and hexadecimal digits. */
HAK_HIDDEN void hak_line_address(struct hak_line *line, const void *address);
/* `text`, the number, `after`. */
HAK_HIDDEN void hak_line_say(struct hak_line *line, const char *text, uint64_t number,
                             const char *after);

/* Ends the line, writes all that is in the buffer to fd 2 and empties it. */
HAK_HIDDEN void hak_line_end(struct hak_line *line);

#endif
