/* Tables of a heap profile as a program may have them: sound, half written and broken. */
#include "unit/suite.h"

#include <stdlib.h>
#include <string.h>
#include "heap_profile/table.h"
#include "trace/frame_node.h"
#include "collector/sampled/sampled.h"

enum { SITES = 4, NODES = 80, ONE = 1 << HAK_HEAP_PROFILE_FRACTION_BITS };

static struct hak_heap_profile head;
static struct hak_heap_profile_site site[SITES];
static struct hak_heap_profile_node node[NODES];
static char why[200];
static int reads_until_more_come; /* the program adds a site behind so many reads; 0 = never */

static void add_late_site(void) {
    node[4] = (struct hak_heap_profile_node){.address = 0x4000, .parent = 1};
    head.node_count = 5;
    site[3] = (struct hak_heap_profile_site){
        .node = 4, .came_samples = 1, .came_blocks = ONE, .came_bytes = 7};
    head.site_count = 4;
}

/* Reads what lies in the table's three parts; everything else is unmapped. */
static bool read_table(void *context, uint64_t address, void *to, size_t bytes) {
    const struct {
        const void *start;
        size_t bytes;
    } part[] = {{&head, sizeof head}, {site, sizeof site}, {node, sizeof node}};
    (void)context;
    for (size_t i = 0; i < sizeof part / sizeof *part; i++) {
        uint64_t start = (uintptr_t)part[i].start;
        if (address >= start && bytes <= part[i].bytes &&
            address - start <= part[i].bytes - bytes) {
            memcpy(to, (const void *)(uintptr_t)address, bytes);
            if (reads_until_more_come && --reads_until_more_come == 0)
                add_late_site();
            return true;
        }
    }
    return false;
}

static const struct hak_pull_memory memory = {read_table, NULL};

/* Two stacks, 3 < 1 and 2 < 1, beside the site without one. */
static void lay_out(void) {
    memset(site, 0, sizeof site);
    memset(node, 0, sizeof node);
    reads_until_more_come = 0;
    head = (struct hak_heap_profile){.magic = HAK_HEAP_PROFILE_MAGIC,
                                     .version = HAK_HEAP_PROFILE_VERSION,
                                     .bytes = sizeof head,
                                     .rate = 524288,
                                     .start_ns = 1000,
                                     .sites = site,
                                     .nodes = node,
                                     .site_capacity = SITES,
                                     .node_capacity = NODES,
                                     .site_count = 3,
                                     .node_count = 4};
    node[1] = (struct hak_heap_profile_node){.address = 0x1000};
    node[2] = (struct hak_heap_profile_node){.address = 0x2000, .parent = 1};
    node[3] = (struct hak_heap_profile_node){.address = 0x3000, .parent = 1};
    site[1] = (struct hak_heap_profile_site){.node = 3,
                                             .came_samples = 2,
                                             .went_samples = 1,
                                             .came_blocks = 10 * ONE + ONE / 2,
                                             .went_blocks = 5 * ONE,
                                             .came_bytes = 1000,
                                             .went_bytes = 400};
    site[2] = (struct hak_heap_profile_site){
        .node = 2, .came_samples = 1, .came_blocks = ONE, .came_bytes = 64};
}

static enum hak_pull_state pull(struct hak_sampled_pull *out) {
    return hak_pull_table(&memory, (uintptr_t)&head, 5000, out, why);
}

static void check_state(enum hak_pull_state due, const char *words) {
    struct hak_sampled_pull out;
    ck_assert_int_eq(pull(&out), due);
    ck_assert_msg(strstr(why, words) != NULL, "%s", why);
    hak_pull_free(&out);
}

TEST(sums_and_stacks_are_as_the_table_has_them) {
    struct hak_sampled_pull out;
    lay_out();
    ck_assert_int_eq(pull(&out), HAK_PULL_DONE);
    ck_assert_uint_eq(out.sites, 3);
    ck_assert_uint_eq(out.nodes, 4);
    ck_assert_uint_eq(out.site[1].node, 3);
    ck_assert_uint_eq(out.node[3].address, 0x3000);
    ck_assert_uint_eq(out.node[3].parent, 1);
    ck_assert_uint_eq(out.site[1].came.blocks, 11);
    ck_assert_uint_eq(out.site[1].went.blocks, 5);
    ck_assert_uint_eq(out.site[1].came.bytes, 1000);
    ck_assert_uint_eq(out.site[1].went.bytes, 400);
    ck_assert_uint_eq(out.came_samples, 3);
    ck_assert_uint_eq(out.went_samples, 1);
    ck_assert_uint_eq(out.rate, 524288);
    ck_assert_uint_eq(out.start_ns, 1000);
    ck_assert_uint_eq(out.broken, 0);
    hak_pull_free(&out);
}

TEST(no_more_goes_than_came) {
    struct hak_sampled_pull out;
    lay_out();
    site[2].went_blocks = 2 * ONE;
    site[2].went_bytes = 128;
    site[2].went_samples = 2;
    ck_assert_int_eq(pull(&out), HAK_PULL_DONE);
    ck_assert_uint_eq(out.site[2].went.blocks, 1);
    ck_assert_uint_eq(out.site[2].went.bytes, 64);
    ck_assert_uint_eq(out.went_samples, 2);
    hak_pull_free(&out);
}

TEST(a_site_that_comes_meanwhile_is_not_half_there) {
    for (int reads = 1; reads <= 3; reads++) {
        struct hak_sampled_pull out;
        lay_out();
        reads_until_more_come = reads;
        ck_assert_int_eq(pull(&out), HAK_PULL_DONE);
        ck_assert_uint_eq(out.sites, 3);
        ck_assert_uint_eq(out.broken, 0);
        hak_pull_free(&out);
    }
}

TEST(a_table_without_samples_is_empty) {
    lay_out();
    head.site_count = head.node_count = 0;
    head.sites = NULL;
    head.nodes = NULL;
    head.start_ns = 0;
    check_state(HAK_PULL_NO_SAMPLE, "");
    lay_out();
    memset(site, 0, sizeof site);
    check_state(HAK_PULL_NO_SAMPLE, "");
}

TEST(another_version_is_named) {
    lay_out();
    head.version = 2;
    check_state(HAK_PULL_OTHER_VERSION, "version 2 of");
    lay_out();
    head.bytes = sizeof head - 8;
    check_state(HAK_PULL_OTHER_VERSION, "this hakmem-trace reads 1 of");
}

TEST(a_head_that_makes_no_sense_is_refused) {
    lay_out();
    head.magic[0] = 'x';
    check_state(HAK_PULL_BROKEN, "does not begin with");
    lay_out();
    head.rate = 0;
    check_state(HAK_PULL_BROKEN, "rate");
    lay_out();
    head.site_count = SITES + 1;
    check_state(HAK_PULL_BROKEN, "more stacks");
    lay_out();
    head.site_count = head.site_capacity = UINT32_MAX;
    check_state(HAK_PULL_BROKEN, "more stacks");
    lay_out();
    head.node_count = NODES + 1;
    check_state(HAK_PULL_BROKEN, "more frames");
    lay_out();
    head.node_count = head.node_capacity = UINT32_MAX;
    check_state(HAK_PULL_BROKEN, "more frames");
}

TEST(addresses_that_are_not_mapped_are_refused) {
    lay_out();
    head.sites = (void *)8;
    check_state(HAK_PULL_BROKEN, "entries");
    lay_out();
    head.nodes = (void *)UINTPTR_MAX;
    check_state(HAK_PULL_BROKEN, "entries");
    lay_out();
    head.site_count = HAK_PULL_SITES_MAX;
    head.site_capacity = HAK_PULL_SITES_MAX; /* cut behind its fourth site */
    check_state(HAK_PULL_BROKEN, "entries");
    struct hak_sampled_pull out;
    ck_assert_int_eq(hak_pull_table(&memory, 4096, 1, &out, why), HAK_PULL_BROKEN);
    ck_assert_ptr_nonnull(strstr(why, "head"));
    hak_pull_free(&out);
}

TEST(sums_that_no_program_has_are_refused) {
    lay_out();
    site[1].came_bytes = UINT64_MAX;
    check_state(HAK_PULL_BROKEN, "sums");
    lay_out();
    site[1].came_blocks = UINT64_MAX - 1;
    check_state(HAK_PULL_BROKEN, "sums");
    lay_out();
    site[1].came_samples = UINT64_MAX;
    check_state(HAK_PULL_BROKEN, "sums");
    lay_out();
    for (int i = 0; i < 3; i++)
        site[i].came_bytes = (uint64_t)1 << 59;
    check_state(HAK_PULL_BROKEN, "sums");
}

/* Its sums count, and it has no stack. */
static void check_broken_stack(void) {
    struct hak_sampled_pull out;
    ck_assert_int_eq(pull(&out), HAK_PULL_DONE);
    ck_assert_uint_eq(out.site[1].node, 0);
    ck_assert_uint_eq(out.site[1].came.bytes, 1000);
    ck_assert_uint_eq(out.site[2].node, 2);
    ck_assert_uint_eq(out.broken, 1);
    hak_pull_free(&out);
}

TEST(a_stack_that_is_no_chain_is_none) {
    lay_out();
    site[1].node = 4; /* beyond the count */
    check_broken_stack();
    lay_out();
    node[3].parent = 3;
    check_broken_stack();
    lay_out();
    head.node_count = 6;
    node[4] = (struct hak_heap_profile_node){.address = 1, .parent = 5};
    node[5] = (struct hak_heap_profile_node){.address = 1, .parent = 4};
    site[1].node = 5;
    check_broken_stack();
    lay_out();
    head.node_count = 5;
    node[4].address = 1;
    node[3].parent = 4; /* a caller is older */
    check_broken_stack();
    lay_out();
    node[3].parent = UINT32_MAX;
    check_broken_stack();
}

TEST(a_stack_is_no_longer_than_the_table_says) {
    for (uint32_t depth = HAK_HEAP_PROFILE_DEPTH; depth <= HAK_HEAP_PROFILE_DEPTH + 1; depth++) {
        struct hak_sampled_pull out;
        lay_out();
        for (uint32_t i = 1; i <= depth; i++)
            node[i] = (struct hak_heap_profile_node){.address = i, .parent = i - 1};
        head.node_count = depth + 1;
        site[1].node = depth;
        ck_assert_int_eq(pull(&out), HAK_PULL_DONE);
        ck_assert_uint_eq(out.broken, depth > HAK_HEAP_PROFILE_DEPTH);
        hak_pull_free(&out);
    }
}

TEST(frames_of_interpreters_have_no_address) {
    struct hak_sampled_pull out;
    lay_out();
    node[3].address = hak_frame_node_ip(HAK_FRAME_NODE_FRAME, 4711);
    ck_assert_int_eq(pull(&out), HAK_PULL_DONE);
    ck_assert_uint_eq(out.node[3].address, 0);
    ck_assert_uint_eq(out.site[1].node, 3);
    hak_pull_free(&out);
}

TEST(a_first_sample_of_tomorrow_is_of_now) {
    struct hak_sampled_pull out;
    lay_out();
    head.start_ns = 6000;
    ck_assert_int_eq(pull(&out), HAK_PULL_DONE);
    ck_assert_uint_eq(out.start_ns, 5000);
    hak_pull_free(&out);
}

RUN_TESTS()
