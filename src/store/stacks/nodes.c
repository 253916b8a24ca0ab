/* Codes stack nodes: chains by their lengths, branches by the number of nodes that they climb,
 * return addresses by those that followed the same caller before. */
#include "store/stacks/nodes.h"

#include <stdlib.h>
#include "base/sorted.h"
#include "store/pack.h"

#define CLIMB_MAX     64 /* a parent further up is written by its id */
#define CHOICES       8  /* callees remembered of each caller */
#define NO_CHOICE     UINT16_MAX
#define RAW_BYTES_MAX ((size_t)HAK_NODES_MAX * 40)

static const struct hak_blob_form form = {"HKND", HAK_NODES_FORMAT, HAK_NODES_HEADER_BYTES,
                                          "it does not begin with HKND"};

/* The streams of a blob, in their order. */
enum { ADDRESS, CHAIN, CLIMB, FAR, CHOICE, LITERAL, OWNER, STREAMS };
/* The most bytes that one node puts into each, and one more item for the end of a chain. */
static const uint8_t bytes_each[STREAMS] = {HAK_VARINT_BYTES, 3, 1, 5, 1, 3, 13};

struct hak_node_coder {
    struct hak_pair pair[2 * HAK_NODES_MAX];
    uint64_t ip[HAK_NODES_MAX];
    uint16_t number[HAK_NODES_MAX]; /* of each node: its ip's place among the distinct ones */
    /* Of each caller, by its number (the last is "none in this blob"): the code it called last. */
    uint16_t choice[HAK_NODES_MAX + 1][CHOICES];
    uint8_t raw[RAW_BYTES_MAX + STREAMS * HAK_VARINT_BYTES];
};

_Static_assert(HAK_NODES_MAX < NO_CHOICE, "numbers of ips have 16 bits");

struct hak_node_coder *hak_node_coder_make(void) {
    return malloc(sizeof(struct hak_node_coder));
}

void hak_node_coder_free(struct hak_node_coder *coder) {
    free(coder);
}

/* ---- return addresses --------------------------------------------------------------------------
 */

/* Numbers the ips of the nodes in ascending order; writes the distinct ones. Returns their number.
 */
static uint32_t number_ips(struct hak_node_coder *c, const struct hak_node_row *nodes,
                           uint32_t count, uint8_t **stream) {
    uint32_t distinct = 0;
    uint64_t before = 0;
    for (uint32_t i = 0; i < count; i++)
        c->pair[i] = (struct hak_pair){nodes[i].ip, i};
    hak_sort_pairs(c->pair, count, c->pair + count);
    for (uint32_t i = 0; i < count; i++) {
        if (!i || c->pair[i].key != before) {
            *stream = hak_write_varint(*stream, c->pair[i].key - before);
            before = c->pair[i].key;
            distinct++;
        }
        c->number[c->pair[i].value] = (uint16_t)(distinct - 1);
    }
    return distinct;
}

/* Brings `number` from `rank` to the front of a caller's choices. */
static void move_to_front(uint16_t *choices, unsigned rank, uint16_t number) {
    for (unsigned i = rank < CHOICES ? rank : CHOICES - 1; i > 0; i--)
        choices[i] = choices[i - 1];
    choices[0] = number;
}

/* The number's place among the last choices; CHOICES: it is not there. */
static unsigned rank_among(const uint16_t *choices, uint16_t number) {
    unsigned rank = 0;
    while (rank < CHOICES && choices[rank] != number)
        rank++;
    return rank;
}

static void forget_choices(struct hak_node_coder *c, uint32_t distinct) {
    memset(c->choice, 0xff, (distinct + 1) * sizeof c->choice[0]);
}

/* ---- encoding ----------------------------------------------------------------------------------
 */

/* The number of parents from the node at `before` up to the one with id `wanted`; 0 = not within
 * reach. Ids below `first` are in other blobs. */
static unsigned climb_to(const struct hak_node_row *nodes, uint32_t first, uint32_t before,
                         uint32_t wanted) {
    uint32_t id = nodes[before].parent;
    for (unsigned climbed = 1; climbed < CLIMB_MAX; climbed++) {
        if (id == wanted)
            return climbed;
        if (id < first || id < wanted)
            return 0; /* parents only have lower ids */
        id = nodes[id - first].parent;
    }
    return 0;
}

/* Writes the nodes: chains of parents, and which return address follows which. */
static void encode_nodes(struct hak_node_coder *c, const struct hak_node_row *nodes, uint32_t count,
                         uint32_t distinct, uint8_t **stream) {
    uint32_t first = nodes[0].id, chain = 0, same_owner = 0;
    forget_choices(c, distinct);
    for (uint32_t i = 0; i < count; i++) {
        const struct hak_node_row *n = &nodes[i];
        if (i && n->parent == n->id - 1) {
            chain++;
        } else {
            if (i)
                stream[CHAIN] = hak_write_varint(stream[CHAIN], chain);
            chain = 0;
            unsigned climb = i ? climb_to(nodes, first, i - 1, n->parent) : 0;
            *stream[CLIMB]++ = (uint8_t)climb;
            if (!climb)
                stream[FAR] = hak_write_varint(stream[FAR], n->id - n->parent);
        }
        uint16_t number = c->number[i];
        uint16_t *choices = c->choice[n->parent >= first ? c->number[n->parent - first] : distinct];
        unsigned rank = rank_among(choices, number);
        *stream[CHOICE]++ = (uint8_t)rank;
        if (rank == CHOICES)
            stream[LITERAL] = hak_write_varint(stream[LITERAL], number);
        move_to_front(choices, rank, number);
        same_owner++;
        if (i + 1 == count || n[1].process != n->process || n[1].generation != n->generation) {
            stream[OWNER] = hak_write_varint(stream[OWNER], same_owner);
            stream[OWNER] = hak_write_varint(stream[OWNER], n->process);
            stream[OWNER] = hak_write_varint(stream[OWNER], n->generation);
            same_owner = 0;
        }
    }
    stream[CHAIN] = hak_write_varint(stream[CHAIN], chain);
}

bool hak_nodes_encode(struct hak_node_coder *coder, const struct hak_node_row *nodes,
                      uint32_t count, struct hak_buffer *out) {
    uint8_t *start[STREAMS], *end[STREAMS], *at = coder->raw;
    for (int i = 0; i < STREAMS; i++) {
        start[i] = end[i] = at;
        at += (size_t)bytes_each[i] * count + HAK_VARINT_BYTES;
    }
    uint32_t distinct = number_ips(coder, nodes, count, &end[ADDRESS]);
    encode_nodes(coder, nodes, count, distinct, end);
    size_t header;
    if (!hak_blob_begin(out, &form, &header))
        return false;
    uint32_t part_end[STREAMS], raw_bytes = 0, packed;
    for (int i = 0; i < STREAMS; i++) {
        size_t bytes = (size_t)(end[i] - start[i]);
        memmove(coder->raw + raw_bytes, start[i], bytes);
        part_end[i] = raw_bytes += (uint32_t)bytes;
    }
    uint8_t packing;
    if (!hak_buffer_pack(out, coder->raw, raw_bytes, part_end, STREAMS - 1, &packing, &packed))
        return false;
    at = out->data + header + 6;
    *at++ = packing;
    *at++ = 0;
    at = hak_write_little(at, count, 4);
    at = hak_write_little(at, nodes[0].id, 4);
    at = hak_write_little(at, distinct, 4);
    at = hak_write_little(at, packed, 4);
    for (int i = 0; i < STREAMS; i++)
        at = hak_write_little(at, part_end[i] - (i ? part_end[i - 1] : 0), 4);
    return hak_blob_end(out, header);
}

/* ---- decoding ----------------------------------------------------------------------------------
 */

/* Reads the distinct return addresses. Returns what is wrong, or NULL. */
static const char *read_ips(struct hak_node_coder *c, struct hak_input *in, uint32_t distinct) {
    uint64_t ip = 0;
    for (uint32_t i = 0; i < distinct; i++) {
        uint64_t step = hak_read_varint(in);
        if ((i && !step) || ip + step < ip)
            return "its return addresses are not in order";
        c->ip[i] = ip += step;
    }
    return NULL;
}

/* Reads each node's process and generation. Returns what is wrong, or NULL. */
static const char *read_owners(struct hak_input *in, struct hak_node_row *nodes, uint32_t count) {
    for (uint32_t i = 0; i < count;) {
        uint64_t same = hak_read_varint(in), process = hak_read_varint(in);
        uint64_t generation = hak_read_varint(in);
        if (same == 0 || same > count - i || process > UINT32_MAX || generation > UINT32_MAX)
            return "its owners are impossible";
        for (uint64_t end = i + same; i < end; i++) {
            nodes[i].process = (uint32_t)process;
            nodes[i].generation = (uint32_t)generation;
        }
    }
    return NULL;
}

/* The parent of a node that begins a chain. */
static const char *read_parent(struct hak_input *in, const struct hak_node_row *nodes,
                               uint32_t first, uint32_t i, uint32_t *parent) {
    const uint8_t *climb = hak_read_bytes(&in[CLIMB], 1);
    uint32_t id = first + i - 1;
    if (!climb)
        return "its branches are cut short";
    for (unsigned left = *climb; left; left--) {
        if (id < first || (!i && left))
            return "a branch climbs out of it";
        id = nodes[id - first].parent;
    }
    if (!*climb) {
        uint64_t back = hak_read_varint(&in[FAR]);
        if (back == 0 || back > first + i)
            return "a branch has no parent";
        id = first + i - (uint32_t)back;
    }
    *parent = id;
    return NULL;
}

/* Reads the nodes. Returns what is wrong, or NULL. */
static const char *decode_nodes(struct hak_node_coder *c, struct hak_input *in, uint32_t first,
                                uint32_t distinct, struct hak_node_row *nodes, uint32_t count) {
    uint64_t chain = 0;
    forget_choices(c, distinct);
    for (uint32_t i = 0; i < count; i++) {
        uint32_t parent = first + i - 1;
        if (chain) {
            chain--;
        } else {
            const char *wrong = read_parent(in, nodes, first, i, &parent);
            if (wrong)
                return wrong;
            chain = hak_read_varint(&in[CHAIN]);
        }
        uint16_t *choices = c->choice[parent >= first ? c->number[parent - first] : distinct];
        const uint8_t *rank = hak_read_bytes(&in[CHOICE], 1);
        if (!rank || *rank > CHOICES)
            return "its choices are impossible";
        uint64_t number = *rank < CHOICES ? choices[*rank] : hak_read_varint(&in[LITERAL]);
        if (number >= distinct)
            return "a return address is missing";
        move_to_front(choices, *rank, (uint16_t)number);
        c->number[i] = (uint16_t)number;
        nodes[i].id = first + i;
        nodes[i].parent = parent;
        nodes[i].ip = c->ip[number];
    }
    return chain ? "a chain goes on after the last node" : NULL;
}

const char *hak_nodes_decode(struct hak_node_coder *coder, const uint8_t *blob, size_t blob_bytes,
                             struct hak_node_row *nodes, uint32_t *count) {
    *count = 0;
    const char *wrong = hak_blob_check(&form, blob, blob_bytes);
    if (wrong)
        return wrong;
    uint32_t nodes_due = (uint32_t)hak_read_little(blob + 8, 4);
    uint32_t first = (uint32_t)hak_read_little(blob + 12, 4);
    uint32_t distinct = (uint32_t)hak_read_little(blob + 16, 4);
    if (nodes_due == 0 || nodes_due > HAK_NODES_MAX || first == 0 ||
        first > UINT32_MAX - nodes_due || distinct > nodes_due)
        return "its header gives impossible numbers";
    struct hak_input in[STREAMS];
    uint64_t raw_bytes = 0;
    for (int i = 0; i < STREAMS; i++) {
        uint64_t bytes = hak_read_little(blob + 24 + 4 * i, 4);
        if (bytes > RAW_BYTES_MAX - raw_bytes)
            return "its header gives impossible lengths";
        in[i] = (struct hak_input){.at = coder->raw + raw_bytes};
        in[i].end = in[i].at + bytes;
        raw_bytes += bytes;
    }
    size_t packed = hak_read_little(blob + 20, 4);
    if (packed != blob_bytes - HAK_NODES_HEADER_BYTES - HAK_BLOB_CHECKSUM_BYTES)
        return "its header gives impossible lengths";
    wrong = hak_unpack(blob + HAK_NODES_HEADER_BYTES, packed, blob[6], coder->raw, raw_bytes);
    if (!wrong)
        wrong = read_ips(coder, &in[ADDRESS], distinct);
    if (!wrong)
        wrong = read_owners(&in[OWNER], nodes, nodes_due);
    if (!wrong)
        wrong = decode_nodes(coder, in, first, distinct, nodes, nodes_due);
    for (int i = 0; i < STREAMS && !wrong; i++)
        if (in[i].broken || in[i].at != in[i].end)
            wrong = "a stream of it has another length than its header says";
    if (!wrong)
        *count = nodes_due;
    return wrong;
}
