/* Nodes of the ring: an id has its own node or none. */
#include "unit/suite.h"
#include "trace/node.h"
#include <pthread.h>
#include "../suite.h"

enum { BITS = 4, PLACES = 1 << BITS, ROUNDS = 1 << 14, WRITERS = 3 };
static struct hak_node nodes[PLACES];

TEST(a_place_holds_the_latest_lap) {
    struct hak_node node;
    ck_assert(!hak_node_read(nodes, BITS, 3, &node));
    ck_assert(hak_node_publish(nodes, BITS, 3, 0x1111, 2, 7));
    ck_assert(hak_node_read(nodes, BITS, 3, &node));
    ck_assert_uint_eq(node.ip, 0x1111);
    ck_assert_uint_eq(node.parent, 2);
    ck_assert_uint_eq(node.owner, 7);
    ck_assert(hak_node_is(nodes, BITS, 3, 0x1111, 2));
    ck_assert(!hak_node_is(nodes, BITS, 3 + PLACES, 0x1111, 2));
    ck_assert(!hak_node_read(nodes, BITS, 3 + PLACES, &node));
    ck_assert(!hak_node_publish(nodes, BITS, 3, 0x2222, 2, 7));
    ck_assert(hak_node_publish(nodes, BITS, 3 + 2 * PLACES, 0x3333, 2, 7));
    ck_assert(!hak_node_read(nodes, BITS, 3, &node));
    ck_assert(!hak_node_publish(nodes, BITS, 3 + PLACES, 0x4444, 2, 7)); /* late by a lap */
    ck_assert(hak_node_read(nodes, BITS, 3 + 2 * PLACES, &node));
    ck_assert_uint_eq(node.ip, 0x3333);
}

TEST(what_is_given_up_is_never_written) {
    struct hak_node node;
    ck_assert(hak_node_give_up(nodes, BITS, 5));
    ck_assert(!hak_node_publish(nodes, BITS, 5, 0x1111, 2, 7));
    ck_assert(!hak_node_read(nodes, BITS, 5, &node));
    ck_assert(!hak_node_give_up(nodes, BITS, 5));
    ck_assert(hak_node_publish(nodes, BITS, 5 + PLACES, 0x2222, 2, 7));
    ck_assert(!hak_node_give_up(nodes, BITS, 5 + PLACES));
}

TEST(the_last_id_has_a_lap) {
    static struct hak_node least[HAK_NODE_PLACES_MIN];
    uint32_t bits = (uint32_t)__builtin_ctzll(HAK_NODE_PLACES_MIN);
    uint32_t last = hak_node_ids_max(bits) - 1;
    struct hak_node node;
    ck_assert_uint_eq(last >> 28, 0);
    ck_assert(hak_node_publish(least, bits, last, 0x7fffffffffff, 2, 7));
    ck_assert(hak_node_read(least, bits, last, &node));
    ck_assert_uint_eq(node.ip, 0x7fffffffffff);
    ck_assert(!hak_node_read(least, bits, last - (uint32_t)HAK_NODE_PLACES_MIN, &node));
    ck_assert(hak_node_publish(nodes, HAK_NODE_BITS_NONE, 7, 0x1111, 0, 7));
    ck_assert(hak_node_read(nodes, HAK_NODE_BITS_NONE, 7, &node));
}

/* The ring of nearly every session: ids go on until records have no room for them. */
TEST(a_wide_ring_has_all_ids) {
    enum { WIDE_BITS = 21 };
    static struct hak_node wide[1 << WIDE_BITS];
    uint32_t last = hak_node_ids_max(WIDE_BITS) - 1;
    struct hak_node node;
    ck_assert_uint_eq(last, HAK_NODE_IDS_MAX - 1);
    ck_assert_uint_gt(last, 0xefffffff - 1);
    ck_assert(hak_node_publish(wide, WIDE_BITS, last, 0x7fffffffffff, last - 1, 7));
    ck_assert(hak_node_read(wide, WIDE_BITS, last, &node));
    ck_assert_uint_eq(node.ip, 0x7fffffffffff);
    ck_assert_uint_eq(node.parent, last - 1);
    ck_assert(!hak_node_read(wide, WIDE_BITS, last - (1u << WIDE_BITS), &node));
}

static _Atomic uint32_t next_id = 1;
static _Atomic bool is_over;

static void *write_all(void *unused) {
    (void)unused;
    for (uint32_t id; (id = atomic_fetch_add(&next_id, 1)) < ROUNDS * PLACES;)
        (void)hak_node_publish(nodes, BITS, id, 0x10000 + id, id - 1, id ^ 0x5555);
    return NULL;
}

static void *read_all(void *wrong) {
    struct hak_node node;
    while (!atomic_load(&is_over)) {
        uint32_t newest = atomic_load(&next_id);
        for (uint32_t id = newest > PLACES ? newest - PLACES : 1; id < newest; id++)
            if (hak_node_read(nodes, BITS, id, &node) &&
                (node.ip != 0x10000 + id || node.parent != id - 1 || node.owner != (id ^ 0x5555)))
                ++*(unsigned *)wrong;
    }
    return NULL;
}

TEST(nobody_reads_two_nodes_as_one) {
    pthread_t writer[WRITERS], reader;
    unsigned wrong = 0;
    pthread_create(&reader, NULL, read_all, &wrong);
    for (int i = 0; i < WRITERS; i++)
        pthread_create(&writer[i], NULL, write_all, NULL);
    for (int i = 0; i < WRITERS; i++)
        pthread_join(writer[i], NULL);
    atomic_store(&is_over, true);
    pthread_join(reader, NULL);
    ck_assert_uint_eq(wrong, 0);
}

RUN_TESTS()
