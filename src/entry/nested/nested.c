/* Serves a signal handler whose thread is in the middle of malloc or free. */
#include "entry/nested/nested.h"
#include "front/remote.h"
#include "large/l25.h"
#include "large_map/memory.h"
#include "platform/registry.h"

static bool holds_lock_of_large(void) {
    return hak_lock_is_mine(&hak_large_memory_lock) || hak_l25_in_hand != 0;
}

/* Whether the calling thread holds one of the locks that a call without a heap may take. */
static bool holds_lock(void) {
    return hak_lock_is_mine(&hak_shared_heap_lock) || hak_lock_is_mine(&hak_heaps_lock) ||
           hak_lock_is_mine(&hak_registry_lock) || hak_lock_is_mine(&hak_chunks_lock) ||
           holds_lock_of_large();
}

/* Takes the thread's heap away from it: it allocates of the shared heap as one without its own. */
static void leave_heap(struct hak_thread *thread) {
    for (unsigned c = 0; c < HAK_CLASSES; c++)
        thread->top[c] = thread->end[c] = &hak_no_block;
    thread->heap_id = HAK_OWNER_NONE;
    thread->lent = thread->heap;
    thread->heap = NULL;
    thread->front = NULL;
    thread->state = HAK_THREAD_SHARED;
}

/* Notes the thread's state in `kept`, and takes its heap away until the nested call ends. */
static void begin(struct hak_nested *kept) {
    kept->is_nested = hak_inside.is_nested;
    kept->thread = hak_thread;
    hak_inside.is_nested = true;
    atomic_signal_fence(memory_order_seq_cst);
    if (kept->thread.state == HAK_THREAD_OWN)
        leave_heap(&hak_thread);
    atomic_signal_fence(memory_order_seq_cst);
}

bool hak_nested_begin(struct hak_nested *kept) {
    if (holds_lock())
        return false;
    begin(kept);
    return true;
}

/* Gives the thread its heap back; one that had none may have got one meanwhile. */
void hak_nested_end(const struct hak_nested *kept) {
    atomic_signal_fence(memory_order_seq_cst);
    if (kept->thread.state == HAK_THREAD_OWN)
        hak_thread = kept->thread;
    hak_inside.is_nested = kept->is_nested;
}

/* Begins a nested free, if no lock that it needs is held: a slot needs a chunk to be posted in, a
 * large block what the large layer keeps. */
bool hak_nested_begin_give(struct hak_nested *kept, bool is_large) {
    bool may_give = is_large ? !holds_lock_of_large() : !hak_lock_is_mine(&hak_chunks_lock);
    if (may_give)
        begin(kept);
    return may_give;
}

/* ---- what waits for a lock ------------------------------------------------------------------- */

enum { WAITING_MAX = 64 };
static _Atomic(char *) waiting[WAITING_MAX];
_Atomic bool hak_nested_some_wait;

void hak_nested_give_later(base_t base) {
    for (unsigned i = 0; i < WAITING_MAX; i++) {
        char *none = NULL;
        if (atomic_compare_exchange_strong(&waiting[i], &none, base.p)) {
            atomic_store(&hak_nested_some_wait, true);
            return;
        }
    }
    hop_count(HAK_COUNTED_NESTED_LOST, HAK_CLASS_NONE, 0);
}

/* Gives the blocks that nested frees left for later to large or to their heaps. */
void hak_nested_give_waiting(void) {
    atomic_store(&hak_nested_some_wait, false);
    for (unsigned i = 0; i < WAITING_MAX; i++) {
        base_t base = base_from(atomic_exchange(&waiting[i], NULL));
        hak_owner_t owner = hak_registry_owner(base.p);
        if (base.p && owner == HAK_OWNER_NOBODY)
            (void)hak_large_give(base);
        else if (base.p)
            hak_remote_put(owner, base);
    }
}
