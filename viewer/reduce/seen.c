/* Compiles the C program and runs it: under hakmem ten times, with the address sanitizer of `cc`,
 * under glibc, and under glibc's own checks. Each says in a line if it sees the fault. */
#include "viewer/reduce/parts.h"

#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

enum { COMPILER_MS = 60000, PROGRAM_MS = 10000 };

static struct run last_run;

/* Makes last_run. False: `why` says why its end tells nothing of the program. */
static bool make_last_run(uint64_t limit_ms, char *why) {
    bool has_run = !view_is_interrupted() && run_make(&last_run, limit_ms);
    const char *reason = view_is_interrupted()                   ? "interrupted"
                         : !has_run || run_has_failed(&last_run) ? "it cannot be started"
                                                                 : NULL;
    if (reason)
        snprintf(why, LINE_BYTES, "not run: %s", reason);
    return !reason;
}

/* How a program ended that no sanitizer stopped. */
static void say_end(char *out) {
    const char *line = run_last_line(&last_run);
    if (last_run.was_ended)
        snprintf(out, LINE_BYTES, "does not end in 10 s");
    else if (WIFSIGNALED(last_run.status))
        snprintf(out, LINE_BYTES, "%s (signal %d)", line ? line : "dies",
                 WTERMSIG(last_run.status));
    else if (WEXITSTATUS(last_run.status) != 0)
        snprintf(out, LINE_BYTES, "exit status %d", WEXITSTATUS(last_run.status));
    else
        snprintf(out, LINE_BYTES, "sees nothing");
}

/* Compiles it as `name`, with one more argument or without. False: `why` says why not. */
static bool compile(const char *name, const char *argument, char *why) {
    char source[PATH_MAX + 16], program[PATH_MAX + 16];
    if (!file_path("reduced.c", source) || !file_path(name, program)) {
        snprintf(why, LINE_BYTES, "not run: there is no folder for it");
        return false;
    }
    last_run = (struct run){.argument = {"cc", "-g", "-o", program, source, "-lpthread", argument},
                            .is_clean = true};
    bool has_run = make_last_run(COMPILER_MS, why);
    if (has_run && !last_run.was_ended && last_run.status == 0)
        return true;
    const char *line = run_last_line(&last_run);
    if (has_run)
        snprintf(why, LINE_BYTES, "not run: cc%s%s %s%s", argument ? " " : "",
                 argument ? argument : "", last_run.was_ended ? "does not end in 60 s" : "fails: ",
                 last_run.was_ended || !line ? "" : line);
    else if (!view_is_interrupted())
        snprintf(why, LINE_BYTES, "not run: cc is not there");
    return false;
}

static void run_hakmem(struct reduction *r, const char *program, struct seen *seen) {
    static char texts[SETTING_WORDS][PATH_MAX + 16];
    struct place place = {0};
    int good = 0, runs = 0;
    for (bool goes_on = true; goes_on && runs < SEEN_RUNS; runs++) {
        last_run = (struct run){.argument = {program}};
        setting_fill(&last_run, r, &r->setting, texts);
        if (!make_last_run(PROGRAM_MS, seen->hakmem))
            return;
        goes_on = !last_run.was_ended;
        place_read_first(&place, last_run.said);
        good += place_is_same(&place, &r->wanted);
    }
    snprintf(seen->hakmem, LINE_BYTES, "HKM-%u in %d of %d runs", r->wanted.code, good, runs);
    seen->has_failed = good < runs;
}

static void run_sanitizer(const char *program, char *out) {
    static const char head[] = "ERROR: AddressSanitizer: ";
    last_run = (struct run){.argument = {program},
                            .is_clean = true,
                            .variable = {"ASAN_OPTIONS=detect_leaks=0:color=never"}};
    if (!make_last_run(PROGRAM_MS, out))
        return;
    const char *error = strstr(last_run.said, head);
    if (error) {
        error += sizeof head - 1;
        static const char *const ends[] = {
            " on address 0x", " on unknown address", " on 0x", ": 0x", " (pc ", "\n"};
        size_t length = strlen(error);
        for (size_t i = 0; i < sizeof ends / sizeof *ends; i++) {
            const char *end = strstr(error, ends[i]);
            if (end && (size_t)(end - error) < length)
                length = (size_t)(end - error);
        }
        snprintf(out, LINE_BYTES, "%.*s", (int)length, error);
    } else
        say_end(out);
}

static void run_libc(const struct reduction *r, const char *program, bool is_checked, char *out) {
    bool needs_operators = program_needs_operators(&r->best);
    last_run = (struct run){.argument = {program}, .is_clean = true};
    int count = 0;
    if (is_checked) {
        last_run.variable[count++] = "MALLOC_CHECK_=3";
        last_run.variable[count++] = "GLIBC_TUNABLES=glibc.malloc.check=3";
        last_run.variable[count++] = needs_operators
                                         ? "LD_PRELOAD=libc_malloc_debug.so.0 libstdc++.so.6"
                                         : "LD_PRELOAD=libc_malloc_debug.so.0";
    } else {
        last_run.variable[count++] = "MALLOC_CHECK_";
        last_run.variable[count++] = "GLIBC_TUNABLES";
        if (needs_operators)
            last_run.variable[count++] = "LD_PRELOAD=libstdc++.so.6";
    }
    if (!make_last_run(PROGRAM_MS, out))
        return;
    if (strstr(last_run.said, "cannot be preloaded"))
        snprintf(out, LINE_BYTES, "not run: a library of %s is not there",
                 is_checked ? "glibc's checks" : "C++'s operators");
    else
        say_end(out);
}

bool seen_try(struct reduction *r, struct seen *seen) {
    struct hak_text text = {0};
    char source[PATH_MAX + 16], program[PATH_MAX + 16], sanitized[PATH_MAX + 16];
    char *why = seen->hakmem;
    program_add(&text, r, &r->best, NULL);
    bool good = !text.failed && file_write("reduced.c", text.bytes, source) &&
                file_path("reduced", program) && file_path("sanitized", sanitized);
    hak_text_free(&text);
    if (!good)
        return false;
    if (compile("reduced", NULL, why)) {
        if (r->check)
            snprintf(seen->hakmem, LINE_BYTES, "not run: a test of its own decides");
        else
            run_hakmem(r, program, seen);
        run_libc(r, program, false, seen->libc);
        run_libc(r, program, true, seen->libc_checks);
    } else {
        snprintf(seen->libc, LINE_BYTES, "%s", why);
        snprintf(seen->libc_checks, LINE_BYTES, "%s", why);
    }
    if (compile("sanitized", "-fsanitize=address", seen->sanitizer))
        run_sanitizer(sanitized, seen->sanitizer);
    return true;
}
