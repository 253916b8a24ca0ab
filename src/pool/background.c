/* Wakes the thread that gives memory back, and lets it sleep. */
#include "pool/background.h"

#include "platform/platform.h"

_Atomic uint32_t hak_background_word, hak_background_begin, hak_background_failures;
_Atomic uint64_t hak_background_bytes;
const _Atomic uint32_t *hak_background_alive;

void hak_background_call(void) {
    uint32_t asleep = HAK_BACKGROUND_ASLEEP, later = HAK_BACKGROUND_LATER;
    /* A begin writes "awake" after "never": who misses that leaves it to the next call. */
    if (atomic_load_explicit(&hak_background_begin, memory_order_relaxed) == HAK_BACKGROUND_NEVER &&
        !hak_background_is_there())
        return;
    atomic_thread_fence(memory_order_seq_cst);
    if (atomic_compare_exchange_strong(&hak_background_word, &asleep, HAK_BACKGROUND_AWAKE))
        hak_futex_wake(&hak_background_word, 1);
    else if (asleep == HAK_BACKGROUND_ABSENT)
        (void)atomic_compare_exchange_strong(&hak_background_begin, &later, HAK_BACKGROUND_NOW);
}

void hak_background_rest(bool (*has_work)(void), uint64_t (*rest_ns)(void)) {
    atomic_store(&hak_background_word, HAK_BACKGROUND_ASLEEP);
    atomic_thread_fence(memory_order_seq_cst);
    if (!has_work()) {
        uint64_t ns = rest_ns();
        if (ns > 0)
            hak_futex_wait_for(&hak_background_word, HAK_BACKGROUND_ASLEEP, ns);
        else
            hak_futex_wait(&hak_background_word, HAK_BACKGROUND_ASLEEP);
    }
    atomic_store(&hak_background_word, HAK_BACKGROUND_AWAKE);
}
