/* Reads and checks the table of a program's sampled heap profile. */
#include "collector/sampled/pull.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "heap_profile/table.h"
#include "trace/frame_node.h"

#define SUM_MAX ((uint64_t)1 << 60) /* of bytes and blocks: no program comes near it */

/* Fails with a reason. */
static enum hak_pull_state fail_pull(char why[200], const char *reason) {
    snprintf(why, 200, "%s", reason);
    return HAK_PULL_BROKEN;
}

/* Reads the head. HAK_PULL_DONE: it is one of this version. */
static enum hak_pull_state read_head(const struct hak_pull_memory *memory, uint64_t address,
                                     struct hak_heap_profile *head, char why[200]) {
    static const char magic[sizeof head->magic] = HAK_HEAP_PROFILE_MAGIC;
    if (!memory->read(memory->context, address, head, sizeof *head))
        return fail_pull(why, "its head cannot be read");
    if (memcmp(head->magic, magic, sizeof magic) != 0)
        return fail_pull(why, "it does not begin with \"" HAK_HEAP_PROFILE_MAGIC "\"");
    if (head->version != HAK_HEAP_PROFILE_VERSION || head->bytes < sizeof *head) {
        snprintf(why, 200, "version %u of %u bytes; this hakmem-trace reads %d of %zu",
                 head->version, head->bytes, HAK_HEAP_PROFILE_VERSION, sizeof *head);
        return HAK_PULL_OTHER_VERSION;
    }
    return head->rate == 0 || head->rate > SUM_MAX ? fail_pull(why, "its rate is impossible")
                                                   : HAK_PULL_DONE;
}

/* Reads an array of `count` of at most `capacity` elements. NULL: `state` says why. */
static void *read_array(const struct hak_pull_memory *memory, const void *address, uint32_t count,
                        size_t each, enum hak_pull_state *state, char why[200]) {
    void *array = malloc(((size_t)count + 1) * each);
    if (!array) {
        *state = HAK_PULL_NO_MEMORY;
        return NULL;
    }
    if (memory->read(memory->context, (uintptr_t)address, array, count * each))
        return array;
    *state = fail_pull(why, "its entries cannot be read");
    free(array);
    return NULL;
}

/* ---- nodes -------------------------------------------------------------------------------------
 */

/* Takes over nodes; a parent that is no earlier node is left as it is, for is_chain. */
static bool take_nodes(struct hak_sampled_pull *out, const struct hak_heap_profile_node *from,
                       uint32_t count) {
    out->node = calloc((size_t)count + 1, sizeof *out->node);
    if (!out->node)
        return false;
    out->nodes = count;
    for (uint32_t i = 1; i < count; i++) {
        /* Frames of interpreters name nodes of a session, and there is none. */
        bool is_address = hak_frame_node_kind(from[i].address) == HAK_FRAME_NODE_NONE;
        out->node[i] = (struct hak_sampled_node){is_address ? from[i].address : 0, from[i].parent};
    }
    return true;
}

/* Reads the nodes; the head was read again behind the sites. */
static enum hak_pull_state read_nodes(const struct hak_pull_memory *memory,
                                      const struct hak_heap_profile *head,
                                      struct hak_sampled_pull *out, char why[200]) {
    enum hak_pull_state state = HAK_PULL_DONE;
    uint32_t count = head->node_count;
    if (head->node_capacity > HAK_PULL_NODES_MAX || count > head->node_capacity)
        return fail_pull(why, "it has more frames than it has room for");
    struct hak_heap_profile_node *nodes =
        read_array(memory, head->nodes, count, sizeof *nodes, &state, why);
    if (nodes && !take_nodes(out, nodes, count))
        state = HAK_PULL_NO_MEMORY;
    free(nodes);
    return state;
}

/* Whether the stack is a chain of nodes, each older than the one that it called. */
static bool is_chain(const struct hak_sampled_pull *pull, uint32_t node) {
    int depth = 0;
    while (node) {
        if (node >= pull->nodes || pull->node[node].parent >= node ||
            ++depth > HAK_HEAP_PROFILE_DEPTH)
            return false;
        node = pull->node[node].parent;
    }
    return true;
}

/* ---- sites -------------------------------------------------------------------------------------
 */

static uint64_t whole(uint64_t fraction) {
    return (fraction + (1u << (HAK_HEAP_PROFILE_FRACTION_BITS - 1))) >>
           HAK_HEAP_PROFILE_FRACTION_BITS;
}

static uint64_t at_most(uint64_t value, uint64_t most) {
    return value < most ? value : most;
}

/* Takes over a site's sums. False: they are impossible. */
static bool take_site(struct hak_sampled_pull *out, const struct hak_heap_profile_site *from) {
    uint64_t came = from->came_samples, blocks = from->came_blocks, bytes = from->came_bytes;
    struct hak_sampled_site *site = &out->site[out->sites++];
    *site = (struct hak_sampled_site){
        .node = from->node,
        .came = {whole(blocks), bytes},
        .went = {whole(at_most(from->went_blocks, blocks)), at_most(from->went_bytes, bytes)}};
    out->came_samples += came;
    out->went_samples += at_most(from->went_samples, came);
    return came <= SUM_MAX && blocks <= SUM_MAX && bytes <= SUM_MAX && out->came_samples <= SUM_MAX;
}

/* Takes over all sites. HAK_PULL_DONE, or the reason why not. */
static enum hak_pull_state take_sites(struct hak_sampled_pull *out,
                                      const struct hak_heap_profile_site *from, uint32_t count,
                                      char why[200]) {
    uint64_t bytes = 0;
    out->site = calloc((size_t)count + 1, sizeof *out->site);
    if (!out->site)
        return HAK_PULL_NO_MEMORY;
    for (uint32_t i = 0; i < count; i++) {
        if (!take_site(out, &from[i]) || (bytes += out->site[i].came.bytes) > SUM_MAX)
            return fail_pull(why, "its sums are impossible");
    }
    return HAK_PULL_DONE;
}

/* Takes the stack from sites whose stack makes no sense, and counts them. */
static void check_stacks(struct hak_sampled_pull *pull) {
    for (uint32_t i = 0; i < pull->sites; i++)
        if (!is_chain(pull, pull->site[i].node)) {
            pull->site[i].node = 0;
            pull->broken++;
        }
}

/* ---- the table ---------------------------------------------------------------------------------
 */

/* Reads sites, then nodes: those of a site are written before it is counted. */
static enum hak_pull_state read_entries(const struct hak_pull_memory *memory, uint64_t address,
                                        struct hak_heap_profile *head, struct hak_sampled_pull *out,
                                        char why[200]) {
    enum hak_pull_state state = HAK_PULL_DONE;
    uint32_t count = head->site_count;
    if (head->site_capacity > HAK_PULL_SITES_MAX || count > head->site_capacity)
        return fail_pull(why, "it has more stacks than it has room for");
    struct hak_heap_profile_site *sites =
        read_array(memory, head->sites, count, sizeof *sites, &state, why);
    if (sites)
        state = take_sites(out, sites, count, why);
    free(sites);
    if (state == HAK_PULL_DONE)
        state = read_head(memory, address, head, why);
    if (state == HAK_PULL_DONE)
        state = read_nodes(memory, head, out, why);
    if (state == HAK_PULL_DONE)
        check_stacks(out);
    return state;
}

enum hak_pull_state hak_pull_table(const struct hak_pull_memory *memory, uint64_t address,
                                   uint64_t now_ns, struct hak_sampled_pull *out, char why[200]) {
    struct hak_heap_profile head;
    *out = (struct hak_sampled_pull){.ns = now_ns};
    why[0] = 0;
    enum hak_pull_state state = read_head(memory, address, &head, why);
    if (state != HAK_PULL_DONE)
        return state;
    out->rate = head.rate;
    if (head.site_count == 0 || head.start_ns == 0)
        return HAK_PULL_NO_SAMPLE;
    state = read_entries(memory, address, &head, out, why);
    if (state != HAK_PULL_DONE)
        return state;
    out->start_ns = head.start_ns < now_ns ? head.start_ns : now_ns;
    out->unplaced = at_most(head.unplaced, SUM_MAX);
    out->unsampled = at_most(head.unsampled, SUM_MAX);
    return out->came_samples ? HAK_PULL_DONE : HAK_PULL_NO_SAMPLE;
}

void hak_pull_free(struct hak_sampled_pull *pull) {
    free(pull->node);
    free(pull->site);
    *pull = (struct hak_sampled_pull){0};
}
