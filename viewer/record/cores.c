/* `run --core`: the report of a crash beside the core file that the kernel wrote of the process. */
#include "viewer/record/cores.h"

#include <glob.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/utsname.h>
#include <unistd.h>
#include "report/words/words.h"
#include "viewer/corefile/corefile.h"
#include "viewer/record/run.h"

#define PATTERN_BYTES 256 /* of core_pattern; core(5) */

struct path {
    char text[RUN_CI_PATH];
};

void run_core_allow(const struct view *view) {
    struct rlimit limit;
    if (view_given(view, "core") && getrlimit(RLIMIT_CORE, &limit) == 0) {
        limit.rlim_cur = limit.rlim_max;
        (void)setrlimit(RLIMIT_CORE, &limit);
    }
}

/* ---- where the kernel puts it ------------------------------------------------------------------
 */

/* The first line of a file of /proc; "" = it cannot be read. */
static void read_line(const char *path, char *out, size_t bytes) {
    FILE *file = fopen(path, "re");
    out[0] = '\0';
    if (file && fgets(out, (int)bytes, file))
        out[strcspn(out, "\n")] = '\0';
    if (file)
        fclose(file);
}

/* Text that does not fit is cut off; no core has such a path. */
static void add(struct path *out, const char *text) {
    size_t length = strlen(out->text);
    snprintf(out->text + length, sizeof out->text - length, "%s", text);
}

/* Adds a number in decimal, cut off like text. */
static void add_number(struct path *out, uint64_t number) {
    char digits[24];
    snprintf(digits, sizeof digits, "%" PRIu64, number);
    add(out, digits);
}

/* Appends the text, with a backslash before characters that glob(3) takes for others; `slash`,
 * unless 0, stands for each '/'. */
static void add_literally(struct path *out, const char *text, char slash) {
    for (; *text; text++) {
        if (strchr("*?[]\\", *text))
            add(out, "\\");
        add(out, (char[]){*text == '/' && slash ? slash : *text, '\0'});
    }
}

/* One specifier of core(5). A value that only the dying process knew becomes a wildcard. */
static void add_specifier(struct path *out, char specifier, const struct run_dead *dead) {
    struct utsname machine = {0};
    switch (specifier) {
    case '%':
        add(out, "%");
        break;
    case 'p':
    case 'P':
        add_number(out, dead->pid);
        break;
    case 's':
        add_number(out, dead->signal);
        break;
    case 'u':
        add_number(out, getuid());
        break;
    case 'g':
        add_number(out, getgid());
        break;
    case 'h':
        add_literally(out, uname(&machine) == 0 ? machine.nodename : "", 0);
        break;
    case 'E':
        add_literally(out, dead->program, '!');
        break;
    default: /* %e, %f, %i: of a thread, which may have another name; %t: when; %c, %d */
        add(out, "*");
    }
}

void run_core_expand_pattern(char *out, size_t bytes, const char *pattern, bool uses_pid,
                             const struct run_dead *dead) {
    struct path path = {""};
    bool has_pid = false;
    for (; *pattern; pattern++) {
        if (*pattern == '%' && pattern[1]) {
            pattern++;
            has_pid |= *pattern == 'p';
            add_specifier(&path, *pattern, dead);
        } else if (*pattern != '%') {
            add_literally(&path, (char[]){*pattern, '\0'}, 0);
        }
    }
    if (!has_pid && uses_pid) {
        add(&path, ".");
        add_number(&path, dead->pid);
    }
    snprintf(out, bytes, "%s", path.text);
}

/* Finds the core's path; the core itself says whose it is. False: there is none. */
static bool find_core(const char *pattern, const struct run_dead *dead, struct path *out) {
    char uses_pid[8];
    struct path wanted;
    glob_t found;
    bool is_found = false;
    read_line("/proc/sys/kernel/core_uses_pid", uses_pid, sizeof uses_pid);
    run_core_expand_pattern(wanted.text, sizeof wanted.text, pattern, strcmp(uses_pid, "1") == 0,
                            dead);
    if (pattern[0] == '|' || glob(wanted.text, 0, NULL, &found) != 0)
        return false;
    for (size_t i = 0; i < found.gl_pathc && !is_found; i++) {
        is_found = core_is_of(found.gl_pathv[i], (int32_t)dead->pid, (uint32_t)dead->signal);
        snprintf(out->text, sizeof out->text, "%s", found.gl_pathv[i]);
    }
    globfree(&found);
    return is_found;
}

/* ---- the report --------------------------------------------------------------------------------
 */

/* Adds the reports of the process's faults, word for word. False: there are none, or they cannot be
 * read. */
static bool add_reports(struct hak_text *text, const struct view *view, uint64_t process) {
    struct hak_query q = hak_ask(hak_store_database(view->reader),
                                 "SELECT report, summary FROM fault WHERE process = ?1 ORDER BY id",
                                 "reading faults", process);
    bool has_some = false;
    while (hak_query_next(&q)) {
        const char *report = hak_query_text(&q, 0);
        if (has_some)
            hak_text_add(text, "\n");
        if (*report)
            hak_text_add_lines(text, report);
        else
            hak_text_add(text, "%s\n", hak_query_text(&q, 1));
        has_some = true;
    }
    return hak_query_end(&q) == 0 && has_some;
}

/* Adds the lines NEXT, with commands for the core if there is one, and STORE. */
static void add_next(struct hak_text *text, const struct view *view, const struct run_dead *dead,
                     const char *core) {
    if (core) {
        hak_text_add(text, "NEXT      hakmem-trace core ");
        hak_text_add_argument(text, core);
        hak_text_add(text, " --check     gdb ");
        hak_text_add_argument(text, dead->program);
        hak_text_add(text, " ");
        hak_text_add_argument(text, core);
        hak_text_add(text, "\n");
    }
    hak_text_add(text, "STORE     ");
    hak_text_add_name(text, view->store_path);
    hak_text_add(text, "\n");
}

/* Why there is no core, as far as that can be known. */
static void say_none(const struct run_dead *dead, const char *pattern) {
    struct rlimit limit;
    view_write(stderr, "hakmem: no core of process %llu (%s): ", (unsigned long long)dead->pid,
               hak_words_path(dead->program, 1, false));
    if (pattern[0] == '|')
        view_write(stderr, "the kernel hands cores to a program (%s)\n", pattern + 1);
    else if (getrlimit(RLIMIT_CORE, &limit) == 0 && limit.rlim_max == 0)
        view_write(stderr, "the hard limit of core files is 0 (ulimit -Hc)\n");
    else
        view_write(stderr, "%s has none (core_pattern)\n", pattern);
}

/* Writes the report of a process that a signal ended beside its core, or beside the store where
 * there is no core; nothing where nothing was found. False: printed. */
static bool write_report(struct view *view, const char *pattern, const struct run_dead *dead) {
    static struct path core, report, store;
    struct hak_text text = {0};
    if (!add_reports(&text, view, dead->row)) {
        hak_text_free(&text);
        return true;
    }
    bool has_core = find_core(pattern, dead, &core);
    if (!has_core) {
        say_none(dead, pattern);
        run_ci_beside(view->store_path, ".", store.text, sizeof store.text);
        snprintf(core.text, sizeof core.text, "%.*s%" PRIu64, (int)sizeof core.text - 32,
                 store.text, dead->pid);
    }
    add_next(&text, view, dead, has_core ? core.text : NULL);
    snprintf(report.text, sizeof report.text, "%.*s.hakmem.txt", (int)sizeof report.text - 16,
             core.text);
    mode_t mask = umask(077); /* it shows bytes of memory, as the core does */
    bool is_written = findings_write_file(report.text, hak_text_take(&text));
    umask(mask);
    if (is_written)
        view_write(stderr, "hakmem: %s\n", view_path_from_here(report.text));
    return is_written;
}

bool run_core_finish(struct view *view) {
    char pattern[PATTERN_BYTES];
    bool good = true;
    if (!view_given(view, "core") || !view->reader)
        return true;
    read_line("/proc/sys/kernel/core_pattern", pattern, sizeof pattern);
    struct hak_query q =
        hak_ask(hak_store_database(view->reader),
                "SELECT id, pid, signal, program FROM process WHERE signal > 0 ORDER BY id",
                "reading processes");
    while (hak_query_next(&q)) {
        struct run_dead dead = {hak_query_number(&q, 0), hak_query_number(&q, 1),
                                hak_query_number(&q, 2), hak_query_text(&q, 3)};
        good &= write_report(view, pattern, &dead);
    }
    return hak_query_end(&q) == 0 && good;
}
