/* Headers, canaries and the bytes of freed blocks, as guard/layout.c and guard/poison.c have them:
 * what is due is computed from the block's state, which lies out of the program's reach.
 *
 *   | header | asked | canary || header | asked | canary |
 *                      ########## --->                       an overflow of the block in front
 *                        <--- ##########                     an underflow of the one behind
 *
 * as guard/damage.c tells whose write it was. */
#include "viewer/corefile/check.h"

#include "options.h"
#include "report/words/words.h"
#include "trace/pattern.h"
#include "viewer/corefile/parts.h"

enum { PIECE_BYTES = 4096, PAGE_BITS = 16 };

/* The range to compare, and the word that is due there. Its first byte lies at `origin` and at each
 * multiple of 8 from there; 0: at the multiples of 8 themselves. */
struct due {
    uint64_t start, end;
    uint64_t word, origin;
};

static uint8_t due_at(const struct due *due, uint64_t address) {
    return hak_pattern_byte(due->word, address - due->origin);
}

/* Adds what differs there. Missing memory is not damaged. */
static void compare(struct core_memory *core, const struct due *due, struct core_damage *damage) {
    uint8_t bytes[PIECE_BYTES];
    for (uint64_t at = due->start; at < due->end;) {
        size_t length = due->end - at < sizeof bytes ? (size_t)(due->end - at) : sizeof bytes;
        bool is_read = core_read(core, at, bytes, length);
        for (size_t i = 0; i < length && is_read; i++)
            if (bytes[i] != due_at(due, at + i)) {
                damage->last = at + i;
                if (damage->bytes++ == 0)
                    damage->first = at + i;
            }
        at += length;
    }
}

static uint64_t word_of(const struct core_block *block, enum hak_pattern pattern) {
    return hak_pattern_word(pattern, block->base, block->class_index, (uint8_t)block->lives);
}

/* ---- around a live block --------------------------------------------------------------------- */

/* True when the checks wrote a border around the block. */
static bool has_border(const struct core_block *block) {
    const struct core_table *t = block->half->table;
    return core_link_offset(block->half) > 0 ||
           (block->is_guarded &&
            core_at(t, t->root[HAK_ROOT_options], HAK_AT_options_check) != HAK_CHECK_TRACE);
}

/* True when a thread was just changing the block's state. */
static bool is_changing(const struct core_block *block) {
    const struct core_table *t = block->half->table;
    return core_number(t->core, block->state + core_value(t, HAK_AT_slot_changing_byte), 1) &
           core_value(t, HAK_AT_slot_changing_bit);
}

static unsigned flags_of(const struct core_block *block) {
    return (unsigned)core_at(block->half->table, block->state, HAK_AT_slot_subkind);
}

/* Whether the block's user pointer and size lie in its slot, with room for the header. */
static bool is_sensible(const struct core_block *block) {
    uint64_t delta = block->user - block->base;
    return block->user >= block->base && delta <= block->bytes &&
           block->asked_bytes <= block->bytes - delta;
}

/* Compares the bytes before the user pointer. The damage's bytes are 0 if they stand. */
static struct core_damage header_damage(const struct core_block *block) {
    const struct core_table *t = block->half->table;
    struct core_damage damage = {.bytes = 0};
    uint64_t word = word_of(block, HAK_PATTERN_HEADER), delta = block->user - block->base;
    bool is_before = block->large && core_at(t, block->large->address, HAK_AT_large_guarded_side) ==
                                         core_value(t, HAK_AT_large_guarded_before);
    if (is_before || delta < CORE_HEADER_BYTES)
        return damage;
    uint64_t start = block->user - CORE_HEADER_BYTES;
    struct due front = {block->base, block->is_guarded ? start : block->base, word, 0};
    struct due first = {start, start + 8, word, start};
    struct due second = {start + 8, start + 16,
                         hak_pattern_as(word, HAK_PATTERN_HEADER, HAK_PATTERN_HEADER_2), start};
    compare(t->core, &front, &damage);
    compare(t->core, &first, &damage);
    compare(t->core, &second, &damage);
    return damage;
}

/* Compares the canary behind the block: returns the first and last damaged byte and their number;
 * `is_open` if the damage reaches the last byte known. */
static struct core_damage damage_behind_block(const struct core_block *block) {
    struct core_damage damage = {.bytes = 0};
    uint64_t start = block->user + block->asked_bytes, end = block->base + block->bytes;
    if (block->large && end - start > HAK_CANARY_MAX_BYTES)
        end = start + HAK_CANARY_MAX_BYTES;
    struct due due = {start, end, word_of(block, HAK_PATTERN_CANARY), 0};
    compare(block->half->table->core, &due, &damage);
    damage.is_open = damage.bytes && damage.last + 1 == end;
    return damage;
}

bool core_list_header_stands(const struct core_block *block) {
    struct core_memory *core = block->half->table->core;
    uint64_t first = core_pointer(core, block->base), second = core_pointer(core, block->base + 8);
    uint64_t differs = first ^ word_of(block, HAK_PATTERN_HEADER);
    return (differs & ~((uint64_t)HAK_PATTERN_LIVES_MASK << HAK_PATTERN_LIVES_SHIFT)) == 0 &&
           second == hak_pattern_as(first, HAK_PATTERN_HEADER, HAK_PATTERN_HEADER_2);
}

/* ---- of a freed block ------------------------------------------------------------------------ */

static uint32_t pages_between(uint64_t slab, uint64_t start, uint64_t end) {
    uint64_t first = (start - slab) / CORE_PAGE_BYTES, last = (end - 1 - slab) / CORE_PAGE_BYTES;
    return last < PAGE_BITS ? (2u << last) - (1u << first) : 0;
}

/* Bits of the pages of its slab that are closed: nobody could write there. */
static uint32_t closed_pages(const struct core_block *block) {
    const struct core_table *t = block->half->table;
    if (block->large)
        return 0;
    return (uint32_t)core_number(
        t->core,
        core_place(t, block->superslab, HAK_AT_superslab_closed_pages) + block->slab_index * 2, 2);
}

/* Compares freed bytes with their pattern, but for closed pages. */
static void compare_open_part(const struct core_block *block, uint64_t start, uint64_t end,
                              struct core_damage *damage) {
    uint64_t slab =
        block->superslab + block->slab_index * core_value(block->half->table, HAK_AT_slab_size);
    uint32_t closed = closed_pages(block);
    struct due due = {start, end, word_of(block, HAK_PATTERN_FREED), 0};
    if (start >= end)
        return;
    if (!closed || !(closed & pages_between(slab, start, end))) {
        compare(block->half->table->core, &due, damage);
        return;
    }
    for (uint64_t page = start & ~(uint64_t)(CORE_PAGE_BYTES - 1); page < end;
         page += CORE_PAGE_BYTES) {
        due.start = page < start ? start : page;
        due.end = page + CORE_PAGE_BYTES < end ? page + CORE_PAGE_BYTES : end;
        if (!(closed >> (page - slab) / CORE_PAGE_BYTES & 1))
            compare(block->half->table->core, &due, damage);
    }
}

/* Whether a freed block is filled: a thread that takes a block out of its list clears the flag
 * before the bytes are compared; one that frees a block sets it after the last byte. A block whose
 * last word stands is filled. */
static bool is_filled(const struct core_block *block, uint64_t end) {
    const struct core_table *t = block->half->table;
    uint64_t last = (end - sizeof last) & ~(uint64_t)7;
    if (flags_of(block) & core_value(t, HAK_AT_slot_poisoned))
        return true;
    return (flags_of(block) & core_value(t, HAK_AT_slot_lived)) && last >= block->user &&
           core_pointer(t->core, last) == word_of(block, HAK_PATTERN_FREED);
}

/* Compares the freed block's bytes with those it was filled with. False: they are not filled. */
static bool freed_damage(const struct core_block *block, struct core_damage *damage) {
    const struct core_table *t = block->half->table;
    uint64_t link = block->base + core_link_offset(block->half);
    uint64_t slot_end = block->base + block->bytes;
    struct hak_filled filled =
        hak_filled_between((char *)block->user, (char *)slot_end, block->asked_bytes);
    uint64_t start = block->user, end = (uint64_t)filled.end, tail = (uint64_t)filled.tail;
    uint64_t tail_end = (uint64_t)filled.tail_end < slot_end ? (uint64_t)filled.tail_end : slot_end;
    if (!is_filled(block, tail < tail_end ? tail_end : end))
        return false;
    if ((flags_of(block) & core_value(t, HAK_AT_slot_linked)) && start == link)
        start += sizeof(uint64_t);
    compare_open_part(block, start, end, damage);
    compare_open_part(block, tail, tail_end, damage);
    return true;
}

/* ---- what is said ---------------------------------------------------------------------------- */

/* Copies the bytes from the first damaged one on, up to `until`, as they are and as they are due,
 * into the finding. */
static void fill_shown_bytes(struct core_finding *finding, enum hak_pattern pattern,
                             uint64_t until) {
    const struct core_block *block = &finding->block;
    uint64_t word = word_of(block, pattern), header = block->user - CORE_HEADER_BYTES;
    struct due due = {.word = word};
    uint64_t first = finding->damage.first, end = finding->damage.last + 1;
    if (end > until)
        end = until;
    finding->address = first;
    finding->shown = end <= first                      ? 0
                     : end - first < CORE_DAMAGE_SHOWN ? (unsigned)(end - first)
                                                       : CORE_DAMAGE_SHOWN;
    (void)core_read(block->half->table->core, first, finding->found, finding->shown);
    for (unsigned i = 0; i < finding->shown; i++) {
        bool is_header = pattern == HAK_PATTERN_HEADER && first + i >= header;
        bool is_second = is_header && first + i >= header + 8;
        due.origin = is_header ? header : 0;
        due.word =
            is_second ? hak_pattern_as(word, HAK_PATTERN_HEADER, HAK_PATTERN_HEADER_2) : word;
        finding->due[i] = due_at(&due, first + i);
    }
}

static void add_count(struct hak_text *text, const struct core_damage *damage) {
    hak_text_add(text, "%s%s overwritten", damage->is_open ? "at least " : "",
                 hak_words_bytes(damage->bytes));
}

/* Notes a finding: bytes behind the block were written. */
static void note_overflow(struct core_check *check, const struct core_block *block,
                          const struct core_damage *damage) {
    struct core_finding *finding = core_note_fault(check, CORE_HEAP_BUFFER_OVERFLOW, block);
    if (!finding)
        return;
    uint64_t gap = damage->first - block->user - block->asked_bytes;
    finding->damage = *damage;
    add_count(&finding->text, damage);
    if (gap)
        hak_text_add(&finding->text, ", %s past the end", hak_words_bytes(gap));
    else
        hak_text_add(&finding->text, " past the end");
    hak_text_add(&finding->text, " of a block of %s", hak_words_bytes(block->asked_bytes));
    fill_shown_bytes(finding, HAK_PATTERN_CANARY, block->base + block->bytes);
    if (damage->bytes == 1 && gap == 0 && finding->found[0] == 0)
        finding->guess = "a string's terminating NUL did not fit (strlen without + 1)";
}

/* Notes a finding: bytes in front of the block were written. */
static void note_underflow(struct core_check *check, const struct core_block *block,
                           const struct core_damage *damage) {
    struct core_finding *finding = core_note_fault(check, CORE_HEAP_BUFFER_UNDERFLOW, block);
    if (!finding)
        return;
    bool is_header = damage->first >= block->user - CORE_HEADER_BYTES;
    finding->damage = *damage;
    hak_text_add(&finding->text, "the %s before a block of %s was overwritten",
                 is_header ? "header" : "memory", hak_words_bytes(block->asked_bytes));
    fill_shown_bytes(finding, HAK_PATTERN_HEADER, damage->first < block->base ? 0 : block->user);
}

/* Notes a finding: a freed block was written. */
static void note_written(struct core_check *check, const struct core_block *block,
                         const struct core_damage *damage) {
    struct core_finding *finding = core_note_fault(check, CORE_WRITE_AFTER_FREE, block);
    if (!finding)
        return;
    finding->damage = *damage;
    hak_text_add(&finding->text, "%s at offset %s of a freed block of %s %s overwritten",
                 hak_words_bytes(damage->bytes), hak_words_number(damage->first - block->user),
                 hak_words_bytes(block->asked_bytes), damage->bytes == 1 ? "was" : "were");
    fill_shown_bytes(finding, HAK_PATTERN_FREED, block->base + block->bytes);
}

/* ---- one block after the other --------------------------------------------------------------- */

/* The live block in front, in the same slab, whose canary is damaged up to its end. */
struct walk {
    struct core_check *check;
    struct core_block front;
    struct core_damage damage;
    bool has_front;
};

/* Notes the overflow that was held back, since its end might have lain in the next block. */
static void note_front(struct walk *walk) {
    if (walk->has_front)
        note_overflow(walk->check, &walk->front, &walk->damage);
    walk->has_front = false;
}

/* Appends the damage that goes on. */
static void join(struct core_damage *damage, const struct core_damage *next, bool is_open) {
    damage->bytes += next->bytes;
    damage->last = next->last;
    damage->is_open = is_open;
}

/* Notes a header that is damaged: by a write over the end of the block in front, or by one before
 * this block, which may have gone on into that one's canary. */
static void note_header(struct walk *walk, const struct core_block *block,
                        const struct core_damage *header) {
    bool touches = walk->has_front && walk->damage.last + 1 == header->first;
    if (touches && walk->damage.first == walk->front.user + walk->front.asked_bytes) {
        join(&walk->damage, header, header->last + 1 == block->user);
        note_front(walk);
        return;
    }
    struct core_damage damage = *header;
    if (touches) {
        damage = walk->damage;
        join(&damage, header, false);
        walk->has_front = false;
    }
    note_front(walk);
    note_underflow(walk->check, block, &damage);
}

/* Compares a live block's border; damage up to its end waits for the next block. */
static void check_live_block(struct walk *walk, const struct core_block *block) {
    struct core_damage header = header_damage(block), canary;
    walk->check->borders++;
    if (header.bytes)
        note_header(walk, block, &header);
    else
        note_front(walk);
    canary = damage_behind_block(block);
    if (!canary.bytes)
        return;
    if (canary.is_open && !block->large) {
        walk->front = *block;
        walk->damage = canary;
        walk->has_front = true;
    } else {
        note_overflow(walk->check, block, &canary);
    }
}

/* Whether the block's page is closed and the core leaves that out, as gdb 18's do: a write there
 * would have ended the process. */
static bool is_left_out_closed(const struct core_block *block) {
    const struct core_range *range = core_range_at(block->half->table->core, block->user);
    return block->is_guarded && range && !range->is_writable &&
           range->stored <= block->user - range->start;
}

/* Compares a freed block's pattern and counts it; nothing where blocks are not poisoned or this one
 * was left out. */
static void check_freed_block(struct walk *walk, const struct core_block *block) {
    const struct core_table *t = block->half->table;
    struct core_damage damage = {.bytes = 0};
    note_front(walk);
    if (!core_at(t, t->root[HAK_ROOT_options], HAK_AT_options_poison) ||
        is_left_out_closed(block) || !freed_damage(block, &damage))
        return;
    walk->check->freed++;
    if (damage.bytes)
        note_written(walk->check, block, &damage);
}

/* The state says so itself: level light leaves it empty. */
static bool has_state(const struct core_block *block) {
    return block->state &&
           core_at(block->half->table, block->state, HAK_AT_slot_place) != HAK_PLACE_UNTOUCHED;
}

/* Whether the block's bytes are still being written. Not where its thread ended the process: that
 * found the damage of a freed block before it wrote anything. */
static bool is_on_its_way(const struct core_block *block) {
    const struct core_memory *core = block->half->table->core;
    int32_t tid = core_thread_of(block->half, block->heap);
    bool is_of_last = core->signal && core->thread_count > 0 && tid && core->thread[0].tid == tid;
    return is_changing(block) && (block->is_live || !is_of_last);
}

/* Compares one block's bytes, if its state can be trusted; else only notes the damage that is held
 * back of the block in front, if there is any. */
static void check_block(const struct core_block *block, void *context) {
    struct walk *walk = context;
    if (walk->front.slab != block->slab)
        note_front(walk);
    if (!has_state(block) || is_on_its_way(block) || !is_sensible(block))
        note_front(walk);
    else if (block->is_live && has_border(block))
        check_live_block(walk, block);
    else if (!block->is_live && (!block->large || block->is_guarded))
        check_freed_block(walk, block);
    else
        note_front(walk);
}

void core_check_bytes(struct core_check *check, const struct core_half *half) {
    struct walk walk = {.check = check};
    if (half->table->half != HAK_LAYOUT_CHECKS)
        return;
    core_each_of(half, check_block, &walk);
    note_front(&walk);
}
