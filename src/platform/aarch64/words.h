/* Changes a word of the calling thread so that a signal handler of that thread comes before or
 * after: a pair of exclusive accesses is made again when a handler came between. */
#ifndef HAK_PLATFORM_AARCH64_WORDS_H
#define HAK_PLATFORM_AARCH64_WORDS_H

#include <stdbool.h>
#include <stdint.h>
#include "attributes.h"

HAK_IN_PLACE void hak_own_add(uint64_t *word, uint64_t amount) {
    __atomic_fetch_add(word, amount, __ATOMIC_RELAXED);
}
HAK_IN_PLACE void hak_own_add_one(uint64_t *word) {
    __atomic_fetch_add(word, 1, __ATOMIC_RELAXED);
}

/* These two are barriers for the compiler, too. Waiting for 0 makes all threads' barrier first
 * (membarrier), so entering needs none; a thread that then reads 0 sees what was written inside. */
HAK_IN_PLACE void hak_own_enter(volatile uint32_t *depth) {
    __atomic_fetch_add(depth, 1, __ATOMIC_RELAXED);
    __asm__ volatile("" : : : "memory");
}
HAK_IN_PLACE void hak_own_leave(volatile uint32_t *depth) {
    __asm__ volatile("" : : : "memory");
    __atomic_fetch_sub(depth, 1, __ATOMIC_RELEASE);
}

/* Writes `wanted` where `expected` is found; false: something else is there. */
HAK_IN_PLACE bool hak_own_exchange(uint64_t *word, uint64_t expected, uint64_t wanted) {
    return __atomic_compare_exchange_n(word, &expected, wanted, false, __ATOMIC_ACQ_REL,
                                       __ATOMIC_ACQUIRE);
}

/* The same of a byte, which is named itself. */
#define hak_own_exchange_byte(byte, expected, wanted)                                              \
    ({                                                                                             \
        uint8_t found_ = (expected);                                                               \
        __atomic_compare_exchange_n(&(byte), &found_, (uint8_t)(wanted), false, __ATOMIC_ACQ_REL,  \
                                    __ATOMIC_ACQUIRE);                                             \
    })

typedef uint64_t hak_pair_of_words[2];

/* The same of two words side by side, aligned to 16, which any thread may write: `expected` gets
 * what was found. A pair is known to be read whole only once it was written back. */
HAK_IN_PLACE bool hak_exchange_pair(void *pair, uint64_t expected[2], uint64_t first,
                                    uint64_t second) {
    for (;;) {
        uint64_t a, b;
        uint32_t failed;
        __asm__ volatile("ldaxp %0, %1, %2"
                         : "=&r"(a), "=&r"(b)
                         : "Q"(*(hak_pair_of_words *)pair)
                         : "memory");
        bool equal = a == expected[0] && b == expected[1];
        uint64_t new_a = equal ? first : a, new_b = equal ? second : b;
        __asm__ volatile("stlxp %w0, %2, %3, %1"
                         : "=&r"(failed), "=Q"(*(hak_pair_of_words *)pair)
                         : "r"(new_a), "r"(new_b)
                         : "memory");
        if (failed)
            continue;
        expected[0] = a;
        expected[1] = b;
        return equal;
    }
}

typedef char hak_sixteen_bytes __attribute__((vector_size(16), may_alias));

/* A bit for each byte of a comparison's result: each half's bits are added up. */
HAK_IN_PLACE uint32_t hak_bits_of_bytes(hak_sixteen_bytes compared) {
    typedef uint64_t two_words __attribute__((vector_size(16)));
    const two_words one_bit_each = {0x8040201008040201, 0x8040201008040201};
    two_words bits = (two_words)compared & one_bit_each;
    const uint64_t add_up = 0x0101010101010101;
    return (uint32_t)(bits[0] * add_up >> 56 | bits[1] * add_up >> 56 << 8);
}

#endif
