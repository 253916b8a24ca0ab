/* HAKMEM_TINY_PREWARM_ALL and _C2.._C5: blocks that lie in the first thread's fronts before it asks
 * for any. */
#ifndef HAK_FRONT_PREWARM_H
#define HAK_FRONT_PREWARM_H

#include "block.h"

/* Fills the calling thread's fronts as the options say, if it is the first thread of the process.
 * Each class of a band gets as many blocks as were asked for, but never more than its first front
 * holds. Counted as PREWARM. */
HAK_HIDDEN void hak_prewarm_first_thread(void);

#endif
