/* Tests of src/symbols/jit_names.c: names by address, later lines first; and no file that another
 * user, another time or a link put there is believed. */
#include "symbols/jit_names.h"
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "unit/suite.h"

static char path[64], aside[128];
static const uint64_t addresses[] = {0x0fff, 0x1000, 0x10ff, 0x1100, 0x2010, 0x7f0000001234};
enum { COUNT = sizeof addresses / sizeof *addresses };
static const char *names[COUNT];

static void set_up(void) {
    const char *folder = getenv("TMPDIR");
    snprintf(path, sizeof path, "/tmp/perf-%d.map", (int)getpid());
    snprintf(aside, sizeof aside, "%.80s/map.%d", folder ? folder : "/tmp", (int)getpid());
}

static void tear_down(void) {
    unlink(path);
    unlink(aside);
}

static void leave(const char *where, const char *text) {
    FILE *file = fopen(where, "w");
    ck_assert_ptr_nonnull(file);
    fputs(text, file);
    fclose(file);
}

static char *ask(uint64_t began_ns) {
    return hak_jit_names_read(getpid(), began_ns, addresses, names, COUNT);
}

START_TEST(names_by_address) {
    leave(path, "1000 100 first function\n2000 20 second\n7f0000001200 40 third\n"
                "1080 80 written over it\n");
    char *text = ask(0);
    ck_assert_ptr_nonnull(text);
    ck_assert_ptr_null(names[0]);
    ck_assert_str_eq(names[1], "first function");
    ck_assert_str_eq(names[2], "written over it");
    ck_assert_ptr_null(names[3]);
    ck_assert_str_eq(names[4], "second");
    ck_assert_str_eq(names[5], "third");
    free(text);
}
END_TEST

START_TEST(broken_lines_are_passed_over) {
    leave(path, "\n\n \nzzz 10 a\n1000\n1000 \n1000 100\n1000 100 \n-1000 100 minus\n"
                "ffffffffffffffff ffffffffffffffff all of it\n1000 ffffffffffffffffffffff long\n"
                "2000 20 good");
    char *text = ask(0);
    ck_assert_ptr_nonnull(text);
    ck_assert_str_eq(names[4], "good");
    free(text);
}
END_TEST

START_TEST(only_what_may_be_believed) {
    ck_assert_ptr_null(ask(0)); /* not there */
    leave(aside, "1000 100 elsewhere\n");
    ck_assert_int_eq(symlink(aside, path), 0);
    ck_assert_ptr_null(ask(0));
    unlink(path);
    ck_assert_int_eq(mkfifo(path, 0600), 0);
    ck_assert_ptr_null(ask(0));
    unlink(path);
    leave(path, "1000 100 old\n");
    ck_assert_ptr_null(ask(UINT64_MAX)); /* of a process before */
    if (geteuid() == 0) {
        ck_assert_int_eq(chown(path, 12345, 12345), 0);
        ck_assert_ptr_null(ask(0)); /* of somebody else */
    }
    for (int i = 0; i < COUNT; i++)
        ck_assert_ptr_null(names[i]);
}
END_TEST

int main(void) {
    TCase *cases = tcase_create("jit_names");
    tcase_add_checked_fixture(cases, set_up, tear_down);
    tcase_add_test(cases, names_by_address);
    tcase_add_test(cases, broken_lines_are_passed_over);
    tcase_add_test(cases, only_what_may_be_believed);
    return run_cases("jit_names", cases);
}
