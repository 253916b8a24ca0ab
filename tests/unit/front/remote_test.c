/* Frees for other threads: they reach the owner, in every order of ends, and never a block twice.
 */
#include <pthread.h>
#include <stdatomic.h>
#include "unit/front/arrays.h"

enum { COUNT = 100 * HAK_CHUNK_BLOCKS };
static base_t blocks[COUNT];

static void *put_all(void *flush) {
    hak_front_start();
    for (int i = 0; i < COUNT; i++)
        hak_remote_put(hak_registry_owner(blocks[i].p), blocks[i]);
    if (flush)
        hak_front_end();
    return NULL;
}

static void run(void *(*function)(void *), void *argument) {
    pthread_t thread;
    ck_assert_int_eq(pthread_create(&thread, NULL, function, argument), 0);
    pthread_join(thread, NULL);
}

static unsigned count_used(const struct hak_heap *heap) {
    unsigned used = 0;
    const struct hak_superslab *lists[] = {heap->room, heap->full, heap->cooled};
    for (int l = 0; l < 3; l++)
        for (const struct hak_superslab *s = lists[l]; s; s = s->next)
            for (unsigned i = 1; i < HAK_SLABS; i++)
                used += s->class_of_slab[i] == HAK_CLASS_NONE ? 0 : s->slabs[i].used;
    return used;
}

static unsigned count_cached(void) {
    unsigned cached = 0;
    for (unsigned c = 0; c < HAK_CLASSES; c++)
        cached += hak_array_count(c);
    return cached;
}

TEST(all_blocks_come_home) {
    for (int i = 0; i < COUNT; i++)
        blocks[i] = take((unsigned)i % 20);
    run(put_all, &blocks);
    hak_remote_drain();
    ck_assert_ptr_null(hak_thread.heap->posted);
    /* Out of the slabs is only what the arrays hold. */
    ck_assert_uint_eq(count_used(hak_thread.heap), count_cached());
}

TEST(partial_chunks_wait_no_longer_than_a_few_slow_paths) {
    base_t mine = take(HAK_CLASS_OF_64);
    struct hak_heap *home = hak_thread.heap;
    pthread_t thread;
    void *slow_free(void *block);
    ck_assert_int_eq(pthread_create(&thread, NULL, slow_free, mine.p), 0);
    pthread_join(thread, NULL);
    ck_assert_ptr_nonnull(home->posted);
}

void *slow_free(void *block);
void *slow_free(void *block) {
    hak_front_start();
    hak_remote_put(hak_registry_owner(block), base_from(block));
    for (int i = 0; i < 16; i++)
        hak_front_tend(); /* what each refill does */
    return NULL;
}

static struct hak_heap *ended;

static void *take_and_end(void *unused) {
    (void)unused;
    hak_front_start();
    ended = hak_thread.heap;
    for (int i = 0; i < COUNT; i++)
        blocks[i] = take(HAK_CLASS_OF_256);
    hak_front_end();
    return NULL;
}

/* A thread that only frees has no slow path on which a partial chunk is looked at. */
static void *put_some(void *count) {
    hak_front_start();
    for (uintptr_t i = 0; i < (uintptr_t)count; i++)
        hak_remote_put(hak_registry_owner(blocks[i].p), blocks[i]);
    return NULL;
}

TEST(large_blocks_do_not_wait_for_a_full_chunk) {
    for (int i = 0; i < 4; i++)
        blocks[i] = take(HAK_CLASS_OF_32768);
    run(put_some, (void *)1);
    ck_assert_ptr_null(hak_thread.heap->posted);
    run(put_some, (void *)4);
    ck_assert_ptr_nonnull(hak_thread.heap->posted);
}

/* One block for each chunk: none of them fills up. */
TEST(chunks_of_many_classes_are_bounded_in_bytes_together) {
    enum { FIRST = HAK_CLASS_OF_1280, CHUNKS = HAK_CLASSES - FIRST };
    for (unsigned i = 0; i < CHUNKS; i++)
        blocks[i] = take(FIRST + i);
    run(put_some, (void *)10);
    ck_assert_ptr_null(hak_thread.heap->posted);
    run(put_some, (void *)CHUNKS);
    ck_assert_ptr_nonnull(hak_thread.heap->posted);
}

TEST(blocks_of_an_ended_thread_are_freed_by_whoever_frees_them) {
    hak_heap_release(hak_heap_acquire()); /* one that is idle anyway */
    run(take_and_end, NULL);
    ck_assert_uint_eq(count_used(ended), COUNT);
    for (int i = 0; i < COUNT; i++)
        hak_remote_put(hak_registry_owner(blocks[i].p), blocks[i]);
    hak_remote_flush();
    ck_assert_int_eq(ended->state, HAK_HEAP_IDLE);
    ck_assert_ptr_null(ended->posted);
    ck_assert_uint_eq(count_used(ended), 0);
    ck_assert_ptr_null(ended->room);
    ck_assert_ptr_null(ended->full);
}

/* ---- many threads hand blocks in a ring
 * ---------------------------------------------------------- */

enum { THREADS = 6, PASSES = 60000, PLACES = 512 };
static _Atomic(char *) places[PLACES];
static atomic_int wrong;

static void *pass_blocks(void *argument) {
    hak_front_start();
    uint64_t random = 88172645463325252ull + (uintptr_t)argument * 977;
    for (int i = 0; i < PASSES; i++) {
        random ^= random << 13, random ^= random >> 7, random ^= random << 17;
        unsigned c = (unsigned)(random % 30);
        char *mine = take(c).p;
        *(uint64_t *)(void *)mine = (uintptr_t)mine ^ c;
        char *other = atomic_exchange(&places[random >> 32 & (PLACES - 1)], mine);
        if (!other)
            continue;
        base_t block = base_from(other);
        if (*(uint64_t *)(void *)other != ((uintptr_t)other ^ hak_front_class_of(block)))
            wrong++;
        *(uint64_t *)(void *)other = 0;
        if (!hak_front_is_mine(block)) {
            hak_remote_put(hak_registry_owner(other), block);
            continue;
        }
        give(hak_front_class_of(block), block);
    }
    hak_front_end();
    return NULL;
}

TEST(no_block_is_lost_or_doubled_between_threads) {
    for (int round = 0; round < 3; round++) {
        pthread_t threads[THREADS];
        for (uintptr_t i = 0; i < THREADS; i++)
            ck_assert_int_eq(
                pthread_create(&threads[i], NULL, pass_blocks, (void *)(i + 1 + round * 100)), 0);
        for (int i = 0; i < THREADS; i++)
            pthread_join(threads[i], NULL);
        ck_assert_int_eq(wrong, 0);
    }
    for (int i = 0; i < PLACES; i++)
        if (places[i])
            hak_remote_put(hak_registry_owner(places[i]), base_from(places[i]));
    hak_remote_flush();
    unsigned used = 0;
    for (hak_owner_t id = 2; hak_heap_of(id); id++)
        if (hak_heap_of(id) != hak_thread.heap) {
            struct hak_heap *heap = hak_heap_help(id);
            ck_assert_ptr_nonnull(heap);
            hak_remote_drain_heap(heap);
            used += count_used(heap);
        }
    ck_assert_uint_eq(used, 0);
}

RUN_TESTS(.set_up = set_up)
