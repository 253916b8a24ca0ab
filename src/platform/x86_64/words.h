/* Changes a word of the calling thread by one instruction of x86-64, so that a signal handler of
 * that thread comes before or after, never between. Other threads do not write these words: there
 * is no lock prefix but for the pair. */
#ifndef HAK_PLATFORM_X86_64_WORDS_H
#define HAK_PLATFORM_X86_64_WORDS_H

#include <stdbool.h>
#include <stdint.h>
#include "attributes.h"

HAK_IN_PLACE void hak_own_add(uint64_t *word, uint64_t amount) {
    __asm__ volatile("addq %1, %0" : "+m"(*word) : "er"(amount) : "cc");
}
HAK_IN_PLACE void hak_own_add_one(uint64_t *word) {
    __asm__ volatile("incq %0" : "+m"(*word) : : "cc");
}

/* These two are barriers for the compiler, too. */
HAK_IN_PLACE void hak_own_enter(volatile uint32_t *depth) {
    __asm__ volatile("incl %0" : "+m"(*depth) : : "memory", "cc");
}
HAK_IN_PLACE void hak_own_leave(volatile uint32_t *depth) {
    __asm__ volatile("decl %0" : "+m"(*depth) : : "memory", "cc");
}

/* Writes `wanted` where `expected` is found; false: something else is there. */
HAK_IN_PLACE bool hak_own_exchange(uint64_t *word, uint64_t expected, uint64_t wanted) {
    bool equal;
    __asm__ volatile("cmpxchgq %3, %1"
                     : "=@ccz"(equal), "+m"(*word), "+a"(expected)
                     : "r"(wanted)
                     : "memory");
    return equal;
}

/* The same of a byte, which is named itself: by its address the compiler would make a pointer. */
#define hak_own_exchange_byte(byte, expected, wanted)                                              \
    ({                                                                                             \
        bool equal_;                                                                               \
        uint8_t found_ = (expected);                                                               \
        __asm__ volatile("cmpxchgb %3, %1"                                                         \
                         : "=@ccz"(equal_), "+m"(byte), "+a"(found_)                               \
                         : "q"((uint8_t)(wanted))                                                  \
                         : "memory");                                                              \
        equal_;                                                                                    \
    })

typedef uint64_t hak_pair_of_words[2];

/* The same of two words side by side, aligned to 16, which any thread may write: `expected` gets
 * what was found. */
HAK_IN_PLACE bool hak_exchange_pair(void *pair, uint64_t expected[2], uint64_t first,
                                    uint64_t second) {
    bool done;
    __asm__ volatile("lock cmpxchg16b %1"
                     : "=@ccz"(done), "+m"(*(hak_pair_of_words *)pair), "+a"(expected[0]),
                       "+d"(expected[1])
                     : "b"(first), "c"(second)
                     : "memory");
    return done;
}

typedef char hak_sixteen_bytes __attribute__((vector_size(16), may_alias));

/* A bit for each byte of a comparison's result. */
HAK_IN_PLACE uint32_t hak_bits_of_bytes(hak_sixteen_bytes compared) {
    return (uint32_t)__builtin_ia32_pmovmskb128(compared);
}

#endif
