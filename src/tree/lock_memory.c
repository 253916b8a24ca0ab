/* Keeps mlockall from filling the session memory, 1 GiB, of which a program mostly uses a few MiB,
 * and the registry of each allocator in this library.
 *
 * mlockall(MCL_CURRENT) gives every page of every mapping that can be accessed its memory. So what
 * nobody uses of the session is made inaccessible while the kernel does that; it is locked like
 * everything else, but its pages come when they are first touched.
 *
 *   | header, tables, nodes so far, some more | nodes | rings in use | free extents |
 *   |            stays as it is               | hidden|              |    hidden    |
 *
 * The other writers of this process stand still meanwhile (hak_current_freeze), so nobody claims an
 * extent that is hidden. Stack nodes may still be added: hence "some more". The registry is read
 * all the time: its filled part is given back afterwards. */
#include "heap_profile/heap_profile.h"
#include "hop.h"
#include "light.h"
#include "pool/pool.h"
#include "superslab.h"
#include "trace/memory/memory.h"
#include "trace/ring/ring.h"
#include "platform/block_signals.h"

enum { NODES_LEFT = 512 << 10, HIDDEN_EXTENTS_MIN = 8 };

/* Sets the protection of the whole pages between two offsets in the session's memory. */
static void set_protection(uint64_t from, uint64_t to, int protection) {
    from = (from + HAK_PAGE_BYTES - 1) & ~(uint64_t)(HAK_PAGE_BYTES - 1);
    to &= ~(uint64_t)(HAK_PAGE_BYTES - 1);
    if (from < to)
        (void)hak_raw_call(SYS_mprotect, (char *)hak_current.session + from, to - from, protection);
}

/* Sets the protection of the pages of stack nodes from number `nodes` on. */
static void protect_unused_nodes(uint32_t nodes, int protection) {
    const char *start = (const char *)hak_current.session;
    uint64_t end =
        (uint64_t)((const char *)(hak_current.nodes + hak_current.node_capacity) - start);
    if (nodes > hak_current.node_capacity)
        return;
    uint64_t from = (uint64_t)((const char *)(hak_current.nodes + nodes) - start);
    set_protection(from, end, protection);
}

/* Sets the protection of all runs of free extents, but for short ones: each costs two mappings for
 * a moment. */
static void protect_free_extents(int protection) {
    uint32_t count = hak_current.extent_count, run = 0;
    for (uint32_t i = 0; i <= count; i++) {
        if (i < count && !atomic_load(&hak_current.session->extent_taken[i])) {
            run++;
            continue;
        }
        if (run >= HIDDEN_EXTENTS_MIN)
            set_protection(hak_current.extent_offset + (uint64_t)(i - run) * HAK_EXTENT_BYTES,
                           hak_current.extent_offset + (uint64_t)i * HAK_EXTENT_BYTES, protection);
        run = 0;
    }
}

/* Makes the call mlockall while the session's unused nodes and free extents are closed, so that the
 * kernel does not fill them; with signals blocked and recording frozen. Returns the kernel's
 * result. */
static long lock_without_session(int flags) {
    uint64_t signals;
    hak_block_signals(&signals);
    hak_current_freeze(hak_ring_others_write);
    uint32_t nodes = atomic_load(&hak_current.session->node_count) + NODES_LEFT;
    protect_unused_nodes(nodes, PROT_NONE);
    protect_free_extents(PROT_NONE);
    long result = hak_raw_call(SYS_mlockall, flags);
    /* All of it: another process may have claimed and given back extents in between. */
    set_protection(0, hak_current.total_bytes, PROT_READ | PROT_WRITE);
    hak_current_thaw();
    hak_restore_signals(&signals);
    return result;
}

/* Gives back the pages that mlockall has filled in the registries of the debug and the light
 * allocator, and in the heap profile, where they are linked. */
static void empty_registries(void) {
    if (hak_heap_profile_empty)
        hak_heap_profile_empty();
    if (hak_pool_empty_registry)
        hak_pool_empty_registry();
    if (light_hak_pool_empty_registry)
        light_hak_pool_empty_registry();
}

/* The program's mlockall, which must not fill hakmem's reserved memory: closes what is unused
 * meanwhile, and empties the registries afterwards. */
HAK_EXPORT int mlockall(int flags) {
    bool fills = (flags & MCL_CURRENT) && !(flags & MCL_ONFAULT);
    long result = fills && hak_current_ready() ? lock_without_session(flags)
                                               : hak_raw_call(SYS_mlockall, flags);
    if (fills && result == 0)
        empty_registries();
    return (int)hak_libc_result(result);
}
