/* All schedules of a scenario, depth first; a state that was seen before is not gone into again. */
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include "search.h"

struct model *model;

/* ---- states that were seen ------------------------------------------------------------------- */

static struct seen *find(struct hash hash) {
    size_t i = hash.low & (search()->capacity - 1);
    while (search()->table[i].hash.low != 0 &&
           (search()->table[i].hash.low != hash.low || search()->table[i].hash.high != hash.high))
        i = (i + 1) & (search()->capacity - 1);
    return &search()->table[i];
}

static void enter(struct hash hash, double schedules) {
    if (search()->count * 2 >= search()->capacity) {
        struct seen *old = search()->table;
        size_t old_capacity = search()->capacity;
        search()->capacity = old_capacity ? old_capacity * 2 : 1 << 16;
        search()->table = calloc(search()->capacity, sizeof *search()->table);
        if (!search()->table)
            exit(2);
        for (size_t i = 0; i < old_capacity; i++)
            if (old[i].hash.low)
                *find(old[i].hash) = old[i];
        free(old);
    }
    struct seen *seen = find(hash);
    search()->count += seen->hash.low == 0;
    *seen = (struct seen){hash, schedules};
}

/* ---- depth first ----------------------------------------------------------------------------- */

static void push_node(struct hash hash, unsigned thread) {
    if (search()->depth == DEPTH_MAX)
        model_fail("more than %d steps", DEPTH_MAX);
    struct node *node = &search()->nodes[search()->depth++];
    if (search()->depth > model->deepest)
        model->deepest = search()->depth;
    node->hash = hash;
    node->enabled = 0;
    for (unsigned choice = 0; choice < CHOICES; choice++)
        node->enabled |= (unsigned)step_is_enabled(choice) << choice;
    node->tried = 0;
    node->thread = thread;
    node->schedules = 0;
    memory_save(&node->snapshot);
    search()->is_in_place = true;
    enter(hash, -1);
    model->states++;
}

/* The `n`th choice to try behind `thread`. */
static unsigned choice_of(unsigned n, unsigned thread) {
    return n < THREADS_MAX ? (n + thread) % THREADS_MAX : n;
}

static void check_end(void) {
    model->ends++;
    model->is_hashed = false;
    model->scenario->check();
}

static void check_stuck(void) {
    for (unsigned choice = 0; choice < CHOICES; choice++)
        if (step_is_enabled(choice))
            return;
    model_fail("deadlock: every thread that is not at its end sleeps");
}

/* One more step from the top node. */
static void advance(struct node *node, unsigned choice) {
    node->label = (struct label){choice, model->now.threads[choice % THREADS_MAX].next, 0};
    model->is_hashed = false;
    node->label = step_carry_out(choice);
    model->steps++;
    struct hash hash = memory_hash();
    const struct seen *seen = search()->count ? find(hash) : NULL;
    if (seen && seen->hash.low) {
        node->schedules += seen->schedules > 0 ? seen->schedules : 0;
        return;
    }
    if (step_all_done()) {
        check_end();
        enter(hash, 1);
        node->schedules += 1;
        return;
    }
    check_stuck();
    push_node(hash, choice % THREADS_MAX);
}

static void begin_again(void) {
    struct search *s = search();
    memory_restore(s->nodes[0].snapshot);
    memset(s->table, 0, s->capacity * sizeof *s->table);
    s->count = 0;
    s->depth = 0;
    s->is_void = false;
    model->states = model->steps = model->ends = 0;
    model->deepest = 0;
    push_node(memory_hash(), 0);
}

static void go_all_ways(void) {
    push_node(memory_hash(), 0);
    while (search()->depth > 0) {
        if (search()->is_void)
            begin_again();
        struct node *node = &search()->nodes[search()->depth - 1];
        if (node->tried == CHOICES) {
            enter(node->hash, node->schedules);
            model->schedules = node->schedules;
            search()->depth--;
            if (search()->depth > 0)
                search()->nodes[search()->depth - 1].schedules += node->schedules;
            continue;
        }
        unsigned choice = choice_of(node->tried++, node->thread);
        if (!(node->enabled >> choice & 1))
            continue;
        if (!search()->is_in_place)
            memory_restore(node->snapshot);
        search()->is_in_place = false;
        advance(node, choice);
    }
}

void explore(const struct scenario *scenario, bool has_buffers) {
    model->scenario = scenario;
    model->has_buffers = has_buffers;
    model->stacks = mmap(NULL, THREADS_MAX * (size_t)STACK_BYTES, PROT_READ | PROT_WRITE,
                         MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    model->search = calloc(1, sizeof *model->search);
    search()->nodes = calloc(DEPTH_MAX, sizeof *search()->nodes);
    for (unsigned t = 0; t < THREADS_MAX; t++)
        model->now.threads[t].hak = hak_thread;
    scenario->set_up();
    step_put_in_place(0);
    for (unsigned t = 0; t < THREADS_MAX; t++)
        step_prepare(t);
    races_start();
    go_all_ways();
}
