/* Blocks that pointers lead to are reached; of the lost ones some are direct and the rest hang on
 * them. The blocks are large ones of the real layer, the roots registers alone. */
#include "leaks/leaks.h"

#include <stdlib.h>
#include <sys/mman.h>
#include "large/large.h"
#include "options.h"
#include "platform/address.h"
#include "platform/platform.h"
#include "platform/registry.h"
#include "unit/suite.h"

enum { BLOCKS = 8, ASKED = 256, SLOT = 64 << 10 };

static uintptr_t block[BLOCKS]; /* by address */
static struct hak_leak_scan scan;

static int by_address(const void *a, const void *b) {
    uintptr_t left = *(const uintptr_t *)a, right = *(const uintptr_t *)b;
    return left < right ? -1 : left > right;
}

static void make_world(void) {
    hak_options.layout = HAK_LAYOUT_HEADER;
    hak_address_start();
    hak_registry_start(true);
    for (int i = 0; i < BLOCKS; i++) {
        base_t base = hak_large_take(SLOT, 0, NULL);
        ck_assert_ptr_nonnull(base.p);
        struct hak_large *large = hak_large_find(base.p);
        large->user_delta = HAK_HEADER_BYTES;
        large->asked_bytes = ASKED;
        large->slot.place = HAK_PLACE_LIVE;
        large->slot.subkind = 0;
        block[i] = (uintptr_t)base.p + HAK_HEADER_BYTES;
    }
    qsort(block, BLOCKS, sizeof *block, by_address);
    scan = (struct hak_leak_scan){.maps_file = -1, .pages_file = -1, .tasks_file = -1};
    static struct hak_leak_area heap;
    heap = (struct hak_leak_area){
        .start = block[0], .end = block[BLOCKS - 1] + ASKED, .readable = 1, .is_special = 1};
    scan.areas = &heap;
    scan.area_count = 1;
    struct hak_marking *marking = &scan.marking;
    marking->left_out =
        mmap(NULL, HAK_LEAK_LEFT_OUT * sizeof *marking->left_out, PROT_READ | PROT_WRITE,
             MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    marking->capacity = BLOCKS + 1;
    marking->work = calloc(marking->capacity, sizeof *marking->work);
    marking->heads = calloc(marking->capacity, sizeof *marking->heads);
    ck_assert(hak_leak_make_index(&scan.index));
    ck_assert_uint_eq(scan.index.blocks, BLOCKS);
    ck_assert_uint_eq(scan.index.bytes, BLOCKS * ASKED);
}

static void put(int from, int word, uintptr_t value) {
    ((uintptr_t *)block[from])[word] = value;
}

static enum hak_mark mark_of(int i) {
    struct hak_leak_block found;
    ck_assert(hak_leak_find(&scan.index, block[i], false, &found));
    return hak_mark_of(&found);
}

static void mark_from(uintptr_t root) {
    struct hak_leak_thread thread = {.is_stopped = true, .word_count = 1, .words = {root}};
    scan.threads = &thread;
    scan.thread_count = 1;
    hak_leak_mark_blocks(&scan);
}

START_TEST(a_chain_is_reached_from_its_head) {
    put(0, 3, block[5]);
    put(5, 0, block[2] + 100); /* into the middle */
    put(2, 31, block[7] + ASKED - 1);
    mark_from(block[0]);
    ck_assert_int_eq(mark_of(0), HAK_MARK_REACHED);
    ck_assert_int_eq(mark_of(5), HAK_MARK_REACHED);
    ck_assert_int_eq(mark_of(2), HAK_MARK_REACHED);
    ck_assert_int_eq(mark_of(7), HAK_MARK_REACHED);
    ck_assert_int_eq(mark_of(1), HAK_MARK_DIRECT);
    ck_assert_uint_eq(scan.block_count[HAK_MARK_REACHED], 4);
    ck_assert_uint_eq(scan.byte_count[HAK_MARK_DIRECT], 4 * ASKED);
}
END_TEST

/* Marks from a thread that stands at `ip`, with the base of block 1 in a register and those of
 * block 2 and 3 on its stack: near its end, and far from it. */
static void mark_from_thread(uintptr_t ip) {
    static uintptr_t stack[2048];
    struct hak_leak_area area = {
        .start = (uintptr_t)stack, .end = (uintptr_t)(stack + 2048), .readable = 1};
    struct hak_leak_thread thread = {.is_stopped = true,
                                     .ip = ip,
                                     .sp = area.start,
                                     .word_count = 1,
                                     .words = {block[1] - HAK_HEADER_BYTES}};
    stack[100] = block[2] - 1;
    stack[2000] = block[3] - HAK_HEADER_BYTES;
    hak_leak_own.module_start = 0x10000;
    hak_leak_own.module_end = 0x20000;
    scan.areas = &area;
    scan.area_count = 1;
    scan.threads = &thread;
    scan.thread_count = 1;
    hak_leak_mark_blocks(&scan);
}

START_TEST(a_thread_inside_hakmem_has_blocks_by_their_bases) {
    mark_from_thread(0x10000);
    ck_assert_int_eq(mark_of(1), HAK_MARK_REACHED);
    ck_assert_int_eq(mark_of(2), HAK_MARK_REACHED);
    ck_assert_int_eq(mark_of(3), HAK_MARK_DIRECT);
    ck_assert_int_eq(mark_of(0), HAK_MARK_DIRECT);
}
END_TEST

START_TEST(a_thread_of_the_program_has_them_by_its_pointers_alone) {
    mark_from_thread(0x20000);
    for (int i = 0; i < BLOCKS; i++)
        ck_assert_int_eq(mark_of(i), HAK_MARK_DIRECT);
}
END_TEST

START_TEST(the_end_of_a_block_leads_nowhere) {
    put(0, 0, block[1] + ASKED);
    put(0, 1, block[2] - 1);
    put(0, 2, block[3] - HAK_HEADER_BYTES);
    mark_from(block[0]);
    ck_assert_int_eq(mark_of(0), HAK_MARK_REACHED);
    for (int i = 1; i < BLOCKS; i++)
        ck_assert_int_eq(mark_of(i), HAK_MARK_DIRECT);
}
END_TEST

START_TEST(what_lies_behind_the_bytes_asked_for_is_not_read) {
    ((uintptr_t *)block[0])[ASKED / 8] = block[1];
    mark_from(block[0]);
    ck_assert_int_eq(mark_of(1), HAK_MARK_DIRECT);
}
END_TEST

START_TEST(a_lost_list_has_one_head) {
    for (int i = 7; i > 1; i--) /* from the highest address down: the head comes last */
        put(i, 0, block[i - 1]);
    mark_from(block[0]);
    ck_assert_int_eq(mark_of(7), HAK_MARK_DIRECT);
    for (int i = 1; i < 7; i++)
        ck_assert_int_eq(mark_of(i), HAK_MARK_INDIRECT);
}
END_TEST

START_TEST(a_circle_has_one_that_stands_for_all) {
    put(3, 0, block[5]);
    put(5, 0, block[6]);
    put(6, 0, block[3]);
    put(6, 1, block[6]); /* and to itself */
    mark_from(block[0]);
    ck_assert_int_eq(mark_of(3), HAK_MARK_DIRECT);
    ck_assert_int_eq(mark_of(5), HAK_MARK_INDIRECT);
    ck_assert_int_eq(mark_of(6), HAK_MARK_INDIRECT);
    ck_assert_uint_eq(scan.block_count[HAK_MARK_DIRECT], 5);
}
END_TEST

START_TEST(a_circle_that_hangs_on_a_lost_block_is_indirect) {
    put(1, 0, block[2]);
    put(2, 0, block[1]);
    put(7, 4, block[2]);
    mark_from(block[0]);
    ck_assert_int_eq(mark_of(7), HAK_MARK_DIRECT);
    ck_assert_int_eq(mark_of(1), HAK_MARK_INDIRECT);
    ck_assert_int_eq(mark_of(2), HAK_MARK_INDIRECT);
}
END_TEST

START_TEST(a_block_that_points_to_itself_is_lost_all_the_same) {
    put(4, 0, block[4]);
    mark_from(block[0]);
    ck_assert_int_eq(mark_of(4), HAK_MARK_DIRECT);
}
END_TEST

START_TEST(what_is_not_live_is_no_block) {
    struct hak_leak_block found;
    hak_large_find((char *)block[2] - HAK_HEADER_BYTES)->slot.place = HAK_PLACE_QUARANTINE;
    put(2, 0, block[3]);
    hak_leak_drop_index(&scan.index);
    ck_assert(hak_leak_make_index(&scan.index));
    ck_assert_uint_eq(scan.index.blocks, BLOCKS - 1);
    ck_assert(!hak_leak_find(&scan.index, block[2], false, &found));
    mark_from(block[2]);
    ck_assert_int_eq(mark_of(3), HAK_MARK_DIRECT);
}
END_TEST

START_TEST(any_word_may_be_asked_about) {
    struct hak_leak_block found;
    const uintptr_t words[] = {0, 1, 8, UINTPTR_MAX, UINTPTR_MAX / 2, (uintptr_t)&found};
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        ck_assert(!hak_leak_find(&scan.index, words[i], false, &found));
    ck_assert(!hak_leak_find(&scan.index, block[0] + SLOT / 2, false, &found));
}
END_TEST

int main(void) {
    TCase *cases = tcase_create("mark");
    tcase_add_checked_fixture(cases, make_world, NULL);
    tcase_add_test(cases, a_chain_is_reached_from_its_head);
    tcase_add_test(cases, a_thread_inside_hakmem_has_blocks_by_their_bases);
    tcase_add_test(cases, a_thread_of_the_program_has_them_by_its_pointers_alone);
    tcase_add_test(cases, the_end_of_a_block_leads_nowhere);
    tcase_add_test(cases, what_lies_behind_the_bytes_asked_for_is_not_read);
    tcase_add_test(cases, a_lost_list_has_one_head);
    tcase_add_test(cases, a_circle_has_one_that_stands_for_all);
    tcase_add_test(cases, a_circle_that_hangs_on_a_lost_block_is_indirect);
    tcase_add_test(cases, a_block_that_points_to_itself_is_lost_all_the_same);
    tcase_add_test(cases, what_is_not_live_is_no_block);
    tcase_add_test(cases, any_word_may_be_asked_about);
    return run_cases("mark", cases);
}
