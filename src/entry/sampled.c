/* Allocates where calls and bytes are counted, for guarded blocks of level light and for the heap
 * profile. Compiled for level light's allocator and the counted family of libhakmem.so. */
#include "entry/plain/way.h"

#include "platform/platform.h"

/* The pages that a block takes since it is in the heap profile; a large one has them anyway. */
static size_t extra_bytes(size_t bytes) {
    return bytes <= HAK_CLASS_MAX_BYTES ? HAK_PAGES_OF(bytes ? bytes : 1) - bytes : 0;
}

/* A large block of its own, which free finds by its address; `sample` is its number, or 0: it gets
 * one. NULL: no memory for it, or no number. */
static void *take_sampled(struct hak_hand_out *how, double weight, uint32_t sample) {
    size_t bytes = how->asked_bytes, extra = extra_bytes(bytes);
    hak_entry_begin();
    if (!sample && !hak_light_may_sample(bytes, extra, weight))
        return NULL;
    base_t base = hak_large_take(bytes, how->alignment, *how->call);
    if (!base.p)
        return NULL;
    how->class_index = HAK_CLASS_NONE;
    if (!sample)
        sample = hak_light_sample(bytes, extra, weight, how->call);
    if (sample) {
        hak_large_set_sample(base, sample);
    } else if (extra > 0) { /* nobody would count it */
        (void)hak_large_give(base);
        return NULL;
    }
    return base.p;
}

static void *allocate_sampled(struct hak_hand_out *how, double weight) {
    void *user = take_sampled(how, weight, 0);
    return user ? user : hak_entry_allocate_straight(how);
}

/* The guarded block of a larger size has the weight that its bytes gave it. */
void *hak_entry_allocate_due(struct hak_hand_out *how) {
    size_t bytes = how->asked_bytes;
    double weight = 0;
    hak_entry_begin();
    if (bytes > HAK_LIGHT_LOOK_BYTES && bytes <= PTRDIFF_MAX && hak_entry_is_point_due(bytes))
        weight = hak_light_weigh(bytes, &hak_thread.until_point);
    void *user = hak_light_take(how, &hak_thread.until_look, &hak_thread.until_point, &weight);
    if (user)
        return user;
    return weight != 0 ? allocate_sampled(how, weight) : hak_entry_allocate_straight(how);
}

void *hak_entry_allocate_at_point(struct hak_hand_out *how) {
    return allocate_sampled(how, hak_light_weigh(how->asked_bytes, &hak_thread.until_point));
}

void *hak_entry_allocate_by_bytes(struct hak_hand_out *how) {
    hak_entry_begin();
    return how->asked_bytes <= PTRDIFF_MAX && hak_entry_is_point_due(how->asked_bytes)
               ? hak_entry_allocate_at_point(how)
               : hak_entry_allocate_straight(how);
}

size_t hak_entry_sampled_slot_bytes(base_t base) {
    uint32_t sample = hak_large_sample(base);
    size_t bytes = sample ? hak_light_sampled_bytes(sample) : HAK_CLASS_MAX_BYTES + 1;
    return bytes <= HAK_CLASS_MAX_BYTES ? hak_class_bytes(hak_class_of_bytes(bytes)) : 0;
}

void hak_entry_resized(void *pointer, size_t bytes, uint32_t sample, hak_call_t call) {
    if (sample)
        hak_light_sample_ends(sample);
    if (!hak_entry_is_point_due(bytes))
        return;
    double weight = hak_light_weigh(bytes, &hak_thread.until_point);
    sample = hak_light_sample(bytes, 0, weight, call);
    if (sample)
        hak_large_set_sample(base_from(pointer), sample);
}

/* One that would have stayed in its slot keeps its number, as if it had. In libhakmem.so nothing
 * is guarded. */
void *hak_entry_move_guarded(struct hak_hand_out *how, size_t old_bytes) {
    size_t bytes = how->asked_bytes;
    size_t slot_bytes =
        old_bytes <= HAK_CLASS_MAX_BYTES ? hak_class_bytes(hak_class_of_bytes(old_bytes)) : 0;
    if (!hak_is_light_build || bytes > slot_bytes || bytes < slot_bytes / 2)
        return hak_entry_serve_inside(how);
    uint32_t sample = hak_light_leave_sample(how->moved_from.p);
    void *moved = sample ? take_sampled(how, 0, sample) : NULL;
    if (sample && !moved)
        hak_light_sample_ends(sample);
    return moved ? moved : hak_entry_serve_inside(how);
}
