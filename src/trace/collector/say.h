/* Puts errors of the system into words, for a person whose recording cannot begin.
 *
 * Thread and signal safe: the text lies on the caller's stack. */
#ifndef HAK_TRACE_SAY_H
#define HAK_TRACE_SAY_H

#include "platform/line.h"

struct hak_collector_failure;

/* Appends what failed, with its detail and error, as far as there are any. */
HAK_HIDDEN void hak_say_reason(struct hak_line *to, const struct hak_collector_failure *failure);

#endif
