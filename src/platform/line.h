/* Lines for people without stdio: built in a buffer of the caller, written with raw system calls.
 *
 * Text that does not fit is cut off; a line still ends. Foreign text goes in by hak_line_add_name
 * alone.
 *
 * Thread and signal safety: any; nothing is allocated, errno is kept. */
#ifndef HAK_PLATFORM_LINE_H
#define HAK_PLATFORM_LINE_H

#include "platform/platform.h"

struct hak_line {
    size_t length;
    char text[1024]; /* the last byte is for the end of the line or of the text */
};

/* Appends; NULL is nothing. Start with `struct hak_line line = {.length = 0};`. */
HAK_HIDDEN void hak_line_add(struct hak_line *line, const char *text);
/* Appends foreign text (visible.h): names, paths, values of variables. */
HAK_HIDDEN void hak_line_add_name(struct hak_line *line, const char *name);
/* In decimal digits. */
HAK_HIDDEN void hak_line_number(struct hak_line *line, uint64_t number);
/* As 0x and hexadecimal digits. */
HAK_HIDDEN void hak_line_hex(struct hak_line *line, uint64_t number);
/* Adds `text`, the number, and `after`. */
HAK_HIDDEN void hak_line_say(struct hak_line *line, const char *text, uint64_t number,
                             const char *after);

/* Puts a NUL behind the text and returns it. */
HAK_HIDDEN const char *hak_line_text(struct hak_line *line);

/* Writes all that is in the buffer to an open file and empties it. Returns 0, or the errno (ENOSPC
 * for a file that takes nothing more): the unwritten rest is not kept. */
HAK_HIDDEN long hak_line_write(struct hak_line *line, long file);

/* Ends the line, writes all that is in the buffer to fd 2 and empties it. */
HAK_HIDDEN void hak_line_end(struct hak_line *line);

#endif
