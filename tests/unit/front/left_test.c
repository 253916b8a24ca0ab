/* Heaps of threads that a fork left behind: whatever such a thread was doing, all that it had comes
 * back, and nothing comes back twice. The thread of these tests stands still; its heap and caches
 * are then changed to what they are in the middle of something. */
#include <pthread.h>
#include <semaphore.h>
#include <string.h>
#include "front/take.h"
#include "pool/pool.h"
#include "unit/front/arrays.h"

enum { COUNT = 2940, CLASSES_USED = 12 };
static base_t blocks[COUNT];
static sem_t is_ready, may_go;
static struct hak_thread *left_thread;
static struct hak_heap *left;

static void *take_and_stand_still(void *foreign) {
    hak_front_start();
    left_thread = &hak_thread;
    left = hak_thread.heap;
    for (int i = 0; i < COUNT; i++)
        blocks[i] = take((unsigned)i % CLASSES_USED);
    if (foreign) /* in a chunk that is not full */
        hak_remote_put(hak_registry_owner(foreign), base_from(foreign));
    sem_post(&is_ready);
    sem_wait(&may_go); /* for ever */
    return NULL;
}

static void leave_behind(void *foreign) {
    pthread_t thread;
    sem_init(&is_ready, 0, 0);
    sem_init(&may_go, 0, 0);
    ck_assert_int_eq(pthread_create(&thread, NULL, take_and_stand_still, foreign), 0);
    sem_wait(&is_ready);
}

/* As in the child: the thread is not there. */
static void fork_now(void) {
    hak_front_after_fork();
    ck_assert(left->is_left);
    ck_assert_int_eq(left->state, HAK_HEAP_IDLE);
}

/* Everything is given back, and no SuperSlab has a slot in use. */
static void free_all(void) {
    for (int i = 0; i < COUNT; i++)
        hak_remote_put(hak_registry_owner(blocks[i].p), blocks[i]);
    hak_remote_flush();
    ck_assert(!left->is_left);
    ck_assert_int_eq(left->state, HAK_HEAP_IDLE);
    ck_assert_ptr_null(left->posted);
    ck_assert_ptr_null(left->room);
    ck_assert_ptr_null(left->full);
}

TEST(what_a_thread_had_comes_back) {
    set_up();
    leave_behind(NULL);
    fork_now();
    free_all();
}

TEST(lists_and_counts_are_made_anew) {
    set_up();
    leave_behind(NULL);
    left->room = left->full = left->cooled = (struct hak_superslab *)(uintptr_t)16;
    memset(left->classes, 0x55, sizeof left->classes);
    struct hak_superslab *superslab = hak_superslab_of(blocks[0].p);
    superslab->free_slabs = 0x5555;
    superslab->used_bytes += 12345;
    for (unsigned i = 1; i < HAK_SLABS; i++) {
        superslab->slabs[i].used += 1000;
        superslab->slabs[i].list = (uint8_t)(i & 3);
        superslab->slabs[i].first_free_word = 3;
    }
    fork_now();
    hak_front_mend(hak_heap_help(left->id));
    size_t used_bytes = 0;
    for (unsigned i = 1; i < HAK_SLABS; i++)
        if (superslab->class_of_slab[i] != HAK_CLASS_NONE)
            used_bytes += superslab->slabs[i].used * hak_class_bytes(superslab->class_of_slab[i]);
    ck_assert_uint_eq(superslab->used_bytes, used_bytes);
    hak_heap_release(left);
    free_all();
}

TEST(a_block_on_its_way_to_the_slab_comes_back_once) {
    set_up();
    leave_behind(NULL);
    /* A spill: its bit is set, and the array still holds it, some of them twice. */
    base_t *bottom =
        hak_array_bottom_of(left->front_block, HAK_CLASS_OF_64, left_thread->top[HAK_CLASS_OF_64]);
    ck_assert(left_thread->top[HAK_CLASS_OF_64] > bottom + 4);
    hak_slab_give(left, bottom[1]);
    hak_slab_give(left, bottom[2]);
    bottom[3] = bottom[4];
    base_t lost = bottom[3];
    fork_now();
    hak_front_mend(hak_heap_help(left->id));
    hak_heap_release(left);
    ck_assert_ptr_nonnull(lost.p);
    for (int i = 0; i < COUNT; i++)
        hak_remote_put(hak_registry_owner(blocks[i].p), blocks[i]);
    hak_remote_flush();
    /* All but the one whose place in the array the other one took. */
    unsigned used = 0;
    for (struct hak_superslab *s = left->room; s; s = s->next)
        for (unsigned i = 1; i < HAK_SLABS; i++)
            used += s->class_of_slab[i] == HAK_CLASS_NONE ? 0 : s->slabs[i].used;
    ck_assert_uint_eq(used, 1);
}

TEST(chunks_that_were_filled_or_drained_are_not_lost) {
    set_up();
    base_t mine = take(HAK_CLASS_OF_64);
    struct hak_heap *home = hak_thread.heap;
    leave_behind(mine.p);
    /* The thread was just draining: two blocks that came back from others. */
    static struct hak_chunk chunk;
    chunk.count = 2;
    chunk.owner = left->id;
    chunk.blocks[0] = blocks[COUNT - 1];
    chunk.blocks[1] = blocks[COUNT - 2];
    left->draining = &chunk;
    fork_now();
    ck_assert_ptr_null(home->posted);
    for (int i = 0; i < COUNT - 2; i++)
        hak_remote_put(hak_registry_owner(blocks[i].p), blocks[i]);
    hak_remote_flush();
    ck_assert_ptr_nonnull(home->posted);
    ck_assert_ptr_null(left->room);
    ck_assert_ptr_null(left->full);
}

/* A signal handler forks that interrupted a nested call, which has no heap. */
TEST(a_heap_that_a_nested_call_has_taken_away_stays_the_threads) {
    set_up();
    struct hak_heap *own = hak_thread.heap;
    hak_thread.lent = own;
    hak_thread.heap = NULL;
    hak_front_after_fork();
    ck_assert(!own->is_left);
    ck_assert_int_eq(own->state, HAK_HEAP_OWNED);
}

TEST(a_new_thread_goes_on_with_a_heap_that_was_left) {
    set_up();
    leave_behind(NULL);
    fork_now();
    struct hak_heap *heap = hak_heap_acquire();
    ck_assert_ptr_eq(heap, left);
    hak_front_mend(heap);
    ck_assert(!heap->is_left);
    base_t more[100];
    ck_assert_uint_eq(hak_slab_take(heap, HAK_CLASS_OF_64, more, 100), 100);
    for (int i = 0; i < COUNT; i++)
        for (int j = 0; j < 100; j++)
            ck_assert_ptr_ne(blocks[i].p, more[j].p);
}

TEST(a_thread_whose_memory_is_gone_is_not_looked_at) {
    set_up();
    leave_behind(NULL);
    atomic_store(&left->thread, (void *)(uintptr_t)4096);
    fork_now();
    ck_assert_uint_eq(((struct hak_front *)left->front_block)->array[HAK_CLASS_OF_64].left, 0);
    for (int i = 0; i < COUNT; i++)
        hak_remote_put(hak_registry_owner(blocks[i].p), blocks[i]);
    hak_remote_flush();
    ck_assert_ptr_nonnull(left->room);
}

/* ---- other fronts than arrays ---------------------------------------------------------------- */

static char *all_fronts[] = {"HAKMEM_TINY_FRONT_ENABLE_ULTRAHOT=1",
                             "HAKMEM_TINY_FRONT_DISABLE_HEAPV2=0",
                             "HAKMEM_TINY_FRONT_ENABLE_FC=1",
                             "HAKMEM_TINY_FRONT_ENABLE_SFC=1",
                             "HAKMEM_TINY_MAGAZINE_ENABLE=1",
                             "HAKMEM_TINY_HOT_RING_ENABLE=1",
                             NULL};

/* Few enough for every cache of each to get blocks. */
enum { FRONT_CLASSES = 5 };

/* Two thirds of its blocks lie in its fronts when it stands still. */
static void *give_most_and_stand_still(void *unused) {
    (void)unused;
    hak_front_start();
    left = hak_thread.heap;
    for (int i = 0; i < COUNT; i++)
        blocks[i] = hak_front_take((unsigned)i % FRONT_CLASSES);
    for (int i = 0; i < COUNT; i++)
        if (i % 3 != 0)
            hak_front_give((unsigned)i % FRONT_CLASSES, blocks[i], HAK_FREE);
    sem_post(&is_ready);
    sem_wait(&may_go); /* for ever */
    return NULL;
}

/* Starts anew with these fronts, and leaves such a thread behind. */
static void set_up_fronts(void) {
    hak_options_read(all_fronts);
    hak_registry_start(true);
    hak_front_start();
}

static struct hak_front *leave_fronts_behind(void) {
    set_up_fronts();
    pthread_t thread;
    sem_init(&is_ready, 0, 0);
    sem_init(&may_go, 0, 0);
    pthread_create(&thread, NULL, give_most_and_stand_still, NULL);
    sem_wait(&is_ready);
    return left->front_block;
}

static void free_the_rest(void) {
    for (int i = 0; i < COUNT; i += 3)
        hak_remote_put(hak_registry_owner(blocks[i].p), blocks[i]);
    hak_remote_flush();
    ck_assert(!left->is_left);
    ck_assert_ptr_null(left->room);
    ck_assert_ptr_null(left->full);
    ck_assert_ptr_null(left->cooled);
}

TEST(what_lies_in_caches_comes_back) {
    struct hak_front *front = leave_fronts_behind();
    unsigned kinds = 0;
    for (unsigned i = 0; i < hak_plan_cache_count; i++)
        kinds |= front->caches[i].count ? 1u << front->caches[i].place : 0;
    ck_assert_uint_eq(kinds, 1u << HAK_PLACE_ULTRAHOT | 1u << HAK_PLACE_HEAPV2 |
                                 1u << HAK_PLACE_FC | 1u << HAK_PLACE_SFC | 1u << HAK_PLACE_RING |
                                 1u << HAK_PLACE_MAGAZINE | 1u << HAK_PLACE_SLL);
    fork_now();
    free_the_rest();
    for (unsigned i = 0; i < hak_plan_cache_count; i++)
        ck_assert_uint_eq(front->caches[i].count, 0);
}

/* The fork came between two stores of a push, or of a spill. */
TEST(a_cache_in_the_middle_of_a_move_loses_one_block_at_most) {
    struct hak_front *front = leave_fronts_behind();
    unsigned lost = 0;
    for (unsigned i = 0; i < hak_plan_cache_count; i++) {
        struct hak_cache *cache = &front->caches[i];
        if (cache->count < 2)
            continue;
        if (cache->storage == HAK_LIST) {
            cache->count -= i % 2; /* the head is there, and not counted yet */
        } else if (cache->storage == HAK_RING) {
            cache->count--; /* the oldest is on its way to its slab */
            lost++;
        } else {
            hak_slab_give(left, cache->blocks[0]); /* and the others have not moved down yet */
        }
    }
    fork_now();
    for (int i = 0; i < COUNT; i += 3)
        hak_remote_put(hak_registry_owner(blocks[i].p), blocks[i]);
    hak_remote_flush();
    unsigned used = 0;
    const struct hak_superslab *lists[] = {left->room, left->full, left->cooled};
    for (int l = 0; l < 3; l++)
        for (const struct hak_superslab *s = lists[l]; s; s = s->next)
            for (unsigned i = 1; i < HAK_SLABS; i++)
                used += s->class_of_slab[i] == HAK_CLASS_NONE ? 0 : s->slabs[i].used;
    ck_assert_uint_gt(lost, 0);
    ck_assert_uint_eq(used, lost);
}

static void *grow_and_stand_still(void *unused) {
    (void)unused;
    hak_front_start();
    left = hak_thread.heap;
    for (int round = 0; round < 10; round++) {
        hak_thread.front->array[HAK_CLASS_OF_64].turns = 1000;
        for (int i = 0; i < COUNT; i++)
            blocks[i] = take(HAK_CLASS_OF_64);
        for (int i = 0; i < COUNT; i++)
            give(HAK_CLASS_OF_64, blocks[i]);
    }
    left_thread = &hak_thread;
    sem_post(&is_ready);
    sem_wait(&may_go); /* for ever */
    return NULL;
}

TEST(an_array_that_grew_comes_back_from_either_room, .until = 2) {
    set_up();
    pthread_t thread;
    sem_init(&is_ready, 0, 0);
    sem_init(&may_go, 0, 0);
    pthread_create(&thread, NULL, grow_and_stand_still, NULL);
    sem_wait(&is_ready);
    struct hak_front *front = left->front_block;
    struct hak_array *array = &front->array[HAK_CLASS_OF_64];
    ck_assert_ptr_nonnull(array->larger);
    ck_assert_uint_gt(array->capacity, HAK_ARRAY_PLACES);
    base_t *small = hak_array_small_room(front, HAK_CLASS_OF_64);
    if (_i) { /* the fork came when all was copied and the top had not moved yet */
        unsigned count = 50;
        for (unsigned i = 1; i <= count; i++)
            small[i] = array->larger[i];
        for (base_t *rest = array->larger + count + 1; rest <= left_thread->top[HAK_CLASS_OF_64];
             rest++)
            hak_slab_give(left, *rest);
        left_thread->top[HAK_CLASS_OF_64] = small + count;
    }
    fork_now();
    hak_front_mend(hak_heap_help(left->id));
    hak_slab_trim(left);
    ck_assert_ptr_null(left->room);
    ck_assert_ptr_null(left->full);
}

/* Its lists are of no use then; what is in use in it is not handed out a second time. */
TEST(the_shared_heap_of_a_thread_at_work_is_mended) {
    enum { TAKEN = 40, CLASS = 3 };
    set_up();
    base_t taken[TAKEN + 2];
    for (int i = 0; i < TAKEN; i++)
        taken[i] = hak_front_take_shared(CLASS);
    struct hak_heap *shared = hak_heap_of(HAK_SHARED_HEAP_ID);
    struct hak_slab *nowhere = (struct hak_slab *)(uintptr_t)64;
    for (unsigned i = 0; i < HAK_SLAB_LISTS; i++)
        shared->classes[CLASS].lists[i] = nowhere;
    shared->room = shared->full = (struct hak_superslab *)(void *)nowhere;
    struct hak_lock *locks[] = {&hak_shared_heap_lock, &hak_heaps_lock, &hak_registry_lock,
                                &hak_chunks_lock};
    for (int i = 0; i < 4; i++)
        atomic_store(&locks[i]->holder, hak_lock_self() + 2 + HAK_LOCK_SLEEPERS);
    hak_registry_after_fork();
    hak_front_after_fork();
    for (int i = 0; i < 4; i++)
        ck_assert_uint_eq(locks[i]->holder, 0);
    for (int i = TAKEN; i < TAKEN + 2; i++) {
        taken[i] = hak_front_take_shared(CLASS);
        ck_assert_ptr_nonnull(taken[i].p);
        for (int k = 0; k < i; k++)
            ck_assert_ptr_ne(taken[i].p, taken[k].p);
    }
    hak_remote_put(HAK_SHARED_HEAP_ID, taken[0]);
    hak_remote_flush();
    ck_assert_ptr_nonnull(hak_front_take_shared(CLASS).p);
    ck_assert(!shared->is_left);
}

RUN_TESTS()
