/* The place where the kernel puts a core, by its pattern. */
#include "unit/suite.h"

#include "viewer/record/cores.h"

static const struct run_dead dead = {1, 4711, 11, "/opt/my app/se*rver"};

static void check_pattern(const char *pattern, bool uses_pid, const char *due) {
    char path[256];
    run_core_expand_pattern(path, sizeof path, pattern, uses_pid, &dead);
    ck_assert_str_eq(path, due);
}

START_TEST(what_the_process_says_stands_in_the_pattern) {
    check_pattern("core", false, "core");
    check_pattern("core", true, "core.4711");
    check_pattern("/var/core/%p", true, "/var/core/4711");
    check_pattern("/var/core/%s.%P.%%x", false, "/var/core/11.4711.%x");
    check_pattern("/var/core/%P", true,
                  "/var/core/4711.4711"); /* as the kernel does: %p alone counts */
}
END_TEST

START_TEST(what_nobody_knows_any_more_may_be_anything) {
    check_pattern("/c/%e-%t-%I.%c%d%f", false, "/c/*-*-*.***");
    check_pattern("/c/%", false, "/c/");
}
END_TEST

START_TEST(a_path_has_no_folders_and_no_wildcards) {
    check_pattern("/c/%E", false, "/c/!opt!my app!se\\*rver");
}
END_TEST

int main(void) {
    Suite *suite = suite_create("viewer/record/cores");
    TCase *tests = tcase_create("pattern");
    tcase_add_test(tests, what_the_process_says_stands_in_the_pattern);
    tcase_add_test(tests, what_nobody_knows_any_more_may_be_anything);
    tcase_add_test(tests, a_path_has_no_folders_and_no_wildcards);
    suite_add_tcase(suite, tests);
    return run_suite(suite);
}
