/* Sorts an address that belongs to none of our layers, when a program frees it.
 *
 * Thread and signal safety: any thread, any value; takes no lock, allocates nothing. The memory
 * itself is read only where it can be: it may be a reservation. */
#ifndef HAK_PLATFORM_ADDRESS_H
#define HAK_PLATFORM_ADDRESS_H

#include "platform/platform.h"

enum hak_address_kind {
    HAK_ADDRESS_UNMAPPED, /* nothing is mapped there, or no user address at all */
    HAK_ADDRESS_STACK,    /* the calling thread's stack; arguments and environment with the first */
    HAK_ADDRESS_CODE,     /* an executable segment of the program or of a library */
    HAK_ADDRESS_STATIC,   /* another segment: data, constants, zero-initialised data */
    HAK_ADDRESS_C_HEAP,   /* a block of glibc's own malloc: brk heap, arena, or its own mapping */
    HAK_ADDRESS_UNKNOWN,  /* no such block, but in its heap, or behind a head like its own */
    HAK_ADDRESS_MAPPED,   /* another allocator's, a mapping, another thread's stack */
};

/* Remembers where the brk heap begins; call once at start. */
HAK_HIDDEN void hak_address_start(void);

/* Sorts `p`. On a coroutine's or a signal handler's stack an address is MAPPED. */
HAK_HIDDEN enum hak_address_kind hak_address_kind_of(const void *p);

#endif
