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

#ifdef __cplusplus
extern "C" {
#endif

#define HAK_API extern __attribute__((weak, visibility("default")))

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
    size_t large_blocks; /* how many blocks above 32 KiB, or guarded ones, the program has */
    size_t large_bytes;  /* of their mappings */
};

/* Fills the first `bytes` bytes of `stats` (write sizeof *stats), so that programs and libraries of
 * different age agree; returns how many bytes were filled. */
HAK_API size_t hak_read_stats(struct hak_stats *stats, size_t bytes);

#ifdef __cplusplus
}
#endif

#endif
