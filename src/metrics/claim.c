/* Takes and gives back the blocks in which threads count. */
#include <string.h>
#include "metrics/count.h"
#include "platform/raw_call.h"

enum {
    PRIVATE_BLOCKS = 64,
    SHARED_PART = 4, /* which part of the blocks only threads that share may take: other processes
                        need one, too */
};

/* The block for all counts until a place is known, and for good when there is no memory. */
static struct hak_counters first_counters;
static struct hak_counters_place place; /* capacity 0 = none yet */
static _Atomic uint32_t private_high;
static bool is_private, has_begun;
int64_t hak_counters_dropped;

/* Maps private memory that a forked child finds zeroed: counters and the words that say who owns
 * them. NULL without memory. If the kernel refuses to zero it in a child, it is used all the
 * same. */
static void *map_wiped_on_fork(size_t bytes) {
    void *start = hak_raw_map(bytes);
    if (start)
        (void)hak_raw_call(SYS_madvise, start, bytes, MADV_WIPEONFORK);
    return start;
}

/* Claims the block for this process if it is still `from`, and raises the number of blocks in use.
 * False: another thread took it. */
static bool claim_block(uint32_t index, uint64_t from, enum hak_counters_state state) {
    uint64_t expected = from;
    if (atomic_load_explicit(&place.owners[index], memory_order_relaxed) != from ||
        !atomic_compare_exchange_strong(&place.owners[index], &expected,
                                        hak_counters_owner(state, place.process)))
        return false;
    uint32_t high = atomic_load_explicit(place.high, memory_order_relaxed);
    while (high < index + 1 && !atomic_compare_exchange_weak(place.high, &high, index + 1))
        continue;
    return true;
}

/* Claims the first block in state `from` and puts it into `state`; UINT32_MAX when there is none
 * below `limit`. */
static uint32_t claim_any(uint64_t from, enum hak_counters_state state, uint32_t limit) {
    for (uint32_t i = 0; i < limit; i++)
        if (claim_block(i, from, state))
            return i;
    return UINT32_MAX;
}

static uint32_t used_blocks(void) {
    uint32_t high = atomic_load_explicit(place.high, memory_order_relaxed);
    return high < place.capacity ? high : place.capacity;
}

/* Makes the thread count in the block; in all modes but HAK_COUNTER_OWN by the slow way. */
static void use(struct hak_counter *c, struct hak_counters *counters, enum hak_counter_mode mode) {
    c->counters = counters;
    c->mode = (uint8_t)mode;
    c->is_slow = mode != HAK_COUNTER_OWN;
}

/* Finds a block of this process below `limit` that is shared already; UINT32_MAX: none. */
static uint32_t find_shared(uint32_t limit) {
    uint64_t wanted = hak_counters_owner(HAK_COUNTERS_SHARED, place.process);
    for (uint32_t i = 0; i < limit; i++)
        if (atomic_load_explicit(&place.owners[i], memory_order_relaxed) == wanted)
            return i;
    return UINT32_MAX;
}

/* Claims the block of the threads of this process that have none of their own; UINT32_MAX: all are
 * taken. Two that race may share two of them; who comes too late for the last one finds it shared
 * by then. */
static uint32_t claim_shared(void) {
    uint32_t index = find_shared(used_blocks());
    if (index == UINT32_MAX)
        index = claim_any(0, HAK_COUNTERS_SHARED, place.capacity);
    return index == UINT32_MAX ? find_shared(place.capacity) : index;
}

void hak_counters_take_block(struct hak_counter *c) {
    uint32_t own = place.capacity - (place.capacity + SHARED_PART - 1) / SHARED_PART;
    if (has_begun && place.process == HAK_COUNTERS_NO_PROCESS) {
        c->mode = HAK_COUNTER_NOWHERE;
        return;
    }
    if (place.capacity == 0) {
        use(c, &first_counters, HAK_COUNTER_SHARED);
        return;
    }
    uint32_t index = claim_any(hak_counters_owner(HAK_COUNTERS_IDLE, place.process),
                               HAK_COUNTERS_OWNED, used_blocks());
    if (index == UINT32_MAX)
        index = claim_any(0, HAK_COUNTERS_OWNED, own);
    enum hak_counter_mode mode = HAK_COUNTER_OWN;
    if (index == UINT32_MAX) {
        index = claim_shared();
        mode = HAK_COUNTER_SHARED;
    }
    c->block = index;
    if (index == UINT32_MAX)
        use(c, &first_counters, HAK_COUNTER_SHARED);
    else
        use(c, hak_counters_at(place.blocks, index), mode);
}

/* Takes a row of the block for the metric. Rows are taken in order and never given back, so a
 * thread that meets a free one has seen that the metric has none before it. */
static unsigned take_row(struct hak_counters *counters, unsigned metric) {
    for (unsigned row = 0; row < HAK_METRICS; row++) {
        uint8_t found = 0;
        if (__atomic_compare_exchange_n(&counters->metric_of_row[row], &found,
                                        (uint8_t)(metric + 1), false, __ATOMIC_ACQ_REL,
                                        __ATOMIC_ACQUIRE) ||
            found == metric + 1) {
            __atomic_store_n(&counters->row_of_metric[metric], (uint8_t)(row + 1),
                             __ATOMIC_RELAXED);
            return row;
        }
    }
    return 0; /* somebody wrote into our memory */
}

/* Returns the cell of `metric` for class row `metric_class`, never NULL; a metric without a row
 * claims one by CAS. Several threads may ask at once. */
uint64_t *hak_counters_cell(struct hak_counters *counters, unsigned metric, unsigned metric_class) {
    unsigned known = __atomic_load_n(&counters->row_of_metric[metric], __ATOMIC_RELAXED);
    unsigned row = known ? known - 1 : take_row(counters, metric);
    return &counters->rows[row][metric_class];
}

static bool is_call(unsigned metric) {
    return metric <= HAK_METRIC_RESIZED;
}

/* Moves the counts from before there was a place to the calling thread's block. Counts of calls
 * (but resizes) move only `with_calls`; else their balance goes into hak_counters_dropped. */
static void move_first_counts(bool with_calls) {
    struct hak_counters *first = &first_counters;
    struct hak_counter *c = &hak_counter;
    *c = (struct hak_counter){.is_slow = 1};
    hak_counters_take_block(c);
    if (c->counters == first && with_calls)
        return;
    for (unsigned row = 0; row < HAK_METRICS && first->metric_of_row[row]; row++) {
        unsigned metric = first->metric_of_row[row] - 1u;
        for (unsigned k = 0; k < HAK_METRIC_CLASSES; k++) {
            uint64_t count = first->rows[row][k];
            first->rows[row][k] = 0;
            if (is_call(metric) && !with_calls && metric != HAK_METRIC_RESIZED)
                hak_counters_dropped +=
                    metric < HAK_METRIC_GIVEN_FIRST ? (int64_t)count : -(int64_t)count;
            else if (count && (with_calls || !is_call(metric)) && c->counters)
                *hak_counters_cell(c->counters, metric, k) += count;
        }
    }
    if (c->counters != first)
        memset(first, 0, offsetof(struct hak_counters, rows));
}

/* Counts go into the recording's memory from now on; those counted before move there, but for calls
 * (move_first_counts). */
void hak_counters_begin(const struct hak_counters_place *wanted) {
    place = *wanted;
    is_private = false;
    has_begun = true;
    move_first_counts(false);
}

void hak_counters_begin_private(void) {
    char *start = map_wiped_on_fork((PRIVATE_BLOCKS + 1) * HAK_COUNTERS_BYTES);
    place = (struct hak_counters_place){.owners = (hak_counters_owner_t *)(void *)start,
                                        .blocks = start + HAK_COUNTERS_BYTES,
                                        .high = &private_high,
                                        .capacity = start ? PRIVATE_BLOCKS : 0};
    is_private = true;
    has_begun = true;
    move_first_counts(true);
}

/* In a fork's child: begins with no counts and no block, under its own process number. */
void hak_counters_enter_child(uint32_t process) {
    hak_counter = (struct hak_counter){.is_slow = 1};
    memset(&first_counters, 0, hak_counters_used_bytes(&first_counters));
    hak_counters_dropped = HAK_COUNTERS_IN_CHILD;
    if (!is_private)
        place.process = process;
}

void hak_counters_end_thread(void) {
    struct hak_counter *c = &hak_counter;
    uint32_t block = c->block;
    bool is_own = c->mode == HAK_COUNTER_OWN;
    *c = (struct hak_counter){.is_slow = 1};
    if (is_own)
        atomic_store_explicit(&place.owners[block],
                              hak_counters_owner(HAK_COUNTERS_IDLE, place.process),
                              memory_order_release);
}

void hak_counters_sum(struct hak_counters_sum *sum) {
    *sum = (struct hak_counters_sum){0};
    hak_counters_add_up(sum, &first_counters);
    for (uint32_t i = 0; place.capacity && i < used_blocks(); i++) {
        uint64_t owner = atomic_load_explicit(&place.owners[i], memory_order_acquire);
        if (owner >> 32 == HAK_COUNTERS_FREE || (uint32_t)owner != place.process)
            continue;
        hak_counters_add_up(sum, hak_counters_at(place.blocks, i));
    }
}
