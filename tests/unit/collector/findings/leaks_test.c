/* LEAK records pile up by process, stack and kind until the scan's own record comes. */
#include "collector/findings/leaks.h"

#include <stdlib.h>
#include "hop.h"
#include "trace/record.h"
#include "unit/suite.h"

static struct hak_leaks leaks;
static int client; /* only its address matters */

static void take(uint32_t process, uint32_t stack, uint8_t kind, uint64_t size) {
    struct hak_event event = {
        .kind = HAK_LEAK, .process = process, .stack = stack, .subkind = kind, .size = size};
    hak_leaks_take(&leaks, (struct hak_client *)(void *)&client, &event);
}

TEST(blocks_are_grouped_by_stack_and_kind) {
    for (uint32_t i = 0; i < 1000; i++)
        take(1, i % 10, i % 20 < 10 ? HAK_LEAK_IS_DIRECT : HAK_LEAK_IS_INDIRECT, i);
    const struct hak_leak_pile *pile = leaks.newest;
    ck_assert(!pile->is_complete);
    ck_assert_uint_eq(pile->group_count, 20);
    ck_assert_uint_eq(pile->block_count, 1000);
    uint64_t blocks = 0, bytes = 0;
    for (uint32_t i = 0; i < pile->group_count; i++) {
        ck_assert_uint_eq(pile->groups[i].count, 50);
        blocks += pile->groups[i].count;
        bytes += pile->groups[i].bytes;
    }
    ck_assert_uint_eq(blocks, 1000);
    ck_assert_uint_eq(bytes, 999 * 1000 / 2);
    hak_leaks_free(&leaks);
}

TEST(each_process_and_each_scan_has_its_pile) {
    take(1, 7, HAK_LEAK_IS_DIRECT, 10);
    take(2, 7, HAK_LEAK_IS_DIRECT, 20);
    take(1, 0, HAK_LEAK_IS_SCAN, 500);
    take(1, 7, HAK_LEAK_IS_DIRECT, 30);
    hak_leaks_note_event(&leaks, 1, 4711);
    unsigned piles = 0, complete = 0;
    for (const struct hak_leak_pile *pile = leaks.newest; pile; pile = pile->next) {
        piles++;
        complete += pile->is_complete;
        ck_assert_uint_eq(pile->groups[0].count, 1);
        if (!pile->is_complete)
            continue;
        ck_assert_uint_eq(pile->groups[0].bytes, 10);
        ck_assert_uint_eq(pile->scan.size, 500);
        ck_assert_uint_eq(pile->scan.id, 4711);
    }
    ck_assert_uint_eq(piles, 3);
    ck_assert_uint_eq(complete, 1);
    ck_assert_ptr_null(hak_leaks_page(&leaks, 1)); /* nobody has settled it yet */
    hak_leaks_free(&leaks);
}

TEST(a_client_that_is_gone_leaves_what_is_complete) {
    take(1, 7, HAK_LEAK_IS_DIRECT, 10);
    take(2, 7, HAK_LEAK_IS_DIRECT, 20);
    take(1, 0, HAK_LEAK_IS_SCAN, 500);
    hak_leaks_forget(&leaks, (struct hak_client *)(void *)&client);
    ck_assert_ptr_nonnull(leaks.newest);
    ck_assert_ptr_null(leaks.newest->next);
    ck_assert_uint_eq(leaks.newest->process, 1);
    ck_assert_ptr_null(leaks.newest->client);
    hak_leaks_free(&leaks);
}

RUN_TESTS()
