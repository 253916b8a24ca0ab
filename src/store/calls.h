/* Names of the calls of the malloc family: the subkind of an event in words (hops.def). */
#ifndef HAK_STORE_CALLS_H
#define HAK_STORE_CALLS_H

#include <stddef.h>
#include <stdint.h>
#include "store/event.h"

/* "malloc", "new[]": the call that took a block, from the subkind of a MALLOC or REALLOC event. A
 * number that this program does not know is "malloc". */
const char *hak_call_taken(unsigned subkind);

/* "free", "delete[]": the call that gave a block back, from the subkind of a FREE event. A number
 * that this program does not know is "free". */
const char *hak_call_given(unsigned subkind);

/* The call of an event, "realloc" for REALLOC and REALLOC_FROM; NULL when it is none. */
const char *hak_call_of(const struct hak_event *event);

#endif
