/* ASan's macros for memory that a pool has closed, where hakmem takes ASan's place: compile with
 * -I INCLUDE/hakmem, and -D__SANITIZE_ADDRESS__ where the program asks for it before it uses them.
 *
 * They say which bytes may be touched and not which piece was handed out, so none of them can be a
 * call of hak_pool_*: hakmem does not see single accesses, and nothing is closed. A pool that has
 * these alone gets calls of hakmem.h beside them, or Valgrind's macros (../valgrind). */
#ifndef SANITIZER_ASAN_INTERFACE_H
#define SANITIZER_ASAN_INTERFACE_H

#include <stddef.h>

#define ASAN_POISON_MEMORY_REGION(address, bytes)     ((void)(address), (void)(bytes))
#define ASAN_UNPOISON_MEMORY_REGION(address, bytes)   ((void)(address), (void)(bytes))
#define __asan_poison_memory_region(address, bytes)   ((void)(address), (void)(bytes))
#define __asan_unpoison_memory_region(address, bytes) ((void)(address), (void)(bytes))
#define __asan_address_is_poisoned(address)           ((void)(address), 0)
#define __asan_region_is_poisoned(address, bytes)     ((void)(address), (void)(bytes), (void *)0)

#endif
