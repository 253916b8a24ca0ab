/* Valgrind's macros for pools of memory, which tell hakmem instead of Valgrind (hakmem.h).
 *
 * A program that has them needs no change: compile it with -I INCLUDE/hakmem, which comes before
 * the system's folders, and with whatever makes it use them (PostgreSQL: -DUSE_VALGRIND). Its pools
 * are seen where hakmem-debug.so serves it; else each macro costs a compare with memory and a jump,
 * and does not evaluate what it is given. Valgrind sees no pool of a program that is built so.
 *
 *   VALGRIND_               becomes                 is different
 *   ----------------------  ----------------------  -----------------------------------
 *   CREATE_MEMPOOL          hak_pool_create         redzones and zeroes are not used
 *   CREATE_MEMPOOL_EXT      hak_pool_create, and    METAPOOL alone changes nothing: any
 *                           hak_pool_auto_free      pool's pieces may hold other pieces
 *   DESTROY_MEMPOOL         hak_pool_destroy
 *   MEMPOOL_ALLOC, _FREE    hak_pool_alloc, _free
 *   MEMPOOL_TRIM            hak_pool_reset_outside  a piece partly inside lives on whole
 *   MOVE_MEMPOOL            hak_pool_rebase
 *   MEMPOOL_CHANGE          hak_pool_free, _alloc   the piece begins a new life
 *   MEMPOOL_EXISTS          hak_pool_exists
 *   MALLOCLIKE_BLOCK,       hak_pool_alloc, _free   redzones and zeroes are not used
 *   RESIZEINPLACE_BLOCK,    of one pool,
 *   FREELIKE_BLOCK          "malloc-like"
 *   MAKE_MEM_*              nothing                 hakmem does not see single accesses
 *   all else                what it is without Valgrind
 *
 * RUNNING_ON_VALGRIND is 1 where the calls are there, in level light too, which does not use them:
 * libraries ask it whether to tell of pools, and leave room between pieces then.
 *
 * A pool has the name that HAKMEM_POOL_NAME(pool) gives, if the program defines it. */
#ifndef HAKMEM_VALGRIND_H
#define HAKMEM_VALGRIND_H

#include "../../hakmem.h"

#ifndef HAKMEM_POOL_NAME
#define HAKMEM_POOL_NAME(pool) NULL
#endif

/* Not inline functions: a report names the function that uses the macro. */
#define HAK_POOL_AT(address) ((const void *)(uintptr_t)(address))
#define HAK_POOL_TELL(call, arguments)                                                             \
    do {                                                                                           \
        if (call)                                                                                  \
            call arguments;                                                                        \
    } while (0)

/* Valgrind's own headers for other tools (callgrind.h) include its valgrind.h: these macros stay,
 * whichever comes first. */
#undef RUNNING_ON_VALGRIND
#undef VALGRIND_CREATE_MEMPOOL
#undef VALGRIND_CREATE_MEMPOOL_EXT
#undef VALGRIND_DESTROY_MEMPOOL
#undef VALGRIND_MEMPOOL_ALLOC
#undef VALGRIND_MEMPOOL_FREE
#undef VALGRIND_MEMPOOL_TRIM
#undef VALGRIND_MOVE_MEMPOOL
#undef VALGRIND_MEMPOOL_CHANGE
#undef VALGRIND_MEMPOOL_EXISTS
#undef VALGRIND_MALLOCLIKE_BLOCK
#undef VALGRIND_RESIZEINPLACE_BLOCK
#undef VALGRIND_FREELIKE_BLOCK

#define RUNNING_ON_VALGRIND (hak_pool_alloc ? 1u : 0u)

#define VALGRIND_CREATE_MEMPOOL(pool, redzone, is_zeroed)                                          \
    HAK_POOL_TELL(hak_pool_create, (HAK_POOL_AT(pool), HAKMEM_POOL_NAME(pool)))
/* The flag AUTO_FREE is METAPOOL's: alone it is an error of the program, as with Valgrind. */
#define VALGRIND_CREATE_MEMPOOL_EXT(pool, redzone, is_zeroed, flags)                               \
    do {                                                                                           \
        if (hak_pool_create) {                                                                     \
            const void *hak_pool_ = HAK_POOL_AT(pool);                                             \
            hak_pool_create(hak_pool_, HAKMEM_POOL_NAME(pool));                                    \
            if ((VALGRIND_MEMPOOL_AUTO_FREE & (flags)) && hak_pool_auto_free)                      \
                hak_pool_auto_free(hak_pool_);                                                     \
        }                                                                                          \
    } while (0)
#define VALGRIND_DESTROY_MEMPOOL(pool) HAK_POOL_TELL(hak_pool_destroy, (HAK_POOL_AT(pool)))
#define VALGRIND_MEMPOOL_ALLOC(pool, address, bytes)                                               \
    HAK_POOL_TELL(hak_pool_alloc, (HAK_POOL_AT(pool), HAK_POOL_AT(address), (size_t)(bytes)))
#define VALGRIND_MEMPOOL_FREE(pool, address)                                                       \
    HAK_POOL_TELL(hak_pool_free, (HAK_POOL_AT(pool), HAK_POOL_AT(address)))
#define VALGRIND_MEMPOOL_TRIM(pool, address, bytes)                                                \
    HAK_POOL_TELL(hak_pool_reset_outside,                                                          \
                  (HAK_POOL_AT(pool), HAK_POOL_AT(address), (size_t)(bytes)))
#define VALGRIND_MOVE_MEMPOOL(from, to)                                                            \
    HAK_POOL_TELL(hak_pool_rebase, (HAK_POOL_AT(from), HAK_POOL_AT(to)))
#define VALGRIND_MEMPOOL_CHANGE(pool, from, to, bytes)                                             \
    do {                                                                                           \
        if (hak_pool_alloc) {                                                                      \
            const void *hak_pool_ = HAK_POOL_AT(pool);                                             \
            hak_pool_free(hak_pool_, HAK_POOL_AT(from));                                           \
            hak_pool_alloc(hak_pool_, HAK_POOL_AT(to), (size_t)(bytes));                           \
        }                                                                                          \
    } while (0)
#define VALGRIND_MEMPOOL_EXISTS(pool)                                                              \
    (hak_pool_exists ? (unsigned)hak_pool_exists(HAK_POOL_AT(pool)) : 0u)
#define VALGRIND_MEMPOOL_AUTO_FREE 1
#define VALGRIND_MEMPOOL_METAPOOL  2

#define VALGRIND_MALLOCLIKE_BLOCK(address, bytes, redzone, is_zeroed)                              \
    VALGRIND_MEMPOOL_ALLOC(HAK_POOL_MALLOC_LIKE, address, bytes)
#define VALGRIND_RESIZEINPLACE_BLOCK(address, old_bytes, new_bytes, redzone)                       \
    do {                                                                                           \
        if (hak_pool_alloc) {                                                                      \
            const void *hak_piece_ = HAK_POOL_AT(address);                                         \
            hak_pool_free(HAK_POOL_MALLOC_LIKE, hak_piece_);                                       \
            hak_pool_alloc(HAK_POOL_MALLOC_LIKE, hak_piece_, (size_t)(new_bytes));                 \
        }                                                                                          \
    } while (0)
#define VALGRIND_FREELIKE_BLOCK(address, redzone)                                                  \
    VALGRIND_MEMPOOL_FREE(HAK_POOL_MALLOC_LIKE, address)

/* ---- what Valgrind alone can do -------------------------------------------------------------- */

#ifndef __VALGRIND_H
#define __VALGRIND_H
#define __VALGRIND_MAJOR__                3
#define __VALGRIND_MINOR__                19
#define VG_USERREQ_TOOL_BASE(a, b)        ((0xffu & (unsigned)(a)) << 24 | (0xffu & (unsigned)(b)) << 16)
#define VG_IS_TOOL_USERREQ(a, b, request) (VG_USERREQ_TOOL_BASE(a, b) == (0xffff0000 & (request)))

#if defined(__GNUC__)
#define HAK_VALGRIND_UNUSED __attribute__((unused))
#define HAK_VALGRIND_PRINTS __attribute__((unused, format(printf, 1, 2)))
#else
#define HAK_VALGRIND_UNUSED
#define HAK_VALGRIND_PRINTS
#endif
/* A request gives what it gives without Valgrind. */
HAK_VALGRIND_UNUSED static __inline__ uintptr_t hak_valgrind_answer(uintptr_t without) {
    return without;
}
#define VALGRIND_DO_CLIENT_REQUEST_EXPR(without, request, a, b, c, d, e)                           \
    hak_valgrind_answer((uintptr_t)(without))
#define VALGRIND_DO_CLIENT_REQUEST(result, without, request, a, b, c, d, e)                        \
    do {                                                                                           \
        (result) = VALGRIND_DO_CLIENT_REQUEST_EXPR(without, request, a, b, c, d, e);               \
    } while (0)
#define VALGRIND_DO_CLIENT_REQUEST_STMT(request, a, b, c, d, e)                                    \
    do {                                                                                           \
    } while (0)
#define VALGRIND_NON_SIMD_CALL0(function)          hak_valgrind_answer(0)
#define VALGRIND_NON_SIMD_CALL1(function, a)       hak_valgrind_answer(0)
#define VALGRIND_NON_SIMD_CALL2(function, a, b)    hak_valgrind_answer(0)
#define VALGRIND_NON_SIMD_CALL3(function, a, b, c) hak_valgrind_answer(0)
#define VALGRIND_COUNT_ERRORS                      ((unsigned)hak_valgrind_answer(0))
#define VALGRIND_STACK_REGISTER(start, end)        ((unsigned)hak_valgrind_answer(0))
#define VALGRIND_STACK_DEREGISTER(id)              VALGRIND_DO_CLIENT_REQUEST_STMT(0, 0, 0, 0, 0, 0)
#define VALGRIND_STACK_CHANGE(id, start, end)      VALGRIND_DO_CLIENT_REQUEST_STMT(0, 0, 0, 0, 0, 0)
#define VALGRIND_DISCARD_TRANSLATIONS(start, bytes)                                                \
    VALGRIND_DO_CLIENT_REQUEST_STMT(0, 0, 0, 0, 0, 0)
#define VALGRIND_INNER_THREADS(address)  VALGRIND_DO_CLIENT_REQUEST_STMT(0, 0, 0, 0, 0, 0)
#define VALGRIND_DISABLE_ERROR_REPORTING VALGRIND_DO_CLIENT_REQUEST_STMT(0, 0, 0, 0, 0, 0)
#define VALGRIND_ENABLE_ERROR_REPORTING  VALGRIND_DO_CLIENT_REQUEST_STMT(0, 0, 0, 0, 0, 0)
#define VALGRIND_LOAD_PDB_DEBUGINFO(file, start, bytes, delta)                                     \
    VALGRIND_DO_CLIENT_REQUEST_STMT(0, 0, 0, 0, 0, 0)
#define VALGRIND_MAP_IP_TO_SRCLOC(address, text) ((unsigned)hak_valgrind_answer(0))
#define VALGRIND_MONITOR_COMMAND(command)        ((unsigned)hak_valgrind_answer(0))
#define VALGRIND_CLO_CHANGE(option)              VALGRIND_DO_CLIENT_REQUEST_STMT(0, 0, 0, 0, 0, 0)

HAK_VALGRIND_PRINTS static __inline__ int hak_valgrind_print(const char *format, ...) {
    (void)format;
    return 0;
}
#define VALGRIND_PRINTF           hak_valgrind_print
#define VALGRIND_PRINTF_BACKTRACE hak_valgrind_print
#undef HAK_VALGRIND_UNUSED
#undef HAK_VALGRIND_PRINTS
#endif

#endif
