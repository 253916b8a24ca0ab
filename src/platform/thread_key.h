/* A value of each thread whose end somebody wants to hear of (pthread_key_create). Before
 * glibc 2.34 the functions lie in libpthread, which a program may not have, or only have later by a
 * plugin: until then it has one thread, and its end is the program's. */
#ifndef HAK_PLATFORM_THREAD_KEY_H
#define HAK_PLATFORM_THREAD_KEY_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include "block.h"

struct hak_thread_key {
    pthread_key_t key;
    _Atomic unsigned state;
    void (*end)(void *); /* at a thread's end, with its value */
};

/* Makes a key whose `end` is called at a thread's end; once, outside malloc. False: there are no
 * keys left; where there are none at all yet, true. */
HAK_HIDDEN bool hak_thread_key_make(struct hak_thread_key *key, void (*end)(void *));

/* Sets the calling thread's value; false: it has none. Inside malloc too: pthread_setspecific may
 * allocate. */
HAK_HIDDEN bool hak_thread_key_set(struct hak_thread_key *key, const void *value);

#endif
