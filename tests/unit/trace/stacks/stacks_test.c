/* Tests of src/trace/stacks/stacks.c and table.c: equal stacks get equal ids, also among threads,
 * over growth of the table and in forked children; hakmem's own frames are left out; what ends is
 * said. */
#include "platform/objects.h"
#include "trace/stacks/stacks.h"
#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <ucontext.h>
#include <unistd.h>
#include "unwind/region.h"
#include "unwind/splice.h"
#include "trace/node.h"
#include "trace/stacks/table.h"
#include "trace/trace.h"
#include "unwind/unwind.h"
#include "tools/own_kib.h"
#include "unit/suite.h"

enum { NODES = 1 << 22, FRAMES = 256 };

static struct hak_node *nodes;
static _Atomic uint32_t *node_count;
static _Atomic uint64_t no_stack, no_stack_of_child;

/* Stands for the text of a layer of hakmem. */
#define LAYER __attribute__((noinline, section("hak_tracer_text_layer")))
extern const char __start_hak_tracer_text[], __stop_hak_tracer_text[];
extern const char __start_hak_tracer_text_layer[], __stop_hak_tracer_text_layer[];

static uintptr_t smaller(uintptr_t a, uintptr_t b) {
    return a < b ? a : b;
}
static uintptr_t larger(uintptr_t a, uintptr_t b) {
    return a > b ? a : b;
}

static void begin(uint32_t depth, uint64_t capacity) {
    nodes = mmap(NULL, NODES * sizeof *nodes, PROT_READ | PROT_WRITE,
                 MAP_SHARED | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    node_count = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    hak_stacks_start(&(struct hak_stacks_setup){
        .nodes = nodes,
        .node_capacity = capacity,
        .node_count = node_count,
        .no_stack = &no_stack,
        .process = 7,
        .depth = depth,
        .own_start =
            smaller((uintptr_t)__start_hak_tracer_text, (uintptr_t)__start_hak_tracer_text_layer),
        .own_end =
            larger((uintptr_t)__stop_hak_tracer_text, (uintptr_t)__stop_hak_tracer_text_layer)});
}

static void start_usual(void) {
    begin(64, NODES);
}

/* The ips of stack `id`; their number. */
static size_t read_back(uint32_t id, uintptr_t *ips) {
    size_t count = 0;
    for (; id != 0 && count < FRAMES; id = nodes[id].parent) {
        ck_assert_uint_lt(id, *node_count);
        ips[count++] = nodes[id].ip;
    }
    return count;
}

TEST(stacks_read_back) {
    uintptr_t ips[3] = {0x1111, 0x2222, 0x3333}, back[FRAMES];
    uint32_t id = hak_stacks_intern(ips, 3);
    ck_assert_uint_ne(id, 0);
    ck_assert_uint_eq(read_back(id, back), 3);
    ck_assert(memcmp(ips, back, sizeof ips) == 0);
    ck_assert_uint_eq(nodes[id].owner, 7u << 22);
    ck_assert_uint_eq(hak_stacks_intern(ips, 3), id);
    ck_assert_uint_eq(hak_stacks_intern(ips + 1, 2), nodes[id].parent);
    uintptr_t other[3] = {0x1112, 0x2222, 0x3333};
    uint32_t second = hak_stacks_intern(other, 3);
    ck_assert_uint_ne(second, id);
    ck_assert_uint_eq(nodes[second].parent, nodes[id].parent);
    ck_assert_uint_eq(*node_count, 5); /* 0 is none, three and one */
    ck_assert_uint_eq(hak_stacks_intern(ips, 0), 0);
}

TEST(the_table_grows) {
    static uint32_t ids[300000];
    unsigned wrong = 0;
    for (uintptr_t i = 0; i < 300000; i++) {
        uintptr_t ips[2] = {0x400000 + i * 5, 0x500000 + i % 1000};
        ids[i] = hak_stacks_intern(ips, 2);
        wrong += ids[i] == 0;
    }
    ck_assert_uint_eq(*node_count, 301001);
    for (uintptr_t i = 0; i < 300000; i++) {
        uintptr_t ips[2] = {0x400000 + i * 5, 0x500000 + i % 1000};
        wrong += hak_stacks_intern(ips, 2) != ids[i];
    }
    ck_assert_uint_eq(wrong, 0);
    ck_assert_uint_eq(*node_count, 301001);
}

enum { RACE_STACKS = 60000, RACE_THREADS = 4 };
static uint32_t raced[RACE_THREADS][RACE_STACKS];

static void *add_all(void *number) {
    for (uintptr_t i = 0; i < RACE_STACKS; i++) {
        uintptr_t ips[3] = {0x10000 + i, 0x20000 + i / 7, 0x30000 + i / 91};
        raced[(uintptr_t)number][i] = hak_stacks_intern(ips, 3);
    }
    return NULL;
}

TEST(threads_agree_on_ids) {
    pthread_t thread[RACE_THREADS];
    for (uintptr_t i = 0; i < RACE_THREADS; i++)
        pthread_create(&thread[i], NULL, add_all, (void *)i);
    for (int i = 0; i < RACE_THREADS; i++)
        pthread_join(thread[i], NULL);
    for (int i = 1; i < RACE_THREADS; i++)
        ck_assert(memcmp(raced[i], raced[0], sizeof raced[0]) == 0);
}

TEST(full_array_gives_none_and_counts) {
    begin(64, 10);
    uintptr_t ips[4] = {1 << 20, 2 << 20, 3 << 20, 4 << 20}, back[FRAMES];
    uint32_t id = hak_stacks_intern(ips, 4);
    ck_assert_uint_ne(id, 0);
    for (uintptr_t i = 0; i < 10; i++) {
        ips[3] = (100 + i) << 20;
        uint32_t other = hak_stacks_intern(ips, 4);
        ck_assert(i == 0 || other == 0);
    }
    ck_assert_uint_eq(no_stack, 9);
    ips[3] = 4 << 20;
    ck_assert_uint_eq(hak_stacks_intern(ips, 4), id);
    ck_assert_uint_eq(read_back(id, back), 4);
    ck_assert_uint_le(*node_count, 10);
}

/* A child uses the stacks of its parent that it finds, its additions are its own, and the parent's
 * stay whole. */
TEST(children_inherit_and_add) {
    uintptr_t ips[2] = {0xaaaa, 0xbbbb}, new_ips[2] = {0xcccc, 0xbbbb};
    uint32_t id = hak_stacks_intern(ips, 2);
    pid_t child = fork();
    if (child == 0) {
        hak_stacks_fork_child(9, &no_stack_of_child);
        uint32_t added = hak_stacks_intern(new_ips, 2);
        _exit(hak_stacks_intern(ips, 2) == id && nodes[id].owner == 7u << 22 &&
                      nodes[added].owner == 9u << 22 && nodes[added].parent == nodes[id].parent
                  ? 0
                  : 1);
    }
    ck_assert_int_eq(status_of(child), 0);
    uint32_t added = hak_stacks_intern(new_ips, 2);
    ck_assert_uint_eq(nodes[added].owner, 7u << 22);
    ck_assert_uint_eq(added, id + 2); /* the child took the one between */
}

TEST(forgotten_code_gets_new_nodes) {
    uintptr_t in_module[2] = {0x7001000, 0x100}, above[3] = {0x200, 0x7001000, 0x100};
    uintptr_t elsewhere[2] = {0x7002000, 0x100};
    uint32_t id = hak_stacks_intern(in_module, 2), above_id = hak_stacks_intern(above, 3);
    uint32_t elsewhere_id = hak_stacks_intern(elsewhere, 2);
    hak_stacks_forget(0x7001000, 0x7002000, id - 1);
    uint32_t second = hak_stacks_intern(in_module, 2);
    ck_assert_uint_ne(second, id);
    ck_assert_uint_eq(nodes[second].parent, nodes[id].parent);
    ck_assert_uint_ne(hak_stacks_intern(above, 3), above_id);
    ck_assert_uint_eq(hak_stacks_intern(elsewhere, 2), elsewhere_id);
}

/* ---- the ring -------------------------------------------------------------------------------- */

enum { RING_BITS = 12, RING = 1 << RING_BITS, RING_STACKS = 40000, RING_IDS = 1 << 20 };
static _Atomic uint32_t nodes_mapped, waits;
static struct hak_node collected[RING_IDS];
static _Atomic bool stop_collecting;

static bool wait_a_little(uint64_t *begin_ns) {
    ++*begin_ns;
    atomic_fetch_add(&waits, 1);
    sched_yield();
    return true;
}

static void begin_ring(bool (*wait)(uint64_t *)) {
    begin(64, NODES); /* for its memory */
    atomic_store(&nodes_mapped, 1);
    hak_stacks_start(&(struct hak_stacks_setup){.nodes = nodes,
                                                .node_capacity = RING,
                                                .node_count = node_count,
                                                .nodes_mapped = &nodes_mapped,
                                                .no_stack = &no_stack,
                                                .wait_for_room = wait,
                                                .process = 7,
                                                .depth = 64});
}

/* Takes nodes in order of id, as the collector does; gives an id up now and then, though its thread
 * is only late. */
static void *collect(void *unused) {
    (void)unused;
    for (uint32_t id = 1; !atomic_load(&stop_collecting);) {
        if (id >= atomic_load(node_count)) {
            sched_yield();
        } else if (hak_node_read(nodes, RING_BITS, id, &collected[id]) ||
                   hak_node_give_up(nodes, RING_BITS, id)) {
            ck_assert_uint_lt(++id, RING_IDS);
            if (id % 64 == 0 || id == atomic_load(node_count))
                atomic_store(&nodes_mapped, id);
        }
    }
    return NULL;
}

static void stack_of(uintptr_t i, uintptr_t *ips) {
    ips[0] = 0x10000 + i, ips[1] = 0x20000 + i / 7, ips[2] = 0x30000 + i / 91, ips[3] = 0x40000;
}

static void *add_all_to_ring(void *number) {
    static const uintptr_t step[RACE_THREADS] = {1, 3, 7, 9}; /* each thread in its own order */
    uintptr_t ips[4];
    for (uintptr_t i = 0; i < RING_STACKS; i++) {
        stack_of(i * step[(uintptr_t)number] % RING_STACKS, ips);
        uint32_t id = hak_stacks_intern(ips, 4);
        raced[(uintptr_t)number][ips[0] - 0x10000] = id;
    }
    return NULL;
}

/* Overwritten nodes were collected before; the stack that a thread got is its own, by the collected
 * nodes, in whichever round of the ring. */
TEST(each_stack_is_right_round_after_round) {
    pthread_t thread[RACE_THREADS], collector;
    begin_ring(wait_a_little);
    atomic_store(&stop_collecting, false);
    pthread_create(&collector, NULL, collect, NULL);
    for (uintptr_t i = 0; i < RACE_THREADS; i++)
        pthread_create(&thread[i], NULL, add_all_to_ring, (void *)i);
    for (int i = 0; i < RACE_THREADS; i++)
        pthread_join(thread[i], NULL);
    while (atomic_load(&nodes_mapped) != atomic_load(node_count))
        sched_yield();
    atomic_store(&stop_collecting, true);
    pthread_join(collector, NULL);
    ck_assert_uint_gt(*node_count, 5 * RING);
    ck_assert_uint_eq(no_stack, 0);
    for (uintptr_t n = 0; n < RACE_THREADS; n++)
        for (uintptr_t i = 0; i < RING_STACKS; i++) {
            uintptr_t ips[4];
            stack_of(i, ips);
            uint32_t id = raced[n][i];
            for (int f = 0; f < 4; f++, id = collected[id].parent)
                ck_assert_uint_eq(collected[id].ip, ips[f]);
            ck_assert_uint_eq(id, 0);
        }
}

/* Ids go on beyond 2^28, where the ring has places enough for the laps. */
TEST(ids_go_on_for_long) {
    enum { WIDE = 1 << 18, COUNT = 1000 };
    static struct hak_node wide[WIDE];
    uintptr_t ips[4], back[FRAMES];
    uint32_t first = (1u << 28) - COUNT;
    begin(64, NODES);
    atomic_store(node_count, first);
    atomic_store(&nodes_mapped, first);
    hak_stacks_start(&(struct hak_stacks_setup){.nodes = wide,
                                                .node_capacity = WIDE,
                                                .node_count = node_count,
                                                .nodes_mapped = &nodes_mapped,
                                                .no_stack = &no_stack,
                                                .process = 7,
                                                .depth = 64});
    for (uintptr_t i = 0; i < 2 * COUNT; i++) {
        stack_of(i, ips);
        uint32_t id = hak_stacks_intern(ips, 4);
        ck_assert_uint_eq(hak_stacks_frames(id, back, FRAMES), 4);
        for (int f = 0; f < 4; f++)
            ck_assert_uint_eq(back[f], ips[f]);
        ck_assert_uint_eq(hak_stacks_intern(ips, 4), id);
    }
    ck_assert_uint_gt(*node_count, 1u << 28);
    ck_assert_uint_eq(no_stack, 0);
}

/* Nobody collects: nothing is written over, what is known stays known, the rest is counted. */
TEST(without_room_there_is_no_stack) {
    uintptr_t ips[4], back[FRAMES];
    uint32_t with = 0;
    begin_ring(NULL);
    for (uintptr_t i = 0; i < RING_STACKS; i++) {
        stack_of(i, ips);
        with += hak_stacks_intern(ips, 4) != 0;
    }
    ck_assert_uint_eq(no_stack, RING_STACKS - with);
    ck_assert_uint_gt(with, RING / 2);
    ck_assert_uint_eq(*node_count, RING + 1);
    for (uint32_t id = 1; id <= RING; id++)
        ck_assert_uint_ne(hak_stacks_frames(id, back, FRAMES), 0);
    atomic_store(&nodes_mapped, 100);
    ips[0] = 0x666000;
    uint32_t id = hak_stacks_intern(ips, 1);
    ck_assert_uint_eq(id, RING + 1);
    ck_assert_uint_eq(hak_stacks_frames(id, back, FRAMES), 1);
    ck_assert_uint_eq(back[0], 0x666000);
}

/* In the process itself: up to the first frame that was written over, and nothing of what took its
 * place. */
TEST(frames_end_where_they_were_written_over) {
    uintptr_t ips[4], back[FRAMES];
    begin_ring(NULL);
    stack_of(0, ips);
    uint32_t first = hak_stacks_intern(ips, 4);
    while (*node_count < RING + 3) {
        atomic_store(&nodes_mapped, *node_count);
        ips[0]++;
        hak_stacks_intern(ips, 1);
    }
    ck_assert_uint_eq(hak_stacks_frames(first, back, FRAMES), 2);
    ck_assert_uint_eq(back[0], 0x10000);
    ck_assert_uint_eq(back[1], 0x20000);
}

/* A module is unloaded when its nodes lie in two rounds. The first ids go to long chains, so that
 * the table is not emptied just where the second round begins. */
TEST(code_is_forgotten_round_the_ring) {
    enum { CHAIN = 60, APART = RING / 16 };
    uintptr_t ips[CHAIN], ip = 0x10000;
    begin_ring(NULL);
    for (int chain = 0; chain < 20; chain++) {
        for (int i = 0; i < CHAIN; i++)
            ips[i] = ip++;
        hak_stacks_intern(ips, CHAIN);
    }
    while (*node_count < RING + RING / 32) {
        atomic_store(&nodes_mapped, *node_count);
        ips[0] = ip++;
        hak_stacks_intern(ips, 1);
    }
    uintptr_t newest = ip - 1, older = newest - APART;
    uint32_t newest_id = hak_stacks_intern(&newest, 1), older_id = hak_stacks_intern(&older, 1);
    ck_assert_uint_gt(newest_id, RING);
    ck_assert_uint_lt(older_id, RING);
    ck_assert_uint_eq(newest_id, *node_count - 1); /* both were known */
    hak_stacks_forget(older, newest + 1, 1);
    ck_assert_uint_gt(hak_stacks_intern(&older, 1), newest_id);
    ck_assert_uint_gt(hak_stacks_intern(&newest, 1), newest_id);
}

/* ---- hak_stack_here -------------------------------------------------------------------------- */

static uint8_t flags;

/* program -> layer_entry -> layer_move -> tracer_entry -> hak_stack_here */
static HAK_TRACER_TEXT uint32_t tracer_entry(bool keep) {
    uint32_t id = hak_stack_here(keep, &flags);
    __asm__ volatile("" : "+r"(id));
    return id;
}
static LAYER uint32_t layer_move(bool keep) {
    uint32_t id = tracer_entry(keep);
    __asm__ volatile("" : "+r"(id));
    return id;
}
static LAYER uint32_t layer_entry(bool keep) {
    uint32_t id = layer_move(keep);
    __asm__ volatile("" : "+r"(id));
    return id;
}

static __attribute__((noinline)) uint32_t program(int depth, bool keep) {
    uint32_t id = depth > 0 ? program(depth - 1, keep) : layer_entry(keep);
    __asm__ volatile("" : "+r"(id));
    return id;
}

static bool lies_in(uintptr_t ip, const void *function) {
    return ip - (uintptr_t)function < 100;
}

TEST(own_frames_are_left_out_or_kept) {
    uintptr_t ips[FRAMES], kept[FRAMES];
    size_t count = 0, kept_count = 0;
    for (volatile int keep = 0; keep < 2;
         keep++) { /* in a loop, so that the frames above are equal */
        size_t n = read_back(program(0, keep), keep ? kept : ips);
        ck_assert_uint_eq(flags, 0);
        *(keep ? &kept_count : &count) = n;
    }
    ck_assert(lies_in(ips[0], program));
    ck_assert_uint_gt(count, 3);
    ck_assert_uint_eq(kept_count, count + 2);
    ck_assert(lies_in(kept[0], layer_move));
    ck_assert(lies_in(kept[1], layer_entry));
    ck_assert(memcmp(kept + 2, ips, count * sizeof *ips) == 0);
}

/* There is room for some of the deep stack's nodes: it has no id, and a call further out has its
 * own. */
TEST(frames_that_have_nodes_are_kept_where_the_next_has_none) {
    enum { FEW = 4, MANY = 50, ROOM = 30 };
    uint32_t ids[3];
    begin(64, ROOM);
    const int depth[] = {FEW, MANY, FEW};
    for (volatile int i = 0; i < 3; i++) {
        ids[i] = program(depth[i], false);
        ck_assert_uint_ge(hak_thread_stacks->last.count, FEW);
    }
    ck_assert_uint_ne(ids[0], 0);
    ck_assert_uint_eq(ids[1], 0);
    ck_assert_uint_eq(ids[2], ids[0]);
    ck_assert_uint_eq(no_stack, 1);
}

TEST(deep_stacks_keep_the_newest_and_say_so) {
    uintptr_t ips[FRAMES];
    uint32_t id = program(200, false);
    ck_assert_uint_eq(flags, HAK_RECORD_PARTIAL);
    size_t kept = read_back(id, ips);
    ck_assert(kept > 48 && kept <= 64);
    for (size_t i = 0; i < kept; i++)
        ck_assert(lies_in(ips[i], program));
    begin(256, NODES);
    id = program(200, false);
    ck_assert_uint_eq(flags, 0);
    ck_assert_uint_gt(read_back(id, ips), 200);
    begin(1, NODES);
    id = program(0, false);
    ck_assert_uint_eq(flags, HAK_RECORD_PARTIAL);
    ck_assert_uint_eq(read_back(id, ips), 1);
    begin(0, NODES);
    ck_assert_uint_eq(program(0, false), 0);
    ck_assert_uint_eq(flags, 0);
}

/* A stack that is cut shares its nodes with those that are a little deeper. */
static void recurse_through(int deepest, uint32_t *id) {
    for (int depth = deepest - 100; depth <= deepest; depth++) {
        id[depth] = program(depth, false);
        ck_assert_uint_eq(flags, HAK_RECORD_PARTIAL);
    }
}

TEST(deep_stacks_share_nodes) {
    static const int deepest[] = {180, 280, 600};
    static uint32_t first[601], second[601];
    for (int i = 0; i < 3; i++) {
        uint32_t before = *node_count;
        recurse_through(deepest[i], first);
        ck_assert_uint_lt(*node_count - before, 101 * 12); /* not 64 for each */
        before = *node_count;
        recurse_through(deepest[i], second);
        ck_assert_uint_lt(*node_count - before, 3); /* another call of this function, and on */
    }
    uintptr_t ips[FRAMES], other[FRAMES];
    for (int depth = 500; depth <= 600; depth++) {
        size_t count = read_back(first[depth], ips), again = read_back(second[depth], other);
        ck_assert(count > 48 && count <= 64 && again > 48 && again <= 64);
        ck_assert(memcmp(ips, other, 48 * sizeof *ips) == 0);
    }
}

/* ---- hak_stack_of_call ----------------------------------------------------------------------- */

enum { SIDES_MAX = 24, CALLS = 40000 };
static uint32_t id_of_call, id_of_walk;
static uintptr_t caller;

/* One call of the program, by the way that its stack may be known, and walked; every other time it
 * is not said where the program called. */
static LAYER void layer_call(void) {
    static _Atomic unsigned calls;
    uint8_t said;
    hak_call_t call = calls++ & 1 ? HAK_CALL : NULL;
    caller = hak_stack_caller(__builtin_frame_address(0), HAK_CALL);
    id_of_call = hak_stack_of_call(__builtin_frame_address(0), call, &flags);
    id_of_walk = hak_stack_here(false, &said);
    ck_assert_uint_eq(flags, said);
}

/* Stacks that differ in a single return address, anywhere: each bit says from which of two places
 * the next function is called. All frames lie where they lay in the others. */
static __attribute__((noinline)) void two_sides(unsigned sides, unsigned left) {
    if (left == 0) {
        layer_call();
    } else if (sides & 1) {
        two_sides(sides >> 1, left - 1);
        __asm__ volatile("nop"); /* or both would be one call */
    } else {
        two_sides(sides >> 1, left - 1);
        __asm__ volatile("nop; nop");
    }
}

TEST(the_caller_of_a_call_is_known_once_walks_went_there) {
    enum { ROUNDS = 16 };
    uintptr_t ips[FRAMES];
    two_sides(0, 2);
    ck_assert_uint_eq(caller, 0);
    for (unsigned i = 0; i < ROUNDS; i++) {
        two_sides(i & 1, 2);
        ck_assert_uint_ge(hak_stacks_frames(id_of_call, ips, FRAMES), 2);
        ck_assert(caller == ips[1] || (caller == 0 && i < ROUNDS / 2));
    }
}

static void call_all_ways(void) {
    unsigned random = 1;
    for (int i = 0; i < CALLS; i++) {
        random = random * 1103515245 + 12345;
        unsigned way = random >> 16 & 31; /* few, so that most are known */
        two_sides(way << (random >> 24 & 7) * 2, SIDES_MAX - (random >> 28 & 1));
        ck_assert_uint_ne(id_of_call, 0);
        ck_assert_uint_eq(id_of_call, id_of_walk);
    }
}

TEST(known_stacks_are_those_of_a_walk) {
    call_all_ways();
    uintptr_t ips[FRAMES], back[FRAMES];
    size_t count = hak_stacks_frames(id_of_call, ips, FRAMES);
    ck_assert_uint_gt(count, SIDES_MAX - 1);
    ck_assert_uint_eq(read_back(id_of_call, back), count);
    ck_assert(memcmp(ips, back, count * sizeof *ips) == 0);
    ck_assert_uint_eq(hak_stacks_frames(id_of_call, ips, 3), 3);
    ck_assert_uint_eq(hak_stacks_frames(UINT32_MAX, ips, FRAMES), 0);
}

static void *call_in_thread(void *unused) {
    call_all_ways();
    hak_splice_thread_end();
    two_sides(0, 1); /* a late call is walked */
    ck_assert_uint_eq(id_of_call, id_of_walk);
    return unused;
}

TEST(each_thread_knows_its_own_stacks) {
    pthread_t thread;
    call_all_ways();
    ck_assert_int_eq(pthread_create(&thread, NULL, call_in_thread, NULL), 0);
    pthread_join(thread, NULL);
    pid_t child = fork();
    if (child == 0) {
        call_all_ways();
        _exit(0);
    }
    ck_assert_int_eq(status_of(child), 0);
}

/* ---- other stacks of a thread ---------------------------------------------------------------- */

enum { COROUTINES = 6, COROUTINE_BYTES = 64 << 10, TURNS = 400 };
static ucontext_t main_context, coroutine_context[COROUTINES];
static unsigned turns;
static size_t deep_bytes; /* between a coroutine's outermost frames and the others */

static __attribute__((noinline)) void call_and_check(void) {
    layer_call();
    ck_assert_uint_ne(id_of_call, 0);
    ck_assert_uint_eq(id_of_call, id_of_walk);
}

/* Calls at two depths, each time after the others had their turn. */
static void coroutine(int number) {
    char *deep = __builtin_alloca(deep_bytes + 1);
    __asm__ volatile("" : : "r"(deep) : "memory");
    for (unsigned i = 0;; i++) {
        two_sides(i, 3 + (i & 1));
        ck_assert_uint_eq(id_of_call, id_of_walk);
        call_and_check();
        turns++;
        swapcontext(&coroutine_context[number], &main_context);
    }
}

static char *map_stacks(void) {
    char *stacks = mmap(NULL, COROUTINES * COROUTINE_BYTES, PROT_READ | PROT_WRITE,
                        MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    ck_assert(stacks != MAP_FAILED);
    return stacks;
}

static void start_coroutine(int number, char *stack, size_t bytes) {
    getcontext(&coroutine_context[number]);
    coroutine_context[number].uc_stack.ss_sp = stack;
    coroutine_context[number].uc_stack.ss_size = bytes;
    coroutine_context[number].uc_link = &main_context;
    makecontext(&coroutine_context[number], (void (*)(void))coroutine, 1, number);
}

static void take_turns(int count, unsigned each) {
    for (unsigned turn = 0; turn < each; turn++)
        for (int i = 0; i < count; i++) {
            swapcontext(&main_context, &coroutine_context[i]);
            if (turn % 7 == 0)
                call_and_check();
        }
}

/* Calls on other stacks that were walked by the last stack of their region; and those of them that
 * met frames of it. */
struct walks {
    uint32_t walked, met;
};
static struct walks on_regions(void) {
    struct walks sum = {0, 0};
    for (int i = 0; i < HAK_REGIONS && hak_thread_stacks->region; i++) {
        sum.walked += hak_thread_stacks->region[i].walked;
        sum.met += hak_thread_stacks->region[i].met;
    }
    return sum;
}

TEST(coroutines_keep_a_last_stack_each) {
    char *stacks = map_stacks();
    for (int i = 0; i < COROUTINES; i++)
        start_coroutine(i, stacks + i * COROUTINE_BYTES, COROUTINE_BYTES);
    take_turns(COROUTINES, TURNS);
    ck_assert_uint_eq(turns, COROUTINES * TURNS);
    uint32_t calls = COROUTINES * TURNS * 2;
    ck_assert_uint_gt(on_regions().walked, calls - calls / 50);
    ck_assert_uint_gt(on_regions().met, calls - calls / 20);
}

/* Stacks that end and come back at the same place, smaller, larger, deeper, with nothing above. */
TEST(a_stack_may_take_the_place_of_another) {
    char *stacks = map_stacks();
    size_t mapped_bytes = COROUTINES * (size_t)COROUTINE_BYTES;
    unsigned random = 1;
    for (int round = 0; round < 300; round++) {
        random = random * 1103515245 + 12345;
        size_t bytes = ((random >> 16) % 7 + 20) * 4096;
        deep_bytes = ((random >> 20) % 7) * 4096;
        start_coroutine(0, stacks, bytes);
        ck_assert_int_eq(mprotect(stacks + bytes, mapped_bytes - bytes, PROT_NONE), 0);
        take_turns(1, 1 + random % 3);
        ck_assert(mmap(stacks, mapped_bytes, PROT_READ | PROT_WRITE,
                       MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) == stacks);
    }
    ck_assert_uint_gt(on_regions().met, 100);
}

static volatile sig_atomic_t handled;
static void call_in_handler(int signal_number) {
    (void)signal_number;
    call_and_check();
    handled++;
}

/* A handler's stack goes over a signal frame, and is walked whole; the stacks around it stay. */
TEST(handlers_on_a_stack_of_their_own) {
    char *stacks = map_stacks();
    stack_t alternate = {.ss_sp = stacks, .ss_size = COROUTINE_BYTES};
    struct sigaction action = {.sa_handler = call_in_handler, .sa_flags = SA_ONSTACK};
    ck_assert_int_eq(sigaltstack(&alternate, NULL), 0);
    ck_assert_int_eq(sigaction(SIGUSR1, &action, NULL), 0);
    for (int i = 1; i < COROUTINES; i++)
        start_coroutine(i, stacks + i * COROUTINE_BYTES, COROUTINE_BYTES);
    for (int i = 0; i < 200; i++) {
        raise(SIGUSR1);
        swapcontext(&main_context, &coroutine_context[1 + i % (COROUTINES - 1)]);
        two_sides((unsigned)i, 4);
        ck_assert_uint_eq(id_of_call, id_of_walk);
    }
    ck_assert_int_eq(handled, 200);
    ck_assert_uint_gt(on_regions().met, 300);
}

TEST(stacks_without_a_recording_have_nodes_of_their_own) {
    uint32_t shared = atomic_load(node_count);
    ck_assert(!hak_stacks_start_private(0));
    ck_assert(hak_stacks_start_private(4));
    uintptr_t ips[] = {0x1111, 0x2222}, back[FRAMES];
    uint32_t id = hak_stacks_intern(ips, 2);
    ck_assert_uint_eq(hak_stacks_frames(id, back, FRAMES), 2);
    ck_assert(memcmp(ips, back, sizeof ips) == 0);
    ck_assert_uint_eq(atomic_load(node_count), shared);
}

/* The large table takes 8 bytes a node whether they are touched or not, as a limit counts them. */
TEST(a_small_limit_of_data_leaves_the_large_table_out) {
    const struct rlimit small = {30 * NODES, RLIM_INFINITY};
    uintptr_t ips[3] = {0x1111, 0x2222, 0x3333}, back[FRAMES];
    hak_stacks_end();
    ck_assert_int_eq(setrlimit(RLIMIT_DATA, &small), 0);
    long before = own_mapped_kib();
    hak_stacks_start(&(struct hak_stacks_setup){.nodes = nodes,
                                                .node_capacity = NODES,
                                                .node_count = node_count,
                                                .no_stack = &no_stack,
                                                .depth = 4});
    ck_assert_int_lt(own_mapped_kib() - before, 8 * NODES / 1024);
    uint32_t id = hak_stacks_intern(ips, 3);
    ck_assert_uint_eq(hak_stacks_frames(id, back, FRAMES), 3);
    ck_assert(memcmp(ips, back, sizeof ips) == 0);
    ck_assert_uint_eq(hak_stacks_intern(ips, 3), id);
    ck_assert_uint_ne(hak_stacks_intern(ips + 1, 2), id);
    const struct rlimit smaller_than_nodes = {8 * NODES, RLIM_INFINITY};
    ck_assert_int_eq(setrlimit(RLIMIT_DATA, &smaller_than_nodes), 0);
    hak_stacks_end();
    before = own_mapped_kib();
    ck_assert(hak_stacks_start_private(4));
    ck_assert_int_lt(own_mapped_kib() - before, 8 * NODES / 1024 / 2);
    id = hak_stacks_intern(ips, 3);
    ck_assert_uint_eq(hak_stacks_frames(id, back, FRAMES), 3);
    ck_assert(memcmp(ips, back, sizeof ips) == 0);
    ck_assert_uint_eq(hak_stacks_frames(hak_stacks_intern_interrupted(ips, 3), back, FRAMES), 3);
}

/* A report of a process that has no room for stacks asks for them all the same. */
TEST(without_room_there_are_no_stacks) {
    const struct rlimit none = {64 << 10, RLIM_INFINITY};
    uintptr_t ips[3] = {0x1111, 0x2222, 0x3333}, back[FRAMES];
    hak_stacks_end();
    ck_assert_int_eq(setrlimit(RLIMIT_DATA, &none), 0);
    ck_assert(!hak_stacks_start_private(4));
    ck_assert_uint_eq(hak_stacks_intern(ips, 3), 0);
    ck_assert_uint_eq(hak_stacks_intern_interrupted(ips, 3), 0);
    ck_assert_uint_eq(hak_stacks_frames(0, back, FRAMES), 0);
    ck_assert_uint_eq(hak_stacks_frames(1, back, FRAMES), 0);
}

static _Atomic int with_stacks;

static void *have_stacks_and_wait(void *stay) {
    hak_stack_of_call(__builtin_frame_address(0), NULL, &flags);
    with_stacks++;
    while (*(_Atomic bool *)stay)
        usleep(1000);
    return NULL;
}

TEST(a_child_gives_back_what_threads_had_that_are_not_there) {
    enum { THREADS = 5 };
    pthread_t threads[THREADS];
    _Atomic bool stay = true;
    begin(64, NODES);
    hak_stack_of_call(__builtin_frame_address(0), NULL, &flags);
    for (int i = 0; i < THREADS; i++)
        ck_assert_int_eq(pthread_create(&threads[i], NULL, have_stacks_and_wait, &stay), 0);
    while (with_stacks < THREADS)
        usleep(1000);
    pid_t child = fork();
    if (child == 0) {
        long before = own_mapped_kib();
        hak_splice_fork_child();
        long given_back = before - own_mapped_kib();
        long due = (long)(THREADS * sizeof(struct hak_thread_stacks) / 1024);
        uint32_t id = hak_stack_of_call(__builtin_frame_address(0), NULL, &flags);
        _exit(id == 0 ? 2 : given_back < due || given_back > 2 * due);
    }
    ck_assert_int_eq(status_of(child), 0);
    stay = false;
    for (int i = 0; i < THREADS; i++)
        ck_assert_int_eq(pthread_join(threads[i], NULL), 0);
}

TEST(errno_is_kept) {
    errno = 4711;
    (void)program(3, true);
    ck_assert_int_eq(errno, 4711);
}

RUN_TESTS(.prepare = hak_objects_start, .set_up = start_usual)
