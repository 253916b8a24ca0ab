/* Compares the tag of a pointer that the program gives back with its block's, and says what an
 * access by a wrong tag was. */
#include "guard/tags/tags.h"

#include "light.h"
#include "options.h"
#include "platform/platform.h"

/* Whether a pointer without a tag is that of a longer block, which was freed at the large block's
 * place; else it may be one whose tag the program took off. */
static bool is_of_untagged(const struct hak_located *at, uintptr_t address) {
    return at->large && hak_tags_are_of_former(address);
}

static enum hak_tag_verdict judge_in(struct hak_located at, const void *pointer) {
    const char *plain = hak_untagged(pointer);
    if (at.slot->place != HAK_PLACE_LIVE || plain != hak_user_in(&at))
        return HAK_TAG_FITS;
    unsigned due = hak_tag_of_live(plain, hak_asked_bytes_of(&at));
    unsigned tag = hak_tag_of_pointer(pointer);
    bool fits = tag == due || due == 0 || !hak_tags_are_given() ||
                (tag == 0 && !is_of_untagged(&at, (uintptr_t)plain));
    return HAK_LIKELY(fits) ? HAK_TAG_FITS : HAK_TAG_WRONG;
}

enum hak_tag_verdict hak_tags_judge(const void *pointer, struct hak_located *at) {
    struct hak_large former;
    const void *plain = hak_untagged(pointer);
    if (hak_locate(plain, at))
        return judge_in(*at, pointer);
    return at->superslab || hak_recall_large(plain, &former) ? HAK_TAG_FITS : HAK_TAG_FOREIGN;
}

/* ---- accesses ----------------------------------------------------------------------------------
 */

enum { NEIGHBOURS = 32 }; /* slots on each side in which the block of a pointer is looked for */

static bool is_live(const struct hak_located *at) {
    return at->slot->place == HAK_PLACE_LIVE && !at->slot->is_changing;
}
static bool was_live_before(const struct hak_located *at) {
    return (at->slot->subkind & HAK_SLOT_LIVED) != 0;
}

/* The slot that lies `steps` slots behind `at`, in its slab. */
static bool find_beside(const struct hak_located *at, int steps, struct hak_located *beside) {
    char *base = at->base + steps * (ptrdiff_t)at->slot_bytes;
    return ((uintptr_t)base ^ (uintptr_t)at->base) < HAK_SLAB_BYTES &&
           hak_locate_slot(base, beside) && beside->base == base;
}

/* The tag of the block's memory, of a live one of the pointer to it; HAK_TAGS: the program has
 * closed the page. */
static unsigned tag_now(const struct hak_located *at, unsigned likely) {
    unsigned tag = hak_tag_if_open((uintptr_t)hak_user_in(at), likely);
    bool is_of_pointer = tag != HAK_TAGS && is_live(at);
    return is_of_pointer ? hak_tag_by_memory(tag, hak_asked_bytes_of(at)) : tag;
}

/* Whether the pointer's tag is that of the block, which is live. */
static bool has_tag(const struct hak_located *at, unsigned tag) {
    return is_live(at) && tag_now(at, tag) == tag;
}

/* Whether the slot may have been freed more often than its state can count: each life has two
 * records and more. */
static bool may_have_wrapped(const struct hak_located *at) {
    return at->slot->record_count >= 2 * HAK_PATTERN_LIVES;
}

unsigned hak_tags_lives_ago(const struct hak_located *at, unsigned tag) {
    unsigned now = tag_now(at, tag);
    unsigned ago = now % HAK_TAGS != 0 && tag != 0 ? hak_tag_lives_ago(tag, now) : 0;
    bool may_be =
        was_live_before(at) && (ago <= hak_tag_frees(at->slot->lives) || may_have_wrapped(at));
    return may_be ? ago : 0;
}

/* Finds the nearest live block that has the tag, in front or behind. */
static enum hak_fault_code find_live_by_tag(const struct hak_located *at, unsigned tag,
                                            struct hak_located *found) {
    for (int steps = 1; steps <= NEIGHBOURS; steps++) {
        if (find_beside(at, -steps, found) && has_tag(found, tag))
            return HAK_FAULT_HEAP_BUFFER_OVERFLOW;
        if (find_beside(at, steps, found) && has_tag(found, tag))
            return HAK_FAULT_HEAP_BUFFER_UNDERFLOW;
    }
    return (enum hak_fault_code)0;
}

static bool is_in_bytes(const struct hak_located *at, uintptr_t address) {
    return address - (uintptr_t)hak_user_in(at) < hak_asked_bytes_of(at);
}

/* A header lies between two blocks: a pointer that comes there is of the one in front, of its own
 * block, or of one that was here before. In a block's own bytes it is of an earlier life, or was
 * carried over the header by an index. */
enum hak_fault_code hak_tags_find(uintptr_t address, unsigned tag, struct hak_large *former,
                                  struct hak_located *found) {
    struct hak_located at, beside;
    bool is_slot = hak_locate_slot((const void *)address, &at);
    if (!at.superslab)
        return hak_tags_find_large(address, tag, former, found);
    if (!is_slot && !(at.superslab && hak_locate_former_slot((const void *)address, &at)))
        return (enum hak_fault_code)0;
    *found = at;
    bool is_inside = was_live_before(&at) && is_in_bytes(&at, address);
    if (!is_inside && address < (uintptr_t)hak_user_in(&at) && find_beside(&at, -1, &beside) &&
        has_tag(&beside, tag)) {
        *found = beside;
        return HAK_FAULT_HEAP_BUFFER_OVERFLOW;
    }
    if (!is_inside && has_tag(&at, tag))
        return address < (uintptr_t)hak_user_in(&at) ? HAK_FAULT_HEAP_BUFFER_UNDERFLOW
                                                     : HAK_FAULT_HEAP_BUFFER_OVERFLOW;
    if (!is_inside && find_beside(&at, 1, &beside) && has_tag(&beside, tag)) {
        *found = beside;
        return HAK_FAULT_HEAP_BUFFER_UNDERFLOW;
    }
    if (hak_tags_lives_ago(&at, tag) != 0)
        return HAK_FAULT_USE_AFTER_FREE;
    enum hak_fault_code fault = find_live_by_tag(&at, tag, &beside);
    if (fault != 0)
        *found = beside;
    return fault != 0 ? fault : was_live_before(&at) ? HAK_FAULT_USE_AFTER_FREE : fault;
}

/* A line on stderr, once: the program's pointers have no tags, or others. */
static void say_stopped(void) {
    static const char *const lines[] = {"hakmem: the program changes the top bits of pointers, "
                                        "which memory tags need: no access is "
                                        "compared from here on (HAKMEM_TAGS=off)"};
    static _Atomic bool is_said;
    if (!atomic_exchange(&is_said, true))
        hak_options_say(lines, 1);
}

/* Gives the live block's memory its tag again where the kernel has dropped a page of it: the
 * program has asked for that (madvise), or has mapped another one there. Of a large block that page
 * alone; none that the program has made unwritable. */
static void tag_again(const struct hak_located *at, unsigned tag, uintptr_t address) {
    char *user = hak_user_in(at), *start = user - (uintptr_t)user % HAK_TAG_GRANULE;
    char *end = hak_tags_end_of(start, (size_t)(user - start) + hak_asked_bytes_of(at));
    char *page = at->base + (address - (uintptr_t)at->base) / HAK_PAGE_BYTES * HAK_PAGE_BYTES;
    if (at->large && start < page)
        start = page;
    if (at->large && end > page + HAK_PAGE_BYTES)
        end = page + HAK_PAGE_BYTES;
    bool is_writable = false;
    for (char *p = start; p < end; p += HAK_TAG_GRANULE) {
        if (p == start || (uintptr_t)p % HAK_PAGE_BYTES_LEAST == 0)
            is_writable = hak_raw_writable((uintptr_t)p);
        if (is_writable && hak_tag_at(p) == 0)
            hak_tag_memory(p, p + HAK_TAG_GRANULE, tag);
    }
}

/* The live block that an access by the tag `tag` came to. */
struct compared_block {
    uintptr_t start, end;
    bool is_strange; /* the tag is of no earlier life of it, and of neither neighbour */
};

/* Whether a register holds a pointer to the block whose top bits the program made. Those above the
 * tag are never ours. A strange tag is the program's if the pointer is that of the block's first
 * byte: a pointer that was carried here from another block is seldom. */
static bool has_own_bits(struct compared_block block, unsigned tag, const uint64_t *registers,
                         unsigned count) {
    for (unsigned i = 0; i < count; i++) {
        const void *p = (const void *)registers[i];
        uintptr_t plain = (uintptr_t)p & (((uintptr_t)1 << HAK_TAG_SHIFT) - 1);
        if (hak_tag_of_pointer(p) != tag || plain < block.start || plain >= block.end)
            continue;
        if ((uintptr_t)p >> HAK_TAG_SHIFT >= HAK_TAGS || (block.is_strange && plain == block.start))
            return true;
    }
    return false;
}

static bool stop_and_say(void) {
    hak_tags_stop();
    say_stopped();
    return true;
}

static bool beside_has_tag(const struct hak_located *at, int steps, unsigned tag) {
    struct hak_located beside;
    return find_beside(at, steps, &beside) && has_tag(&beside, tag);
}

/* Of memory whose tag was dropped no tag is strange. */
static struct compared_block block_of(const struct hak_located *at, uintptr_t address,
                                      unsigned tag) {
    uintptr_t user = (uintptr_t)hak_user_in(at);
    return (struct compared_block){.start = user,
                                   .end = user + hak_asked_bytes_of(at),
                                   .is_strange =
                                       at->superslab && hak_tag_at((const void *)address) != 0 &&
                                       hak_tags_lives_ago(at, tag) == 0 &&
                                       !beside_has_tag(at, -1, tag) && !beside_has_tag(at, 1, tag)};
}

/* In level light the tags of a slot's lives are all even, or all odd (slab/tags.h). */
static struct compared_block block_of_light(uintptr_t address, unsigned tag) {
    size_t bytes = 0, room = light_hak_light_room ? light_hak_light_room(address, &bytes) : 0;
    struct compared_block block = {.start = address + room - bytes, .end = address + room};
    unsigned now = hak_tag_at((const void *)address);
    bool is_slot = bytes != 0 && bytes < HAK_PAGE_BYTES_LEAST && now != 0;
    uintptr_t front = block.start - HAK_TAG_GRANULE;
    block.is_strange = is_slot && tag % 2 != now % 2 && hak_tag_if_open(front, tag) != tag &&
                       hak_tag_if_open(block.end, tag) != tag;
    return block;
}

/* In level light any block of the other half is one that the program may have. */
static bool allow_in_light(uintptr_t address, unsigned tag, const uint64_t *registers,
                           unsigned count) {
    if (light_hak_owner && light_hak_owner((const void *)address) &&
        (tag == 0 || has_own_bits(block_of_light(address, tag), tag, registers, count)))
        return stop_and_say();
    return light_hak_light_tag_again && light_hak_light_tag_again(address, tag);
}

bool hak_tags_allow(uintptr_t address, unsigned tag, const uint64_t *registers, unsigned count) {
    struct hak_located at;
    if (!hak_tags_are_given()) {
        hak_tags_stop(); /* of this thread, which did not know yet */
        return true;
    }
    bool is_known = hak_locate((const void *)address, &at);
    if (hak_light_serves() && !is_known) /* else it is a guarded block */
        return allow_in_light(address, tag, registers, count);
    if (!is_known || !is_live(&at) || !is_in_bytes(&at, address) ||
        (tag == 0 && is_of_untagged(&at, address)))
        return false;
    if (tag == 0 || has_own_bits(block_of(&at, address, tag), tag, registers, count))
        return stop_and_say();
    if (hak_tag_at((const void *)address) != 0 || (at.large && at.large->tag != tag))
        return false;
    tag_again(&at, tag, address);
    return true;
}
