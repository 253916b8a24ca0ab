/* hak_is_readable on a page and its ends, and on addresses that are none. */
#include "platform/readable.h"

#include <errno.h>
#include <limits.h>
#include "unit/suite.h"

enum { PAGE = HAK_READABLE_PAGE_BYTES };

/* Three pages; the middle one alone can be read. */
static char *middle_page(void) {
    char *pages = mmap(NULL, 3 * PAGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    ck_assert_ptr_ne(pages, MAP_FAILED);
    ck_assert_int_eq(mprotect(pages + PAGE, PAGE, PROT_READ | PROT_WRITE), 0);
    return pages + PAGE;
}

TEST(a_page_can_be_read_up_to_its_ends) {
    char *page = middle_page();
    errno = 77;
    ck_assert(hak_can_read(page, PAGE));
    ck_assert(hak_can_read(page + PAGE - 1, 1));
    ck_assert(!hak_can_read(page + PAGE - 1, 2));
    ck_assert(!hak_can_read(page - 1, 2));
    ck_assert(!hak_can_read(page, PAGE + 1));
    ck_assert(!hak_can_read(page, 2 * PAGE));
    ck_assert(hak_can_read(NULL, 0));
    ck_assert_int_eq(errno, 77);
    munmap(page - PAGE, 3 * PAGE);
}

TEST(what_is_no_address_cannot) {
    ck_assert(!hak_can_read(NULL, 1));
    ck_assert(!hak_can_read((void *)1, 1));
    ck_assert(!hak_can_read((void *)-1, 1));
    ck_assert(!hak_can_read((void *)0xdeadbeefdeadbeef, 8));
    ck_assert(!hak_can_read(&errno, SIZE_MAX));
    ck_assert(!hak_can_read(&errno, SSIZE_MAX));
}

/* The page that is known costs no question: one that is closed meanwhile tells. */
TEST(a_known_page_is_not_asked_about_again) {
    char *page = middle_page();
    struct hak_readable known = {0};
    ck_assert(hak_is_readable(&known, page + 8, 16));
    ck_assert_uint_eq(known.page, (uintptr_t)page);
    ck_assert_int_eq(mprotect(page, PAGE, PROT_NONE), 0);
    ck_assert(hak_is_readable(&known, page + 64, 16));
    ck_assert(!hak_can_read(page + 64, 16));
    munmap(page - PAGE, 3 * PAGE);
}

TEST(the_stack_s_page_is_known) {
    volatile char local = 0;
    struct hak_readable known = HAK_READABLE_STACK;
    ck_assert_uint_ne(known.page, 0);
    ck_assert_uint_le(known.page - (uintptr_t)&local + PAGE, 2 * PAGE);
    ck_assert(hak_can_read((const void *)known.page, PAGE));
}

TEST(a_copy_is_whole_or_none) {
    char *page = middle_page(), to[4] = "old";
    struct hak_readable known = {0};
    memcpy(page + PAGE - 4, "new", 4);
    ck_assert(!hak_copy_readable(&known, to, page + PAGE - 3, 4));
    ck_assert_str_eq(to, "old");
    ck_assert(hak_copy_readable(&known, to, page + PAGE - 4, 4));
    ck_assert_str_eq(to, "new");
    munmap(page - PAGE, 3 * PAGE);
}

TEST(a_sandbox_that_forbids_the_question_has_no_answer) {
    hak_forbidden_calls[SYS_rt_sigprocmask / 64] = (uint64_t)1 << SYS_rt_sigprocmask % 64;
    ck_assert(!hak_can_read(&errno, 1) || !hak_is_debug_build);
    hak_forbidden_calls[SYS_rt_sigprocmask / 64] = 0;
    ck_assert(hak_can_read(&errno, 1));
}

RUN_TESTS()
