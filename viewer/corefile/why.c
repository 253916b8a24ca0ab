/* `core FILE --why ADDR`: what lies at an address, by the allocator's own lists. */
#include "viewer/corefile/parts.h"

#include <inttypes.h>
#include <jansson.h>
#include <string.h>
#include "options.h"
#include "report/words/words.h"
#include "viewer/block/block.h"
#include "viewer/capture/capture.h"
#include "viewer/corefile/recording.h"
#include "viewer/corefile/stacks.h"

static const char *const calls[] = {
#define TAKEN(name, number, words) [number] = words,
#include "hops.def"
};

/* The call that handed the block out. */
static const char *call_of(const struct core_block *block) {
    return block->subkind < sizeof calls / sizeof *calls && calls[block->subkind]
               ? calls[block->subkind]
               : "malloc";
}

/* ---- the first line -------------------------------------------------------------------------- */

/* How many bytes the program may use of it: those that it asked for where that is known. */
static uint64_t usable_bytes_of(const struct core_block *block) {
    return block->state ? block->asked_bytes : block->bytes;
}

/* Where the address lies to the block. */
static void add_distance(struct hak_text *text, const struct core_block *block, uint64_t address) {
    block_add_distance(text, address, block->user, usable_bytes_of(block));
    if (block->state)
        hak_text_add(text, " of %s asked", hak_words_number(block->asked_bytes));
    else
        hak_text_add(text, " of %s", hak_words_bytes(block->bytes));
}

const char *core_state_sentence(const struct core_block *block) {
    return block->is_live ? "live: the program has it" : hak_words_place_sentence(block->place);
}

/* ---- where it lies --------------------------------------------------------------------------- */

static const char *half_of(const struct core_half *half) {
    return half->table->half == HAK_LAYOUT_LIGHT ? " (plain half of level light)" : "";
}

/* Appends the heap and its thread, or that it has none. */
static void add_owner(struct hak_text *text, const struct core_half *half, uint32_t heap) {
    int32_t tid = core_thread_of(half, heap);
    hak_text_add(text, "heap %" PRIu32, heap);
    if (heap == CORE_SHARED_HEAP)
        hak_text_add(text, ", which threads without one share");
    else if (tid)
        hak_text_add(text, " of thread %" PRId32, tid);
    else if (half->table->core->is_live && heap < half->heap_count && half->heap[heap].thread)
        hak_text_add(text, " of a thread");
    else
        hak_text_add(text, heap < half->heap_count && half->heap[heap].thread
                               ? " of a thread that is not in the core"
                               : ", which no thread has");
}

static void add_slot(struct hak_text *text, const struct core_block *block) {
    hak_text_add_at(text, 2, "place");
    hak_text_add_at(text, 14, "slot %s of slab %u, %s each (%s), SuperSlab 0x%" PRIx64 ", ",
                    hak_words_number(block->slot), block->slab_index, hak_words_bytes(block->bytes),
                    hak_words_class(NULL, block->class_index), block->superslab);
    add_owner(text, block->half, block->heap);
    hak_text_add(text, "%s\n", half_of(block->half));
}

static void add_large(struct hak_text *text, const struct core_block *block) {
    hak_text_add_at(text, 2, "place");
    hak_text_add_at(text, 14, "%s of pages of its own at 0x%" PRIx64 "%s\n",
                    hak_words_bytes(block->bytes), block->base,
                    block->is_guarded ? ", between closed pages" : "");
}

void core_add_place(struct hak_text *text, const struct core_block *block) {
    if (block->kind == CORE_SLOT)
        add_slot(text, block);
    else
        add_large(text, block);
}

/* The cache that holds the block, and when it is handed out next. */
static void add_cached(struct hak_text *text, const struct core_block *block) {
    const struct core_cached *cached = block->cached;
    if (!cached)
        return;
    hak_text_add_at(text, 2, "list");
    hak_text_add_at(text, 14, "%s of ", hak_words_place(cached->place));
    add_owner(text, block->half, cached->heap);
    if (cached->place != HAK_PLACE_REMOTE && cached->order == 0)
        hak_text_add(text, ": the next one to be handed out");
    else if (cached->place != HAK_PLACE_REMOTE)
        hak_text_add(text, ": to be handed out after %s",
                     hak_words_count(cached->order, "other", "others"));
    hak_text_add(text, "\n");
}

/* ---- what is known of its life --------------------------------------------------------------- */

/* Says how many bytes were asked for, by which call. */
static void add_life(struct hak_text *text, const struct core_block *block) {
    if (!block->state || block->place == HAK_PLACE_UNTOUCHED)
        return;
    hak_text_add_at(text, 2, block->is_live ? "asked" : "last life");
    hak_text_add_at(text, 14, "%s by %s", hak_words_bytes(block->asked_bytes), call_of(block));
    if (block->user != block->base)
        hak_text_add(text, ", user's first byte 0x%" PRIx64, block->user);
    hak_text_add(text, "\n");
}

/* ---- its stacks -------------------------------------------------------------------------------
 */

/* A heading and the frames, if there are any. */
static void add_stack(struct hak_text *text, const char *what, const struct hak_frames *frames) {
    if (frames->count == 0)
        return;
    hak_text_add_at(text, 2, "%s\n", what);
    view_add_frame_lines(text, frames, 6);
}

/* Appends where the block was allocated and freed, or that the core has no stacks of it; nothing
 * where no states are kept. */
static void add_stacks(struct hak_text *text, struct core_blocks *blocks,
                       const struct core_block *block) {
    struct hak_frames allocated, freed;
    uint32_t free_stack = block->is_live ? 0 : block->free_stack;
    if (!block->state || block->place == HAK_PLACE_UNTOUCHED)
        return;
    core_stack_frames(blocks, block->alloc_stack, &allocated);
    core_stack_frames(blocks, free_stack, &freed);
    add_stack(text, "allocated", &allocated);
    add_stack(text, "freed", &freed);
    if ((block->alloc_stack || free_stack) && allocated.count + freed.count == 0) {
        hak_text_add_at(text, 2, "stacks");
        hak_text_add_at(text, 14, "not in this core\n");
    }
    hak_frames_free(&allocated);
    hak_frames_free(&freed);
}

/* ---- beside it ------------------------------------------------------------------------------- */

/* A line for a block beside. */
static void add_neighbour(struct hak_text *text, const struct core_block *block) {
    hak_text_add_at(text, 14, "0x%" PRIx64 "  ", block->user);
    if (block->is_live)
        hak_text_add(text, "live, %s\n", hak_words_bytes(usable_bytes_of(block)));
    else
        hak_text_add(text, "%s\n", hak_words_place_sentence(block->place));
}

/* Appends the slots on both sides; nothing for a large block. */
static void add_neighbours(struct hak_text *text, const struct core_block *block) {
    const struct core_superslab superslab = {block->superslab, block->heap};
    struct core_block beside;
    bool has_one = false;
    for (int side = -1; side <= 1; side += 2) {
        if (block->kind != CORE_SLOT || (side < 0 && block->slot == 0) ||
            !core_find_slot(block->half, &superslab, block->slab_index,
                            block->slot + (unsigned)side, &beside))
            continue;
        if (!has_one)
            hak_text_add_at(text, 2, "beside it");
        has_one = true;
        add_neighbour(text, &beside);
    }
}

/* ---- no block -------------------------------------------------------------------------------- */

/* Describes the memory at an address that is not hakmem's: a file, a stack, other memory, nothing.
 */
static void add_mapping(struct hak_text *text, const struct core_memory *core, uint64_t address) {
    const struct core_mapping *mapping = core_mapping_at(core, address);
    const struct core_range *range = core_range_at(core, address);
    if (mapping) {
        const struct core_file *file = &core->file[mapping->file];
        hak_text_add(text, "It lies in %s", file->path);
        hak_text_add(text, "+0x%" PRIx64 ": %s of a file.\n",
                     mapping->file_offset + (address - mapping->start),
                     range && range->is_executable ? "code" : "data");
        return;
    }
    for (size_t i = 0; range && i < core->thread_count; i++) {
        const struct core_thread *thread = &core->thread[i];
        if (core_range_at(core, thread->sp) != range)
            continue;
        hak_text_add(text, "It lies in the stack of thread %" PRId32 ".\n", thread->tid);
        return;
    }
    hak_text_add(text, range ? "It lies in memory of the process that hakmem did not hand out.\n"
                             : "Nothing was mapped there, or the core leaves it out.\n");
}

/* Describes the memory at an address in no block. */
static void add_no_block(struct hak_text *text, struct core_blocks *blocks,
                         const struct core_block *block, uint64_t address) {
    hak_text_add(text, "0x%" PRIx64 " is in no block", address);
    switch (block->kind) {
    case CORE_HEAD:
        hak_text_add(text,
                     ": it is in the head of SuperSlab 0x%" PRIx64 ", which the allocator "
                     "alone writes.\n",
                     block->superslab);
        break;
    case CORE_FREE_SLAB:
        hak_text_add(text, ": slab %u of SuperSlab 0x%" PRIx64 " serves no class now.\n",
                     block->slab_index, block->superslab);
        break;
    case CORE_SLAB_START:
        hak_text_add(text, ": it is in slab %u of SuperSlab 0x%" PRIx64 ", beside its slots.\n",
                     block->slab_index, block->superslab);
        break;
    case CORE_RESERVE:
        hak_text_add(text, ": SuperSlab 0x%" PRIx64 " waits to be used again.\n", block->superslab);
        break;
    default:
        hak_text_add(text, " of hakmem's. ");
        add_mapping(text, &blocks->memory, address);
    }
}

/* ---- JSON ------------------------------------------------------------------------------------ */

static const char *const kinds[] = {
    [CORE_NONE] = "none",           [CORE_SLOT] = "slot",
    [CORE_LARGE] = "large",         [CORE_HEAD] = "superslab head",
    [CORE_FREE_SLAB] = "free slab", [CORE_SLAB_START] = "beside slots",
    [CORE_RESERVE] = "reserve"};

json_t *core_block_json(const struct core_block *block) {
    json_t *object = json_object();
    bool is_slot = block->kind == CORE_SLOT;
    return hak_json_set(
        object, ADDRESS("user", block->user), ADDRESS("base", block->base),
        NUMBER("bytes", block->bytes), KNOWN("asked", block->state != 0, block->asked_bytes),
        FLAG("live", block->is_live), FLAG("guarded", block->is_guarded),
        WORD("place", hak_words_place(block->place)), ADDRESS("superslab", block->superslab),
        KNOWN("slab", is_slot, block->slab_index), KNOWN("slot", is_slot, block->slot),
        KNOWN("heap", is_slot, block->heap),
        KNOWN("in_heap", block->cached != NULL, block->cached ? block->cached->heap : 0),
        KNOWN("order", block->cached != NULL, block->cached ? block->cached->order : 0));
}

/* The document of `core --why`: what the address lies in, and its block or null. */
static json_t *why_json(const struct view *view, const struct core_blocks *blocks,
                        const struct core_block *block, uint64_t address) {
    json_t *document = core_document(view, blocks), *why = json_object();
    bool is_block = block->kind == CORE_SLOT || block->kind == CORE_LARGE;
    hak_json_set(why, ADDRESS("address", address), WORD("lies_in", kinds[block->kind]),
                 JSON("block", is_block ? core_block_json(block) : json_null()));
    return hak_json_set(document, JSON("why", why));
}

/* ---- the answer ------------------------------------------------------------------------------ */

/* The lines about a block. */
static void add_answer(struct hak_text *text, const struct core_block *block, uint64_t address) {
    hak_text_add(text, "0x%" PRIx64 " is ", address);
    add_distance(text, block, address);
    hak_text_add(text, ", %s\n", core_state_sentence(block));
    core_add_place(text, block);
    add_cached(text, block);
    add_life(text, block);
}

/* Adds what is recorded of the address, where its store is found. 0, or an exit status. */
static int add_recorded(struct hak_text *text, struct view *view, struct core_blocks *blocks,
                        uint64_t address) {
    uint32_t process;
    int status = core_recording_open(view, blocks, &process);
    if (status == 0 && process)
        status = core_recording_add_why(text, view, address, process);
    return status;
}

/* Prints the answer; with neighbours also what a store recorded. Returns the exit status. */
static int answer(struct view *view, struct core_blocks *blocks, uint64_t address,
                  bool has_neighbours) {
    struct hak_text text = {0};
    struct core_block block;
    core_find(blocks, address, &block);
    if (view->json)
        return core_print_json(blocks, why_json(view, blocks, &block, address)) ? VIEW_OK
                                                                                : VIEW_UNREADABLE;
    if (block.kind != CORE_SLOT && block.kind != CORE_LARGE)
        add_no_block(&text, blocks, &block, address);
    else
        add_answer(&text, &block, address);
    add_stacks(&text, blocks, &block);
    if (has_neighbours)
        add_neighbours(&text, &block);
    int status = has_neighbours ? add_recorded(&text, view, blocks, address) : VIEW_OK;
    return view_print(&text) ? status : VIEW_UNREADABLE;
}

int core_why(struct view *view, struct core_blocks *blocks, uint64_t address) {
    return answer(view, blocks, address, true);
}

int core_owner(struct view *view, struct core_blocks *blocks, uint64_t address) {
    return answer(view, blocks, address, false);
}
