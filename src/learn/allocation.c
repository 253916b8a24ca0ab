/* Allocation learning: the capacity of each front goes towards what the last window would have
 * needed.
 *
 *   what a front did in the window            it would have needed
 *   refills and spills                        what went out of it and came back: so much more
 *   only refills, or only spills              as much as it has: the program grows, or ends
 *   neither, and other blocks lie in it       as much as it has: it serves all calls by itself
 *   neither, and it lies as it lay, in the    nothing: nobody uses the class, or it has more than
 *   fourth window in a row                    its calls need, which shows when they need it again
 *
 * A front grows to 64 KiB of blocks at most, or to what it was made with where that is more. */
#include "front/front.h"
#include "learn/learner.h"
#include "options.h"
#include "platform/line.h"

enum { LEAST_PLACES = 4, GROWN_BYTES = 64 << 10, MOST_PLACES = 1024, IDLE_WINDOWS = 4 };

/* The use of a class since the last window. */
struct use {
    uint32_t refilled, spilled; /* blocks */
    unsigned capacity, blocks;
    bool is_idle; /* nothing moved, and as many blocks lie there, for so many windows */
};

/* How much the class moved since the last window, and whether it was idle for IDLE_WINDOWS windows.
 * Begins the next window. */
static struct use use_of(struct hak_learner *learner, unsigned class_index) {
    uint32_t refilled = hak_front_refilled(class_index), spilled = hak_front_spilled(class_index);
    struct use use = {
        .refilled = refilled - learner->refilled[class_index],
        .spilled = spilled - learner->spilled[class_index],
        .capacity = hak_front_capacity(class_index),
        .blocks = hak_front_blocks(class_index),
    };
    uint8_t *idle = &learner->idle[class_index];
    bool is_unchanged =
        use.refilled == 0 && use.spilled == 0 && use.blocks == learner->blocks[class_index];
    *idle = !is_unchanged ? 0 : *idle < IDLE_WINDOWS ? (uint8_t)(*idle + 1) : IDLE_WINDOWS;
    use.is_idle = *idle == IDLE_WINDOWS;
    learner->refilled[class_index] = refilled;
    learner->spilled[class_index] = spilled;
    return use;
}

static unsigned most_places(unsigned class_index) {
    size_t places = GROWN_BYTES / hak_class_bytes(class_index);
    return places < MOST_PLACES ? (unsigned)places : MOST_PLACES;
}

/* The places the class needs: more by as many blocks as it spilled and refilled again, up to the
 * most. If none came back, as many as now, or 0 when idle. */
static unsigned needed_by(const struct use *use, unsigned class_index) {
    uint32_t came_back = use->refilled < use->spilled ? use->refilled : use->spilled;
    unsigned most = most_places(class_index);
    if (came_back == 0)
        return use->is_idle ? 0 : use->capacity;
    if (use->capacity >= most)
        return use->capacity;
    return came_back < most - use->capacity ? use->capacity + came_back : most;
}

/* The capacity one step from `now` towards `needed`, by the learning rate; a step is even, and at
 * least two places if the way is that long. It falls to LEAST_PLACES before it falls below. */
static unsigned step_towards(unsigned now, unsigned needed) {
    uint64_t way = needed > now ? needed - now : now - needed;
    unsigned step = (unsigned)(way * hak_options.alloc_learn_rate / HAK_FRACTION_ONE);
    step = step < 2 ? 2 : step & ~1u;
    if (step > way)
        step = (unsigned)way & ~1u;
    unsigned capacity = needed > now ? now + step : now - step;
    return capacity < LEAST_PLACES && now >= LEAST_PLACES ? LEAST_PLACES : capacity;
}

/* How many blocks a refill or spill should move: half the front, as usual. LEARN_ADVANCED: all of
 * it where the window only took blocks, so that the next ones come with fewer refills; a quarter
 * where it needed no more than that. */
static unsigned batch_for(const struct use *use, unsigned capacity) {
    unsigned batch = capacity / 2;
    if (hak_options.learn_advanced) {
        if (use->spilled == 0 && use->refilled > capacity)
            batch = capacity;
        else if (use->refilled <= capacity / 4 && use->spilled == 0)
            batch = capacity / 4;
    }
    return batch ? batch : 1;
}

/* Says the change in a line on stderr. */
static void print_capacity_change(unsigned class_index, unsigned before, unsigned now,
                                  unsigned batch) {
    struct hak_line line = {.length = 0};
    hak_line_say(&line, "hakmem: learn: thread ", (uint64_t)hak_thread_id(), ", ");
    hak_line_say(&line, "", hak_class_bytes(class_index), " B: ");
    hak_line_say(&line, "", before, " -> ");
    hak_line_say(&line, "", now, " places, batch ");
    hak_line_number(&line, batch);
    hak_line_end(&line);
}

/* Resizes the class's front one step towards what the window needed, and sets its batch. An idle
 * front gives its blocks back, down to LEAST_PLACES. True when its places changed; false for a
 * class that was never used. */
static bool learn_class(struct hak_learner *learner, unsigned class_index) {
    if (hak_front_refilled(class_index) == 0)
        return false; /* never used */
    struct use use = use_of(learner, class_index);
    bool is_still = use.refilled == 0 && use.spilled == 0;
    unsigned needed = needed_by(&use, class_index);
    unsigned wanted = needed == use.capacity ? needed : step_towards(use.capacity, needed);
    unsigned batch = is_still ? hak_front_batch(class_index) : batch_for(&use, wanted);
    bool is_nothing = use.capacity == 0 || (is_still && use.blocks == 0) ||
                      (wanted == use.capacity && batch == hak_front_batch(class_index));
    unsigned now = use.capacity;
    if (use.is_idle)
        hak_front_keep(class_index, LEAST_PLACES);
    if (!is_nothing)
        now = hak_front_resize(class_index, wanted, batch < wanted ? batch : wanted);
    learner->blocks[class_index] = (uint16_t)hak_front_blocks(class_index);
    if (now == use.capacity)
        return false;
    if (hak_options.debug_level >= 2)
        print_capacity_change(class_index, use.capacity, now, hak_front_batch(class_index));
    return true;
}

unsigned hak_learn_allocation(struct hak_learner *learner) {
    unsigned changed = 0;
    for (unsigned c = 0; c < HAK_CLASSES; c++)
        changed += learn_class(learner, c);
    return changed;
}
