/* Heaps: reused when idle, given out once, lost in a forked child, ids that run out. */
#include "slab/heap.h"
#include "unit/suite.h"

TEST(an_idle_heap_is_adopted_before_a_new_one_is_made) {
    struct hak_heap *first = hak_heap_acquire(), *second = hak_heap_acquire();
    ck_assert_ptr_ne(first, second);
    ck_assert_uint_ne(first->id, second->id);
    ck_assert_uint_ne(first->id, HAK_OWNER_NOBODY);
    ck_assert_ptr_eq(hak_heap_of(second->id), second);
    hak_heap_release(first);
    hak_heap_release(second);
    ck_assert_ptr_eq(hak_heap_acquire(), second);
    ck_assert_ptr_eq(hak_heap_acquire(), first);
    ck_assert_uint_gt(hak_heap_acquire()->id, second->id);
}

TEST(only_an_idle_heap_can_be_helped) {
    struct hak_heap *heap = hak_heap_acquire(), *other = hak_heap_acquire();
    ck_assert_ptr_null(hak_heap_help(heap->id));
    hak_heap_release(other);
    hak_heap_release(heap);
    ck_assert_ptr_eq(hak_heap_help(other->id), other);
    ck_assert_ptr_null(hak_heap_help(other->id));
    hak_heap_release(other);
    ck_assert_ptr_null(hak_heap_help(9999));
}

TEST(ids_that_run_out_give_no_heap) {
    hak_heap_limit_ids(4);
    for (int i = 0; i < 3; i++)
        ck_assert_ptr_nonnull(hak_heap_acquire());
    ck_assert_ptr_null(hak_heap_acquire());
    hak_heap_release(hak_heap_of(3));
    ck_assert_uint_eq(hak_heap_acquire()->id, 3);
}

static struct hak_heap *told;

static void tell(struct hak_heap *heap) {
    told = heap;
}

TEST(a_child_keeps_its_own_heap_and_the_idle_ones) {
    struct hak_heap *own = hak_heap_acquire(), *others = hak_heap_acquire(),
                    *idle = hak_heap_acquire();
    hak_heap_release(idle);
    hak_heaps_after_fork(own, tell);
    ck_assert_int_eq(own->state, HAK_HEAP_OWNED);
    ck_assert_ptr_eq(told, others);
    ck_assert_int_eq(others->state, HAK_HEAP_IDLE);
    ck_assert(others->is_left && !own->is_left && !idle->is_left);
    ck_assert_ptr_eq(hak_heap_acquire(), idle);
}

/* The fork came while another thread moved a heap between the list and itself. */
TEST(a_child_links_the_idle_heaps_anew) {
    struct hak_heap *own = hak_heap_acquire(), *idle[3];
    for (int i = 0; i < 3; i++)
        idle[i] = hak_heap_acquire();
    for (int i = 0; i < 3; i++)
        hak_heap_release(idle[i]);
    atomic_store(&hak_heaps_lock.holder, hak_lock_self() + 2);
    idle[1]->next_idle = idle[1]; /* a circle */
    idle[0]->prev_idle = idle[2]->prev_idle = idle[2]->next_idle = idle[1];
    hak_heaps_after_fork(own, tell);
    ck_assert_ptr_null(told);
    ck_assert_uint_eq(hak_heaps_lock.holder, 0);
    for (int i = 0; i < 3; i++)
        ck_assert_ptr_eq(hak_heap_acquire(), idle[i]);
    ck_assert_uint_eq(hak_heap_acquire()->id, idle[2]->id + 1);
}

/* A signal handler forked: the lock stays with the code that it interrupted. */
TEST(a_lock_of_the_forking_thread_stays) {
    struct hak_heap *own = hak_heap_acquire();
    hak_lock(&hak_heaps_lock);
    hak_heaps_after_fork(own, tell);
    ck_assert_uint_eq(hak_heaps_lock.holder, hak_lock_self());
    hak_unlock(&hak_heaps_lock);
    ck_assert_uint_eq(hak_heaps_lock.holder, 0);
}

RUN_TESTS()
