/* hak_is_readable, and copies, on a page and its ends, and on addresses that are none. */
#include "platform/readable.h"

#include <errno.h>
#include <limits.h>
#include "unit/suite.h"
#include HAK_ARCH_FILE(context.h)

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

TEST(bytes_are_read_up_to_the_end_of_the_page) {
    char *page = middle_page();
    struct hak_byte_reader reader = {.known = {0}};
    for (int i = 0; i < PAGE; i++)
        page[i] = (char)(i * 7);
    errno = 77;
    for (int i = 0; i < PAGE; i++)
        ck_assert_int_eq(hak_read_byte(&reader, page + i), (unsigned char)(i * 7));
    ck_assert_int_eq(hak_read_byte(&reader, page + PAGE), -1);
    ck_assert_int_eq(hak_read_byte(&reader, page - 1), -1);
    ck_assert_int_eq(hak_read_byte(&reader, page), 0);
    ck_assert_int_eq(hak_read_byte(&reader, NULL), -1);
    ck_assert_int_eq(hak_read_byte(&reader, (char *)0xdeadbeefdeadbeef), -1);
    ck_assert_int_eq(errno, 77);
    munmap(page - PAGE, 3 * PAGE);
}

/* A reader gives one byte the same value twice, whatever another thread does. */
TEST(a_byte_that_is_here_is_read_once) {
    char *page = middle_page();
    struct hak_byte_reader reader = {.known = {0}};
    page[0] = 'a';
    ck_assert_int_eq(hak_read_byte(&reader, page), 'a');
    page[0] = 'b';
    ck_assert_int_eq(mprotect(page, PAGE, PROT_NONE), 0);
    ck_assert_int_eq(hak_read_byte(&reader, page), 'a');
    munmap(page - PAGE, 3 * PAGE);
}

static void go_on_behind(int number, siginfo_t *info, void *context) {
    (void)number;
    (void)info;
    ck_assert_uint_eq(hak_context_ip(context), (uintptr_t)hak_copy_at);
    hak_context_set_ip(context, hak_copy_stopped);
}

/* The page is known, so nobody is asked: the handler alone stops the copy. */
TEST(a_copy_of_a_page_that_is_closed_meanwhile_stops) {
    char *page = middle_page(), to[8];
    struct hak_readable known = {(uintptr_t)page};
    struct sigaction action = {.sa_sigaction = go_on_behind, .sa_flags = SA_SIGINFO};
    struct sigaction before;
    ck_assert_int_eq(sigaction(SIGSEGV, &action, &before), 0);
    ck_assert(hak_copy_readable(&known, to, page, sizeof to));
    ck_assert_int_eq(mprotect(page, PAGE, PROT_NONE), 0);
    ck_assert(!hak_copy_readable(&known, to, page, sizeof to));
    ck_assert(hak_copy_or_stop(to, page, 0));
    ck_assert_int_eq(sigaction(SIGSEGV, &before, NULL), 0);
    munmap(page - PAGE, 3 * PAGE);
}

TEST(a_sandbox_that_forbids_the_question_has_no_answer) {
    hak_forbidden_calls[SYS_rt_sigprocmask] = 1;
    ck_assert(!hak_can_read(&errno, 1) || !hak_is_debug_build);
    hak_forbidden_calls[SYS_rt_sigprocmask] = 0;
    ck_assert(hak_can_read(&errno, 1));
}

RUN_TESTS()
