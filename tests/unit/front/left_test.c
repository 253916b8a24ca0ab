/* Heaps of threads that a fork left behind: whatever such a thread was doing, all that it had comes
 * back, and nothing comes back twice. The thread of these tests stands still; its heap and caches
 * are then changed to what they are in the middle of something. */
#include <pthread.h>
#include <semaphore.h>
#include <string.h>
#include "unit/front/arrays.h"

enum { COUNT = 3000, CLASSES_USED = 12 };
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

START_TEST(what_a_thread_had_comes_back) {
    leave_behind(NULL);
    fork_now();
    free_all();
}
END_TEST

START_TEST(lists_and_counts_are_made_anew) {
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
    free_all();
}
END_TEST

START_TEST(a_block_on_its_way_to_the_slab_comes_back_once) {
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
END_TEST

START_TEST(chunks_that_were_filled_or_drained_are_not_lost) {
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
END_TEST

START_TEST(a_new_thread_goes_on_with_a_heap_that_was_left) {
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
END_TEST

START_TEST(a_thread_whose_memory_is_gone_is_not_looked_at) {
    leave_behind(NULL);
    atomic_store(&left->thread, (void *)(uintptr_t)4096);
    fork_now();
    ck_assert_uint_eq(((struct hak_front *)left->front_block)->array[HAK_CLASS_OF_64].left, 0);
    for (int i = 0; i < COUNT; i++)
        hak_remote_put(hak_registry_owner(blocks[i].p), blocks[i]);
    hak_remote_flush();
    ck_assert_ptr_nonnull(left->room);
}
END_TEST

int main(void) {
    TCase *cases = tcase_create("left");
    tcase_add_checked_fixture(cases, set_up, NULL);
    tcase_add_test(cases, what_a_thread_had_comes_back);
    tcase_add_test(cases, lists_and_counts_are_made_anew);
    tcase_add_test(cases, a_block_on_its_way_to_the_slab_comes_back_once);
    tcase_add_test(cases, chunks_that_were_filled_or_drained_are_not_lost);
    tcase_add_test(cases, a_new_thread_goes_on_with_a_heap_that_was_left);
    tcase_add_test(cases, a_thread_whose_memory_is_gone_is_not_looked_at);
    return run_cases("left", cases);
}
