/* Blocks that other threads freed wait for a refill of their class, bounded in number and in time;
 * many are taken in early. */
#include <pthread.h>
#include "front/remote.h"
#include "slab/tune.h"
#include "unit/front/arrays.h"

/* Blocks that wait go down where a test lets them, and not since the machine was slow. */
static void begin(void) {
    set_up();
    hak_slab_set_purge_delay(UINT64_MAX / 2);
}

enum { A = HAK_CLASS_OF_64, B = HAK_CLASS_OF_256, COUNT = 3000 };
#define MIB ((size_t)1 << 20)
static base_t blocks[COUNT];

struct errand {
    unsigned first, count;
};

static void *free_for_owner(void *argument) {
    const struct errand *errand = argument;
    hak_front_start();
    for (unsigned i = errand->first; i < errand->first + errand->count; i++)
        hak_remote_put(hak_registry_owner(blocks[i].p), blocks[i]);
    hak_remote_flush();
    return NULL;
}

/* Another thread frees `count` blocks from `first` on, and posts them. */
static void free_elsewhere(unsigned first, unsigned count) {
    struct errand errand = {first, count};
    pthread_t thread;
    ck_assert_int_eq(pthread_create(&thread, NULL, free_for_owner, &errand), 0);
    pthread_join(thread, NULL);
}

static void take_blocks(unsigned class_index, unsigned first, unsigned count) {
    for (unsigned i = first; i < first + count; i++)
        blocks[i] = take(class_index);
}

static void empty_array(unsigned class_index) {
    while (hak_array_pop(class_index).p)
        ;
}

static bool is_one_of(base_t block, unsigned first, unsigned count) {
    for (unsigned i = first; i < first + count; i++)
        if (blocks[i].p == block.p)
            return true;
    return false;
}

/* Slots in use of the slab that holds `block`. */
static uint32_t slab_used(base_t block) {
    return hak_superslab_of(block.p)->slabs[hak_slab_index_of(block.p)].used;
}

TEST(a_refill_brings_back_what_others_freed_of_the_class_alone) {
    struct hak_heap *heap = hak_thread.heap;
    take_blocks(A, 0, 40);
    take_blocks(B, 40, 40);
    free_elsewhere(0, 80);
    empty_array(A);
    unsigned of_b = hak_array_count(B);
    uint32_t slots_of_a = slab_used(blocks[0]);
    ck_assert(is_one_of(take(A), 0, 40));
    while (hak_array_count(A) > 0)
        ck_assert(is_one_of(take(A), 0, 40));
    ck_assert_uint_eq(slab_used(blocks[0]), slots_of_a); /* no slab was asked */
    ck_assert_uint_eq(hak_array_count(B), of_b);
    ck_assert_uint_eq(heap->mail[B].blocks, 40);
    empty_array(B);
    ck_assert(is_one_of(take(B), 40, 40));
}

TEST(a_mebibyte_of_a_class_waits_and_no_more) {
    struct hak_heap *heap = hak_thread.heap;
    unsigned c = hak_class_of_bytes(1024);
    size_t bytes = hak_class_bytes(c);
    take_blocks(c, 0, 2500);
    empty_array(c);
    uint32_t used = slab_used(blocks[0]);
    free_elsewhere(0, 2500);
    (void)take(c);
    size_t waiting = (heap->mail[c].blocks + hak_array_count(c)) * bytes;
    ck_assert_uint_gt(waiting, MIB - HAK_CHUNK_BYTES);
    ck_assert_uint_le(waiting, MIB + HAK_ARRAY_PLACES * bytes);
    ck_assert_uint_eq(heap->mail_bytes, heap->mail[c].blocks * bytes);
    ck_assert_uint_lt(slab_used(blocks[0]), used); /* the rest is in its slab */
}

TEST(four_mebibytes_of_all_classes_wait_and_no_more) {
    struct hak_heap *heap = hak_thread.heap;
    for (size_t bytes = 1024; bytes <= 32768; bytes *= 2) {
        unsigned c = hak_class_of_bytes(bytes), count = (unsigned)(MIB / bytes);
        take_blocks(c, 0, count);
        empty_array(c);
        free_elsewhere(0, count);
    }
    (void)take(hak_class_of_bytes(1024));
    size_t waiting = 0;
    for (unsigned c = 0; c < HAK_CLASSES; c++)
        waiting += heap->mail[c].blocks * hak_class_bytes(c);
    ck_assert_uint_eq(heap->mail_bytes, waiting);
    ck_assert_uint_gt(waiting, 3 * MIB);
    ck_assert_uint_le(waiting, 4 * MIB);
}

TEST(much_mail_is_taken_in_on_any_slow_path) {
    struct hak_heap *heap = hak_thread.heap;
    hak_options.tension_drain_threshold = 500;
    take_blocks(A, 0, 1100);
    free_elsewhere(0, 400);
    hak_front_tend();
    ck_assert_ptr_nonnull(heap->posted); /* not much yet */
    free_elsewhere(400, 700);
    hak_front_tend();
    ck_assert_ptr_null(heap->posted);
}

TEST(the_switch_leaves_it_to_refills_and_time) {
    struct hak_heap *heap = hak_thread.heap;
    hak_options.tension_drain_enable = 0;
    hak_options.tension_drain_threshold = 500;
    take_blocks(A, 0, 1100);
    heap->tended = 0;
    free_elsewhere(0, 1100);
    for (int i = 0; i < HAK_TEND_EVERY - 1; i++)
        hak_front_tend();
    ck_assert_ptr_nonnull(heap->posted);
    hak_front_tend();
    ck_assert_ptr_null(heap->posted);
}

TEST(what_waited_for_a_purge_delay_goes_into_the_slabs) {
    struct hak_heap *heap = hak_thread.heap;
    take_blocks(B, 0, 100);
    empty_array(B);
    uint32_t used = slab_used(blocks[0]);
    free_elsewhere(0, 100);
    for (int i = 0; i < 3 * HAK_TEND_EVERY; i++)
        hak_front_tend();
    ck_assert_uint_gt(heap->mail[B].blocks, 0);
    hak_slab_set_purge_delay(1);
    for (int i = 0; i < HAK_TEND_EVERY; i++)
        hak_front_tend();
    ck_assert_uint_eq(heap->mail[B].blocks, 0);
    ck_assert_uint_eq(slab_used(blocks[0]), used - 100);
}

/* Blocks in the chunks that were posted to the calling thread or wait in its heap. */
static unsigned on_the_way(void) {
    const struct hak_heap *heap = hak_thread.heap;
    const struct hak_chunk *posted = atomic_load(&heap->posted);
    unsigned blocks_seen = 0;
    for (; posted; posted = posted->next)
        blocks_seen += posted->count;
    for (unsigned c = 0; c < HAK_CLASSES; c++)
        for (const struct hak_chunk *chunk = heap->mail[c].chunks; chunk; chunk = chunk->next)
            blocks_seen += chunk->count;
    return blocks_seen;
}

TEST(what_is_not_yet_taken_in_is_in_mail_box_or_heap) {
    take_blocks(A, 0, 90);
    take_blocks(B, 90, 50);
    free_elsewhere(0, 140);
    ck_assert_uint_eq(on_the_way(), 140);
    empty_array(A);
    (void)take(A);
    ck_assert_uint_eq(on_the_way(), 140 - 1 - hak_array_count(A));
}

/* ---- a post and the end of the owner at the same moment -------------------------------------- */

enum { ROUNDS = 3000 };
static pthread_barrier_t both;
static base_t handed;
static struct hak_heap *home;

static void *own_and_end(void *unused) {
    (void)unused;
    hak_front_start();
    home = hak_thread.heap;
    handed = take(A);
    pthread_barrier_wait(&both);
    hak_front_end();
    return NULL;
}

TEST(no_post_is_left_in_the_mail_box_of_an_idle_heap) {
    pthread_barrier_init(&both, NULL, 2);
    for (int i = 0; i < ROUNDS; i++) {
        pthread_t thread;
        ck_assert_int_eq(pthread_create(&thread, NULL, own_and_end, NULL), 0);
        pthread_barrier_wait(&both);
        hak_remote_put(home->id, handed);
        hak_remote_flush();
        pthread_join(thread, NULL);
        ck_assert_int_eq(home->state, HAK_HEAP_IDLE);
        ck_assert_ptr_null(home->posted);
        ck_assert_ptr_null(home->room);
    }
}

RUN_TESTS(.set_up = begin)
