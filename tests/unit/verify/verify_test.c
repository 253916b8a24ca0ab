/* hak_verify: a heap that is whole gives no line; everything that is broken by hand is named. */
#include "verify/verify.h"
#include <pthread.h>
#include <signal.h>
#include "large/large.h"
#include "slab/lists.h"
#include "unit/verify/world.h"

enum { SMALL = HAK_CLASS_OF_16, MIDDLE = HAK_CLASS_OF_320, WIDE = HAK_CLASS_OF_8192, LIVE = 3000 };

static struct hak_heap *heap;
static base_t small[LIVE], middle[LIVE], wide[LIVE / 10];

static base_t take(unsigned class_index) {
    base_t block = hak_array_pop(class_index);
    return block.p ? block : hak_front_refill(class_index);
}

static void give(unsigned class_index, base_t block) {
    if (hak_array_is_full(class_index))
        hak_front_spill(class_index);
    hak_array_push(class_index, block);
}

static void set_up(void) {
    setrlimit(RLIMIT_CORE, &(struct rlimit){0, 0});
    hak_options_read(NULL);
    hak_registry_start(true);
    hak_front_start();
    heap = hak_thread.heap;
    for (unsigned i = 0; i < LIVE; i++) {
        small[i] = take(SMALL);
        middle[i] = take(MIDDLE);
    }
    for (unsigned i = 0; i < LIVE / 10; i++)
        wide[i] = take(WIDE);
    for (unsigned i = 0; i < LIVE; i += 3) {
        give(SMALL, small[i]);
        give(MIDDLE, middle[i]);
    }
    for (unsigned i = 0; i < LIVE / 10; i += 2)
        give(WIDE, wide[i]);
}

/* ---- what is broken -------------------------------------------------------------------------- */

static void count_too_many(void) {
    slab_of(middle[1])->used++;
}
static void count_too_few(void) {
    slab_of(small[1])->used--;
}
static void carve_too_much(void) {
    slab_of(middle[1])->carved = slab_of(middle[1])->capacity + 1;
}
static void change_capacity(void) {
    slab_of(wide[1])->capacity--;
}
static void free_a_live_slot(void) {
    struct hak_verify_slot at = {.slab = slab_of(middle[1])};
    at.slot = (unsigned)((size_t)(middle[1].p - hak_slab_start(at.slab)) / 320);
    at.slab->bits[at.slot / 64] |= (uint64_t)1 << at.slot % 64;
}
static void change_class_in_the_head(void) {
    hak_superslab_of(middle[1].p)->class_of_slab[hak_slab_index_of(middle[1].p)] = MIDDLE - 1;
}
static void change_class_of_the_slab(void) {
    slab_of(middle[1])->class_index = MIDDLE + 1;
}
static void mark_as_unused(void) {
    hak_superslab_of(middle[1].p)->free_slabs |= 1u << hak_slab_index_of(middle[1].p);
}
static void give_to_another_owner(void) {
    hak_superslab_of(middle[1].p)->owner = heap->id + 1;
}
static void register_for_another(void) {
    (void)hak_registry_set(hak_superslab_of(middle[1].p), (hak_owner_t)(heap->id + 1));
}
static void forget_a_superslab(void) {
    unlink_superslab(heap->room ? &heap->room : &heap->full, heap->room ? heap->room : heap->full);
}
static void list_as_full(void) {
    struct hak_superslab *superslab = heap->room;
    ck_assert_ptr_nonnull(superslab);
    unlink_superslab(&heap->room, superslab);
    link_superslab(&heap->full, superslab);
}
static void count_pages_wrongly(void) {
    heap->dirty_slabs++;
}
static void cache_twice(void) {
    base_t block = take(MIDDLE);
    give(MIDDLE, block);
    give(MIDDLE, block);
}
static void cache_in_another_class(void) {
    give(SMALL, middle[1]);
}
static void cache_a_pointer_into_a_block(void) {
    give(MIDDLE, base_from(middle[1].p + 16));
}
static void cache_what_is_no_memory(void) {
    give(MIDDLE, base_from((void *)0x10));
}
static void cache_a_head(void) {
    give(MIDDLE, base_from(hak_superslab_of(middle[1].p)));
}
static void give_what_is_cached(void) {
    base_t block = take(MIDDLE);
    give(MIDDLE, block);
    hak_slab_give(heap, block);
}
static struct hak_chunk chunk;
static void post(hak_owner_t owner, base_t block) {
    chunk = (struct hak_chunk){.owner = owner, .count = 1, .blocks = {block}};
    heap->posted = &chunk;
}
static void post_to_a_wrong_owner(void) {
    post((hak_owner_t)(heap->id + 3), middle[1]);
}
static void post_what_is_free(void) {
    base_t block = take(WIDE);
    hak_slab_give(heap, block);
    post(heap->id, block);
}
static void post_what_is_cached(void) {
    base_t block = take(MIDDLE);
    give(MIDDLE, block);
    post(heap->id, block);
}
static void post_in_a_circle(void) {
    post(heap->id, middle[1]);
    chunk.next = &chunk;
}
static void post_too_many(void) {
    post(heap->id, middle[1]);
    chunk.count = HAK_CHUNK_BLOCKS + 1;
}
static void change_tier(void) {
    struct hak_superslab *superslab = hak_superslab_of(middle[1].p);
    ck_assert_uint_eq(superslab->tier, HAK_TIER_HOT);
    unlink_superslab(list_of(heap, superslab), superslab);
    superslab->tier = HAK_TIER_FREE;
    link_superslab(list_of(heap, superslab), superslab);
}
static void lose_bytes_in_use(void) {
    hak_superslab_of(middle[1].p)->used_bytes -= 320;
}
static void lose_a_reserved_superslab(void) {
    ck_assert_ptr_nonnull(hak_pool_map(HAK_OWNER_RESERVE));
}
static void own_a_reserved_superslab(void) {
    struct hak_superslab *superslab = hak_pool_map(heap->id);
    hak_pool_release(superslab);
    hak_registry_change(superslab, heap->id);
}
static void count_active_wrongly(void) {
    heap->active_slabs--;
}
static void move_the_bitmap(void) {
    slab_of(middle[1])->bits = slab_of(middle[1])->free_bits + 1;
}
static void change_slot_bytes(void) {
    slab_of(middle[1])->slot_bytes = 128;
}
static void drain_too_early(void) {
    struct hak_superslab *superslab = hak_superslab_of(middle[1].p);
    superslab->draining_below = superslab->used_bytes + 1;
}
static void count_mail_wrongly(void) {
    heap->mail[MIDDLE].blocks++;
}
static void keep_mail_of_another_class(void) {
    chunk = (struct hak_chunk){
        .owner = heap->id, .class_index = MIDDLE, .count = 1, .blocks = {middle[1]}};
    heap->mail[SMALL] = (struct hak_mail){.chunks = &chunk, .blocks = 1};
}
static void use_the_reserve(void) {
    struct hak_superslab *superslab = hak_pool_map(heap->id);
    hak_pool_release(superslab);
    superslab->class_of_slab[5] = MIDDLE;
}

static const struct breakage breakages[] = {
    {"count too many", count_too_many, "free slots by the bitmap"},
    {"count too few", count_too_few, "free slots by the bitmap"},
    {"carve too much", carve_too_much, "slots in use (at most those handed out once)"},
    {"change capacity", change_capacity, "capacity: found 7, expected 8"},
    {"free a live slot", free_a_live_slot, "free slots by the bitmap"},
    {"change class in the head", change_class_in_the_head, "class in the slab's own entry"},
    {"change class of the slab", change_class_of_the_slab, "class in the slab's own entry"},
    {"mark as unused", mark_as_unused, "marked as serving no class: found 1, expected 0"},
    {"give to another owner", give_to_another_owner, "owner in its head"},
    {"register for another", register_for_another, "there is no such heap"},
    {"forget a SuperSlab", forget_a_superslab, "is in no list of its heap"},
    {"list as full", list_as_full, "is in another list than its tier and its free slabs say"},
    {"count pages wrongly", count_pages_wrongly, "free slabs with pages"},
    {"cache twice", cache_twice, "lies in another cache, too, or twice in this one"},
    {"cache in another class", cache_in_another_class, "class of the block"},
    {"cache a pointer into a block", cache_a_pointer_into_a_block, "is no slot"},
    {"cache what is no memory", cache_what_is_no_memory, "block 0x10, front of heap"},
    {"cache a head", cache_a_head, "is no slot"},
    {"give what is cached", give_what_is_cached, "is free in its slab, too"},
    {"post to a wrong owner", post_to_a_wrong_owner, "owner named by a chunk"},
    {"post what is free", post_what_is_free, "is free in its slab, too"},
    {"post what is cached", post_what_is_cached, "lies in another cache, too"},
    {"post in a circle", post_in_a_circle, "the chunks run in a circle"},
    {"post too many", post_too_many, "blocks in a chunk (at most)"},
    {"change tier", change_tier, "tier: found 0, expected 2"},
    {"lose bytes in use", lose_bytes_in_use, "bytes in use, by its slabs' counts"},
    {"lose a reserved SuperSlab", lose_a_reserved_superslab, "has no place in the reserve"},
    {"own a reserved SuperSlab", own_a_reserved_superslab, "in the reserve: owner in the registry"},
    {"count active wrongly", count_active_wrongly, "slabs that serve a class"},
    {"move the bitmap", move_the_bitmap, "its bitmap is said to lie elsewhere"},
    {"change slot bytes", change_slot_bytes, "bytes of a slot: found 128, expected 320"},
    {"drain too early", drain_too_early, "bytes in use below which it drains"},
    {"count mail wrongly", count_mail_wrongly, "mail that waits for its class of heap"},
    {"keep mail of another class", keep_mail_of_another_class, "class named by a chunk"},
    {"use the reserve", use_the_reserve, "in the reserve: class"},
};

TEST(what_is_broken_is_named, .until = sizeof breakages / sizeof *breakages) {
    see(&breakages[_i]);
}

static struct hak_slab *first_listed(void) {
    struct hak_slab *slab = NULL;
    for (unsigned i = 0; i < HAK_SLAB_LISTS && !slab; i++)
        slab = heap->classes[MIDDLE].lists[i];
    ck_assert_ptr_nonnull(slab);
    return slab;
}

/* ---- the lists of slabs, one after the other ------------------------------------------------- */

TEST(a_slab_that_is_in_no_list_is_missed) {
    struct hak_slab *slab = first_listed();
    ck_assert_ptr_nonnull(slab);
    ck_assert_uint_eq(verify_quietly(), 0);
    unlist_slab(heap, slab);
    ck_assert_uint_ge(verify_quietly(), 1);
    ck_assert_ptr_nonnull(strstr(said, "list (0 none, 1 ready, 2 scarce, 3 cooled): found 0"));
    slab->list = HAK_LISTED_READY;
    ck_assert_uint_ge(verify_quietly(), 1);
    ck_assert_ptr_nonnull(strstr(said, "slabs in the lists of classes (marked so)"));
}

TEST(a_list_that_runs_in_a_circle_ends) {
    struct hak_slab *slab = first_listed();
    slab->next_in_list = slab;
    ck_assert_uint_ge(verify_quietly(), 1);
    ck_assert_ptr_nonnull(strstr(said, "the list runs in a circle"));
}

TEST(a_list_that_leads_elsewhere_is_not_followed) {
    first_listed()->next_in_list = (struct hak_slab *)0x1234567890;
    ck_assert_uint_ge(verify_quietly(), 1);
    ck_assert_ptr_nonnull(strstr(said, "block 0x1234567890, list of a class of heap"));
    ck_assert_ptr_nonnull(strstr(said, "is no slab"));
}

/* ---- what is whole --------------------------------------------------------------------------- */

TEST(a_heap_that_is_whole_gives_no_line) {
    ck_assert_uint_eq(verify_quietly(), 0);
    ck_assert_str_eq(said, "");
    for (unsigned i = 0; i < LIVE; i++)
        if (i % 3)
            give(MIDDLE, middle[i]);
    ck_assert_uint_eq(verify_quietly(), 0);
    ck_assert_str_eq(said, "");
}

TEST(more_lines_than_can_be_shown_are_counted) {
    for (unsigned i = 0; i < HAK_CLASSES; i++)
        hak_superslab_of(middle[1].p)->slabs[1 + i % 31].used += 1;
    for (unsigned i = 0; i < 40; i++)
        give(MIDDLE, base_from((void *)(uintptr_t)(16 * (i + 1))));
    for (unsigned i = 0; i < HAK_CHUNK_BLOCKS; i++)
        chunk.blocks[i] = base_from((void *)(uintptr_t)(16 * (i + 1)));
    chunk.count = HAK_CHUNK_BLOCKS;
    chunk.owner = heap->id;
    heap->posted = &chunk;
    ck_assert_uint_gt(verify_quietly(), 102);
    ck_assert_uint_eq(count_lines(), 100);
}

/* ---- others ---------------------------------------------------------------------------------- */

static _Atomic int stage;

static void *hold_blocks(void *unused) {
    (void)unused;
    hak_front_start();
    base_t block = take(MIDDLE);
    give(MIDDLE, block);
    hak_remote_put(heap->id, middle[1]);
    stage = 1;
    while (stage == 1)
        usleep(1000);
    while (stage == 2) {
        block = take(SMALL);
        base_t other = take(SMALL);
        give(SMALL, block);
        stage == 2 ? (void)take(SMALL) : (void)0;
        (void)other;
    }
    return NULL;
}

static pthread_t start_other(void) {
    pthread_t thread;
    ck_assert_int_eq(pthread_create(&thread, NULL, hold_blocks, NULL), 0);
    while (stage == 0)
        usleep(1000);
    return thread;
}

TEST(caches_of_other_threads_are_looked_at) {
    start_other();
    ck_assert_uint_eq(verify_quietly(), 0);
    ck_assert_str_eq(said, "");
    give(MIDDLE, middle[1]); /* lies in the other thread's chunk for this one already */
    ck_assert_uint_eq(verify_quietly(), 1);
    ck_assert_ptr_nonnull(strstr(said, "lies in another cache, too"));
}

TEST(a_thread_at_work_is_left_out_and_that_is_said) {
    start_other();
    struct hak_heap *other = hak_heap_of((hak_owner_t)(heap->id + 1));
    ck_assert_ptr_nonnull(other);
    stage = 2;
    heap->dirty_slabs++; /* this thread's own is told all the same */
    bool is_left_out = false;
    for (int i = 0; i < 500 && !is_left_out; i++) { /* until it had a processor in the middle */
        ck_assert_uint_eq(verify_quietly(), 1);
        is_left_out = strstr(said, "left out heap ") != NULL;
    }
    stage = 3;
    ck_assert_ptr_nonnull(strstr(said, "free slabs with pages"));
    ck_assert_ptr_nonnull(strstr(said, "left out heap "));
    ck_assert_ptr_nonnull(strstr(said, "its thread is at work"));
}

TEST(an_idle_heap_is_looked_at) {
    pthread_t thread = start_other();
    struct hak_heap *other = hak_heap_of((hak_owner_t)(heap->id + 1));
    stage = 3;
    pthread_join(thread, NULL);
    ck_assert_uint_eq(verify_quietly(), 0);
    other->dirty_slabs += 2;
    ck_assert_uint_ge(verify_quietly(), 1);
    ck_assert_ptr_nonnull(strstr(said, "free slabs with pages"));
}

static _Atomic bool is_over;

static void *want_registry(void *unused) {
    hak_front_start();
    hak_thread.heap->dirty_slabs += 2; /* as in the middle of a change */
    stage = 1;
    while (!is_over) {
        hak_lock(&hak_registry_lock);
        hak_unlock(&hak_registry_lock);
    }
    hak_thread.heap->dirty_slabs -= 2;
    return unused;
}

TEST(a_thread_that_waits_for_the_registry_is_left_out) {
    pthread_t thread;
    ck_assert_int_eq(pthread_create(&thread, NULL, want_registry, NULL), 0);
    while (stage == 0)
        usleep(1000);
    bool is_left_out = false;
    for (int i = 0; i < 500 && !is_left_out; i++) { /* until it waited as the look ended */
        size_t count = verify_quietly();
        is_left_out = strstr(said, "left out heap ") != NULL;
        ck_assert_uint_eq(count, is_left_out ? 0 : 1);
    }
    is_over = true;
    pthread_join(thread, NULL);
    ck_assert(is_left_out);
}

static void *trim(void *unused) {
    (void)hak_pool_trim();
    return unused;
}

/* A SuperSlab between its place and the kernel: its thread waits for the registry. */
TEST(a_reserve_at_work_is_not_accused) {
    static struct hak_verify v;
    pthread_t thread;
    hak_pool_stock();
    hak_lock(&hak_registry_lock);
    ck_assert_int_eq(pthread_create(&thread, NULL, trim, NULL), 0);
    while (!hak_lock_has_sleepers(&hak_registry_lock))
        usleep(1000);
    v.moves_before = hak_pool_moves_ended();
    ck_assert(hak_verify_make_index(&v));
    hak_verify_reserve(&v);
    hak_verify_drop_index(&v);
    hak_unlock(&hak_registry_lock);
    pthread_join(thread, NULL);
    ck_assert_uint_eq(v.disagreements, 0);
    ck_assert(v.reserve_at_work);
    ck_assert_uint_eq(verify_quietly(), 0);
    ck_assert_str_eq(said, "");
    lose_a_reserved_superslab();
    ck_assert_uint_eq(verify_quietly(), 1);
}

TEST(nothing_is_told_before_the_first_call) {
    hak_thread.state = HAK_THREAD_NEW;
    ck_assert_uint_eq(verify_quietly(), 0);
}

RUN_TESTS(.set_up = set_up)
