/* The end of every Check test of the layers: run the cases, tell the sum, give the status. */
#ifndef TESTS_UNIT_SUITE_H
#define TESTS_UNIT_SUITE_H

#include <check.h>
#include <stdbool.h>
#include <stdlib.h>

/* Check writes down each assertion that held, to say behind which one a case died of a signal, and
 * at the end of the case copies all that it wrote once for each. The first time at a line says as
 * much, and a loop costs nothing. */
static inline void mark_line(const char *file, int line) {
    static bool is_marked[4096];
    bool *mark = &is_marked[line % 4096];
    if (!*mark)
        _mark_point(file, line);
    *mark = true;
}
#define _mark_point(file, line) mark_line(file, line)

/* FULL=1 (tests/long/whole.sh): four times as many rounds. */
static inline int rounds_of(int fewer) {
    return getenv("FULL") ? 4 * fewer : fewer;
}

static inline int run_suite(Suite *suite) {
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}

static inline int run_cases(const char *name, TCase *cases) {
    Suite *suite = suite_create(name);
    suite_add_tcase(suite, cases);
    return run_suite(suite);
}

#endif
