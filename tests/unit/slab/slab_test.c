/* Slabs: every slot is handed out once, comes back, is refused when it is no slot that is out. */
#include "slab/slab.h"
#include <signal.h>
#include <string.h>
#include <sys/resource.h>
#include "options.h"
#include "pool/pool.h"
#include "unit/suite.h"

static struct hak_heap *heap;

static void set_up(void) {
    hak_options_read(NULL);
    setrlimit(RLIMIT_CORE, &(struct rlimit){0, 0}); /* some cases end by SIGABRT */
    hak_registry_start(true);
    heap = hak_heap_acquire();
}

enum { MANY = 40000 };
static base_t blocks[MANY];

static unsigned take(unsigned class_index, unsigned wanted) {
    unsigned taken = hak_slab_take(heap, class_index, blocks, wanted);
    ck_assert_uint_eq(taken, wanted);
    return taken;
}

static int compare(const void *a, const void *b) {
    uintptr_t x = base_address(*(const base_t *)a), y = base_address(*(const base_t *)b);
    return x < y ? -1 : x > y;
}

TEST(slots_do_not_overlap_and_hold_their_bytes, .until = HAK_CLASSES) {
    unsigned class_index = (unsigned)_i, wanted = 3 * hak_class_slots(class_index) + 1;
    take(class_index, wanted);
    for (unsigned i = 0; i < wanted; i++)
        memset(blocks[i].p, 0xa5, hak_class_bytes(class_index));
    for (unsigned i = 0; i < wanted; i++) {
        struct hak_superslab *superslab = hak_registry_find(blocks[i].p);
        if (!superslab || superslab->owner != heap->id ||
            superslab->class_of_slab[hak_slab_index_of(blocks[i].p)] != class_index ||
            !hak_is_slot_start(blocks[i].p, class_index))
            ck_abort_msg("block %u at %p is not of class %u", i, (void *)blocks[i].p, class_index);
    }
    qsort(blocks, wanted, sizeof *blocks, compare);
    for (unsigned i = 1; i < wanted; i++)
        if (blocks[i].p < blocks[i - 1].p + hak_class_bytes(class_index))
            ck_abort_msg("%p and %p overlap", (void *)blocks[i - 1].p, (void *)blocks[i].p);
}

TEST(what_is_given_back_is_handed_out_again_lowest_first, .until = HAK_CLASSES) {
    unsigned class_index = (unsigned)_i, wanted = hak_class_slots(class_index);
    take(class_index, wanted);
    base_t first = blocks[0], last = blocks[wanted - 1];
    hak_slab_give(heap, last);
    hak_slab_give(heap, first);
    base_t again[2];
    ck_assert_uint_eq(hak_slab_take(heap, class_index, again, 2), 2);
    ck_assert_ptr_eq(again[0].p, first.p);
    ck_assert_ptr_eq(again[1].p, last.p);
}

TEST(nothing_is_written_into_a_free_slot, .until = HAK_CLASSES) {
    unsigned class_index = (unsigned)_i, wanted = hak_class_slots(class_index);
    size_t bytes = hak_class_bytes(class_index);
    take(class_index, wanted);
    for (unsigned i = 0; i < wanted; i++)
        memset(blocks[i].p, (int)i, bytes);
    for (unsigned i = 0; i < wanted; i++)
        hak_slab_give(heap, blocks[i]);
    for (unsigned i = 0; i < wanted; i++)
        for (size_t j = 0; j < bytes; j++)
            if (blocks[i].p[j] != (char)i)
                ck_abort_msg("byte %zu of slot %u changed", j, i);
}

static unsigned count_superslabs(void) {
    unsigned count = 0;
    for (struct hak_superslab *s = heap->room; s; s = s->next)
        count++;
    for (struct hak_superslab *s = heap->full; s; s = s->next)
        count++;
    for (struct hak_superslab *s = heap->cooled; s; s = s->next)
        count++;
    return count;
}

TEST(memory_goes_back_when_all_is_free) {
    unsigned class_index = HAK_CLASS_OF_4096, wanted = 16 * 31 * 10;
    take(class_index, wanted);
    ck_assert_uint_eq(count_superslabs(), 10);
    for (unsigned i = 0; i < wanted; i++)
        hak_slab_give(heap, blocks[i]);
    ck_assert_uint_eq(count_superslabs(), 1); /* one slab stays with its class */
    while (hak_slab_give_back_some(heap)) {
    }
    unsigned mapped = 0;
    for (unsigned i = 0; i < wanted; i += 16 * 31)
        mapped += hak_is_mapped(blocks[i].p);
    ck_assert_uint_le(mapped, 1 + HAK_POOL_RESERVE);
    ck_assert_uint_eq(take(class_index, wanted), wanted);
}

TEST(a_slab_serves_another_class_after_it_was_empty) {
    take(HAK_CLASS_OF_64, 1024 * 31); /* a whole SuperSlab */
    base_t first = blocks[0];
    for (unsigned i = 0; i < 1024 * 31; i++)
        hak_slab_give(heap, blocks[i]);
    struct hak_superslab *superslab = hak_superslab_of(first.p);
    for (unsigned i = 0; i < 31; i++)
        ck_assert_uint_eq(hak_slab_take(heap, HAK_CLASS_OF_32768, blocks, 2), 2);
    unsigned kinds = 0;
    for (unsigned i = 1; i < HAK_SLABS; i++)
        kinds |= 1u << (superslab->class_of_slab[i] == HAK_CLASS_OF_32768);
    ck_assert_uint_ne(kinds & 2, 0);
}

TEST(a_second_free_ends_the_program, .signal = SIGABRT) {
    take(HAK_CLASS_OF_48, 8);
    hak_slab_give(heap, blocks[3]);
    hak_slab_give(heap, blocks[3]);
}

TEST(a_pointer_into_a_slot_ends_the_program, .signal = SIGABRT) {
    take(HAK_CLASS_OF_48, 8);
    hak_slab_give(heap, base_from(blocks[3].p + 16));
}

TEST(a_slot_that_was_never_out_ends_the_program, .signal = SIGABRT) {
    take(HAK_CLASS_OF_48, 8);
    hak_slab_give(heap, base_from(blocks[7].p + 48));
}

TEST(the_bitmap_is_no_slot, .signal = SIGABRT) {
    take(HAK_CLASS_OF_16, 8);
    hak_slab_give(heap, base_from((char *)((uintptr_t)blocks[0].p & ~(HAK_SLAB_BYTES - 1))));
}

TEST(random_takes_and_gives_keep_count) {
    static struct {
        base_t block;
        unsigned class_index;
    } live[2000];
    uint64_t random = 88172645463325252ull;
    for (int step = 0; step < 400000; step++) {
        random ^= random << 13, random ^= random >> 7, random ^= random << 17;
        unsigned i = (unsigned)(random % 2000);
        if (live[i].block.p) {
            if (*live[i].block.p != (char)i)
                ck_abort_msg("slot %u was handed out twice", i);
            hak_slab_give(heap, live[i].block);
            live[i].block = HAK_NO_BASE;
        } else {
            live[i].class_index = (unsigned)(random >> 32) % HAK_CLASSES;
            ck_assert_uint_eq(hak_slab_take(heap, live[i].class_index, &live[i].block, 1), 1);
            *live[i].block.p = (char)i;
        }
    }
}

RUN_TESTS(.set_up = set_up)
