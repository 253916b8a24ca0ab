/* Each block that was held at a moment. */
#include "viewer/profile/held.h"

#include <stdlib.h>
#include "store/error.h"

struct held {
    bool *holds; /* by row id of the process */
    uint32_t rows;
    void (*each)(void *context, uint64_t size, uint8_t class_index);
    void *context;
};

static int take_block(void *context, const struct hak_live_block *block) {
    struct held *h = context;
    if (block->process < h->rows && h->holds[block->process])
        h->each(h->context, block->size, block->class_index);
    return 0;
}

/* A process holds nothing before its first event and, but for the end, behind its last one. */
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

static void take_life(void *context, const struct hak_flow_life *life) {
    const struct held *h = context;
    if (!life->end_ns)
        h->each(h->context, life->size, life->class_index);
}

static int read_events(struct hak_store_reader *r, uint64_t event, uint32_t process,
                       struct held *h) {
    struct hak_flow flow = {0};
    struct hak_flow_query moment = {
        .from = event, .to = event, .process = process, .life = take_life, .context = h};
    int error = hak_flow_read(r, &moment, &flow);
    hak_flow_free(&flow);
    return error;
}

int profile_read_held(struct hak_store_reader *r, uint64_t event, uint32_t process,
                      void (*each)(void *context, uint64_t size, uint8_t class_index),
                      void *context) {
    struct held h = {.each = each, .context = context};
    struct hak_heap heap = {0};
    int result = process ? 0 : hak_heap_read(r, 0, event, 0, &heap);
    if (result == 0)
        result = read_events(r, event, process, &h);
    else if (result == 1 && (result = set_holders(&h, &heap, event)) == 0)
        result = hak_store_live_at(r, event, 0, 0, take_block, &h);
    hak_heap_free(&heap);
    free(h.holds);
    return result;
}
