/* What a person must know when recording cannot begin: errors of the system in words.
 *
 * Thread and signal safe: the text lies on the caller's stack. */
#ifndef HAK_TRACE_SAY_H
#define HAK_TRACE_SAY_H

#include "platform/line.h"

/* Appends the name of an errno that matters here ("no such file"), or its number. */
HAK_HIDDEN void hak_say_error(struct hak_line *line, long error);

#endif
