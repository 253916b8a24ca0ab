/* A unit test is a file of cases (TEST), which its last line runs (RUN_TESTS). Many of them are
 * linked into one program, which has a name for each: it runs the cases of the file that it is
 * called by. */
#ifndef TESTS_UNIT_SUITE_H
#define TESTS_UNIT_SUITE_H

#include <check.h>
#include <errno.h>
#include <stdbool.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

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

/* True in `make check` (QUICK=1), which does a part of what `make check-full` does. */
static inline bool is_quick(void) {
    const char *quick = getenv("QUICK");
    return quick && strcmp(quick, "1") == 0;
}

/* QUICK=1: half as many rounds. FULL=1 (tests/long/whole.sh): four times as many. */
static inline int rounds_of(int usual) {
    return is_quick() ? (usual + 1) / 2 : getenv("FULL") ? 4 * usual : usual;
}

/* Waits for the child: how it ended, as waitpid has it; -1 where it is none. */
static inline int status_of(pid_t child) {
    int status;
    return waitpid(child, &status, 0) == child ? status : -1;
}

static inline void end_child(pid_t child) {
    kill(child, SIGKILL);
    ck_assert_int_eq(waitpid(child, NULL, 0), child);
}

/* A case of FILE, and the two numbers between which its _i runs, from included, until not. SIGNAL
 * is how it ends. */
struct test {
    TTest itself;
    const char *file;
    int from, until, signal;
};

/* TEST(name, .until = 3) { ... } is a case of the file: nobody else lists it. */
#define TEST(function, ...)                                                                        \
    static void function(int _i CK_ATTRIBUTE_UNUSED);                                              \
    static const struct test *function##_listed __attribute__((used, section("unit_tests"))) =     \
        &(const struct test){.itself = {#function, function, __FILE__, __LINE__},                  \
                             .file = __BASE_FILE__,                                                \
                             ##__VA_ARGS__};                                                       \
    static void function(int _i CK_ATTRIBUTE_UNUSED)
extern const struct test *__start_unit_tests[], *__stop_unit_tests[];

/* Around each case of FILE, in its process: set_up and tear_down. SECONDS end a case that hangs,
 * 120 if none are named. PREPARE is called once, before all. RUN takes the place of run_suite,
 * which it calls. */
struct suite {
    const char *file;
    void (*prepare)(void), (*set_up)(void), (*tear_down)(void);
    int (*run)(const struct suite *self, int count, char **arguments);
    double seconds;
};
extern const struct suite *__start_unit_suites[], *__stop_unit_suites[];

/* Ends a case that this machine lacks something for, and says so (tests/run counts it). */
#define LEAVE_OUT(reason)                                                                          \
    do {                                                                                           \
        printf("skipped: %s: %s\n", __func__, reason);                                             \
        fflush(stdout);                                                                            \
        return;                                                                                    \
    } while (0)

/* False. Says of a case that needs debug registers that it shows nothing on this machine: a change
 * that none of its tests finds is no failure of tests/long/mutations.sh then. */
static inline bool no_register_fires(void) {
    puts("no debug register fires here");
    fflush(stdout);
    return false;
}

static inline int by_line(const void *a, const void *b) {
    return (*(const struct test *const *)a)->itself.line -
           (*(const struct test *const *)b)->itself.line;
}

/* True for a case that CASES_LEFT_OUT, lines of "TEST CASE: REASON", leaves out on this machine
 * (tests/tools/cross_check.sh); prints that. */
static inline bool is_left_out(const char *name) {
    const char *all = getenv("CASES_LEFT_OUT"), *test = getenv("HAKMEM_TEST"), *found;
    char line[300];
    snprintf(line, sizeof line, "\n%s %s: ", test ? test : "", name);
    found = all ? strstr(all, line) : NULL;
    if (found) {
        const char *reason = found + strlen(line);
        printf("skipped: %s: %.*s\n", name, (int)strcspn(reason, "\n"), reason);
        fflush(stdout); /* each case is a child, which would print it again */
    }
    return found != NULL;
}

static inline int run_suite(const struct suite *suite) {
    if (suite->prepare)
        suite->prepare();
    Suite *all = suite_create(program_invocation_short_name);
    TCase *cases = tcase_create("all");
    tcase_set_timeout(cases, suite->seconds > 0 ? suite->seconds : 120);
    tcase_add_checked_fixture(cases, suite->set_up, suite->tear_down);
    qsort(__start_unit_tests, (size_t)(__stop_unit_tests - __start_unit_tests),
          sizeof *__start_unit_tests, by_line);
    for (const struct test *const *t = __start_unit_tests; t < __stop_unit_tests; t++) {
        int until = (*t)->until ? (*t)->until : (*t)->from + 1;
        if (strcmp((*t)->file, suite->file) != 0 || is_left_out((*t)->itself.name))
            continue;
        _tcase_add_test(cases, &(*t)->itself, (*t)->signal, 0, (*t)->from, until);
    }
    suite_add_tcase(all, cases);
    SRunner *runner = srunner_create(all);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}

/* True for a path that ends as that of the test's source does, but for .c. */
static inline bool is_called(const struct suite *suite, const char *path) {
    size_t length = strlen(suite->file) - strlen(".c"), more = strlen(path);
    return more >= length && strncmp(path + more - length, suite->file, length) == 0;
}

/* A program of one file runs it by any name. One that started itself may have given itself another.
 */
static inline int run_called(int count, char **arguments) {
    char own[4096] = "";
    bool is_alone = __stop_unit_suites - __start_unit_suites == 1;
    if (readlink("/proc/self/exe", own, sizeof own - 1) < 0)
        own[0] = 0;
    for (const struct suite *const *s = __start_unit_suites; s < __stop_unit_suites; s++)
        if (is_alone || is_called(*s, own) || is_called(*s, arguments[0]))
            return (*s)->run ? (*s)->run(*s, count, arguments) : run_suite(*s);
    fprintf(stderr, "%s: no test of this program has this name\n", arguments[0]);
    return EXIT_FAILURE;
}

/* The end of a file of tests: RUN_TESTS(.set_up = begin). */
#define RUN_TESTS(...)                                                                             \
    static const struct suite *suite_listed __attribute__((used, section("unit_suites"))) =        \
        &(const struct suite){.file = __BASE_FILE__, ##__VA_ARGS__};                               \
    int __attribute__((weak)) main(int suite_count, char **suite_arguments) {                      \
        return run_called(suite_count, suite_arguments);                                           \
    }

#endif
