/* Correct reads and writes close to the end of a block are not reported; and a report says how many
 * bytes. The functions themselves, one by one, are called by tests/strings/calls.c. */
#include "unit/guard/world.h"

#include <errno.h>
#include <fcntl.h>
#include <float.h>
#include <limits.h>
#include <locale.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>
#include <wchar.h>
#include "guard/touch.h"
#include "strings/call.h"
#include "strings/format.h"
#include "strings/libc.h"
#include "strings/strings.h"

enum { ASKED = 16 };

static char *block, *other;
static char text[128];

static void stand_in(int descriptor, const char *path, int flags) {
    int file = open(path, flags);
    ck_assert_int_ge(file, 0);
    ck_assert_int_eq(dup2(file, descriptor), descriptor);
    if (file != descriptor)
        ck_assert_int_eq(close(file), 0);
}

static void begin(void) {
    make_world(HAK_CHECK_NORMAL, HAK_LAYOUT_HEADER);
    ck_assert(hak_string_find_libc());
    stand_in(0, "/dev/null", O_RDWR); /* the descriptor of the calls */
    block = hand_out(slot_at(2, 0), ASKED, 0).p;
    other = hand_out(slot_at(2, 1), ASKED, 0).p;
    memset(block, 'a', ASKED);
    memset(other, 'a', ASKED);
    memset(text, 'a', sizeof text - 1);
    void *function = &hak_string_functions[HAK_CALL_vsnprintf];
    *(int (**)(char *, size_t, const char *, va_list))function = vsnprintf;
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
    return fault_count ? last_fault()->call_bytes : 0;
}
static uint64_t look_again(unsigned call, int64_t result) {
    forget_events();
    hak_strings_look_again(call, &arguments, result);
    return fault_count ? last_fault()->call_bytes : 0;
}

TEST(no_bytes_are_never_too_many) {
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

/* The fault that a look at a call finds around a block, 0 for none. */
static unsigned found_by_look(unsigned call, uint64_t a, uint64_t b, uint64_t c) {
    (void)look(call, a, b, c);
    return fault_count && last_fault()->found_by == HAK_FOUND_BY_LOOK ? last_fault()->fault : 0;
}
#define FOUND HAK_FAULT_HEAP_BUFFER_OVERFLOW

TEST(damage_is_found_at_the_next_call_and_once) {
    struct {
        unsigned call;
        uint64_t a, b, c;
    } calls[] = {
        {HAK_CALL_memcpy, WORD(text), WORD(block), ASKED},
        {HAK_CALL_memcpy, WORD(block), WORD(text), ASKED},
        {HAK_CALL_strlen, WORD(block), 0, 0},
        {HAK_CALL_strcpy, WORD(block), WORD(""), 0},
        {HAK_CALL_strcat, WORD(block), WORD(""), 0},
        {HAK_CALL_strcmp, WORD("b"), WORD(block), 0},
        {HAK_CALL_strchr, WORD(block), 'a', 0},
        {HAK_CALL_memchr, WORD(block), 'a', ASKED},
        {HAK_CALL_strtol, WORD(block), 0, 10},
        {HAK_CALL_open, WORD(block), 0, 0},
        {HAK_CALL_write, 1, WORD(block), ASKED},
        {HAK_CALL_read, 0, WORD(block), ASKED},
        {HAK_CALL_snprintf, WORD(block), ASKED, WORD("a")},
    };
    block[ASKED - 1] = 0;
    for (size_t i = 0; i < sizeof calls / sizeof *calls; i++) {
        unsigned call = calls[i].call;
        uint64_t a = calls[i].a, b = calls[i].b, c = calls[i].c;
        ck_assert_msg(found_by_look(call, a, b, c) == 0, "call %zu, whole", i);
        block[ASKED] ^= 1;
        ck_assert_msg(found_by_look(call, a, b, c) == FOUND, "call %zu", i);
        struct hak_fault_facts told = *last_fault();
        ck_assert_str_eq(told.call, hak_string_name(call));
        ck_assert_msg(found_by_look(call, a, b, c) == 0, "call %zu, again", i);
        block[ASKED] ^= 1;
        state_of(slot_at(2, 0))->subkind &= (uint8_t)~HAK_SLOT_TOLD;
    }
}

TEST(a_call_that_touches_nothing_looks_at_nothing) {
    block[ASKED] ^= 1;
    ck_assert_uint_eq(found_by_look(HAK_CALL_memcpy, WORD(block), WORD(text), 0), 0);
    ck_assert_uint_eq(found_by_look(HAK_CALL_strncmp, WORD(block), WORD(text), 0), 0);
    ck_assert_uint_eq(found_by_look(HAK_CALL_memchr, WORD(block), 'a', 0), 0);
    ck_assert_uint_eq(found_by_look(HAK_CALL_strnlen, WORD(block), 0, 0), 0);
    ck_assert_uint_eq(found_by_look(HAK_CALL_read, 0, WORD(block), 0), 0);
    ck_assert_uint_eq(found_by_look(HAK_CALL_snprintf, WORD(block), 0, WORD("a")), 0);
}

/* The report of that says what was overwritten before. */
TEST(a_call_that_touches_too_many_bytes_is_told_as_that) {
    block[ASKED] ^= 1;
    ck_assert_uint_eq(look(HAK_CALL_memset, WORD(block), 0, ASKED + 1), ASKED + 1);
    ck_assert_uint_eq(last_fault()->found_by, HAK_FOUND_BY_FUNCTION);
    ck_assert_uint_eq(last_fault()->damaged_bytes, 1);
}

TEST(a_search_that_stops_in_the_block_is_right) {
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

TEST(a_comparison_that_stops_in_both_blocks_is_right) {
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

TEST(a_bounded_copy_reads_all_and_writes_what_fits) {
    block[7] = 0;
    ck_assert_uint_eq(look(HAK_CALL_strlcpy, WORD(other + ASKED - 7), WORD(block), 64), 8);
    ck_assert_uint_eq(look(HAK_CALL_strlcpy, WORD(other + ASKED - 7), WORD(block), 7), 0);
    ck_assert_uint_eq(look(HAK_CALL_strlcpy, WORD(other + ASKED), WORD(block), 0), 0);
    ck_assert_uint_eq(look(HAK_CALL_strlcpy, WORD(other), WORD(text), ASKED), 0);
    ck_assert_uint_eq(look(HAK_CALL_strlcpy, WORD(other), WORD(text), ASKED + 1), ASKED + 1);
    block[7] = 'a'; /* for its result it reads the source to its end */
    ck_assert_uint_eq(look(HAK_CALL___strlcpy_chk, WORD(text), WORD(block), 4), ASKED + 1);
    other[9] = 0;
    ck_assert_uint_eq(look(HAK_CALL_strlcat, WORD(other), WORD("aaaaaa"), 64), 0);
    ck_assert_uint_eq(look(HAK_CALL_strlcat, WORD(other), WORD("aaaaaaa"), 64), 8);
    ck_assert_uint_eq(look(HAK_CALL_strlcat, WORD(other), WORD(text), ASKED), 0);
    ck_assert_uint_eq(look(HAK_CALL_strlcat, WORD(other), WORD(block), ASKED), ASKED + 1);
    other[9] = 'a'; /* it has no end in `bytes`: nothing is appended */
    ck_assert_uint_eq(look(HAK_CALL___strlcat_chk, WORD(other), WORD(text), ASKED), 0);
    ck_assert_uint_eq(look(HAK_CALL_strlcat, WORD(other), WORD(text), 64), ASKED + 1);
    wchar_t *wide = (void *)hand_out(slot_at(2, 3), 28, 0).p;
    ck_assert_uint_eq(look(HAK_CALL_wcslcpy, WORD(wide), WORD(L"aaaaaa"), 64), 0);
    ck_assert_uint_eq(look(HAK_CALL_wcslcpy, WORD(wide), WORD(L"aaaaaaa"), 64), 32);
    wcscpy(wide, L"a");
    ck_assert_uint_eq(look(HAK_CALL_wcslcat, WORD(wide), WORD(L"aaaaaa"), 7), 0);
    ck_assert_uint_eq(look(HAK_CALL___wcslcat_chk, WORD(wide), WORD(L"aaaaaa"), 8), 28);
}

TEST(swab_leaves_an_odd_byte_alone) {
    ck_assert_uint_eq(look(HAK_CALL_swab, WORD(text), WORD(block), ASKED + 1), 0);
    ck_assert_uint_eq(look(HAK_CALL_swab, WORD(text), WORD(block), ASKED + 2), ASKED + 2);
    ck_assert_uint_eq(look(HAK_CALL_swab, WORD(text), WORD(block), (uint64_t)-8), 0);
}

TEST(a_vector_ends_with_null) {
    char **strings = (void *)hand_out(slot_at(2, 3), 24, 0).p;
    block[ASKED - 1] = 0;
    strings[0] = block;
    strings[1] = text;
    strings[2] = NULL;
    ck_assert_uint_eq(look(HAK_CALL_execv, WORD(block), WORD(strings), 0), 0);
    strings[2] = text;
    ck_assert_uint_eq(look(HAK_CALL_execv, WORD(block), WORD(strings), 0), 32);
    strings[1] = NULL; /* what is behind is no part of it */
    ck_assert_uint_eq(look(HAK_CALL_execv, WORD(block), WORD(strings), 0), 0);
    ck_assert_uint_eq(look(HAK_CALL_execv, WORD(other), WORD(strings), 0), ASKED + 1);
    strings[0] = other;
    ck_assert_uint_eq(look(HAK_CALL_execve, WORD(block), WORD(strings), 0), ASKED + 1);
    ck_assert_uint_eq(look(HAK_CALL_execve, WORD(block), 0, WORD(strings)), ASKED + 1);
    ck_assert_uint_eq(look(HAK_CALL_execl, WORD(block), WORD(other), 0), ASKED + 1);
    ck_assert_uint_eq(look(HAK_CALL_execl, WORD(block), 0, WORD(other)), 0);
    ck_assert_uint_eq(look(HAK_CALL_execle, WORD(block), 0, WORD(strings)), ASKED + 1);
}

TEST(what_goes_on_in_libc_is_looked_at_after_the_call) {
    block[ASKED - 1] = 0;
    ck_assert_uint_eq(look(HAK_CALL_strtok, 0, WORD("z"), 0), 0);
    ck_assert_uint_eq(next.way, HAK_CALL_AND_LOOK);
    ck_assert_uint_eq(look_again(HAK_CALL_strtok, (int64_t)WORD(block + 4)), 0);
    ck_assert_uint_eq(look_again(HAK_CALL_strtok, 0), 0);
    ck_assert_uint_eq(look(HAK_CALL_strtok, WORD(block), WORD("z"), 0), 0);
    ck_assert_uint_eq(next.way, HAK_JUMP);
    /* lfind comes as far as the program's function lets it, lsearch may add one. */
    size_t count = 40;
    arguments = (struct hak_string_arguments){0};
    for (int i = 0; i < 2; i++) {
        unsigned call = i == 0 ? HAK_CALL_lfind : HAK_CALL_lsearch;
        arguments.word[3] = 1;
        (void)look(call, 0, WORD(block), WORD(&count));
        arguments.word[3] = 1;
        next = hak_strings_look(call, &arguments, NULL);
        ck_assert_uint_eq(next.way, HAK_CALL_AND_LOOK);
        ck_assert_uint_eq(look_again(call, (int64_t)WORD(block + ASKED - 1)), 0);
        ck_assert_uint_eq(look_again(call, (int64_t)WORD(block + ASKED)), ASKED + 1);
        ck_assert_uint_eq(look_again(call, 0), 40);
        count = 41;
        ck_assert_uint_eq(look_again(call, (int64_t)WORD(block + 40)), 41);
        count = 40;
    }
    /* A text of libc's own, and more than there was room for. */
    (void)look(HAK_CALL_strerror_r, 1, WORD(other), 64);
    ck_assert_uint_eq(look_again(HAK_CALL_strerror_r, (int64_t)WORD(text)), 0);
    (void)look(HAK_CALL_confstr, 1, WORD(block), ASKED);
    ck_assert_uint_eq(look_again(HAK_CALL_confstr, 90), 0);
    (void)look(HAK_CALL_ttyname_r, 1, WORD(block), 64);
    ck_assert_uint_eq(look_again(HAK_CALL_ttyname_r, 0), 0);
    ck_assert_uint_eq(look_again(HAK_CALL_ttyname_r, 25), 0); /* ENOTTY: nothing is there */
}

TEST(a_conversion_reads_what_it_stores) {
    const char *rest = block;
    wchar_t wide[64];
    ck_assert_uint_eq(look(HAK_CALL_mbstowcs, WORD(wide), WORD(block), ASKED), 0);
    ck_assert_uint_eq(look(HAK_CALL_mbstowcs, WORD(wide), WORD(block), ASKED + 1), ASKED + 1);
    ck_assert_uint_eq(look(HAK_CALL_mbstowcs, 0, WORD(block), 4), ASKED + 1);
    ck_assert_uint_eq(look(HAK_CALL_mbsrtowcs, WORD(wide), WORD(&rest), ASKED), 0);
    ck_assert_uint_eq(look(HAK_CALL_mbsrtowcs, WORD(wide), WORD(&rest), ASKED + 1), ASKED + 1);
    arguments.word[3] = 64;
    ck_assert_uint_eq(look(HAK_CALL_mbsnrtowcs, WORD(wide), WORD(&rest), ASKED), 0);
    block[3] = (char)0xff; /* in no character set that is here: it fails there */
    setlocale(LC_ALL, "C.UTF-8");
    ck_assert_uint_eq(look(HAK_CALL_mbstowcs, WORD(wide), WORD(block), 64), 0);
    setlocale(LC_ALL, "C");
    /* The end is stored where the source came to its own. */
    wchar_t *stored = (void *)hand_out(slot_at(2, 3), 28, 0).p;
    (void)look(HAK_CALL_mbsrtowcs, WORD(stored), WORD(&rest), 64);
    ck_assert_uint_eq(look_again(HAK_CALL_mbsrtowcs, 7), 0);
    rest = NULL;
    ck_assert_uint_eq(look_again(HAK_CALL_mbsrtowcs, 7), 32);
    ck_assert_uint_eq(look_again(HAK_CALL_mbsrtowcs, -1), 0);
}

TEST(the_shorter_of_two_blocks_is_named) {
    char *longer = hand_out(slot_at(2, 3), 30, 0).p;
    memset(longer, 'a', 30);
    ck_assert_uint_eq(look(HAK_CALL_strcmp, WORD(longer), WORD(block), 0), ASKED + 1);
    ck_assert_uint_eq(last_fault()->user, WORD(block));
    ck_assert_uint_eq(look(HAK_CALL_strcmp, WORD(block), WORD(longer), 0), ASKED + 1);
    ck_assert_uint_eq(last_fault()->user, WORD(block));
}

TEST(a_copy_is_measured_by_its_source) {
    block[7] = 0;
    ck_assert_uint_eq(look(HAK_CALL_strcpy, WORD(other), WORD(block), 0), 0);
    ck_assert_uint_eq(look(HAK_CALL_strcpy, WORD(other + ASKED - 8), WORD(block), 0), 0);
    ck_assert_uint_eq(look(HAK_CALL_strcpy, WORD(other + ASKED - 7), WORD(block), 0), 8);
    ck_assert_uint_eq(last_fault()->access, HAK_ACCESS_WRITE);
    /* A source without an end is the fault, not the destination. */
    ck_assert_uint_eq(look(HAK_CALL_strcpy, WORD(block), WORD(other), 0), ASKED + 1);
    ck_assert_uint_eq(last_fault()->access, HAK_ACCESS_READ);
    /* strncpy fills up; strncat adds an end of its own. */
    ck_assert_uint_eq(look(HAK_CALL_strncpy, WORD(block), WORD("b"), ASKED), 0);
    ck_assert_uint_eq(look(HAK_CALL_strncpy, WORD(block), WORD("b"), ASKED + 1), ASKED + 1);
    ck_assert_uint_eq(look(HAK_CALL_strncat, WORD(block), WORD(text), ASKED - 8), 0);
    ck_assert_uint_eq(look(HAK_CALL_strncat, WORD(block), WORD(text), ASKED - 7), ASKED - 6);
    ck_assert_uint_eq(look(HAK_CALL_strncat, WORD(block), WORD("b"), SIZE_MAX), 0);
    /* So many that they have no number of bytes. */
    ck_assert_uint_eq(look(HAK_CALL_wmemset, WORD(block), 0, SIZE_MAX / 2), SIZE_MAX);
}

TEST(wide_strings_are_counted_by_four_bytes) {
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
    return fault_count ? last_fault()->call_bytes : 0;
}

TEST(printf_is_judged_by_what_it_prints) {
    const char *fits = "123456789012345", *more = "1234567890123456";
    /* As many bytes as it likes to name, while what is printed fits. */
    ck_assert_uint_eq(print(HAK_CALL_snprintf, SIZE_MAX, "%s", WORD(fits), 0), 0);
    ck_assert_uint_eq(print(HAK_CALL_snprintf, SIZE_MAX, "%s", WORD(more), 0), ASKED + 1);
    ck_assert_uint_eq(print(HAK_CALL_snprintf, ASKED, "%s", WORD(more), 0), 0);
    ck_assert_uint_eq(print(HAK_CALL_snprintf, ASKED + 1, "%s%s", WORD(more), WORD(more)),
                      ASKED + 1);
    ck_assert_uint_eq(print(HAK_CALL_snprintf, 0, "%s", WORD(more), 0), 0);
    /* A call that fails prints nothing that is known: this is no character of the C locale. */
    ck_assert_uint_eq(print(HAK_CALL_snprintf, SIZE_MAX, "%lc", 0x20ac, 0), 0);
    int written = 0;
    ck_assert_uint_eq(print(HAK_CALL_snprintf, 64, "%d%n", 12345, WORD(&written)), 0);
    ck_assert_int_eq(written, 5);
    ck_assert_str_ne(block, "12345"); /* nothing is printed yet */
}

TEST(a_descriptor_that_is_refused_touches_nothing) {
    struct iovec pieces[] = {{text, 3}, {block, ASKED + 1}};
    int ends[2];
    ck_assert_uint_eq(look(HAK_CALL_write, 0, WORD(block), ASKED + 1), ASKED + 1);
    ck_assert_uint_eq(look(HAK_CALL_write, UINT_MAX, WORD(block), ASKED + 1), 0);
    ck_assert_uint_eq(look(HAK_CALL_send, UINT_MAX, WORD(block), SIZE_MAX), 0);
    ck_assert_uint_eq(look(HAK_CALL_writev, UINT_MAX, WORD(pieces), 2), 0);
    stand_in(0, "/dev/null", O_RDONLY);
    ck_assert_uint_eq(look(HAK_CALL_write, 0, WORD(block), ASKED + 1), 0);
    stand_in(0, "/dev/null", O_WRONLY);
    ck_assert_uint_eq(look(HAK_CALL_write, 0, WORD(block), ASKED + 1), ASKED + 1);
    ck_assert_int_eq(socketpair(AF_UNIX, SOCK_DGRAM, 0, ends), 0);
    ck_assert_uint_eq(look(HAK_CALL_send, (unsigned)ends[0], WORD(block), SIZE_MAX), 0);
    ck_assert_uint_eq(look(HAK_CALL_send, (unsigned)ends[0], WORD(block), ASKED + 1), ASKED + 1);
}

/* UDP sends messages that are longer than the socket's send buffer, but for 65,535 bytes. */
TEST(a_message_that_is_cut_up_is_read) {
    int socket_of_udp = socket(AF_INET, SOCK_DGRAM, 0), least = 1;
    ck_assert_int_ge(socket_of_udp, 0);
    ck_assert_int_eq(setsockopt(socket_of_udp, SOL_SOCKET, SO_SNDBUF, &least, sizeof least), 0);
    ck_assert_uint_eq(look(HAK_CALL_send, (unsigned)socket_of_udp, WORD(block), 60000), 60000);
    ck_assert_uint_eq(look(HAK_CALL_send, (unsigned)socket_of_udp, WORD(block), 65536), 0);
    ck_assert_int_eq(close(socket_of_udp), 0);
}

/* The kernel does not touch the memory of a call that it refuses. */
TEST(a_table_that_is_refused_is_not_read) {
    struct iovec pieces[] = {{text, 3}, {block, ASKED + 1}};
    struct msghdr message = {.msg_iov = pieces, .msg_iovlen = 2};
    ck_assert_uint_eq(look(HAK_CALL_writev, 0, WORD(pieces), 2), ASKED + 1);
    ck_assert_uint_eq(look(HAK_CALL_sendmsg, 0, WORD(&message), 0), ASKED + 1);
    ck_assert_uint_eq(look(HAK_CALL_writev, 0, 1, 1), 0);
    ck_assert_uint_eq(look(HAK_CALL_readv, 0, 0, 1), 0);
    ck_assert_uint_eq(look(HAK_CALL_sendmsg, 0, 8, 0), 0);
    ck_assert_uint_eq(look(HAK_CALL_recvmmsg, 0, 8, 7), 0);
    ck_assert_uint_eq(look(HAK_CALL_writev, 0, WORD(pieces), IOV_MAX + 1), 0);
    message.msg_iovlen = IOV_MAX + 1;
    ck_assert_uint_eq(look(HAK_CALL_sendmsg, 0, WORD(&message), 0), 0);
    message = (struct msghdr){.msg_iov = (struct iovec *)1, .msg_iovlen = 1};
    ck_assert_uint_eq(look(HAK_CALL_recvmsg, 0, WORD(&message), 0), 0);
    pieces[0].iov_len = SIZE_MAX;
    ck_assert_uint_eq(look(HAK_CALL_writev, 0, WORD(pieces), 2), 0);
    ck_assert_uint_eq(look(HAK_CALL_write, 0, WORD(block), SIZE_MAX), 0);
    ck_assert_uint_eq(look(HAK_CALL_write, 0, WORD(block), SSIZE_MAX), 0);
    ck_assert_uint_eq(look(HAK_CALL_send, 0, WORD(block), SIZE_MAX), SIZE_MAX);
    /* The table itself is read. */
    memcpy(block, &(struct iovec){text, 3}, sizeof *pieces);
    ck_assert_uint_eq(look(HAK_CALL_writev, 0, WORD(block), 1), 0);
    ck_assert_uint_eq(look(HAK_CALL_writev, 0, WORD(block + 8), 1), sizeof *pieces);
}

TEST(a_read_is_judged_by_what_came) {
    ck_assert_uint_eq(look(HAK_CALL_read, 0, WORD(text), 3), 0);
    ck_assert_int_eq(next.way, HAK_JUMP);
    ck_assert_uint_eq(look(HAK_CALL_read, 0, WORD(block), ASKED + 1), 0);
    ck_assert_int_eq(next.way, HAK_CALL_AND_LOOK);
    ck_assert_uint_eq(look_again(HAK_CALL_read, -1), 0);
    ck_assert_uint_eq(look_again(HAK_CALL_read, 0), 0);
    ck_assert_uint_eq(look_again(HAK_CALL_read, ASKED), 0);
    ck_assert_uint_eq(look_again(HAK_CALL_read, ASKED + 1), ASKED + 1);
    ck_assert_uint_eq(last_fault()->call_flags, HAK_TOUCH_DONE);
    struct iovec pieces[] = {{text, 3}, {block, 99}, {other, 99}};
    ck_assert_uint_eq(look(HAK_CALL_readv, 0, WORD(pieces), 3), 0);
    ck_assert_int_eq(next.way, HAK_CALL_AND_LOOK);
    ck_assert_uint_eq(look_again(HAK_CALL_readv, 3 + ASKED), 0);
    ck_assert_uint_eq(look_again(HAK_CALL_readv, 3 + ASKED + 1), ASKED + 1);
    /* An int's register may hold anything above it. */
    ck_assert_uint_eq(look(HAK_CALL_readv, 0, WORD(pieces + 1), 0xffffffff00000001), 0);
    ck_assert_int_eq(next.way, HAK_CALL_AND_LOOK);
    ck_assert_uint_eq(look(HAK_CALL_readv, 0, WORD(pieces), 0xffffffff00000001), 0);
    ck_assert_int_eq(next.way, HAK_JUMP);
    ck_assert_uint_eq(look(HAK_CALL_readv, 0, WORD(pieces), 0xffffffff), 0);
    ck_assert_int_eq(next.way, HAK_JUMP);
    ck_assert_uint_eq(look(HAK_CALL_recvmsg, 0, 0, 0), 0);
    /* Into a freed block nothing may come at all. */
    state_of(slot_at(2, 1))->place = HAK_PLACE_FRONT;
    ck_assert_uint_eq(look(HAK_CALL_read, 0, WORD(other), 5), 5);
    ck_assert_uint_eq(last_fault()->fault, HAK_FAULT_USE_AFTER_FREE);
}

/* Another thread frees the block while the kernel waits. */
static void expect_refused(unsigned number, uint64_t b, uint64_t c, unsigned access) {
    ck_assert_uint_eq(look(number, 0, b, c), 0);
    ck_assert_int_eq(next.way, HAK_CALL_AND_LOOK);
    errno = EFAULT;
    ck_assert_uint_eq(look_again(number, -1), 0);
    state_of(slot_at(2, 1))->place = HAK_PLACE_FRONT;
    errno = EAGAIN;
    ck_assert_uint_eq(look_again(number, -1), 0);
    errno = EFAULT;
    ck_assert_uint_eq(look_again(number, -1), 5);
    ck_assert_int_eq(errno, EFAULT);
    ck_assert_uint_eq(last_fault()->fault, HAK_FAULT_USE_AFTER_FREE);
    ck_assert_uint_eq(last_fault()->call_flags, HAK_TOUCH_REFUSED);
    ck_assert_uint_eq(last_fault()->access, access);
    state_of(slot_at(2, 1))->place = HAK_PLACE_LIVE;
}

TEST(a_block_that_is_freed_while_the_kernel_waits_is_told_of) {
    struct iovec pieces[] = {{text, 3}, {other, 5}};
    struct msghdr message = {.msg_iov = pieces, .msg_iovlen = 2};
    expect_refused(HAK_CALL_read, WORD(other), 5, HAK_ACCESS_WRITE);
    expect_refused(HAK_CALL_readv, WORD(pieces), 2, HAK_ACCESS_WRITE);
    expect_refused(HAK_CALL_recvmsg, WORD(&message), 0, HAK_ACCESS_WRITE);
    expect_refused(HAK_CALL_write, WORD(other), 5, HAK_ACCESS_READ);
    expect_refused(HAK_CALL_writev, WORD(pieces), 2, HAK_ACCESS_READ);
    /* Bytes that came all the same were written there. */
    ck_assert_uint_eq(look(HAK_CALL_read, 0, WORD(other), 5), 0);
    state_of(slot_at(2, 1))->place = HAK_PLACE_FRONT;
    ck_assert_uint_eq(look_again(HAK_CALL_read, 4), 4);
    ck_assert_uint_eq(last_fault()->call_flags, HAK_TOUCH_DONE);
}

/* As guard closes pages of freed blocks: nobody is asked about them. */
TEST(a_freed_string_in_a_closed_page_is_told_of) {
    char *page = (char *)((uintptr_t)other & ~(uintptr_t)(HAK_READABLE_PAGE_BYTES - 1));
    arguments = (struct hak_string_arguments){.word = {0, WORD("%s"), WORD(other)}};
    forget_events();
    state_of(slot_at(2, 1))->place = HAK_PLACE_FRONT;
    ck_assert_int_eq(mprotect(page, HAK_READABLE_PAGE_BYTES, PROT_NONE), 0);
    (void)hak_strings_look(HAK_CALL_fprintf, &arguments, NULL);
    ck_assert_int_eq(mprotect(page, HAK_READABLE_PAGE_BYTES, PROT_READ | PROT_WRITE), 0);
    ck_assert_uint_eq(fault_count, 1);
    ck_assert_uint_eq(last_fault()->fault, HAK_FAULT_USE_AFTER_FREE);
}

TEST(getline_may_take_another_block) {
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

/* ---- formats --------------------------------------------------------------------------------- */

#define LOCATE(name) *(void **)&hak_string_functions[HAK_CALL_##name] = (void *)name

/* printf(format, a, b, c, d) */
static uint64_t print_out(const char *format, uint64_t a, uint64_t b, uint64_t c, uint64_t d) {
    arguments = (struct hak_string_arguments){.word = {WORD(format), a, b, c, d}};
    forget_events();
    errno = EDOM;
    next = hak_strings_look(HAK_CALL_printf, &arguments, NULL);
    ck_assert_int_eq(errno, EDOM);
    ck_assert_int_eq(next.way, HAK_JUMP_VARIADIC);
    return fault_count ? last_fault()->call_bytes : 0;
}

TEST(what_printf_reads_has_an_end_or_a_precision) {
    ck_assert_uint_eq(print_out("%s", WORD(block), 0, 0, 0), ASKED + 1);
    ck_assert_uint_eq(last_fault()->access, HAK_ACCESS_READ);
    ck_assert_uint_eq(print_out("%.16s", WORD(block), 0, 0, 0), 0);
    ck_assert_uint_eq(print_out("%.17s", WORD(block), 0, 0, 0), ASKED + 1);
    ck_assert_uint_eq(print_out("%.*s", ASKED, WORD(block), 0, 0), 0);
    ck_assert_uint_eq(print_out("%.*s", ASKED + 1, WORD(block), 0, 0), ASKED + 1);
    ck_assert_uint_eq(print_out("%.*s", 0xffffffff, WORD(block), 0, 0), ASKED + 1);
    ck_assert_uint_eq(print_out("%*s", 5, WORD(block), 0, 0), ASKED + 1);
    ck_assert_uint_eq(print_out("%3$d %1$.*2$s", WORD(block), ASKED, 0, 0), 0);
    ck_assert_uint_eq(print_out("%3$d %1$.*2$s", WORD(block), ASKED + 1, 0, 0), ASKED + 1);
    ck_assert_uint_eq(print_out("%d %f %s", 1, WORD(block), 0, 0), ASKED + 1);
    ck_assert_uint_eq(print_out("%p %c %%s", WORD(block), WORD(block), WORD(block), 0), 0);
    ck_assert_uint_eq(print_out("%s", 0, 0, 0, 0), 0);
    block[ASKED - 1] = 0;
    ck_assert_uint_eq(print_out("%s", WORD(block), 0, 0, 0), 0);
    /* The format is a string as well. */
    ck_assert_uint_eq(print_out(other, 0, 0, 0, 0), ASKED + 1);
    ck_assert_uint_eq(print_out(NULL, 0, 0, 0, 0), 0);
}

TEST(a_format_that_is_not_understood_accuses_nobody) {
    ck_assert_uint_eq(print_out("%zs", WORD(block), 0, 0, 0), 0);
    ck_assert_uint_eq(print_out("%s %Q", WORD(block), 0, 0, 0), 0);
    ck_assert_uint_eq(print_out("%s %1$s", WORD(block), 0, 0, 0), 0);
    /* The first may be anything, also a double. */
    ck_assert_uint_eq(print_out("%2$s", WORD(block), WORD(block), 0, 0), 0);
    ck_assert_uint_eq(print_out("%1$s %1$f", WORD(block), 0, 0, 0), 0);
    ck_assert_uint_eq(print_out("%s", WORD(block), 0, 0, 0), ASKED + 1);
    (void)look(HAK_CALL_register_printf_specifier, 's', 0, 0);
    ck_assert_uint_eq(print_out("%s", WORD(block), 0, 0, 0), 0);
}

TEST(wide_strings_are_judged_by_what_they_make) {
    wchar_t *wide = (wchar_t *)(void *)block;
    wmemset(wide, L'a', ASKED / 4);
    ck_assert_uint_eq(print_out("%ls", WORD(wide), 0, 0, 0), ASKED + 4);
    ck_assert_uint_eq(print_out("%S", WORD(wide), 0, 0, 0), ASKED + 4);
    ck_assert_uint_eq(print_out("%.4ls", WORD(wide), 0, 0, 0), 0);
    ck_assert_uint_eq(print_out("%.5ls", WORD(wide), 0, 0, 0), ASKED + 4);
    wide[3] = 0x20ac; /* no character of the C locale: there printf ends */
    ck_assert_uint_eq(print_out("%ls", WORD(wide), 0, 0, 0), 0);
    if (!setlocale(LC_ALL, "C.UTF-8"))
        return;
    ck_assert_uint_eq(print_out("%.6ls", WORD(wide), 0, 0, 0), 0);
    ck_assert_uint_eq(print_out("%.7ls", WORD(wide), 0, 0, 0), ASKED + 4);
}

/* Calls that no test can make: they end the program, write to the system's log, or are of another
 * libc. */
TEST(functions_that_print_and_end_are_looked_at) {
    const uint64_t format = WORD("%s"), string = WORD(block);
    ck_assert_uint_eq(look(HAK_CALL_err, 1, format, string), ASKED + 1);
    ck_assert_uint_eq(look(HAK_CALL_errx, 1, format, string), ASKED + 1);
    ck_assert_uint_eq(look(HAK_CALL_syslog, 1, format, string), ASKED + 1);
    ck_assert_uint_eq(look(HAK_CALL___isoc23_strtol, WORD("12"), 0, 10), 0);
    memset(block, '7', ASKED);
    ck_assert_uint_eq(look(HAK_CALL___isoc23_strtol, string, 0, 10), ASKED + 1);
    ck_assert_uint_eq(look(HAK_CALL___isoc23_strtoll, string, 0, 10), ASKED + 1);
    ck_assert_uint_eq(look(HAK_CALL___isoc23_strtoul, string, 0, 10), ASKED + 1);
    ck_assert_uint_eq(look(HAK_CALL___isoc23_strtoull, string, 0, 10), ASKED + 1);
    memset(block, 'a', ASKED);
    struct hak_string_arguments kept = {.word = {string}};
    struct hak_list list = hak_list_of(&kept, 0, NULL);
    ck_assert_uint_eq(look(HAK_CALL_verr, 1, format, WORD(&list)), ASKED + 1);
    ck_assert_uint_eq(look(HAK_CALL_verrx, 1, format, WORD(&list)), ASKED + 1);
    ck_assert_uint_eq(look(HAK_CALL_vsyslog, 1, format, WORD(&list)), ASKED + 1);
    ck_assert_uint_eq(hak_list_word(&list), string); /* it is still to be read */
}

/* Number of wide characters that vswprintf writes where `most` are too few: one more since glibc
 * 2.37, which ends what it cut off. */
static unsigned written_of(unsigned most) {
    wchar_t wide[512];
    unsigned units = most;
    wmemset(wide, L'#', most);
    ck_assert_int_eq(swprintf(wide, most, L"%*d", (int)most + 1, 1), -1);
    while (wide[units - 1] == L'#')
        units--;
    return units;
}

TEST(swprintf_is_judged_by_what_it_prints) {
    LOCATE(vswprintf);
    ck_assert_uint_eq(print(HAK_CALL_swprintf, 64, (const char *)L"%d", 123, 0), 0);
    ck_assert_uint_eq(print(HAK_CALL_swprintf, 64, (const char *)L"%d", 1234, 0), ASKED + 4);
    ck_assert_uint_eq(last_fault()->call_flags, 0);
    ck_assert_uint_eq(print(HAK_CALL_swprintf, 4, (const char *)L"%d", 1234, 0), 0);
    /* It fails, and has written until then. */
    ck_assert_uint_eq(print(HAK_CALL_swprintf, 64, (const char *)L"%70d", 1, 0),
                      written_of(64) * 4);
    ck_assert_uint_eq(print(HAK_CALL_swprintf, 9999, (const char *)L"%700d", 1, 0),
                      written_of(512) * 4);
    ck_assert_uint_eq(last_fault()->call_flags, HAK_TOUCH_AT_LEAST);
    ck_assert_uint_eq(print(HAK_CALL_swprintf, 9999, (const char *)L"%s", WORD("\xff\xff"), 0), 0);
}

/* sscanf(input, format, a, b, c): how many bytes were told of. */
static uint64_t scan(const char *input, const char *format, void *a, void *b, void *c) {
    uint64_t told = 0;
    LOCATE(vsscanf);
    *(void **)&hak_string_functions[HAK_CALL_sscanf] = (void *)sscanf;
    arguments = (struct hak_string_arguments){
        .word = {WORD(input), WORD(format), WORD(a), WORD(b), WORD(c)}};
    forget_events();
    errno = EDOM;
    next = hak_strings_look(HAK_CALL_sscanf, &arguments, NULL);
    ck_assert(errno == EDOM || next.way == HAK_RETURN); /* then it is scanf's own */
    if (fault_count)
        told = last_fault()->call_bytes;
    return told;
}
static int result(void) {
    ck_assert_int_eq(next.way, HAK_RETURN);
    return (int)arguments.result;
}

TEST(scanf_that_cannot_leave_its_blocks_goes_on_as_it_was) {
    char free_text[64];
    int number;
    ck_assert_uint_eq(scan("a", "%s", free_text, NULL, NULL), 0);
    ck_assert_int_eq(next.way, HAK_JUMP);
    ck_assert_uint_eq(scan("aaaaaaaaaaaaaaaaa 2", "%15s %*s %d", block, &number, NULL), 0);
    ck_assert_int_eq(next.way, HAK_JUMP);
    ck_assert_uint_eq(scan("a", "%16c%15[a]", block, block, NULL), 0);
    ck_assert_int_eq(next.way, HAK_JUMP);
    ck_assert_uint_eq(scan("1", "%lld", block + ASKED - 8, NULL, NULL), 0);
    ck_assert_int_eq(next.way, HAK_JUMP);
    /* Formats that are not understood. */
    ck_assert_uint_eq(scan("aaaaaaaaaaaaaaaaa", "%s %H", block, NULL, NULL), 0);
    ck_assert_int_eq(next.way, HAK_JUMP);
    ck_assert_uint_eq(scan("aaaaaaaaaaaaaaaaa", "%zs", block, NULL, NULL), 0);
    ck_assert_int_eq(next.way, HAK_JUMP);
}

TEST(scanf_is_judged_by_what_it_has_stored) {
    const char *fits = "aaaaaaaaaaaaaaa 7", *more = "aaaaaaaaaaaaaaaa 7";
    int number = 0;
    ck_assert_uint_eq(scan(fits, "%s %d", block, &number, NULL), 0);
    ck_assert_int_eq(result(), 2);
    ck_assert_int_eq(number, 7);
    ck_assert_str_eq(block, "aaaaaaaaaaaaaaa");
    ck_assert_uint_eq(scan(more, "%s %d", block, &number, NULL), ASKED + 1);
    ck_assert_uint_eq(last_fault()->call_flags, HAK_TOUCH_DONE);
    ck_assert_uint_eq(last_fault()->access, HAK_ACCESS_WRITE);
    ck_assert_int_eq(result(), 2);
    ck_assert_uint_eq(scan(fits, "%16s", block, NULL, NULL), 0);
    ck_assert_uint_eq(scan(more, "%16s", block, NULL, NULL), ASKED + 1);
    ck_assert_uint_eq(scan("7 aaaaaaaaaaaaaaaa", "%2$d %1$s", block, &number, NULL), ASKED + 1);
    /* Nothing comes to it. */
    memset(block, 'a', ASKED);
    ck_assert_uint_eq(scan("x", "%d", block + ASKED - 3, NULL, NULL), 0);
    ck_assert_int_eq(result(), 0);
    ck_assert_uint_eq(scan("", "%s", block, NULL, NULL), 0);
    ck_assert_int_eq(result(), EOF);
    ck_assert_uint_eq(scan("x", "x%s", block, NULL, NULL), 0);
    ck_assert_int_eq(result(), EOF);
    char *end = block + ASKED;
    ck_assert_uint_eq(scan("1", "%d", end - 3, NULL, NULL), 4);
    ck_assert_uint_eq(scan("1", "%hd", end - 1, NULL, NULL), 2);
    ck_assert_uint_eq(scan("1", "%ld", end - 7, NULL, NULL), 8);
    ck_assert_uint_eq(scan("1", "%f", end - 3, NULL, NULL), 4);
    ck_assert_uint_eq(scan("1", "%lf", end - 7, NULL, NULL), 8);
    unsigned stored = LDBL_MANT_DIG == 64 ? 10 : sizeof(long double); /* x87 has 10 bytes */
    ck_assert_uint_eq(scan("1", "%Lf", end - 9, NULL, NULL), stored);
    ck_assert_uint_eq(scan("1", "%p", end - 7, NULL, NULL), 8);
    ck_assert_uint_eq(scan("1", "%n%d", end - 3, &number, NULL), 4);
    ck_assert_uint_eq(scan("x", "%n%d", end - 3, &number, NULL), 0); /* who knows */
}

TEST(characters_are_as_many_as_came) {
    int number;
    char kept[ASKED + 1];
    ck_assert_uint_eq(scan("aaaaaaaaaaaaaaaa", "%17c", block, NULL, NULL), 0);
    ck_assert_int_eq(result(),
                     sscanf("aaaaaaaaaaaaaaaa", "%17c", kept)); /* none since glibc 2.43 */
    ck_assert_uint_eq(scan("aaaaaaaaaaaaaaaaaaa", "%17c", block, NULL, NULL), ASKED + 1);
    ck_assert_uint_eq(scan("xaaaaaaaaaaaaaaaaa", "x%17c", block, NULL, NULL), 0);
    ck_assert_uint_eq(scan("xaaaaaaaaaaaaaaaaa7", "x%17c%d", block, &number, NULL), ASKED + 1);
    ck_assert_uint_eq(scan("a", "%c", block + ASKED, NULL, NULL), 1);
}

TEST(what_two_conversions_store_in_one_place_is_not_judged) {
    /* The number takes the end of the text away. */
    ck_assert_uint_eq(scan("aaaaaaaaaaaa 1633771873", "%s %d", block, block + 12, NULL), 0);
    ck_assert_int_eq(result(), 2);
    state_of(slot_at(2, 1))->place = HAK_PLACE_FRONT;
    ck_assert_uint_eq(scan("aaa", "%s", other, NULL, NULL), 4);
    ck_assert_uint_eq(last_fault()->fault, HAK_FAULT_USE_AFTER_FREE);
}

TEST(vsscanf_is_given_the_list_of_its_caller) {
    char rest[16];
    struct hak_string_arguments kept = {.word = {WORD(block), WORD(rest)}};
    struct hak_list list = hak_list_of(&kept, 0, NULL);
    LOCATE(vsscanf);
    ck_assert_uint_eq(
        look(HAK_CALL_vsscanf, WORD("aaaaaaaaaaaaaaaa b"), WORD("%s %s"), WORD(&list)), ASKED + 1);
    ck_assert_int_eq(result(), 2);
    ck_assert_str_eq(rest, "b");
}

/* ---- parts of strings ------------------------------------------------------------------------ */

TEST(a_number_ends_at_what_is_no_digit) {
    memset(block, '7', ASKED);
    ck_assert_uint_eq(look(HAK_CALL_atoi, WORD(block), 0, 0), ASKED + 1);
    ck_assert_uint_eq(look(HAK_CALL_strtol, WORD(block), 0, 8), ASKED + 1);
    ck_assert_uint_eq(look(HAK_CALL_strtol, WORD(block), 0, 7), 0);
    ck_assert_uint_eq(look(HAK_CALL_strtol, WORD(block), 0, 0), ASKED + 1);
    ck_assert_uint_eq(look(HAK_CALL_strtol, WORD(block), 0, 0xffffffff), 0);
    memset(block, ' ', 5);
    block[5] = '-';
    ck_assert_uint_eq(look(HAK_CALL_atoi, WORD(block), 0, 0), ASKED + 1);
    block[6] = '0'; /* octal, or not */
    ck_assert_uint_eq(look(HAK_CALL_strtol, WORD(block), 0, 0), 0);
    block[ASKED - 1] = 'f';
    ck_assert_uint_eq(look(HAK_CALL_atoi, WORD(block), 0, 0), 0);
    ck_assert_uint_eq(look(HAK_CALL_strtol, WORD(block), 0, 16), ASKED + 1);
    block[7] = 0;
    ck_assert_uint_eq(look(HAK_CALL_strtol, WORD(block), 0, 16), 0);
}

TEST(a_token_ends_at_what_separates) {
    char *rest = block;
    ck_assert_uint_eq(look(HAK_CALL_strtok, WORD(block), WORD(","), 0), ASKED + 1);
    ck_assert_uint_eq(look(HAK_CALL_strtok, 0, WORD(","), 0), 0);
    ck_assert_uint_eq(look(HAK_CALL_strtok, WORD(block), WORD("a"), 0), ASKED + 1);
    ck_assert_uint_eq(look(HAK_CALL_strsep, WORD(&rest), WORD("a"), 0), 0);
    ck_assert_uint_eq(look(HAK_CALL_strsep, WORD(&rest), WORD(","), 0), ASKED + 1);
    ck_assert_uint_eq(look(HAK_CALL_strtok_r, 0, WORD(","), WORD(&rest)), ASKED + 1);
    block[0] = block[ASKED - 1] = ',';
    ck_assert_uint_eq(look(HAK_CALL_strtok, WORD(block), WORD(","), 0), 0);
    rest = NULL;
    ck_assert_uint_eq(look(HAK_CALL_strtok_r, 0, WORD(","), WORD(&rest)), 0);
    ck_assert_uint_eq(look(HAK_CALL_strsep, WORD(&rest), WORD(","), 0), 0);
}

TEST(strxfrm_is_judged_where_it_fits) {
    ck_assert_uint_eq(look(HAK_CALL_strxfrm, WORD(block), WORD("123456789012345"), 64), 0);
    ck_assert_uint_eq(look(HAK_CALL_strxfrm, WORD(block), WORD("1234567890123456"), 64), ASKED + 1);
    ck_assert_uint_eq(look(HAK_CALL_strxfrm, WORD(block), WORD("1234567890123456"), ASKED), 0);
    ck_assert_uint_eq(look(HAK_CALL_strxfrm, WORD(block), WORD("12345678901234567890"), 20), 0);
    ck_assert_uint_eq(look(HAK_CALL_strxfrm, 0, WORD(other), 0), ASKED + 1);
}

TEST(one_item_needs_no_sorting) {
    ck_assert_uint_eq(look(HAK_CALL_qsort, WORD(block), 1, ASKED + 1), 0);
    ck_assert_uint_eq(look(HAK_CALL_qsort, WORD(block), 4, 4), 0);
    ck_assert_uint_eq(look(HAK_CALL_qsort, WORD(block), 2, 9), 18);
}

TEST(text_is_judged_by_its_length) {
    ck_assert_uint_eq(look(HAK_CALL_strftime, WORD(block), 64, 0), 0);
    ck_assert_int_eq(next.way, HAK_CALL_AND_LOOK);
    ck_assert_uint_eq(look_again(HAK_CALL_strftime, 0), 0);
    ck_assert_uint_eq(look_again(HAK_CALL_strftime, ASKED - 1), 0);
    ck_assert_uint_eq(look_again(HAK_CALL_strftime, ASKED), ASKED + 1);
    /* Without its end, for which there was no place. */
    ck_assert_uint_eq(look(HAK_CALL_wcstombs, WORD(block), 0, ASKED), 0);
    ck_assert_int_eq(next.way, HAK_JUMP);
    ck_assert_uint_eq(look(HAK_CALL_wcstombs, WORD(block + 1), 0, ASKED), 0);
    ck_assert_uint_eq(look_again(HAK_CALL_wcstombs, ASKED - 1), ASKED);
    ck_assert_uint_eq(look_again(HAK_CALL_wcstombs, -1), 0);
    ck_assert_uint_eq(look(HAK_CALL_wcstombs, WORD(block), 0, ASKED + 1), 0);
    ck_assert_uint_eq(look_again(HAK_CALL_wcstombs, ASKED + 1), ASKED + 1);
    ck_assert_uint_eq(look(HAK_CALL_gethostname, WORD(block), 64, 0), 0);
    strcpy(block, "name");
    ck_assert_uint_eq(look_again(HAK_CALL_gethostname, 0), 0);
    ck_assert_uint_eq(look_again(HAK_CALL_gethostname, 0xffffffff), 0);
    memset(block, 'a', 2 * ASKED);
    block[ASKED] = 0;
    ck_assert_uint_eq(look_again(HAK_CALL_gethostname, 0xffffffff), 0);
    ck_assert_uint_eq(look_again(HAK_CALL_gethostname, 0), ASKED + 1);
    ck_assert_uint_eq(look(HAK_CALL___gethostname_chk, WORD(block), 64, 64), 0);
    ck_assert_uint_eq(look_again(HAK_CALL___gethostname_chk, 0), ASKED + 1);
}

RUN_TESTS(.set_up = begin)
