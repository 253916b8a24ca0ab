/* The place where the kernel puts a core, by its pattern. */
#include "unit/suite.h"

#include "viewer/record/cores.h"

static const struct run_dead dead = {1, 4711, 11, "/opt/my app/se*rver"};

static void check_pattern(const char *pattern, bool uses_pid, const char *due) {
    char path[256];
    run_core_expand_pattern(path, sizeof path, pattern, uses_pid, &dead);
    ck_assert_str_eq(path, due);
}

TEST(what_the_process_says_stands_in_the_pattern) {
    check_pattern("core", false, "core");
    check_pattern("core", true, "core.4711");
    check_pattern("/var/core/%p", true, "/var/core/4711");
    check_pattern("/var/core/%s.%P.%%x", false, "/var/core/11.4711.%x");
    check_pattern("/var/core/%P", true,
                  "/var/core/4711.4711"); /* as the kernel does: %p alone counts */
}

TEST(what_nobody_knows_any_more_may_be_anything) {
    check_pattern("/c/%e-%t-%I.%c%d%f", false, "/c/*-*-*.***");
    check_pattern("/c/%", false, "/c/");
}

TEST(a_path_has_no_folders_and_no_wildcards) {
    check_pattern("/c/%E", false, "/c/!opt!my app!se\\*rver");
}

RUN_TESTS()
