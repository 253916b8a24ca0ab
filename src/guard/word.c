/* Finds the block named by a word of a pattern (trace/pattern.h) that a register held when the
 * processor did not take it as an address.
 *
 *   word of     the slot's life now            names
 *   freed       the same, and it is not live   the freed block: it was read after that free
 *   canary      the same and live, or just     the block past whose end it was read
 *               ended
 *   unwritten   the same                       the block that it was read from, never written there
 *   header      the same                       the block in front of which it was read, or behind
 *                                              the end of the one before it
 *   any         another                        the slot, and no life of it for sure
 *
 * All SuperSlabs whose addresses end in the bits that the word has are looked at. Runs in the
 * handler of a crash: no lock, no allocation. */
#include "guard/around.h"
#include "guard/pages.h"
#include "guard/word.h"
#include "large_map/large_map.h"
#include "platform/raw_call.h"

enum {
    GRANULE_BYTES = 1 << HAK_PATTERN_ADDRESS_SHIFT,
    GRANULES = HAK_SUPERSLAB_BYTES / GRANULE_BYTES,
    SMALLEST_SLOT_BYTES = 8,
};

struct search {
    uint64_t value, address_bits; /* bits 32 to 5 of the block's first byte */
    enum hak_pattern pattern;
    uint8_t lives;
    bool is_exact; /* a block's word itself was found */
    struct hak_named *named;
    unsigned count, most;
};

/* How the word's pattern relates to the block: its freed bytes, the border behind or in front, or
 * an earlier life. */
static enum hak_named_as relation_of(const struct search *search, const struct hak_located *at) {
    bool is_live = at->slot->place == HAK_PLACE_LIVE;
    bool is_same = search->lives == at->slot->lives;
    bool has_just_ended = !is_live && hak_pattern_next_life(search->lives) == at->slot->lives;
    switch (search->pattern) {
    case HAK_PATTERN_FREED:
        return is_same && !is_live ? HAK_NAMED_FREED : HAK_NAMED_EARLIER;
    case HAK_PATTERN_CANARY:
        return (is_same && is_live) || has_just_ended ? HAK_NAMED_BEHIND : HAK_NAMED_EARLIER;
    case HAK_PATTERN_UNWRITTEN:
        return (is_same && is_live) || has_just_ended ? HAK_NAMED_UNWRITTEN : HAK_NAMED_EARLIER;
    case HAK_PATTERN_HEADER:
    case HAK_PATTERN_HEADER_2:
        return (is_same && is_live) || has_just_ended ? HAK_NAMED_IN_FRONT : HAK_NAMED_EARLIER;
    case HAK_PATTERN_NONE:
        break;
    }
    return HAK_NAMED_EARLIER;
}

/* The block's facts for the report. */
static void describe_named(const struct hak_located *at, enum hak_named_as as,
                           struct hak_named *named) {
    *named = (struct hak_named){.as = as};
    named->facts.class_found = HAK_CLASS_NONE;
    hak_describe_located(at, &named->facts);
    named->facts.found_address = named->facts.user;
}

/* Adds the block if the word is its pattern; exact matches drive out near ones. */
static void compare_word(struct search *search, const struct hak_located *at) {
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
    describe_named(at, relation_of(search, at), named);
    named->facts.offset = search->pattern == HAK_PATTERN_HEADER     ? -HAK_HEADER_BYTES
                          : search->pattern == HAK_PATTERN_HEADER_2 ? -HAK_HEADER_BYTES / 2
                                                                    : 0;
}

/* Compares the word with the slots whose addresses its pattern can mean. */
static void search_superslab(struct hak_superslab *superslab, hak_owner_t owner, void *context) {
    struct search *search = context;
    if (((uintptr_t)superslab >> HAK_PATTERN_ADDRESS_SHIFT & HAK_PATTERN_ADDRESS_MASK) / GRANULES !=
            search->address_bits / GRANULES ||
        owner == HAK_OWNER_RESERVE || !hak_raw_readable((uintptr_t)superslab))
        return;
    char *granule = (char *)superslab + search->address_bits % GRANULES * GRANULE_BYTES;
    for (char *base = granule; base < granule + GRANULE_BYTES; base += SMALLEST_SLOT_BYTES) {
        struct hak_located at;
        if ((hak_locate_slot(base, &at) || hak_locate_former_slot(base, &at)) && at.base == base)
            compare_word(search, &at);
    }
}

/* Compares the word with a large block whose address its pattern can mean. */
static void search_large(struct hak_large *large, void *context) {
    struct search *search = context;
    struct hak_located at;
    if ((base_address(large->base) >> HAK_PATTERN_ADDRESS_SHIFT & HAK_PATTERN_ADDRESS_MASK) !=
        search->address_bits)
        return;
    at = hak_located_as_large((struct hak_large *)(uintptr_t)large);
    compare_word(search, &at);
}

unsigned hak_find_named(uint64_t value, struct hak_named *named, unsigned most) {
    struct search search = {.value = value,
                            .address_bits = hak_pattern_address(value),
                            .pattern = hak_pattern_of(value),
                            .lives = hak_pattern_lives(value),
                            .named = named,
                            .most = most};
    if (search.pattern == HAK_PATTERN_NONE)
        return 0;
    hak_registry_each(search_superslab, &search);
    hak_large_each(search_large, &search);
    return search.count;
}

bool hak_find_before(const struct hak_named *named, struct hak_named *before) {
    struct hak_located at;
    uint64_t read = named->facts.user + (uint64_t)named->facts.offset;
    if (!hak_locate((const void *)(uintptr_t)(named->facts.base - 1), &at) || !at.slot ||
        at.slot->place != HAK_PLACE_LIVE)
        return false;
    describe_named(&at, HAK_NAMED_BEHIND, before);
    before->facts.offset = (int64_t)(read - before->facts.user);
    return true;
}

uint64_t hak_word_in(uint64_t address) {
    struct hak_located at;
    const void *p = (const void *)(uintptr_t)address;
    if (!hak_locate_slot(p, &at) || at.slot->place == HAK_PLACE_LIVE ||
        !(at.slot->subkind & HAK_SLOT_LIVED))
        return 0;
    return hak_word_of(&at, HAK_PATTERN_FREED);
}
