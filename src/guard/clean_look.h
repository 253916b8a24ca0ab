/* The last sweep that found all blocks whole: damage that is found later was done since. */
#ifndef HAK_GUARD_CLEAN_LOOK_H
#define HAK_GUARD_CLEAN_LOOK_H

#include "guard/guard.h"

/* Notes that all blocks of a kind, live or freed, were looked at and whole: `ticks` of the
 * processor, before the first look, and enum hak_found_by << 32 | stack. One thread at a time. */
HAK_HIDDEN void hak_clean_look_note(bool is_freed, uint64_t ticks, uint64_t by_and_stack);

/* Adds to `facts`, of damage, when a sweep last looked at all blocks of that kind and found them
 * whole: in ticks of the processor, before its first look. The block may have been allocated or
 * freed since. Of a freed block whose page was opened later: when that was. Nothing is added where
 * neither was. Any thread; async-signal-safe. */
HAK_HIDDEN void hak_clean_look_add(struct hak_fault_facts *facts, const struct hak_located *at);

/* pages.c: a page was closed while other threads could write into it. */
HAK_HIDDEN extern _Atomic bool hak_closed_beside_others;

#endif
