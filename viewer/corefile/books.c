/* Compares the allocator's records of its blocks with each other, as src/verify does in a process,
 * in the same words (verify_words.h). */
#include "viewer/corefile/check.h"

#include <inttypes.h>
#include "report/words/words.h"
#include "verify_words.h"
#include "viewer/corefile/parts.h"

#define STATE_DIFFERS "%s: found %s, expected %s"

/* ---- one free block of a list ---------------------------------------------------------------- */

/* Names the list for people: "the TLS SLL of heap 2". */
static void add_list(struct hak_text *text, const struct core_cached *cached) {
    hak_text_add(text, "the %s of heap %u", hak_words_place(cached->place), cached->heap);
}

/* A finding about a pointer in a cache; NULL: there are enough. */
static struct core_finding *note_pointer(struct core_check *check, enum core_fault_code code,
                                         const struct core_block *block,
                                         const struct core_cached *cached) {
    struct core_finding *finding = core_note_fault(check, code, block);
    if (finding)
        finding->address = cached->base;
    return finding;
}

/* The block whose link leads to this one: the one before it in the same list. NULL: it is the
 * first, or not linked. */
static const struct core_cached *linked_before(const struct core_half *half,
                                               const struct core_cached *cached) {
    for (size_t i = 0; i < half->cached_count && cached->order > 0; i++) {
        const struct core_cached *other = &half->cached[i];
        if (other->is_linked && other->heap == cached->heap && other->place == cached->place &&
            other->class_index == cached->class_index && other->order + 1 == cached->order)
            return other;
    }
    return NULL;
}

/* A finding: the cache holds a pointer to no block, perhaps through a broken link. */
static void note_foreign(struct core_check *check, const struct core_half *half,
                         const struct core_cached *cached) {
    struct core_block block;
    const struct core_cached *before = NULL;
    if (check->count < CORE_FINDINGS_MAX && cached->is_linked)
        before = linked_before(half, cached);
    if (before)
        core_find(check->blocks, before->base, &block);
    struct core_finding *finding =
        note_pointer(check, cached->is_linked ? CORE_FOREIGN_POINTER : CORE_PUSH_NO_SUPERSLAB,
                     before ? &block : NULL, cached);
    if (!finding)
        return;
    if (before) {
        hak_text_add(&finding->text,
                     "the link of a free block of %s points to 0x%" PRIx64
                     ", which is not a hakmem block",
                     hak_words_class(NULL, cached->class_index), cached->base);
        return;
    }
    add_list(&finding->text, cached);
    hak_text_add(&finding->text, " holds 0x%" PRIx64 ", which %s", cached->base,
                 core_find_superslab(half, cached->base) ? HAK_VERIFY_STRAY_BLOCK
                                                         : "lies in no SuperSlab");
}

/* A finding: the cache holds a pointer into a block instead of its base. */
static void note_inside(struct core_check *check, const struct core_block *block,
                        const struct core_cached *cached) {
    struct core_finding *finding = note_pointer(
        check, cached->is_linked ? CORE_TLS_SLL_HDR_RESET : CORE_WRONG_LAYER_MOVE, block, cached);
    if (!finding)
        return;
    add_list(&finding->text, cached);
    hak_text_add(&finding->text, " holds a pointer %s past its block's base",
                 hak_words_bytes(cached->base - block->base));
    if (cached->base - block->base == CORE_HEADER_BYTES)
        finding->guess = "the header's 16 bytes were added twice on the way to the list";
}

/* Notes a finding in the list's own words: "the TLS SLL of heap 2 holds a block". */
static void note_held(struct core_check *check, enum core_fault_code code,
                      const struct core_block *block, const struct core_cached *cached,
                      const char *words, const char *more) {
    struct core_finding *finding = note_pointer(check, code, block, cached);
    if (!finding)
        return;
    add_list(&finding->text, cached);
    hak_text_add(&finding->text, " holds a block%s%s", words, more);
}

static uint64_t carved_of(const struct core_block *block) {
    return core_at(block->half->table, block->slab, HAK_AT_slab_carved);
}

/* Compares one pointer in a cache with the block it should be. */
static void check_cached(struct core_check *check, const struct core_half *half,
                         const struct core_cached *cached, bool is_twice) {
    const struct core_table *t = half->table;
    struct core_block block;
    core_find(check->blocks, cached->base, &block);
    bool is_slot = block.kind == CORE_SLOT && block.half == half;
    if (!is_slot)
        note_foreign(check, half, cached);
    else if (cached->class_index != core_value(t, HAK_AT_class_none) &&
             block.class_index != cached->class_index)
        note_held(check, CORE_CLASS_MISMATCH, &block, cached,
                  " of another class: ", hak_words_class(NULL, block.class_index));
    else if (cached->base != block.base)
        note_inside(check, &block, cached);
    else if (is_twice)
        note_held(check, CORE_WRONG_LAYER_MOVE, &block, cached,
                  " that lies in another cache, too, or twice in this one", "");
    else if (block.slot >= carved_of(&block))
        note_held(check, CORE_WRONG_LAYER_MOVE, &block, cached,
                  " that was never handed out by its slab", "");
    else if (core_is_free_in_slab(t, block.slab, block.slot))
        note_held(check, CORE_WRONG_LAYER_MOVE, &block, cached, " that is free in its slab, too",
                  "");
    else if (block.state && block.is_live)
        note_held(check, CORE_WRONG_LAYER_MOVE, &block, cached, " that the program has, too", "");
    else if (block.state && block.place != cached->place)
        note_held(check, CORE_WRONG_LAYER_MOVE, &block, cached,
                  " whose state says: ", hak_words_place_sentence(block.place));
    else if (cached->is_linked && block.state && core_link_offset(half) > 0 &&
             !core_list_header_stands(&block))
        note_held(check, CORE_TLS_SLL_HDR_RESET, &block, cached, " without its header", "");
    else if (cached->place != HAK_PLACE_REMOTE && block.heap != cached->heap)
        core_note_differs(check,
                          &(struct core_where){.half = half,
                                               .block = block.base,
                                               .heap = cached->heap,
                                               .list = hak_words_place(cached->place)},
                          HAK_VERIFY_BLOCK_OWNER, block.heap, cached->heap);
}

/* Whether a heap's lists are not compared: those of a thread that stopped inside the allocator may
 * be on their way; those of the one that ended the process say why it did. */
static bool is_left_out(const struct core_check *check, const struct core_half *half,
                        uint16_t heap) {
    const struct core_memory *core = &check->blocks->memory;
    int32_t tid = core_thread_of(half, heap);
    bool has_ended_it = core->signal && core->thread_count > 0 && tid == core->thread[0].tid;
    return core_is_at_work(check, half, heap) && !has_ended_it;
}

/* Compares all pointers in caches, and adds what the walk found odd. Heaps at work are left out. */
static void check_lists(struct core_check *check, const struct core_half *half) {
    uint64_t last = 0, before_last = 0; /* report a block that stands there three times only once */
    for (size_t i = 0; i < half->cached_count; i++) {
        const struct core_cached *cached = &half->cached[i];
        if (is_left_out(check, half, cached->heap))
            continue;
        if (cached->base != last || cached->base != before_last)
            check_cached(check, half, cached, cached->base == last);
        before_last = last;
        last = cached->base;
    }
    for (size_t i = 0; i < half->odd_count; i++) {
        const struct core_odd *odd = &half->odd[i];
        core_note_differs(check,
                          &(struct core_where){
                              .half = half, .heap = odd->heap, .list = hak_words_place(odd->place)},
                          odd->what, odd->found, odd->expected);
    }
}

/* ---- a slab ---------------------------------------------------------------------------------- */

/* Compares a slab's bitmap with its counts of used and carved slots and its hint; a difference is
 * noted. */
static void check_bitmap(struct core_check *check, const struct core_where *where, uint64_t slab) {
    const struct core_table *t = where->half->table;
    uint64_t used = core_at(t, slab, HAK_AT_slab_used),
             carved = core_at(t, slab, HAK_AT_slab_carved);
    uint64_t bitmap = core_at(t, slab, HAK_AT_slab_bits),
             hint = core_at(t, slab, HAK_AT_slab_first_free_word);
    uint64_t words = (carved + 63) / 64, free_slots = 0, first = words, beyond = 0;
    for (uint64_t word = words; word-- > 0;) {
        uint64_t bits = core_pointer(t->core, bitmap + word * 8);
        if (bits)
            first = word;
        free_slots += (unsigned)__builtin_popcountll(bits);
        if (word == carved / 64)
            beyond = (unsigned)__builtin_popcountll(bits >> carved % 64);
    }
    core_note_unless_same(check, where, HAK_VERIFY_UNCARVED_BITS, beyond, 0);
    core_note_unless_same(check, where, HAK_VERIFY_FREE_SLOTS, free_slots, carved - used);
    if (hint > first)
        core_note_differs(check, where, HAK_VERIFY_FIRST_FREE_WORD, hint, first);
}

/* Compares a slab's class, bitmap and slots; differences are noted. Returns the bytes of it in
 * slots that are not free. */
static uint64_t check_slab(struct core_check *check, struct core_where *where) {
    const struct core_table *t = where->half->table;
    uint64_t none = core_value(t, HAK_AT_class_none), superslab = where->superslab;
    uint64_t free_slabs = core_at(t, superslab, HAK_AT_superslab_free_slabs);
    uint64_t slab = core_slab_at(t, superslab, where->slab);
    unsigned class_index = core_class_of_slab(t, superslab, where->slab);
    where->class_index = class_index;
    core_note_unless_same(check, where, HAK_VERIFY_NO_CLASS, free_slabs >> where->slab & 1,
                          class_index == none);
    if (class_index == none)
        return 0;
    if (class_index >= core_value(t, HAK_AT_classes)) {
        core_note_differs(check, where, "class", class_index, none);
        return 0;
    }
    uint64_t used = core_at(t, slab, HAK_AT_slab_used),
             carved = core_at(t, slab, HAK_AT_slab_carved);
    uint64_t capacity = core_at(t, slab, HAK_AT_slab_capacity);
    uint64_t slot_bytes = core_at(t, slab, HAK_AT_slab_slot_bytes);
    uint64_t first = core_at(t, slab, HAK_AT_slab_first_slot);
    uint64_t room = slot_bytes ? core_value(t, HAK_AT_slab_size) / slot_bytes : 0;
    core_note_unless_same(check, where, HAK_VERIFY_OWN_CLASS,
                          core_at(t, slab, HAK_AT_slab_class_index), class_index);
    core_note_unless_same(check, where, "capacity", capacity, room > first ? room - first : 0);
    if (carved > capacity || used > carved || capacity > core_value(t, HAK_AT_slots_of_slab))
        core_note_differs(check, where, HAK_VERIFY_SLOTS_IN_USE, used, carved);
    else
        check_bitmap(check, where, slab);
    return used * slot_bytes;
}

/* ---- states ---------------------------------------------------------------------------------- */

/* Compares a slot's state with where it was found; a difference is noted. Nothing where no states
 * are kept. */
static void check_state(struct core_check *check, const struct core_where *slab,
                        const struct core_block *block) {
    struct core_where where = *slab;
    where.block = block->base;
    if (!block->state)
        return;
    if (core_is_free_in_slab(block->half->table, block->slab, block->slot)) {
        /* Nothing is known any more of a slab that was taken up as it was. */
        if (block->place != HAK_PLACE_UNTOUCHED && block->place != HAK_PLACE_SLAB)
            core_note(check, &where, STATE_DIFFERS, HAK_VERIFY_SLOT_STATE,
                      hak_words_place(block->place), hak_words_place(HAK_PLACE_SLAB));
    } else if (!block->cached && block->place != HAK_PLACE_LIVE &&
               block->place != HAK_PLACE_QUARANTINE && !check->some_at_work) {
        core_note(check, &where, STATE_DIFFERS, HAK_VERIFY_STRAY_STATE,
                  hak_words_place(block->place), hak_words_place(HAK_PLACE_LIVE));
    }
}

/* ---- a SuperSlab ----------------------------------------------------------------------------- */

/* Compares a SuperSlab's head, slabs and slots, and counts them. */
static void check_superslab(struct core_check *check, const struct core_half *half,
                            const struct core_superslab *superslab) {
    const struct core_table *t = half->table;
    struct core_where where = {
        .half = half, .superslab = superslab->address, .heap = superslab->owner};
    struct core_block block;
    uint64_t used = 0;
    check->superslabs++;
    core_note_unless_same(check, &where, HAK_VERIFY_HEAD_OWNER,
                          core_at(t, superslab->address, HAK_AT_superslab_owner), superslab->owner);
    if (superslab->owner >= half->heap_count || !half->heap[superslab->owner].address)
        core_note(check, &where, HAK_VERIFY_NO_HEAP);
    core_note_unless_same(check, &where, HAK_VERIFY_HEAD_CLASS,
                          core_class_of_slab(t, superslab->address, 0),
                          core_value(t, HAK_AT_class_none));
    for (where.slab = 1; where.slab < core_value(t, HAK_AT_slabs); where.slab++) {
        used += check_slab(check, &where);
        unsigned slots = core_slots(half, superslab->address, where.slab);
        check->slots += slots;
        for (unsigned slot = 0; slot < slots; slot++)
            if (core_find_slot(half, superslab, where.slab, slot, &block))
                check_state(check, &where, &block);
    }
    where.slab = 0;
    core_note_unless_same(check, &where, HAK_VERIFY_BYTES_IN_USE,
                          core_at(t, superslab->address, HAK_AT_superslab_used_bytes), used);
}

/* Compares a SuperSlab of the reserve: no slab may have a class. */
static void check_reserved(struct core_check *check, const struct core_half *half,
                           const struct core_superslab *superslab) {
    const struct core_table *t = half->table;
    struct core_where where = {
        .half = half, .superslab = superslab->address, .list = "in the reserve"};
    check->superslabs++;
    for (where.slab = 1; where.slab < core_value(t, HAK_AT_slabs); where.slab++) {
        where.class_index = core_class_of_slab(t, superslab->address, where.slab);
        core_note_unless_same(check, &where, "class", where.class_index,
                              core_value(t, HAK_AT_class_none));
    }
}

/* ---- large blocks ---------------------------------------------------------------------------- */

/* Compares one large block; `end_before` is the end of the one before it. */
static void check_large(struct core_check *check, const struct core_half *half,
                        const struct core_large *large, uint64_t end_before) {
    const struct core_table *t = half->table;
    const struct core_superslab *superslab = core_find_superslab(half, large->base);
    struct core_where where = {.half = half, .block = large->base, .list = "large block"};
    struct core_block block;
    core_find_large(half, large, &block);
    check->large++;
    core_note_unless_same(check, &where, HAK_VERIFY_PART_OF_START, large->base % CORE_PAGE_BYTES,
                          0);
    core_note_unless_same(check, &where, HAK_VERIFY_PART_OF_LENGTH, large->bytes % CORE_PAGE_BYTES,
                          0);
    if (superslab)
        core_note_differs(check, &where, HAK_VERIFY_OWNER_THERE, superslab->owner, 0);
    if (large->base < end_before)
        core_note(check, &where, "lies in another large block");
    if (!block.state || check->some_at_work)
        return;
    unsigned place = (unsigned)core_at(t, block.state, HAK_AT_slot_place);
    unsigned due = large->is_live      ? HAK_PLACE_LIVE
                   : large->is_guarded ? HAK_PLACE_GUARDED
                                       : HAK_PLACE_BIGCACHE;
    bool is_quarantined = large->is_live && place == HAK_PLACE_QUARANTINE;
    if (place != due && place != HAK_PLACE_UNTOUCHED && !is_quarantined)
        core_note(check, &where, STATE_DIFFERS, "state", hak_words_place(place),
                  hak_words_place(due));
}

/* ---- all ------------------------------------------------------------------------------------- */

void core_check_books(struct core_check *check, const struct core_half *half) {
    uint64_t end = 0;
    check_lists(check, half);
    for (size_t i = 0; i < half->superslab_count; i++) {
        const struct core_superslab *superslab = &half->superslab[i];
        if (superslab->owner == core_value(half->table, HAK_AT_owner_reserve))
            check_reserved(check, half, superslab);
        else
            check_superslab(check, half, superslab);
    }
    for (size_t i = 0; i < half->large_count; i++) {
        const struct core_large *large = &half->large[i];
        check_large(check, half, large, end);
        end = large->base + large->bytes > end ? large->base + large->bytes : end;
    }
}
