/* A sequence of calls and accesses as text, a step a line: THREAD VERB BLOCK A B.
 *
 *   1 malloc 1 24 0       block 1 = malloc(24)
 *   1 write 1 24 2        writes 2 bytes behind its 24
 *   2 free 1 0 0          frees it; A is added to the pointer
 *
 * The steps are made one after the other. Thread 1 is the main thread; another one starts before
 * its first step and has ended before the step that follows its last one. Block 0 is a static
 * variable. hakmem-trace reduce writes such a text, and hakmem-player makes it. */
#ifndef HAK_PLAYER_SEQUENCE_H
#define HAK_PLAYER_SEQUENCE_H

#include <stdint.h>

/* VERB(NAME, "word", "as a C statement"); in the statement P is the pointer with A added, V the
 * block's variable, A and B are numbers. */
#define SEQUENCE_VERBS(VERB)                                                                       \
    VERB(MALLOC, "malloc", "V = malloc(A);")                                                       \
    VERB(CALLOC, "calloc", "V = calloc(1, A);")                                                    \
    VERB(ALIGNED, "aligned", "V = aligned_alloc(B, A);")                                           \
    VERB(NEW, "new", "V = ((take *)find(\"_Znwm\"))(A);")                                          \
    VERB(NEW_ARRAY, "new[]", "V = ((take *)find(\"_Znam\"))(A);")                                  \
    VERB(NEW_ALIGNED, "new-aligned",                                                               \
         "V = ((take_aligned *)find(\"_ZnwmSt11align_val_t\"))(A, B);")                            \
    VERB(NEW_ARRAY_ALIGNED, "new[]-aligned",                                                       \
         "V = ((take_aligned *)find(\"_ZnamSt11align_val_t\"))(A, B);")                            \
    VERB(REALLOC, "realloc", "V = realloc(P, B);")                                                 \
    VERB(FREE, "free", "free(P);")                                                                 \
    VERB(DELETE, "delete", "((drop *)find(\"_ZdlPv\"))(P);")                                       \
    VERB(DELETE_ARRAY, "delete[]", "((drop *)find(\"_ZdaPv\"))(P);")                               \
    VERB(DELETE_SIZED, "delete-sized", "((drop_sized *)find(\"_ZdlPvm\"))(P, B);")                 \
    VERB(DELETE_ARRAY_SIZED, "delete[]-sized", "((drop_sized *)find(\"_ZdaPvm\"))(P, B);")         \
    VERB(DELETE_ALIGNED, "delete-aligned",                                                         \
         "((drop_sized *)find(\"_ZdlPvSt11align_val_t\"))(P, B);")                                 \
    VERB(DELETE_ARRAY_ALIGNED, "delete[]-aligned",                                                 \
         "((drop_sized *)find(\"_ZdaPvSt11align_val_t\"))(P, B);")                                 \
    VERB(WRITE, "write", "for (long i = 0; i < B; i++) P[i] = 'A';")                               \
    VERB(READ, "read", "seen = P[B];")                                                             \
    VERB(FOLLOW, "follow", "seen = **(volatile char *volatile *)P;")                               \
    VERB(COPY_IN, "copy-in", "copy(P, beside, B);")                                                \
    VERB(COPY_OUT, "copy-out", "copy(beside, P, B);")                                              \
    VERB(COUNT, "count", "*(long *)P = B;")                                                        \
    VERB(CHURN, "churn", "for (long n = 0; n < B; n++) free(malloc(A));")                          \
    VERB(USABLE, "usable", "seen = (char)malloc_usable_size(P);")                                  \
    VERB(POOL_CREATE, "pool-create", "if (hak_pool_create) hak_pool_create(V, \"pool\");")         \
    VERB(POOL_REDZONE, "pool-redzone", "if (hak_pool_redzone) hak_pool_redzone(V, A, B);")         \
    VERB(POOL_ALLOW, "pool-allow", "if (hak_pool_allow) hak_pool_allow(V, place[A], place[B]);")   \
    VERB(POOL_ALLOC, "pool-alloc", "if (hak_pool_alloc) hak_pool_alloc(V, P, B);")                 \
    VERB(POOL_FREE, "pool-free", "if (hak_pool_free) hak_pool_free(block[B], P);")                 \
    VERB(POOL_MOVE, "pool-move", "if (hak_pool_move) hak_pool_move(V, P, place[B]);")              \
    VERB(POOL_RESET, "pool-reset", "if (hak_pool_reset) hak_pool_reset(V);")                       \
    VERB(POOL_DESTROY, "pool-destroy", "if (hak_pool_destroy) hak_pool_destroy(V);")

/* PLACE(NAME, "name"): places of pieces in a pool: three that each pool has, and two of its own. */
#define SEQUENCE_PLACES(PLACE)                                                                     \
    PLACE(OUT, "out")                                                                              \
    PLACE(FREE, "free")                                                                            \
    PLACE(NEW, "new")                                                                              \
    PLACE(OWN, "place3")                                                                           \
    PLACE(OTHER, "place4")

enum sequence_place {
#define PLACE(name, word) SEQUENCE_PLACE_##name,
    SEQUENCE_PLACES(PLACE)
#undef PLACE
        SEQUENCE_PLACE_COUNT
};

enum sequence_verb {
#define VERB(name, word, statement) SEQUENCE_##name,
    SEQUENCE_VERBS(VERB)
#undef VERB
        SEQUENCE_VERB_COUNT
};

struct sequence_step {
    uint32_t thread, block;
    enum sequence_verb verb;
    int64_t a, b;
};

enum { SEQUENCE_STEPS_MAX = 40000, SEQUENCE_BESIDE_BYTES = 65536 };

#endif
