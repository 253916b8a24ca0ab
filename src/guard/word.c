/* Which block a word of a pattern names (trace/pattern.h): a word that a register held when the
 * processor did not take it as an address.
 *
 *   word of     the slot's life now            names
 *   freed       the same, and it is not live   the freed block: it was read after that free
 *   canary      the same and live, or just     the block past whose end it was read
 *               ended
 *   unwritten   the same                       the block that it was read from, never written there
 *   any         another                        the slot, and no life of it for sure
 *
 * All SuperSlabs whose addresses end in the bits that the word has are looked at. Runs in the
 * handler of a crash: no lock, no allocation. */
#include "guard/around.h"
#include "guard/pages.h"
#include "guard/word.h"
#include "large/walk.h"
#include "platform/raw_call.h"

enum {
    GRANULE_BYTES = 1 << HAK_PATTERN_NAME_SHIFT,
    GRANULES = HAK_SUPERSLAB_BYTES / GRANULE_BYTES,
    SMALLEST_SLOT_BYTES = 8,
};

struct search {
    uint64_t value, address_bits; /* bits 32 to 5 of the block's first byte */
    enum hak_pattern pattern;
    unsigned lives;
    bool is_exact; /* a block's word itself was found */
    struct hak_named *named;
    unsigned count, most;
};

static enum hak_named_as relation_of(const struct search *search, const struct hak_located *at) {
    bool is_live = at->slot->place == HAK_PLACE_LIVE;
    bool is_same = search->lives == at->slot->lives;
    bool has_just_ended = !is_live && ((search->lives + 1) & 3) == at->slot->lives;
    switch (search->pattern) {
    case HAK_PATTERN_FREED:
        return is_same && !is_live ? HAK_NAMED_FREED : HAK_NAMED_EARLIER;
    case HAK_PATTERN_CANARY:
        return (is_same && is_live) || has_just_ended ? HAK_NAMED_BEHIND : HAK_NAMED_EARLIER;
    case HAK_PATTERN_UNWRITTEN:
        return (is_same && is_live) || has_just_ended ? HAK_NAMED_UNWRITTEN : HAK_NAMED_EARLIER;
    case HAK_PATTERN_NONE:
        break;
    }
    return HAK_NAMED_EARLIER;
}

static void compare(struct search *search, const struct hak_located *at) {
    uint64_t word =
        hak_pattern_word(search->pattern, (uintptr_t)at->base, at->class_index, search->lives);
    bool is_exact = search->value == word;
    if (!(at->slot->subkind & HAK_SLOT_LIVED) || !hak_pattern_is_near(search->value, word))
        return;
    if (is_exact && !search->is_exact)
        search->count = 0; /* the others only with a distance */
    if (search->count == search->most || (search->is_exact && !is_exact))
        return;
    search->is_exact = is_exact;
    struct hak_named *named = &search->named[search->count++];
    *named = (struct hak_named){.as = relation_of(search, at)};
    named->facts.class_found = HAK_CLASS_NONE;
    hak_describe_located(at, &named->facts);
    named->facts.found_address = named->facts.user;
}

static void look_at_superslab(struct hak_superslab *superslab, hak_owner_t owner, void *context) {
    struct search *search = context;
    if (((uintptr_t)superslab >> HAK_PATTERN_NAME_SHIFT & HAK_PATTERN_NAME_MASK) / GRANULES !=
            search->address_bits / GRANULES ||
        owner == HAK_OWNER_RESERVE || !hak_raw_readable((uintptr_t)superslab))
        return;
    char *granule = (char *)superslab + search->address_bits % GRANULES * GRANULE_BYTES;
    for (char *base = granule; base < granule + GRANULE_BYTES; base += SMALLEST_SLOT_BYTES) {
        struct hak_located at;
        if ((hak_locate_slot(base, &at) || hak_locate_former_slot(base, &at)) && at.base == base)
            compare(search, &at);
    }
}

static void look_at_large(const struct hak_large *large, void *context) {
    struct search *search = context;
    struct hak_located at;
    if ((base_address(large->base) >> HAK_PATTERN_NAME_SHIFT & HAK_PATTERN_NAME_MASK) !=
        search->address_bits)
        return;
    hak_locate_as_large((struct hak_large *)(uintptr_t)large, &at);
    compare(search, &at);
}

unsigned hak_find_named(uint64_t value, struct hak_named *named, unsigned most) {
    uint64_t name = hak_pattern_name(value);
    struct search search = {.value = value,
                            .address_bits = name & HAK_PATTERN_NAME_MASK,
                            .pattern = hak_pattern_of(value),
                            .lives = (unsigned)(name >> 28),
                            .named = named,
                            .most = most};
    if (search.pattern == HAK_PATTERN_NONE)
        return 0;
    hak_registry_each(look_at_superslab, &search);
    hak_large_each(look_at_large, &search);
    return search.count;
}

uint64_t hak_word_in(uint64_t address) {
    struct hak_located at;
    const void *p = (const void *)(uintptr_t)address;
    if (!hak_locate_slot(p, &at) || at.slot->place == HAK_PLACE_LIVE ||
        !(at.slot->subkind & HAK_SLOT_LIVED))
        return 0;
    return hak_word_of(&at, HAK_PATTERN_FREED);
}
