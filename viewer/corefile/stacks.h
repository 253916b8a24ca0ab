/* Stacks of a core by their ids, as slots and large blocks name them: the nodes in the memory of
 * hakmem-debug.so (trace/stacks/stacks.h), and the names of their functions.
 *
 *   id --> nodes, by the table --> return addresses --> module, build-id --> src/symbols --> frames
 *
 * A ring of nodes forgets; a core may leave it out (MADV_DONTDUMP, until the crash handler asks for
 * it). Then there is no stack, and nothing is guessed. For one thread. */
#ifndef HAK_VIEWER_COREFILE_STACKS_H
#define HAK_VIEWER_COREFILE_STACKS_H

#include "report/words/words.h"
#include "viewer/corefile/blocks.h"

enum { CORE_STACK_MAX = 256 };

/* The return addresses of stack `id`, innermost first: how many, at most CORE_STACK_MAX; 0 where it
 * is not known. Frames of an interpreter are left out. */
size_t core_stack(struct core_blocks *blocks, uint32_t id, uint64_t ips[CORE_STACK_MAX]);

/* Reads the frames of a stack, with names; none where it is not known. hak_frames_free. */
void core_stack_frames(struct core_blocks *blocks, uint32_t id, struct hak_frames *frames);

/* Frees what names were read with. */
void core_stacks_close(struct core_blocks *blocks);

/* Names of the recording that the process was in, as far as the core has its memory: its id (0 =
 * nobody recorded it, or it is not in the core), and its store's path. */
uint64_t core_session(struct core_blocks *blocks, char *store_path, size_t room);

#endif
