/* Makes the call that is named a million times, by Valgrind's macro or not at all. */
#include <stdlib.h>
#include <string.h>
#include <valgrind/memcheck.h>

#define ROUND(call)                                                                                \
    _Pragma("GCC unroll 1") /* gcc 14 halves the rounds of the empty one */                        \
        for (long i = 0; i < 1000000; i++) {                                                       \
        call;                                                                                      \
        __asm__ volatile("");                                                                      \
    }

int main(int argc, char **argv) {
    const char *does = argc > 1 ? argv[1] : "";
    char *pool = argv[0], *piece = pool + 1;
    if (strcmp(does, "nothing") == 0)
        ROUND((void)0)
    if (strcmp(does, "alloc") == 0)
        ROUND(VALGRIND_MEMPOOL_ALLOC(pool, piece, 40))
    if (strcmp(does, "free") == 0)
        ROUND(VALGRIND_MEMPOOL_FREE(pool, piece))
    if (strcmp(does, "change") == 0)
        ROUND(VALGRIND_MEMPOOL_CHANGE(pool, piece, piece, 40))
    if (strcmp(does, "trim") == 0)
        ROUND(VALGRIND_MEMPOOL_TRIM(pool, pool, 1))
    if (strcmp(does, "freelike") == 0)
        ROUND(VALGRIND_FREELIKE_BLOCK(piece, 0))
    if (strcmp(does, "closed") == 0)
        ROUND((void)VALGRIND_MAKE_MEM_NOACCESS(piece, 40))
    if (strcmp(does, "alloc_guarded") == 0)
        ROUND(if (hak_pool_alloc_guarded) piece = hak_pool_alloc_guarded(pool, 40, 8))
    if (strcmp(does, "free_guarded") == 0)
        ROUND(if (hak_pool_free_guarded && hak_pool_free_guarded(pool, piece)) return 1)
    return 0;
}
