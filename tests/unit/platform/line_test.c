/* Lines and paths without stdio: what is put in comes out, what does not fit is cut off or refused.
 */
#include "platform/line.h"
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include "platform/path.h"
#include "unit/suite.h"

TEST(text_and_numbers_follow_each_other) {
    struct hak_line line = {.length = 0};
    hak_line_add(&line, "a ");
    hak_line_add(&line, NULL);
    hak_line_number(&line, UINT64_MAX);
    hak_line_say(&line, " b ", 0, " c ");
    hak_line_hex(&line, 0xabcdef0123456789);
    ck_assert_str_eq(hak_line_text(&line), "a 18446744073709551615 b 0 c 0xabcdef0123456789");
}

TEST(a_line_that_is_full_still_ends) {
    struct hak_line line = {.length = 0};
    char got[2048];
    int pipes[2];
    ck_assert_int_eq(pipe(pipes), 0);
    for (unsigned i = 0; i < 300; i++)
        hak_line_add(&line, "0123456789");
    ck_assert_uint_eq(strlen(hak_line_text(&line)), sizeof line.text - 1);
    int stderr_before = dup(2);
    dup2(pipes[1], 2);
    errno = 77;
    hak_line_end(&line);
    ck_assert_int_eq(errno, 77);
    dup2(stderr_before, 2);
    ck_assert_int_eq(read(pipes[0], got, sizeof got), sizeof line.text);
    ck_assert_int_eq(got[sizeof line.text - 1], '\n');
    ck_assert_uint_eq(line.length, 0);
}

TEST(an_error_of_writing_is_told_once_and_the_text_is_gone) {
    struct hak_line line = {.length = 0};
    int full = open("/dev/full", O_WRONLY);
    ck_assert_int_eq(hak_line_write(&line, full), 0); /* nothing to write */
    hak_line_add(&line, "text");
    errno = 77;
    ck_assert_int_eq(hak_line_write(&line, full), ENOSPC);
    ck_assert_int_eq(errno, 77);
    ck_assert_uint_eq(line.length, 0);
    hak_line_add(&line, "text");
    ck_assert_int_eq(hak_line_write(&line, 999), EBADF);
}

TEST(paths_are_expanded_and_made_absolute) {
    char path[4096], due[4200], here[4096];
    ck_assert(hak_path_expand(path, sizeof path, "/a/%e.%p.%%.%x%", NULL, "/usr/bin/app"));
    snprintf(due, sizeof due, "/a/app.%d.%%.%%x%%", (int)getpid());
    ck_assert_str_eq(path, due);
    ck_assert(hak_path_expand(path, sizeof path, "b", "/d", "app"));
    ck_assert_str_eq(path, "/d/b");
    ck_assert(hak_path_expand(path, sizeof path, "b", "/", "app"));
    ck_assert_str_eq(path, "/b");
    ck_assert(hak_path_expand(path, sizeof path, "%e", "", "app"));
    ck_assert_str_eq(path, "app");
    ck_assert(hak_path_expand(path, sizeof path, "", NULL, "app"));
    ck_assert_str_eq(path, "");
    hak_path_here(here, sizeof here);
    ck_assert(hak_path_expand(path, sizeof path, "b", NULL, "app"));
    snprintf(due, sizeof due, "%s/b", here);
    ck_assert_str_eq(path, due);
}

TEST(what_does_not_fit_is_refused) {
    char path[8];
    ck_assert(hak_path_expand(path, sizeof path, "/%e", NULL, "sixsix"));
    ck_assert_str_eq(path, "/sixsix");
    ck_assert(!hak_path_expand(path, sizeof path, "/%e", NULL, "sevense"));
    ck_assert(!hak_path_expand(path, sizeof path, "b", "/direct", "app"));
}

RUN_TESTS()
