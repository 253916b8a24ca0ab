/* Reads what was held at a moment, from sums by class or block by block. */
#include "viewer/profile/held.h"

#include <stdlib.h>
#include "store/error.h"

struct held {
    bool *holds; /* by row id of the process */
    uint32_t rows;
    profile_held_each each;
    void *context;
};

static void add_block(const struct held *h, uint8_t class_index, uint64_t bytes) {
    h->each(h->context, class_index, (struct hak_amount){1, bytes});
}

static bool is_holder(void *context, uint32_t process) {
    const struct held *h = context;
    return process < h->rows && h->holds[process];
}

static int take_block(void *context, const struct hak_live_block *block) {
    add_block(context, block->class_index, block->size);
    return 0;
}

/* Finds which processes hold blocks at the event: one holds nothing before its first event and, but
 * for the end, behind its last one. 0, or an error without memory. */
static int set_holders(struct held *h, const struct hak_heap *heap, uint64_t event) {
    for (uint32_t i = 0; i < heap->processes; i++)
        if (heap->process[i].process >= h->rows)
            h->rows = heap->process[i].process + 1;
    h->holds = calloc((size_t)h->rows + 1, sizeof *h->holds);
    if (!h->holds)
        return hak_store_fail(HAK_STORE_INTERNAL, "out of memory for the processes");
    for (uint32_t i = 0; i < heap->processes; i++) {
        const struct hak_heap_process *p = &heap->process[i];
        h->holds[p->process] = !hak_heap_is_gone(p, event);
    }
    return 0;
}

/* Adds a block that is still live to the sums. */
static void add_held_life(void *context, const struct hak_flow_life *life) {
    const struct held *h = context;
    if (!life->end_ns)
        add_block(h, life->class_index, life->size);
}

/* Sums up the blocks that are live at an event from all events before it. 0, or an error. */
static int read_held_of_events(struct hak_store_reader *r, uint64_t event, uint32_t process,
                               struct held *h) {
    struct hak_flow flow = {0};
    struct hak_flow_query moment = {
        .from = event, .to = event, .process = process, .life = add_held_life, .context = h};
    int error = hak_flow_read(r, &moment, &flow);
    hak_flow_free(&flow);
    return error;
}

/* Adds the stored sums by class; the last of the classes stands for what has none, or no slots that
 * are known. */
static void add_classes(const struct held *h, const struct hak_heap *heap) {
    for (uint32_t i = 0; i < heap->processes; i++) {
        const struct hak_heap_process *p = &heap->process[i];
        for (uint32_t k = 0; k < HAK_HEAP_CLASSES && h->holds[p->process]; k++)
            if (p->class_live[k].blocks || p->class_live[k].bytes)
                h->each(h->context, k < HAK_HEAP_CLASSES - 1 ? (uint8_t)k : 255, p->class_live[k]);
    }
}

/* Sums up the blocks that are live at an event from stored sums by class, or else block by block.
 * 0, or an error. */
static int read_stored_held(struct hak_store_reader *r, uint64_t event, const struct hak_heap *heap,
                            struct held *h) {
    struct hak_live_moment moment = {.id = event, .wants = is_holder, .context = h};
    int error = set_holders(h, heap, event);
    if (error || !heap->has_classes)
        return error ? error : hak_store_live_at(r, &moment, take_block, h);
    add_classes(h, heap);
    return 0;
}

int profile_read_held(struct hak_store_reader *r, uint64_t event, uint32_t process,
                      profile_held_each each, void *context) {
    struct held h = {.each = each, .context = context};
    struct hak_heap heap = {0};
    int result = process ? 0 : hak_heap_read_classes(r, event, &heap);
    if (result == 0)
        result = read_held_of_events(r, event, process, &h);
    else if (result == 1)
        result = read_stored_held(r, event, &heap, &h);
    hak_heap_free(&heap);
    free(h.holds);
    return result;
}
