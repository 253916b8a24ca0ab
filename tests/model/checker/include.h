/* Included before every source of the layers: what the checker must stand in place of. */
#ifndef TESTS_MODEL_INCLUDE_H
#define TESTS_MODEL_INCLUDE_H

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include "platform/platform.h"

/* All threads of the checker are one of the system's: a word that differs as %fs:0 would. */
uintptr_t model_thread_word(void);
#define __asm__(...) (block = model_thread_word())

#define hak_lock(lock)   hak_lock_itself(lock)
#define hak_unlock(lock) hak_unlock_itself(lock)
#include "platform/lock.h"
#undef __asm__
#undef hak_lock
#undef hak_unlock

/* Where the lock is not what a scenario is about, taking it is one step and giving it back none: it
 * moves to the left of what others do (Lipton, "Reduction", 1975). */
bool model_has_real_locks(void);
void model_lock(struct hak_lock *lock);
void model_unlock(struct hak_lock *lock);
static inline void hak_lock(struct hak_lock *lock) {
    if (model_has_real_locks())
        hak_lock_itself(lock);
    else
        model_lock(lock);
}
static inline void hak_unlock(struct hak_lock *lock) {
    if (model_has_real_locks())
        hak_unlock_itself(lock);
    else
        model_unlock(lock);
}

void *model_memset(void *to, int byte, size_t bytes);
void *model_memcpy(void *to, const void *from, size_t bytes);
void *model_memmove(void *to, const void *from, size_t bytes);
#define memset            model_memset
#define memcpy            model_memcpy
#define memmove           model_memmove
#define __builtin_memmove model_memmove
#define __builtin_memcpy  model_memcpy
#define __builtin_memset  model_memset

/* The clock stands: what is done by time is not done. */
#define __builtin_ia32_rdtsc() 0

#endif
