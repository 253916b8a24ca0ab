/* Room for stack nodes: the two functions of hak_stacks_setup that concern the collector. */
#ifndef HAK_TRACE_STACK_ROOM_H
#define HAK_TRACE_STACK_ROOM_H

#include <stdbool.h>
#include <stdint.h>
#include "block.h"

/* Rings the collector's bell. */
HAK_HIDDEN void hak_stack_room_ask(void);

/* Waits for a commit, at most 50 ms, as HAKMEM_TRACE_FULL says; replaces a collector that is dead.
 * `begin_ns` is 0 the first time, and kept between calls. False: it is not to be waited for any
 * more. */
HAK_HIDDEN bool hak_stack_room_wait(uint64_t *begin_ns);

#endif
