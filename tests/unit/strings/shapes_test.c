/* What correct programs do close to the end of a block is not told of; and what is told says how
 * many bytes. The functions themselves, one by one, are called by tests/strings/calls.c. */
#include "unit/guard/world.h"

#include <errno.h>
#include <locale.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <wchar.h>
#include "guard/touch.h"
#include "strings/strings.h"

enum { ASKED = 16 };

static char *block, *other;
static char text[128];

static void begin(void) {
    make_world(HAK_CHECK_NORMAL, HAK_LAYOUT_HEADER);
    block = hand_out(slot_at(2, 0), ASKED, 0).p;
    other = hand_out(slot_at(2, 1), ASKED, 0).p;
    memset(block, 'a', ASKED);
    memset(other, 'a', ASKED);
    memset(text, 'a', sizeof text - 1);
    *(int (**)(char *, size_t, const char *, va_list)) & hak_string_functions[HAK_CALL_vsnprintf] =
        vsnprintf;
}

static struct hak_string_arguments arguments;
static struct hak_string_next next;

#define WORD(x) ((uint64_t)(uintptr_t)(x))
/* Looks at a call with three arguments, and says how many bytes were told of, 0 for none. */
static uint64_t look(unsigned call, uint64_t a, uint64_t b, uint64_t c) {
    arguments = (struct hak_string_arguments){.word = {a, b, c}};
    forget_events();
    errno = EDOM;
    next = hak_strings_look(call, &arguments, NULL);
    ck_assert_int_eq(errno, EDOM);
    ck_assert_uint_le(fault_count, 1);
    return fault_count ? last_fault().call_bytes : 0;
}
static uint64_t look_again(unsigned call, int64_t result) {
    forget_events();
    hak_strings_look_again(call, &arguments, result);
    return fault_count ? last_fault().call_bytes : 0;
}

START_TEST(no_bytes_are_never_too_many) {
    begin();
    ck_assert_uint_eq(look(HAK_CALL_memcpy, WORD(block + ASKED), WORD(text), 0), 0);
    ck_assert_uint_eq(look(HAK_CALL_memset, WORD(block + ASKED), 0, 0), 0);
    ck_assert_uint_eq(look(HAK_CALL_memcmp, WORD(block + ASKED), WORD(other + ASKED), 0), 0);
    ck_assert_uint_eq(look(HAK_CALL_strnlen, WORD(block + ASKED), 0, 0), 0);
    ck_assert_uint_eq(look(HAK_CALL_strncmp, WORD(block + ASKED), WORD(text), 0), 0);
    ck_assert_uint_eq(look(HAK_CALL_strncpy, WORD(block + ASKED), WORD(text), 0), 0);
    ck_assert_uint_eq(look(HAK_CALL_memchr, WORD(block + ASKED), 'a', 0), 0);
    ck_assert_uint_eq(look(HAK_CALL_read, 0, WORD(block + ASKED), 0), 0);
    ck_assert_uint_eq(look(HAK_CALL_wmemcpy, WORD(block + ASKED), WORD(text), 0), 0);
}
END_TEST

START_TEST(a_search_that_stops_in_the_block_is_right) {
    begin();
    block[9] = 'z';
    ck_assert_uint_eq(look(HAK_CALL_memchr, WORD(block), 'z', SIZE_MAX), 0);
    ck_assert_uint_eq(look(HAK_CALL_strchr, WORD(block), 'z', 0), 0);
    ck_assert_uint_eq(look(HAK_CALL_strstr, WORD(block), WORD("aza"), 0), 0);
    ck_assert_uint_eq(look(HAK_CALL_strcspn, WORD(block), WORD("yz"), 0), 0);
    ck_assert_uint_eq(look(HAK_CALL_strspn, WORD(block), WORD("a"), 0), 0);
    ck_assert_uint_eq(look(HAK_CALL_strpbrk, WORD(block), WORD("z"), 0), 0);
    ck_assert_uint_eq(look(HAK_CALL_strchr, WORD(block), 'y', 0), ASKED + 1);
    ck_assert_uint_eq(look(HAK_CALL_strstr, WORD(block), WORD("azb"), 0), ASKED + 1);
    ck_assert_uint_eq(look(HAK_CALL_strcspn, WORD(block), WORD("xy"), 0), ASKED + 1);
    ck_assert_uint_eq(look(HAK_CALL_strspn, WORD(block), WORD("az"), 0), ASKED + 1);
    block[ASKED - 1] = 0;
    ck_assert_uint_eq(look(HAK_CALL_strchr, WORD(block), 'y', 0), 0);
    ck_assert_uint_eq(look(HAK_CALL_strspn, WORD(block), WORD("az"), 0), 0);
}
END_TEST

START_TEST(a_comparison_that_stops_in_both_blocks_is_right) {
    begin();
    ck_assert_uint_eq(look(HAK_CALL_strcmp, WORD(block), WORD(other), 0), ASKED + 1);
    ck_assert_uint_eq(look(HAK_CALL_strncmp, WORD(block), WORD(other), ASKED), 0);
    ck_assert_uint_eq(look(HAK_CALL_strncmp, WORD(block), WORD(other), ASKED + 1), ASKED + 1);
    ck_assert_uint_eq(look(HAK_CALL_strncasecmp, WORD(block), WORD("AAAAAAAAAAAAAAAAB"), 64),
                      ASKED + 1);
    other[ASKED - 1] = 'b';
    ck_assert_uint_eq(look(HAK_CALL_strcmp, WORD(block), WORD(other), 0), 0);
    ck_assert_uint_eq(look(HAK_CALL_strcasecmp, WORD(block), WORD("AAAB"), 0), 0);
    block[ASKED - 1] = other[ASKED - 1] = 0;
    ck_assert_uint_eq(look(HAK_CALL_strcmp, WORD(block), WORD(other), 0), 0);
    /* memcmp may read all that it is given. */
    ck_assert_uint_eq(look(HAK_CALL_memcmp, WORD(block), WORD("b"), ASKED + 1), ASKED + 1);
}
END_TEST

START_TEST(the_shorter_of_two_blocks_is_named) {
    begin();
    char *longer = hand_out(slot_at(2, 3), 30, 0).p;
    memset(longer, 'a', 30);
    ck_assert_uint_eq(look(HAK_CALL_strcmp, WORD(longer), WORD(block), 0), ASKED + 1);
    ck_assert_uint_eq(last_fault().user, WORD(block));
    ck_assert_uint_eq(look(HAK_CALL_strcmp, WORD(block), WORD(longer), 0), ASKED + 1);
    ck_assert_uint_eq(last_fault().user, WORD(block));
}
END_TEST

START_TEST(a_copy_is_measured_by_its_source) {
    begin();
    block[7] = 0;
    ck_assert_uint_eq(look(HAK_CALL_strcpy, WORD(other), WORD(block), 0), 0);
    ck_assert_uint_eq(look(HAK_CALL_strcpy, WORD(other + ASKED - 8), WORD(block), 0), 0);
    ck_assert_uint_eq(look(HAK_CALL_strcpy, WORD(other + ASKED - 7), WORD(block), 0), 8);
    ck_assert_uint_eq(last_fault().access, HAK_ACCESS_WRITE);
    /* A source without an end is the fault, not the destination. */
    ck_assert_uint_eq(look(HAK_CALL_strcpy, WORD(block), WORD(other), 0), ASKED + 1);
    ck_assert_uint_eq(last_fault().access, HAK_ACCESS_READ);
    /* strncpy fills up; strncat adds an end of its own. */
    ck_assert_uint_eq(look(HAK_CALL_strncpy, WORD(block), WORD("b"), ASKED), 0);
    ck_assert_uint_eq(look(HAK_CALL_strncpy, WORD(block), WORD("b"), ASKED + 1), ASKED + 1);
    ck_assert_uint_eq(look(HAK_CALL_strncat, WORD(block), WORD(text), ASKED - 8), 0);
    ck_assert_uint_eq(look(HAK_CALL_strncat, WORD(block), WORD(text), ASKED - 7), ASKED - 6);
    ck_assert_uint_eq(look(HAK_CALL_strncat, WORD(block), WORD("b"), SIZE_MAX), 0);
    /* So many that they have no number of bytes. */
    ck_assert_uint_eq(look(HAK_CALL_wmemset, WORD(block), 0, SIZE_MAX / 2), SIZE_MAX);
}
END_TEST

START_TEST(wide_strings_are_counted_by_four_bytes) {
    begin();
    wchar_t *wide = (wchar_t *)(void *)block;
    wmemset(wide, L'a', ASKED / 4);
    ck_assert_uint_eq(look(HAK_CALL_wcslen, WORD(wide), 0, 0), ASKED + 4);
    ck_assert_uint_eq(look(HAK_CALL_wcsnlen, WORD(wide), ASKED / 4, 0), 0);
    ck_assert_uint_eq(look(HAK_CALL_wcscmp, WORD(wide), WORD(L"aab"), 0), 0);
    wide[3] = 0;
    ck_assert_uint_eq(look(HAK_CALL_wcslen, WORD(wide), 0, 0), 0);
    ck_assert_uint_eq(look(HAK_CALL_wcscat, WORD(wide), WORD(L""), 0), 0);
    ck_assert_uint_eq(look(HAK_CALL_wcscat, WORD(wide), WORD(L"b"), 0), 8);
}
END_TEST

/* A va_list lies where the trampoline says: the last arguments in words and vectors, then on the
 * stack. */
static uint64_t print(unsigned call, uint64_t bytes, const char *format, uint64_t third,
                      uint64_t fourth) {
    arguments =
        (struct hak_string_arguments){.word = {WORD(block), bytes, WORD(format), third, fourth}};
    forget_events();
    errno = EDOM;
    next = hak_strings_look(call, &arguments, NULL);
    ck_assert_int_eq(errno, EDOM);
    ck_assert_int_eq(next.way, HAK_JUMP_VARIADIC);
    return fault_count ? last_fault().call_bytes : 0;
}

START_TEST(printf_is_judged_by_what_it_prints) {
    begin();
    const char *fits = "123456789012345", *more = "1234567890123456";
    /* As many bytes as it likes to name, while what is printed fits. */
    ck_assert_uint_eq(print(HAK_CALL_snprintf, SIZE_MAX, "%s", WORD(fits), 0), 0);
    ck_assert_uint_eq(print(HAK_CALL_snprintf, SIZE_MAX, "%s", WORD(more), 0), ASKED + 1);
    ck_assert_uint_eq(print(HAK_CALL_snprintf, ASKED, "%s", WORD(more), 0), 0);
    ck_assert_uint_eq(print(HAK_CALL_snprintf, ASKED + 1, "%s%s", WORD(more), WORD(more)),
                      ASKED + 1);
    ck_assert_uint_eq(print(HAK_CALL_snprintf, 0, "%s", WORD(more), 0), 0);
    /* What fails prints nothing that is known: this is no character of the C locale. */
    ck_assert_uint_eq(print(HAK_CALL_snprintf, SIZE_MAX, "%lc", 0x20ac, 0), 0);
    int written = 0;
    ck_assert_uint_eq(print(HAK_CALL_snprintf, 64, "%d%n", 12345, WORD(&written)), 0);
    ck_assert_int_eq(written, 5);
    ck_assert_str_ne(block, "12345"); /* nothing is printed yet */
}
END_TEST

START_TEST(a_read_is_judged_by_what_came) {
    begin();
    ck_assert_uint_eq(look(HAK_CALL_read, 0, WORD(block), ASKED), 0);
    ck_assert_int_eq(next.way, HAK_JUMP);
    ck_assert_uint_eq(look(HAK_CALL_read, 0, WORD(block), ASKED + 1), 0);
    ck_assert_int_eq(next.way, HAK_CALL_AND_LOOK);
    ck_assert_uint_eq(look_again(HAK_CALL_read, -1), 0);
    ck_assert_uint_eq(look_again(HAK_CALL_read, 0), 0);
    ck_assert_uint_eq(look_again(HAK_CALL_read, ASKED), 0);
    ck_assert_uint_eq(look_again(HAK_CALL_read, ASKED + 1), ASKED + 1);
    ck_assert_uint_eq(last_fault().call_flags, HAK_TOUCH_DONE);
    struct iovec pieces[] = {{text, 3}, {block, 99}, {other, 99}};
    ck_assert_uint_eq(look(HAK_CALL_readv, 0, WORD(pieces), 3), 0);
    ck_assert_int_eq(next.way, HAK_CALL_AND_LOOK);
    ck_assert_uint_eq(look_again(HAK_CALL_readv, 3 + ASKED), 0);
    ck_assert_uint_eq(look_again(HAK_CALL_readv, 3 + ASKED + 1), ASKED + 1);
    /* An int's register may hold anything above it. */
    ck_assert_uint_eq(look(HAK_CALL_readv, 0, WORD(pieces), 0xffffffff00000001), 0);
    ck_assert_int_eq(next.way, HAK_JUMP);
    ck_assert_uint_eq(look(HAK_CALL_readv, 0, WORD(pieces), 0xffffffff), 0);
    ck_assert_int_eq(next.way, HAK_JUMP);
    pieces[1].iov_len = pieces[2].iov_len = ASKED;
    ck_assert_uint_eq(look(HAK_CALL_readv, 0, WORD(pieces), 3), 0);
    ck_assert_int_eq(next.way, HAK_JUMP);
    ck_assert_uint_eq(look(HAK_CALL_recvmsg, 0, 0, 0), 0);
    /* Into a freed block nothing may come at all. */
    state_of(slot_at(2, 1))->place = HAK_PLACE_FRONT;
    ck_assert_uint_eq(look(HAK_CALL_read, 0, WORD(other), 5), 5);
    ck_assert_uint_eq(last_fault().fault, HAK_FAULT_USE_AFTER_FREE);
}
END_TEST

START_TEST(getline_may_take_another_block) {
    begin();
    char *line = block;
    size_t room = 100;
    ck_assert_uint_eq(look(HAK_CALL_getline, WORD(&line), WORD(&room), 0), 0);
    ck_assert_int_eq(next.way, HAK_CALL_AND_LOOK);
    ck_assert_uint_eq(look_again(HAK_CALL_getline, ASKED - 1), 0);
    ck_assert_uint_eq(look_again(HAK_CALL_getline, ASKED), ASKED + 1);
    line = other;
    ck_assert_uint_eq(look_again(HAK_CALL_getline, 90), 0);
    line = NULL;
    ck_assert_uint_eq(look(HAK_CALL_getline, WORD(&line), WORD(&room), 0), 0);
    ck_assert_int_eq(next.way, HAK_JUMP);
}
END_TEST

int main(void) {
    TCase *cases = tcase_create("shapes");
    tcase_add_test(cases, no_bytes_are_never_too_many);
    tcase_add_test(cases, a_search_that_stops_in_the_block_is_right);
    tcase_add_test(cases, a_comparison_that_stops_in_both_blocks_is_right);
    tcase_add_test(cases, the_shorter_of_two_blocks_is_named);
    tcase_add_test(cases, a_copy_is_measured_by_its_source);
    tcase_add_test(cases, wide_strings_are_counted_by_four_bytes);
    tcase_add_test(cases, printf_is_judged_by_what_it_prints);
    tcase_add_test(cases, a_read_is_judged_by_what_came);
    tcase_add_test(cases, getline_may_take_another_block);
    return run_cases("shapes", cases);
}
