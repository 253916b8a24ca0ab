/* One line on stderr without stdio and without memory: for what a person must know when recording
 * cannot begin or a report must be written from inside a dying program.
 *
 * Thread and signal safe: the text lies on the caller's stack; one write(2). */
#ifndef HAK_TRACE_SAY_H
#define HAK_TRACE_SAY_H

#include <stddef.h>
#include <stdint.h>
#include "block.h"

struct hak_text {
    size_t length;
    char bytes[1000]; /* what does not fit is left out */
};

HAK_HIDDEN void hak_text_add(struct hak_text *text, const char *string);
HAK_HIDDEN void hak_text_add_number(struct hak_text *text, uint64_t number);
HAK_HIDDEN void hak_text_add_hex(struct hak_text *text, uint64_t number); /* with 0x */
/* Puts a NUL behind the text (over its last byte when it is full) and returns it. */
HAK_HIDDEN const char *hak_text_end(struct hak_text *text);
/* Writes the text to stderr and empties it. */
HAK_HIDDEN void hak_text_say(struct hak_text *text);
/* The same into an open file. */
HAK_HIDDEN void hak_text_say_into(struct hak_text *text, long file);
/* Appends the name of an errno that matters here ("no such file"), or its number. */
HAK_HIDDEN void hak_text_add_error(struct hak_text *text, long error);

#endif
