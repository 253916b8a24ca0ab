/* The array front: what a thread gives is what it gets next; full arrays spill, ends empty them. */
#include <pthread.h>
#include <string.h>
#include "unit/front/arrays.h"

static void *look_at_new_thread(void *unused) {
    (void)unused;
    for (unsigned c = 0; c < HAK_CLASSES; c++)
        if (hak_array_pop(c).p || !hak_array_is_full(c) || hak_thread.end[c] != &hak_no_block)
            return (void *)"an array of a new thread is not off";
    base_t block = base_from(&block);
    if (hak_front_is_mine(HAK_NO_BASE) || hak_front_is_mine(block))
        return (void *)"a thread without a heap owns something";
    return NULL;
}

TEST(a_thread_that_is_not_set_up_takes_the_slow_path_always) {
    pthread_t thread;
    void *wrong;
    ck_assert_int_eq(pthread_create(&thread, NULL, look_at_new_thread, NULL), 0);
    pthread_join(thread, &wrong);
    ck_assert_msg(!wrong, "%s", (char *)wrong);
}

TEST(the_last_given_is_the_next_taken, .until = HAK_CLASSES) {
    unsigned c = (unsigned)_i;
    base_t first = take(c), second = take(c);
    ck_assert(hak_front_is_mine(first));
    ck_assert_uint_eq(hak_front_class_of(second), c);
    give(c, first);
    give(c, second);
    ck_assert_ptr_eq(take(c).p, second.p);
    ck_assert_ptr_eq(take(c).p, first.p);
}

TEST(a_fresh_class_hands_out_ascending_addresses, .until = HAK_CLASSES) {
    unsigned c = (unsigned)_i;
    base_t last = take(c);
    for (unsigned i = 1; i < capacity_of(c) / 2 && i < hak_class_slots(c); i++) {
        base_t next = take(c);
        ck_assert_ptr_eq(next.p, last.p + hak_class_bytes(c));
        last = next;
    }
}

TEST(more_than_an_array_holds_spills_and_comes_back, .until = HAK_CLASSES) {
    enum { COUNT = 1000 };
    static base_t blocks[COUNT];
    unsigned c = (unsigned)_i;
    for (int round = 0; round < 3; round++) {
        for (int i = 0; i < COUNT; i++) {
            blocks[i] = take(c);
            ck_assert_ptr_nonnull(blocks[i].p);
            *(int *)(void *)blocks[i].p = i;
        }
        unsigned wrong = 0;
        for (int i = 0; i < COUNT; i++)
            wrong += *(int *)(void *)blocks[i].p != i;
        ck_assert_uint_eq(wrong, 0);
        for (int i = 0; i < COUNT; i++)
            give(c, blocks[i]);
        ck_assert_uint_le(hak_array_count(c), capacity_of(c));
    }
}

TEST(capacities_are_bounded_in_blocks_and_bytes) {
    for (unsigned c = 0; c < HAK_CLASSES; c++) {
        unsigned capacity = capacity_of(c);
        ck_assert_uint_ge(capacity, 4);
        ck_assert_uint_le(capacity, HAK_ARRAY_PLACES);
        ck_assert_uint_eq(capacity % 2, 0);
        ck_assert_uint_le(capacity * hak_class_bytes(c), HAK_ARRAY_BYTES);
    }
}

static void *use_and_end(void *unused) {
    (void)unused;
    hak_front_start();
    struct hak_heap *heap = hak_thread.heap;
    base_t kept[100];
    for (int i = 0; i < 100; i++)
        kept[i] = take(HAK_CLASS_OF_128);
    for (int i = 0; i < 100; i++)
        give(HAK_CLASS_OF_128, kept[i]);
    hak_front_end();
    if (hak_thread.heap || hak_front_is_mine(kept[0]) || !hak_array_is_full(HAK_CLASS_OF_128))
        return NULL;
    return heap;
}

TEST(the_end_of_a_thread_empties_its_caches) {
    void *first, *second;
    pthread_t thread;
    ck_assert_int_eq(pthread_create(&thread, NULL, use_and_end, NULL), 0);
    pthread_join(thread, &first);
    ck_assert_ptr_nonnull(first);
    struct hak_heap *heap = first;
    ck_assert_int_eq(heap->state, HAK_HEAP_IDLE);
    ck_assert_ptr_null(heap->room); /* no SuperSlab is left with it */
    ck_assert_ptr_null(heap->full);
    ck_assert_int_eq(pthread_create(&thread, NULL, use_and_end, NULL), 0);
    pthread_join(thread, &second);
    ck_assert_ptr_eq(second, first); /* adopted whole */
}

static void *live_on_the_shared_heap(void *unused) {
    (void)unused;
    hak_front_start();
    if (hak_thread.heap || hak_thread.state != HAK_THREAD_SHARED)
        return (void *)"got a heap beyond the limit of ids";
    base_t blocks[500];
    for (int i = 0; i < 500; i++) {
        blocks[i] = hak_front_take_shared((unsigned)i % HAK_CLASSES);
        if (!blocks[i].p || hak_registry_owner(blocks[i].p) != HAK_SHARED_HEAP_ID)
            return (void *)"no block from the shared heap";
        *(int *)(void *)blocks[i].p = i;
    }
    for (int i = 0; i < 500; i++) {
        if (*(int *)(void *)blocks[i].p != i)
            return (void *)"two threads got the same block";
        hak_remote_put(HAK_SHARED_HEAP_ID, blocks[i]);
    }
    return NULL;
}

TEST(threads_beyond_the_last_id_share_a_heap) {
    hak_heap_limit_ids(2); /* the shared one and this thread's */
    pthread_t threads[8];
    for (int i = 0; i < 8; i++)
        ck_assert_int_eq(pthread_create(&threads[i], NULL, live_on_the_shared_heap, NULL), 0);
    for (int i = 0; i < 8; i++) {
        void *wrong;
        pthread_join(threads[i], &wrong);
        ck_assert_msg(!wrong, "%s", (char *)wrong);
    }
    hak_remote_drain_heap(hak_shared_heap());
    /* The last slab may stay, if its SuperSlab does not drain. */
    for (int i = 0; i < HAK_SLAB_LISTS; i++)
        for (struct hak_slab *slab = hak_shared_heap()->classes[HAK_CLASS_OF_64].lists[i]; slab;
             slab = slab->next_in_list)
            ck_assert_uint_eq(slab->used, 0);
}

RUN_TESTS(.set_up = set_up)
