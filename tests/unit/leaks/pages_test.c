/* The scan goes through the touched pages of a mapping alone, and none behind a file's end. */
#include "leaks/leaks.h"

#include <fcntl.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>
#include "unit/suite.h"

enum { PAGE = 4096, PAGES = 3000 };

static struct hak_leak_scan scan;
static unsigned char seen[PAGES];
static uintptr_t start;

static void see(struct hak_leak_scan *of, uintptr_t from, uintptr_t to) {
    ck_assert_ptr_eq(of, &scan);
    ck_assert(from < to && from % PAGE == 0 && to % PAGE == 0);
    for (; from < to; from += PAGE)
        seen[(from - start) / PAGE]++;
}

static char *map(int flags, int file) {
    char *memory = mmap(NULL, (size_t)PAGES * PAGE, PROT_READ | PROT_WRITE, flags, file, 0);
    ck_assert(memory != MAP_FAILED);
    madvise(memory, (size_t)PAGES * PAGE, MADV_NOHUGEPAGE);
    start = (uintptr_t)memory;
    return memory;
}

static void look(enum hak_leak_pages which) {
    struct hak_mark_range all = {start, start + (uintptr_t)PAGES * PAGE};
    scan.pages_file = open("/proc/self/pagemap", O_RDONLY);
    ck_assert_int_ge(scan.pages_file, 0);
    hak_leak_each_touched(&scan, all, which, see);
    close((int)scan.pages_file);
}

static void expect(int first, int second, int third) {
    for (int i = 0; i < PAGES; i++)
        ck_assert_msg(seen[i] == (i == first || i == second || i == third), "page %d: %d", i,
                      seen[i]);
}

START_TEST(untouched_pages_are_left_out) {
    char *memory = map(MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1);
    memory[0] = memory[(size_t)777 * PAGE] = memory[(size_t)PAGES * PAGE - 1] = 1;
    look(HAK_PAGES_OF_MEMORY);
    expect(0, 777, PAGES - 1);
}
END_TEST

START_TEST(of_a_private_file_only_what_was_changed) {
    char name[] = "pages.XXXXXX";
    int file = mkstemp(name);
    unlink(name);
    ck_assert_int_eq(ftruncate(file, (off_t)PAGES * PAGE), 0);
    char *memory = map(MAP_PRIVATE, file);
    volatile char read = memory[(size_t)5 * PAGE];
    (void)read;
    memory[(size_t)9 * PAGE] = 1;
    look(HAK_PAGES_CHANGED);
    expect(9, 9, 9);
}
END_TEST

START_TEST(nothing_behind_the_end_of_a_shared_file) {
    char name[] = "pages.XXXXXX";
    int file = mkstemp(name);
    unlink(name);
    ck_assert_int_eq(ftruncate(file, 3 * PAGE), 0);
    char *memory = map(MAP_SHARED, file);
    memory[0] = memory[PAGE] = memory[2 * PAGE] = 1;
    look(HAK_PAGES_OF_FILE);
    expect(0, 1, 2);
}
END_TEST

START_TEST(without_the_list_of_pages_all_is_gone_through) {
    map(MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1);
    scan.pages_file = -1;
    hak_leak_each_touched(&scan, (struct hak_mark_range){start, start + (uintptr_t)PAGES * PAGE},
                          HAK_PAGES_OF_MEMORY, see);
    for (int i = 0; i < PAGES; i++)
        ck_assert_uint_eq(seen[i], 1);
    ck_assert_uint_eq(scan.partial, 0);
    hak_leak_each_touched(&scan, (struct hak_mark_range){start, start + ((uintptr_t)1 << 32)},
                          HAK_PAGES_OF_MEMORY, see);
    ck_assert_uint_eq(scan.partial, HAK_PARTIAL_PAGES);
}
END_TEST

int main(void) {
    TCase *cases = tcase_create("pages");
    tcase_add_test(cases, untouched_pages_are_left_out);
    tcase_add_test(cases, of_a_private_file_only_what_was_changed);
    tcase_add_test(cases, nothing_behind_the_end_of_a_shared_file);
    tcase_add_test(cases, without_the_list_of_pages_all_is_gone_through);
    return run_cases("pages", cases);
}
