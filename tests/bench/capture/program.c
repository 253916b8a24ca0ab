/* The simulated program: its stacks, its functions, its threads, its forks. */
#include "program.h"

#include <stdio.h>
#include <stdlib.h>
#include "check.h"

enum step_kind { ALLOCATE, FREE, RESIZE, KEEP, HAND_OVER, TAKE_OVER };
struct step {
    uint8_t kind, local, subkind, flags;
    uint16_t ticks; /* of 16 ns */
    uint32_t stack, size, spread;
};
#define LOCALS      64
#define STEPS_MAX   256
#define PHASE       16   /* functions that a thread runs in turn */
#define REPEATS     4    /* a function runs so often in a row, on average */
#define PHASE_CALLS 4000 /* after so many runs one of them is another one */
#define WHILE_KEPT  2048
#define LONG_KEPT   40000
#define MAILBOX     128
#define INHERITED   1000

struct function {
    struct step *steps;
    uint32_t count;
};

/* A thread of the program, which runs on one lane at a time. */
struct runner {
    struct thread thread;
    uint32_t phase[PHASE], calls, at; /* function run now, next step */
    const struct function *function;
    block_ref local[LOCALS];
    block_ref *while_kept, *long_kept;
    uint32_t while_at;
    block_ref mailbox[MAILBOX]; /* handed over by another thread, to be freed by this one */
    uint64_t mail_ns;
    uint32_t mail_count;
    struct hak_event *inherited; /* what a child frees of its parent's */
    uint32_t inherited_count;
    bool is_running;
};

static struct program_settings settings;
static struct trie_node *nodes;
static struct function *functions;
static struct runner *runners;
static uint32_t runner_count, process_count = 1, forks_done;
static struct lane lanes[LANES];
static struct runner *on_lane[LANES];
static uint64_t slice_end[LANES], random_state, events_made;

static uint64_t next_random(void) {
    uint64_t z = random_state += 0x9e3779b97f4a7c15u; /* splitmix64 (Steele, Lea, Flood, 2014) */
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
    z = (z ^ z >> 27) * 0x94d049bb133111ebu;
    return z ^ z >> 31;
}
static uint32_t below(uint32_t limit) {
    return (uint32_t)((next_random() >> 32) * limit >> 32);
}
/* Small numbers often: of a thousand the first hundred get nearly half. */
static uint32_t often_small(uint32_t limit) {
    uint64_t u = next_random() >> 43; /* 21 bits */
    return (uint32_t)((u * u >> 21) * u * limit >> 42);
}

static void *get(size_t count, size_t bytes) {
    void *memory = calloc(count, bytes);
    if (!memory) {
        fputs("capture: out of memory\n", stderr);
        exit(1);
    }
    return memory;
}

/* Chains with branches, 5 to 40 deep. */
static void make_trie(void) {
    nodes = get(settings.nodes + 1, sizeof *nodes);
    uint8_t *depth = get(settings.nodes + 1, 1);
    for (uint32_t i = 1; i <= settings.nodes; i++) {
        uint32_t parent = i - 1;
        if (i > 8 && (depth[parent] >= 40 || below(10) < 4))
            parent = i - 1 - below(i < 2000 ? i - 1 : 2000);
        nodes[i].parent = parent;
        depth[i] = (uint8_t)(depth[parent] + 1);
        nodes[i].module = 1 + below(below(3) ? 2 : MODULES);
        nodes[i].ip = MODULE_START(nodes[i].module) + 0x1000 + 8 * (uint64_t)below(40000);
    }
    free(depth);
}

static uint32_t pick_size(void) {
    uint32_t kind = below(1000);
    if (kind < 600)
        return 8 + 8 * below(16);
    if (kind < 900)
        return 16 + below(500);
    if (kind < 990)
        return 512 + below(4000);
    return kind < 998 ? 4096 + below(28000) : 40000 + below(900000);
}

static struct step *add_step(struct function *f, unsigned kind, uint32_t local, uint32_t anchor) {
    struct step *s = &f->steps[f->count++];
    uint32_t reach = settings.nodes - anchor < 60 ? settings.nodes - anchor : 60;
    *s = (struct step){.kind = (uint8_t)kind,
                       .local = (uint8_t)local,
                       .ticks = (uint16_t)(1 + often_small(24)),
                       .stack = anchor + below(reach + 1),
                       .flags = below(500) ? 0 : 4};
    return s;
}

static void add_allocation(struct function *f, uint32_t local, uint32_t anchor) {
    struct step *s = add_step(f, ALLOCATE, local, anchor);
    static const uint8_t taken[] = {HAK_BY_MALLOC, HAK_BY_MALLOC, HAK_BY_CALLOC, HAK_BY_NEW};
    s->subkind = taken[below(4)];
    s->size = pick_size();
    s->spread = below(5) ? 0 : s->size < 4096 ? 1 + below(64) : s->size / 2;
}

/* Gives a function's blocks back: the last first, or the first first; a few stay. */
static void end_function(struct function *f, uint32_t locals, uint32_t anchor) {
    bool is_lifo = below(4) != 0;
    for (uint32_t i = 0; i < locals; i++) {
        uint32_t fate = below(100);
        add_step(f,
                 fate < 3   ? KEEP
                 : fate < 4 ? HAND_OVER
                            : FREE,
                 is_lifo ? locals - 1 - i : i, anchor);
    }
    add_step(f, TAKE_OVER, 0, anchor);
}

/* Some blocks, some of them freed at once and asked for again, some resized; every fourth function
 * fills its locals with equal blocks in a loop. */
static void make_function(struct function *f) {
    static struct step steps[STEPS_MAX];
    uint32_t anchor = 8 + below(settings.nodes - 8), locals = 1 + often_small(20);
    f->steps = steps;
    if (below(4) == 0) {
        locals = 8 + below(LOCALS - 8);
        add_allocation(f, 0, anchor);
        for (uint32_t i = 1; i < locals; i++) {
            steps[f->count] = steps[0];
            steps[f->count++].local = (uint8_t)i;
        }
    } else {
        for (uint32_t i = 0; i < locals; i++) {
            add_allocation(f, i, anchor);
            if (below(3) == 0) {
                add_step(f, FREE, i, anchor);
                add_allocation(f, i, anchor);
            }
            if (below(16) == 0) {
                uint32_t size = steps[f->count - 1].size;
                add_step(f, RESIZE, i, anchor)->size = 2 * (size + 8);
            }
        }
    }
    end_function(f, locals, anchor);
    f->steps = get(f->count, sizeof *steps);
    for (uint32_t i = 0; i < f->count; i++)
        f->steps[i] = steps[i];
}

static struct runner *add_runner(uint32_t process) {
    struct runner *r = &runners[runner_count++];
    heap_add_thread(&r->thread, process, runner_count);
    r->while_kept = get(WHILE_KEPT, sizeof *r->while_kept);
    r->long_kept = get(LONG_KEPT, sizeof *r->long_kept);
    for (uint32_t i = 0; i < PHASE; i++)
        r->phase[i] = often_small(settings.functions);
    return r;
}

void program_start(const struct program_settings *given) {
    settings = *given;
    random_state = settings.seed;
    heap_start();
    make_trie();
    functions = get(settings.functions, sizeof *functions);
    for (uint32_t i = 0; i < settings.functions; i++)
        make_function(&functions[i]);
    runners = get(settings.threads + settings.forks, sizeof *runners);
    for (uint32_t i = 0; i < settings.threads; i++)
        add_runner(1);
    for (unsigned i = 0; i < LANES; i++) {
        lanes[i].queue = get(LANE_EVENTS, sizeof *lanes[i].queue);
        lanes[i].now = 16000;
    }
}

static void keep(struct runner *r, block_ref block, struct call call) {
    bool is_starting = events_made < settings.events / 50;
    uint32_t fate = below(100);
    if (fate < (is_starting ? 30 : 1))
        return; /* for ever: nobody knows it any more */
    block_ref *place =
        fate < 70 ? &r->while_kept[r->while_at++ % WHILE_KEPT] : &r->long_kept[below(LONG_KEPT)];
    if (*place)
        heap_free(&r->thread, *place, call);
    *place = block;
}

static void hand_over(struct runner *r, block_ref block, struct call call) {
    struct runner *other = &runners[below(settings.threads)];
    if (r->thread.process != 1 || other == r || other->mail_count == MAILBOX) {
        heap_free(&r->thread, block, call);
        return;
    }
    other->mailbox[other->mail_count++] = block;
    if (other->mail_ns < r->thread.lane->now) /* the other lane may be ahead */
        other->mail_ns = r->thread.lane->now;
}

static void take_over(struct runner *r, struct call call) {
    if (r->mail_ns >= r->thread.lane->now)
        return;
    for (; r->mail_count; r->mail_count--)
        heap_free(&r->thread, r->mailbox[r->mail_count - 1], call);
}

static void fork_child(struct runner *r) {
    struct runner *child = add_runner(++process_count);
    child->inherited = get(INHERITED, sizeof *child->inherited);
    for (uint32_t i = 0; i < LONG_KEPT && child->inherited_count < INHERITED; i++)
        if (r->long_kept[i] && !(r->long_kept[i] & LARGE))
            child->inherited[child->inherited_count++] = heap_look(r->long_kept[i]);
    child->thread.last_ns = r->thread.lane->now + 160;
    heap_note(&r->thread, HAK_FORK, 0, ++forks_done);
}

static void start_function(struct runner *r) {
    if (++r->calls % PHASE_CALLS == 0)
        r->phase[below(PHASE)] = often_small(settings.functions);
    uint32_t which = below(PHASE), other = below(PHASE);
    if (!r->function || below(REPEATS) == 0)
        r->function = &functions[r->phase[which < other ? which : other]];
    r->at = 0;
    if (r->inherited_count) {
        struct call call = {.stack = r->function->steps[r->function->count - 1].stack};
        heap_free_inherited(&r->thread, &r->inherited[--r->inherited_count], call);
    }
    if (r->thread.process == 1 && forks_done < settings.forks &&
        events_made >= settings.events / (settings.forks + 1) * (forks_done + 1))
        fork_child(r);
}

static void run_step(struct runner *r) {
    if (!r->function || r->at == r->function->count)
        start_function(r);
    const struct step *s = &r->function->steps[r->at++];
    struct lane *lane = r->thread.lane;
    uint64_t random = next_random();
    lane->now += 16 * (s->ticks + (random & 1));
    if ((random >> 1 & 255) == 0)
        lane->now += 16 * (random >> 9 & 511);
    struct call call = {s->stack, s->subkind, s->flags};
    block_ref *local = &r->local[s->local];
    switch ((enum step_kind)s->kind) {
    case ALLOCATE:
        *local = heap_malloc(&r->thread, s->size + (s->spread ? random % s->spread : 0), call);
        break;
    case FREE:
        heap_free(&r->thread, *local, call);
        break;
    case RESIZE:
        *local = heap_realloc(&r->thread, *local, s->size, call);
        break;
    case KEEP:
        keep(r, *local, call);
        break;
    case HAND_OVER:
        hand_over(r, *local, call);
        break;
    case TAKE_OVER:
        take_over(r, call);
        break;
    }
}

/* Another thread gets the lane; its time goes on where both were. A lane behind the first one is
 * idle for some time, as processors are. */
static void switch_lane(unsigned number) {
    struct lane *lane = &lanes[number];
    if (number && below(3))
        lane->now += 16 * (uint64_t)below(1000000);
    struct runner *next;
    do
        next = &runners[below(runner_count)];
    while (next->is_running && next != on_lane[number] && runner_count > LANES);
    if (next->is_running && next != on_lane[number])
        return; /* fewer threads than lanes */
    if (on_lane[number]) {
        on_lane[number]->is_running = false;
        on_lane[number]->thread.last_ns = lane->now;
    }
    on_lane[number] = next;
    next->is_running = true;
    next->thread.lane = lane;
    lane->now = (next->thread.last_ns > lane->now ? next->thread.last_ns : lane->now) + 1600;
    slice_end[number] = lane->now + 200000 + 16 * (uint64_t)below(250000);
}

/* Makes the next events of a lane that has none. */
static void fill(unsigned number) {
    struct lane *lane = &lanes[number];
    lane->head = lane->tail = 0;
    while (!lane->tail) {
        if (!on_lane[number] || lane->now >= slice_end[number])
            switch_lane(number);
        if (!on_lane[number])
            return;
        run_step(on_lane[number]);
    }
}

const struct hak_event *program_next(void) {
    unsigned first = LANES;
    for (unsigned i = 0; i < LANES; i++) {
        if (lanes[i].head == lanes[i].tail)
            fill(i);
        if (lanes[i].head < lanes[i].tail &&
            (first == LANES ||
             lanes[i].queue[lanes[i].head].ns < lanes[first].queue[lanes[first].head].ns))
            first = i;
    }
    events_made++;
    return &lanes[first].queue[lanes[first].head++];
}

const struct trie_node *program_node(uint32_t number) {
    return &nodes[number];
}
uint32_t program_threads(void) {
    return runner_count;
}
const struct thread *program_thread(uint32_t row) {
    return &runners[row - 1].thread;
}
