/* Fills in what is known of a pool and a piece in the facts of a fault. */
#include "guard/pool_facts.h"

void hak_pool_copy_name(char to[HAK_POOL_NAME], const char *name) {
    size_t i = 0;
    for (; name && i + 1 < HAK_POOL_NAME && name[i]; i++)
        to[i] = name[i];
    for (; i < HAK_POOL_NAME; i++)
        to[i] = 0;
}

void hak_pool_add_facts(struct hak_fault_facts *facts, const struct hak_pool *pool,
                        const struct hak_piece *piece) {
    facts->pool.number = pool->number;
    hak_pool_copy_name(facts->pool.name, pool->name);
    if (!piece)
        return;
    const struct hak_pool *of = hak_pieces_pool_of(piece);
    facts->base = facts->user = piece->address;
    facts->asked_bytes = facts->slot_bytes = piece->bytes;
    facts->alloc_stack = piece->alloc_stack;
    facts->free_stack = piece->free_stack;
    if (piece->pool_number == pool->number)
        return;
    facts->pool.other_number = piece->pool_number;
    if (of)
        hak_pool_copy_name(facts->pool.other_name, of->name);
}
