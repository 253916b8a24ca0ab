/* The functions that hakmem offers a program beyond the malloc family.
 *
 * All functions are weak: a program that is linked with none of hakmem's libraries runs as well,
 * and finds them absent. So check before each call:
 *
 *     #include <hakmem.h>
 *
 *     if (hak_verify && hak_verify() != 0)
 *         abort();
 *
 * They are there when libhakmem.so or hakmem-debug.so serves malloc: linked (-lhakmem), by
 * LD_PRELOAD or by `hakmem-trace run`. For a program that is linked statically: -lhakmem. Compile
 * with -fPIE or -fPIC, as compilers do by themselves today: without it the linker settles at link
 * time that a weak function is not there.
 *
 * None of them may be called in a signal handler. */
#ifndef HAKMEM_H
#define HAKMEM_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define HAK_API extern __attribute__((weak, visibility("default")))

/* For functions that read nothing behind their first one or two pointers: memory that holds nothing
 * yet may be named. */
#if defined(__GNUC__) && __GNUC__ >= 11 && !defined(__clang__)
#define HAK_NAMES_1 __attribute__((__access__(__none__, 1)))
#define HAK_NAMES_2 __attribute__((__access__(__none__, 1), __access__(__none__, 2)))
#else
#define HAK_NAMES_1
#define HAK_NAMES_2
#endif

/* Checks that everything that hakmem knows of its blocks agrees: bitmaps and counts of every slab,
 * lists, caches of every thread, mail boxes, the registry, large blocks; in hakmem-debug.so also
 * the state of every slot and the counted calls, and, with HAKMEM_CHECK=normal, the bytes around
 * all blocks and in freed ones. Damage of these bytes is reported as a fault.
 *
 * Returns the number of disagreements and damaged blocks, 0 when all is well, and writes one line
 * on stderr for each of the first 100: what, where, what was found and what was expected. Other
 * threads may be there but should be quiet (in no call of the malloc family): the heap of a thread
 * that is at work is left out, as are large blocks at which one is at work, and a line says so.
 * Takes hakmem's locks while it looks, allocates nothing, keeps errno. Takes some 4 us for each MiB
 * in use, 40 us in hakmem-debug.so. */
HAK_API size_t hak_verify(void);

/* Looks for leaks now: blocks to which no pointer in registers, stacks, thread-local or static
 * memory, or in another block that is reached, leads any more. Tells of them as HAKMEM_LEAKS does
 * at exit (a report on stderr, rows in the store) and returns how many blocks are lost, 0 also when
 * the scan could not be made (a line on stderr says why). All other threads are stopped meanwhile,
 * some milliseconds and half a second or so for each GiB in use. In hakmem-debug.so only. Keeps
 * errno. */
HAK_API size_t hak_find_leaks(void);

/* Sets a mark in the recording (table `mark`, `hakmem-trace events --kind MARK`), by the first 200
 * bytes of `name`: the start of a request, a phase. Does nothing where nothing is recorded. Also
 * in hakmem-record.so, which has none of the others. Any thread; costs as much as a recorded
 * malloc. */
HAK_API void hak_mark(const char *name);

/* Says that the block that holds `block` is memory which the program's own pool hands out in
 * pieces, by the first 200 bytes of `name`: reports and `hakmem-trace why` about an address in it
 * then say so, until it is freed. May be called again with another name. Does nothing where nothing
 * is recorded. Any thread. */
HAK_API void hak_pool_name(const void *block, const char *name);

/* A pool of the program's own, which hands out pieces of memory that it owns. These calls tell
 * hakmem what the pool does; they change neither the pool nor, but for redzones, its memory. In
 * hakmem-debug.so only, at levels trace and normal:
 *
 *     if (hak_pool_alloc)
 *         hak_pool_alloc(pool, piece, bytes);
 *
 * `pool` is any address that stands for the pool, as that of its struct. A call that does not fit
 * what was told before is reported as a fault: a piece that is given back twice (HKM-501), to
 * another pool (HKM-502), or that is no live piece of the pool (HKM-503); a pool after its destroy,
 * or a piece after its pool's reset (HKM-504); a write into the room around a piece (HKM-505); a
 * piece that is handed out while it is out (HKM-506); a move that the pool's table does not have
 * (HKM-507). Calls for a pool that was never created do nothing. A piece may be the memory of
 * another pool. 4,096 pools and 1,048,576 pieces at once; of the live pieces beyond them nothing is
 * known. Any thread, but tell of a piece before another thread can get it. Each costs a walk of the
 * stack. hakmem_pools.hpp has classes of C++ that make these calls; hakmem/valgrind and
 * hakmem/sanitizer have the macros of Valgrind and of ASan that do. */

/* The pool begins, with the first 31 bytes of `name`; tell it before the pool hands out anything. A
 * pool that was there is forgotten. */
HAK_API void hak_pool_create(const void *pool, const char *name) HAK_NAMES_1;
/* The pool leaves so many bytes in front of and behind each piece that neither it nor the program
 * uses, 4,096 at most: hakmem fills them at hak_pool_alloc, and compares them when the piece or the
 * pool ends and in sweeps; a move to "out" fills none. Right after the create. The only call after
 * which hakmem writes into the pool's memory, and there into no other block of malloc. */
HAK_API void hak_pool_redzone(const void *pool, size_t before, size_t behind) HAK_NAMES_1;
/* The pieces of the pool are the memory of pieces of HAK_POOL_MALLOC_LIKE: hak_pool_free of one
 * also frees those that lie wholly in it; a reset, or the destroy, does not. Right after the
 * create. */
HAK_API void hak_pool_auto_free(const void *pool) HAK_NAMES_1;
/* The pool hands out the piece of `bytes` bytes. Its life ends by hak_pool_free, or when the pool
 * is reset or destroyed. It also ends when the pool hands out a piece at the same address again; a
 * pool that has taken a piece back before is at fault then. */
HAK_API void hak_pool_alloc(const void *pool, const void *piece, size_t bytes) HAK_NAMES_2;
/* The program gives the piece back; before the pool takes it. NULL does nothing. */
HAK_API void hak_pool_free(const void *pool, const void *piece) HAK_NAMES_2;
/* For a pool that hands out memory of hakmem's as its own: a piece that lies alone between closed
 * pages, so that the processor stops who reads or writes past its end or after its life, at that
 * instruction. NULL: this one is not guarded, and the pool takes one of its own. HAKMEM_GUARD
 * chooses by the stack of the call, as for malloc. `bytes` as the program asked for them;
 * `alignment` is a power of two, up to a page, or 0 for malloc's. The piece holds no particular
 * bytes. It is handed out by this, without hak_pool_alloc, and ends by hak_pool_free_guarded; the
 * reset or the end of the pool closes it, too. free() of it is a fault (HKM-203).
 *
 *     void *piece = hak_pool_alloc_guarded ? hak_pool_alloc_guarded(pool, bytes, 0) : NULL; */
HAK_API void *hak_pool_alloc_guarded(const void *pool, size_t bytes, size_t alignment) HAK_NAMES_1;
/* Before hak_pool_free, of a pool that calls hak_pool_alloc_guarded: returns 1 where the piece was
 * such a one, which is closed now; the pool must not keep it. Else 0, and nothing is done.
 *
 *     if (hak_pool_free_guarded && hak_pool_free_guarded(pool, piece))
 *         return; */
HAK_API int hak_pool_free_guarded(const void *pool, const void *piece) HAK_NAMES_2;
/* The pool keeps pieces at places of its own, as a cache and a list, 13 at most, each with a name
 * of at most 15 bytes. hak_pool_allow says that a piece may go from one place to another; once it
 * was called for a pool, each other move is a fault (HKM-507). hak_pool_move says that the pool
 * moves the piece to a place. A piece that the program has is at "out", one that hak_pool_free gave
 * back at "free", one that is not known at "new"; from "free" and "new" each may go "out". A pool's
 * table may stand in a file:
 *
 *     #define MOVE(from, to) hak_pool_allow(pool, #from, #to);
 *     #include "rows.def"         // MOVE(free, cache) MOVE(cache, out) ... */
HAK_API void hak_pool_allow(const void *pool, const char *from, const char *to) HAK_NAMES_1;
HAK_API void hak_pool_move(const void *pool, const void *piece, const char *to) HAK_NAMES_2;
/* All pieces are given back at once; the pool goes on. Tell it before the pool hands out again. */
HAK_API void hak_pool_reset(const void *pool) HAK_NAMES_1;
/* As hak_pool_reset, but pieces with a byte among the `bytes` bytes from `address` live on. */
HAK_API void hak_pool_reset_outside(const void *pool, const void *address,
                                    size_t bytes) HAK_NAMES_2;
/* All pieces are given back, and the pool ends. Tell it before the pool's memory goes. */
HAK_API void hak_pool_destroy(const void *pool) HAK_NAMES_1;
/* The struct of the pool has moved: calls name it `to` from now on. */
HAK_API void hak_pool_rebase(const void *pool, const void *to) HAK_NAMES_2;
/* Returns 1 if the pool was created and not destroyed, as far as is known; else 0. */
HAK_API int hak_pool_exists(const void *pool) HAK_NAMES_1;
/* The pool of pieces that have none. The first hak_pool_alloc creates it. */
#define HAK_POOL_MALLOC_LIKE ((const void *)0x1)

/* Returns the owner of the byte at `pointer`: the number of the heap that owns it (each thread has
 * one for itself while it lives), HAK_OWNER_OF_LARGE for a block above 32 KiB or a guarded one, as
 * level normal has them (HAKMEM_GUARD), 0 for memory that is not hakmem's or that no heap owns. Any
 * pointer may be asked about, on any thread; nothing behind it is read. */
#define HAK_OWNER_OF_LARGE 0x10000u
HAK_API unsigned hak_owner(const void *pointer);

/* Memory in use and in reserve, in bytes. Calls that other threads make meanwhile may be counted or
 * not. */
struct hak_stats {
    size_t mapped_bytes; /* SuperSlabs and large blocks */
    size_t live_bytes;   /* of these, with the program: whole slots and mappings */
    size_t cached_bytes; /* free, in threads' caches */
    size_t unused_bytes; /* free slabs, SuperSlabs in reserve */
    size_t large_blocks; /* how many blocks above 32 KiB the program has, and guarded ones, and in
                          * level light those that the heap profile has sampled */
    size_t large_bytes;  /* of their mappings */
    /* Memory that may be resident: mapped, less what was given back or never handed out. Pages that
     * the program has not touched count. */
    size_t resident_bytes;
    size_t dirty_bytes;    /* kept for reuse, and of resident_bytes */
    size_t clean_bytes;    /* kept for reuse without their pages: addresses alone */
    size_t guarded_blocks; /* that the program has: each alone between closed pages */
    /* These only grow, from the start of the process. */
    uint64_t slow_paths;       /* calls for which the thread's caches were empty or full */
    uint64_t remote_frees;     /* blocks of other threads, when they are on their way there */
    uint64_t given_back_bytes; /* to the kernel, by munmap and MADV_DONTNEED */
    uint64_t guarded_so_far;   /* level light: guarded blocks, and the run time */
    uint64_t guard_ns;         /* of threads that they took */
    /* HAKMEM_BACKGROUND: whether its thread runs, 1 or 0; the rest only grows. */
    size_t background_threads;
    uint64_t background_bytes;    /* addresses whose memory the thread has given back */
    uint64_t background_failures; /* how often it could not begin */
};

/* Fills the first `bytes` bytes of `stats` (write sizeof *stats), so that programs and libraries of
 * different age agree; returns how many bytes were filled. */
HAK_API size_t hak_read_stats(struct hak_stats *stats, size_t bytes);

/* One size class, of blocks up to 32 KiB. Its fragmentation is 1 - live / mapped, with live =
 * live_blocks * slot_bytes. */
struct hak_class_stats {
    size_t slot_bytes;    /* of each block */
    size_t mapped_bytes;  /* slabs that serve the class */
    size_t live_blocks;   /* with the program */
    size_t cached_blocks; /* free, in threads' caches */
    size_t free_blocks;   /* free in the slabs, used before */
    /* Bytes of live blocks that nobody asked for. is_slack_known 1: counted, in hakmem-debug.so at
     * levels trace and normal, with what the checks need around a block; 0: at most so many, but
     * for blocks that were aligned or made smaller in place. */
    size_t slack_bytes;
    size_t is_slack_known;
};

/* Fills the first `bytes` bytes of `stats` (write sizeof *stats) for the class `class_index`, from
 * 0; returns how many bytes were filled, 0 when there is no such class. Walks over all memory in
 * use. Any thread; allocates nothing, keeps errno. */
HAK_API size_t hak_read_class_stats(unsigned class_index, struct hak_class_stats *stats,
                                    size_t bytes);

#ifdef __cplusplus
}
#endif

#endif
