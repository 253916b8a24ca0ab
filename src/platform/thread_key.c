/* Makes keys for threads' ends, as soon as the program has the functions for them. */
#include "platform/thread_key.h"

#include "platform/symbols.h"

enum { NEW, MISSING, MAKING, MADE, REFUSED };

typedef int create_function(pthread_key_t *, void (*)(void *));
typedef int set_function(pthread_key_t, const void *);
static _Atomic(set_function *) set_value;
static _Atomic(create_function *) create_key;

/* Creates the key with libc's functions, looked up once; its state says whether that succeeded. */
static void make(struct hak_thread_key *key) {
    unsigned state = MISSING;
    if (!atomic_load(&create_key)) {
        atomic_store(&set_value, (set_function *)hak_symbol_of_libc("pthread_setspecific"));
        atomic_store(&create_key, (create_function *)hak_symbol_of_libc("pthread_key_create"));
    }
    create_function *create = atomic_load(&create_key);
    if (create && atomic_load(&set_value))
        state = create(&key->key, key->end) == 0 ? MADE : REFUSED;
    atomic_store(&key->state, state);
}

bool hak_thread_key_make(struct hak_thread_key *key, void (*end)(void *)) {
    key->end = end;
    make(key);
    return atomic_load(&key->state) != REFUSED;
}

bool hak_thread_key_set(struct hak_thread_key *key, const void *value) {
    unsigned state = atomic_load_explicit(&key->state, memory_order_acquire);
    if (state == MISSING && atomic_compare_exchange_strong(&key->state, &state, MAKING)) {
        make(key);
        state = atomic_load(&key->state);
    }
    return state == MADE && atomic_load(&set_value)(key->key, value) == 0;
}
