/* Stacks as numbers: a stack is a path to the root in the session's ring of nodes, and its id is
 * the id of its innermost node.
 *
 *     node 1 {_start}      private table of this process: (parent, ip) -> id
 *        |                    newest level, twice to eight times as many places as ids in it
 *     node 2 {main}              | older levels: looked into when the newest does not know;
 *      /      \                  v what is found there moves up
 *   node 3   node 5           slot: tag of the hash:32 | id:32
 *   {parse}  {write}
 *
 * The nodes lie in the session memory, which all forked children share: they are only ever
 * appended, complete before their id is known to anyone. The table is private: a child inherits it,
 * goes on using its parent's nodes and adds its own. A node's owner says with the modules of which
 * process, after how many unloads, its ip is to be read. When a module is unloaded, the nodes of
 * its code are taken out of the table, so that code that is loaded there later gets nodes of its
 * own.
 *
 * An id names its node for good, but memory for nodes and table is bounded (node.h): a place is
 * written over once the collector has stored its node, and the table is emptied when it knows half
 * as many nodes as the ring holds. A node that is met again after that gets a new id, which the
 * collector recognises as the same node.
 *
 * Nobody owns the table, no lock: slots are compared and swapped, levels only pushed. Two threads
 * that add the same stack at once get the same id. All functions but hak_stacks_start are
 * async-signal-safe and keep errno. */
#ifndef HAK_TRACE_STACKS_H
#define HAK_TRACE_STACKS_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "block.h"
#include "trace/node.h"
#include "trace/session.h"
#include "unwind/modules.h"
#include "unwind/unwind.h"

/* The memory of stacks, and their limits. */
struct hak_stacks_setup {
    struct hak_node *nodes;       /* the session's ring, or an array that ends */
    uint64_t node_capacity;       /* its length; of a ring a power of two */
    _Atomic uint32_t *node_count; /* the session's counter: ids below it are taken */
    /* Of a ring: the collector has what lies below it. NULL: nothing is written over. */
    const _Atomic uint32_t *nodes_mapped;
    /* Waits a while for *nodes_mapped to move on; `begin_ns` is 0 the first time, and kept between
     * calls. False: it is not to be waited for any more. NULL: nobody waits. */
    bool (*wait_for_room)(uint64_t *begin_ns);
    void (*ask_for_room)(void);   /* the ring is half full; NULL: nobody listens */
    _Atomic uint64_t *no_stack;   /* counts stacks that found no room; of this process */
    uint32_t process;             /* index of this process */
    uint32_t depth;               /* frames kept of each stack, 0..256; 0 = no stacks */
    bool is_private;              /* nobody is recorded: calls only, and they may be cut short */
    uintptr_t own_start, own_end; /* text whose frames are hakmem's own; 0, 0 = this module's */
};

/* Begins to make stacks. Call once for each session, after it stands, before the first record, and
 * after hak_modules_start. Returns nothing; when there is no memory for the table all stacks are 0
 * and counted. */
HAK_HIDDEN void hak_stacks_start(const struct hak_stacks_setup *setup);

/* Gives back what the stacks of a session took that nobody records into any more; the next start
 * must come before the next stack. */
HAK_HIDDEN void hak_stacks_end(void);

/* Begins to make stacks whose nodes lie in private memory: for a process that is not recorded. The
 * array takes 16 MiB, or less where that is more than a sixteenth of RLIMIT_DATA or RLIMIT_AS.
 * Returns false without memory or room for it, or where `depth` is 0; all stacks are 0 then. */
HAK_HIDDEN bool hak_stacks_start_private(uint32_t depth);

/* The return addresses of stack `id`, innermost first, at most `max`, without frames of an
 * interpreter (trace/frame_node.h); their number is returned: up to the first whose node was
 * written over. Async-signal-safe; any number may be asked for. */
HAK_HIDDEN size_t hak_stacks_frames(uint32_t id, uintptr_t *ips, size_t max);

/* Lets nodes that a forked child makes from now on belong to process index `process`. */
HAK_HIDDEN void hak_stacks_fork_child(uint32_t process, _Atomic uint64_t *no_stack);

/* In a child of fork(2), also without a session: gives back what the threads had that are not here,
 * and takes over what they were reading. */
HAK_HIDDEN void hak_stacks_fork_threads(void);

/* The id of the stack `ips` (innermost first, `count` of them); 0 when there is no room. */
HAK_HIDDEN uint32_t hak_stacks_intern(const uintptr_t *ips, size_t count);

/* The id of the node `ip` below `parent` (0 = it is the outermost); 0 when there is no room. */
HAK_HIDDEN uint32_t hak_stacks_child(uint32_t parent, uintptr_t ip);

/* Changes where ids or frames are not to be kept any more: another session, an unload. */
HAK_HIDDEN uint32_t hak_stacks_version_now(void);

/* The id of a stack whose innermost ip is the instruction itself that a signal interrupted. */
HAK_HIDDEN uint32_t hak_stacks_intern_interrupted(const uintptr_t *ips, size_t count);

/* Takes all nodes with an ip in [start, end) out of the table; ids below `first` cannot be among
 * them. For the listener of modules
 * (hak_modules_start), whose mark is hak_stacks_node_count. */
HAK_HIDDEN void hak_stacks_forget(uintptr_t start, uintptr_t end, uint32_t first);

/* With HAKMEM_TRACE=off: the private array of nodes, of which ids are indices. NULL = none. */
HAK_HIDDEN const struct hak_node *hak_stacks_nodes(void);

/* Makes the stack of a call that has the C frames of `native` whole, by frames of an interpreter:
 * its id. NULL: nobody does. Set before hak_stacks_start (trace/python). */
HAK_HIDDEN extern uint32_t (*hak_stacks_add_frames)(uint32_t native);

/* Number of ids taken so far in the session; 0 before hak_stacks_start. */
HAK_HIDDEN uint32_t hak_stacks_node_count(void);

/* The flags of a record for a stack whose walk ended with `end`: enum hak_record_flags. */
static inline uint8_t hak_stacks_flags(enum hak_unwind_end end) {
    return end == HAK_UNWIND_COMPLETE    ? 0
           : end == HAK_UNWIND_BY_FRAMES ? HAK_RECORD_GUESSED
                                         : HAK_RECORD_PARTIAL;
}

/* hak_stack_here and HAK_TRACER_TEXT are in trace.h. */

#endif
