/* Level light with memory tags: the block that an access by a wrong tag meant. A slot's neighbours
 * have tags of the other kind (slab/tags.h), so that a tag tells a life of the slot from a block
 * beside it. Reads the allocator's structures while other threads change them. */
#include "light.h"

#include "front/front.h"
#include "large_map/large_map.h"
#include "platform/platform.h"
#include "platform/raw_call.h"
#include "platform/registry.h"
#include "platform/tags.h"
#include "slab/slab.h"
#include "slab/tags.h"

HAK_HIDDEN struct hak_light_found hak_light_find(uintptr_t address, unsigned tag);
HAK_HIDDEN bool hak_light_tag_again(uintptr_t address, unsigned tag);
HAK_HIDDEN size_t hak_light_room(uintptr_t address, size_t *block_bytes);

/* The slot of a slab that serves a class or did; false: none lies there. */
static bool locate_slot(uintptr_t address, struct hak_light_found *found) {
    const struct hak_superslab *superslab = hak_superslab_of((const void *)address);
    unsigned index = hak_slab_index_of((const void *)address);
    const struct hak_slab *slab = &superslab->slabs[index];
    bool serves = superslab->class_of_slab[index] != HAK_CLASS_NONE;
    if (index == 0 || slab->carved == 0 || slab->slot_bytes == 0)
        return false;
    uintptr_t start = address & ~(uintptr_t)(HAK_SLAB_BYTES - 1);
    size_t number = (address - start) / slab->slot_bytes, slot = number - slab->first_slot;
    if (number < slab->first_slot || slot >= slab->carved)
        return false;
    found->base = start + number * slab->slot_bytes;
    found->bytes = slab->slot_bytes;
    found->class_index = slab->class_index;
    found->superslab = (uintptr_t)superslab;
    found->slab = index;
    found->slot = (unsigned)slot;
    found->is_free = !serves || (slab->bits[slot / 64] >> (slot % 64) & 1);
    return true;
}

static bool locate(uintptr_t address, struct hak_light_found *found) {
    *found = (struct hak_light_found){.class_index = HAK_CLASS_NONE};
    if (hak_registry_owner((const void *)address) != HAK_OWNER_NOBODY)
        return locate_slot(address, found);
    const struct hak_large *large = hak_large_containing((const void *)address);
    if (!large || !large->chunk)
        return false;
    found->base = base_address(large->base);
    found->bytes = large->mapped_bytes;
    found->is_free = !hak_large_is_live(large);
    return true;
}

/* Whether the block at `address` has the tag. */
static bool is_block_with(uintptr_t address, unsigned tag, struct hak_light_found *found) {
    return locate(address, found) && hak_tag_if_open(found->base, tag) == tag;
}

/* Finds a block with the tag that ends at most REACH_BYTES in front of the address, or begins
 * behind it. */
static bool find_beside(uintptr_t address, unsigned tag, struct hak_light_found *found) {
    enum { REACH_BYTES = 4096 };
    for (uintptr_t distance = 0; distance < REACH_BYTES; distance += HAK_TAG_GRANULE) {
        if (is_block_with(address - distance, tag, found)) {
            found->fault = HAK_FAULT_HEAP_BUFFER_OVERFLOW;
            return true;
        }
        if (is_block_with(address + distance, tag, found)) {
            found->fault = HAK_FAULT_HEAP_BUFFER_UNDERFLOW;
            return true;
        }
    }
    return false;
}

struct hak_light_found hak_light_find(uintptr_t address, unsigned tag) {
    struct hak_light_found at, beside;
    unsigned now = hak_tag_if_open(address, tag) % HAK_TAGS;
    bool is_known = locate(address, &at);
    at.fault = HAK_FAULT_USE_AFTER_FREE;
    if (is_known && at.class_index != HAK_CLASS_NONE)
        at.frees_ago = hak_slab_tag_lives_ago(tag, now);
    return at.frees_ago == 0 && find_beside(address, tag, &beside) ? beside : at;
}

size_t hak_light_room(uintptr_t address, size_t *block_bytes) {
    struct hak_light_found at;
    bool is_block = locate(address, &at);
    *block_bytes = is_block ? at.bytes : 0;
    return is_block ? at.base + at.bytes - address : 0;
}

bool hak_light_tag_again(uintptr_t address, unsigned tag) {
    struct hak_light_found at;
    if (tag == 0 || hak_tag_at((const void *)address) != 0 || !locate(address, &at) || at.is_free)
        return false;
    uintptr_t start = address & ~(uintptr_t)(HAK_PAGE_BYTES - 1), end = start + HAK_PAGE_BYTES;
    if (start < at.base)
        start = at.base;
    if (end > at.base + at.bytes)
        end = at.base + at.bytes;
    if (hak_raw_writable(start))
        hak_tag_memory((const char *)start, (const char *)end, tag);
    return true;
}
