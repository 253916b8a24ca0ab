/* Declarations that the run and the visit of caches share. For verify/ only. */
#ifndef HAK_VERIFY_CACHES_H
#define HAK_VERIFY_CACHES_H

#include "front/front.h"

/* The thread that has the heap now, if its memory can be read. Hold hak_heaps_lock. */
HAK_HIDDEN const struct hak_thread *hak_verify_thread_of(struct hak_heap *heap);

/* A place's name, for people. */
HAK_HIDDEN const char *hak_verify_place(unsigned place);

#endif
