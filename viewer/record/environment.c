/* Finds hakmem's own files, and prepares the environment in which PROGRAM starts. */
#include "viewer/record/record.h"
#include "viewer/record/run.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "options.h"

bool run_keeps_allocator(const struct view *view) {
    const char *allocator = view_value(view, "allocator");
    return allocator && strcmp(allocator, "keep") == 0;
}

const char *run_library(const struct view *view) {
    return run_keeps_allocator(view) ? "hakmem-record.so" : "hakmem-debug.so";
}

/* Whether PROGRAM is asked to look for leaks at its exit. */
static bool asks_for_leaks(const struct view *view) {
    const char *leaks = view_variable_value(view, "LEAKS");
    return !run_keeps_allocator(view) && (leaks ? strcmp(leaks, "0") != 0 : view_given(view, "ci"));
}

void run_say_unscanned(const struct view *view, struct view_checked *checked) {
    uint64_t ended = 0;
    if (checked->leak_scans > 0 || !asks_for_leaks(view))
        return;
    int found =
        hak_database_numbers(hak_store_database(view->reader),
                             "SELECT count(*) FROM process WHERE end_kind = 2", 0, &ended, 1);
    checked->unscanned = found > 0 && ended > 0
                             ? "the program was stopped before that"
                             : "no process came to its exit, at which that is done";
}

/* The variables that only an allocator or checks of hakmem's act on; `asks`: somebody waits for
 * what comes of it. */
static bool needs_hakmem(const char *name, bool *asks) {
    static const char *const recorder[] = {
#define RECORDER(name) #name,
#include "options.def"
    };
    static const struct {
        const char *name;
        bool asks;
    } debug_only[] = {
#define DEBUG_ONLY(name, asks) {#name, asks},
#include "options.def"
    };
    for (size_t i = 0; i < sizeof recorder / sizeof *recorder; i++)
        if (strcmp(recorder[i], name) == 0)
            return false;
    for (size_t i = 0; i < sizeof debug_only / sizeof *debug_only; i++)
        if (strcmp(debug_only[i].name, name) == 0) {
            *asks = debug_only[i].asks;
            return true;
        }
    return false;
}

/* Refuses a value for a variable that has no effect under --allocator keep. False: printed. */
static bool check_kept(const struct view *view) {
    for (const struct view_variable *v = view_variables; v->name; v++) {
        const char *value = view_variable_value(view, v->name);
        bool asks = false, is_option = v->option[0] && view_given(view, v->option);
        if (!value || !needs_hakmem(v->name, &asks))
            continue;
        if (is_option) {
            view_error("%s --%s: --allocator keep only records; leave one of them out", run_name(),
                       v->option);
            return false;
        }
        if (asks && value[0] && strcmp(value, "0") != 0 && strcmp(value, "off") != 0) {
            view_error("%s --allocator keep only records: HAKMEM_%s=%s has no effect", run_name(),
                       v->name, value);
            return false;
        }
    }
    return true;
}

/* Checks --allocator, and that no option is given that has no effect under keep. False: printed. */
static bool check_allocator(const struct view *view) {
    const char *allocator = view_value(view, "allocator");
    if (allocator && strcmp(allocator, "keep") != 0 && strcmp(allocator, "hakmem") != 0) {
        view_error("%s --allocator %s: hakmem or keep was expected", run_name(), allocator);
        return false;
    }
    return !run_keeps_allocator(view) || check_kept(view);
}

static const char prefix[] = "HAKMEM_";

/* Says that a variable, NAME=value, is none of hakmem's but nearly one. Below `run` the program's
 * library is silent about it. */
static void tell_if_misspelt(const char *variable) {
    char name[64];
    snprintf(name, sizeof name, "%.*s", (int)strcspn(variable, "="), variable);
    struct nearest nearest = {.typed = name};
    for (const struct view_variable *v = view_variables; v->name; v++) {
        if (strcmp(name, v->name) == 0)
            return;
        nearest_offer(&nearest, v->name);
    }
    if (nearest.best)
        view_error("run: %s%s is no variable of hakmem's%s", prefix, name,
                   nearest_words(&nearest, prefix));
}

bool run_options_check(const struct view *view) {
    static struct hak_options scratch;
    const char *pools = view_value(view, "pools");
    for (const struct view_variable *v = view_variables; v->name; v++) {
        const char *expected = "";
        bool is_given = v->option[0] && view_given(view, v->option);
        const char *value = v->option[0] ? view_variable_value(view, v->name) : NULL;
        if (!value || hak_option_parse(&scratch, v->name, value, &expected))
            continue;
        if (is_given)
            view_error("%s --%s %s: %s was expected", run_name(), v->option, value, expected);
        else
            view_error("%s: HAKMEM_%s=%s: %s was expected", run_name(), v->name, value, expected);
        return false;
    }
    for (char **entry = environ; *entry; entry++)
        if (strncmp(*entry, prefix, sizeof prefix - 1) == 0)
            tell_if_misspelt(*entry + sizeof prefix - 1);
    if (pools && strcmp(pools, "malloc") != 0) {
        view_error("%s --pools %s: malloc was expected", run_name(), pools);
        return false;
    }
    return check_allocator(view);
}

/* Puts the real path of `directory``part`/`name` into `out`. False: it is not there, or `mode` is
 * not allowed. */
static bool try_file(char *out, const char *directory, const char *part, const char *name,
                     int mode) {
    char path[2 * PATH_MAX];
    snprintf(path, sizeof path, "%s%s/%s", directory, part, name);
    return access(path, mode) == 0 && realpath(path, out) != NULL;
}

/* Looks for `name` in the folder and in ../lib/hakmem, ../lib and ../libexec/hakmem from there.
 * False: printed. */
static bool find_file(char *out, const char *directory, const char *name, int mode) {
    static const char *const parts[] = {"", "/../lib/hakmem", "/../lib", "/../libexec/hakmem"};
    for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++)
        if (try_file(out, directory, parts[i], name, mode))
            return true;
    view_error("%s: %s is neither in %s nor in ../lib/hakmem, ../lib or ../libexec/hakmem from "
               "there: build or install all of hakmem",
               run_name(), name, directory);
    return false;
}

/* Puts the folder of this program into `directory`, of PATH_MAX bytes. False: printed. */
static bool find_own_folder(char *directory) {
    ssize_t length = readlink("/proc/self/exe", directory, PATH_MAX - 1);
    if (length <= 0) {
        view_error("%s: /proc/self/exe cannot be read: %s; is /proc mounted?", run_name(),
                   strerror(errno));
        return false;
    }
    directory[length] = '\0';
    *strrchr(directory, '/') = '\0';
    return true;
}

bool record_find_own(const char *name, int mode, char *path) {
    char directory[PATH_MAX];
    return find_own_folder(directory) && find_file(path, directory, name, mode);
}

bool record_find_files(const struct view *view, const char *name, char *library, char *collected) {
    char directory[PATH_MAX];
    if (!find_own_folder(directory))
        return false;
    const char *collect = view_variable_value(view, "COLLECT");
    if (collect && collect[0]) {
        if (!realpath(collect, collected)) {
            view_error("%s: HAKMEM_COLLECT=%s: %s", run_name(), collect, strerror(errno));
            return false;
        }
    } else if (!find_file(collected, directory, "hakmem-collect", X_OK)) {
        return false;
    }
    return find_file(library, directory, name, R_OK);
}

bool record_may_preload(const char *command, const char *library) {
    if (!strpbrk(library, " :"))
        return true;
    view_error("%s: %s: LD_PRELOAD cannot name a file with a space or a colon in its path; "
               "install hakmem elsewhere",
               command, library);
    return false;
}

bool run_find_files(const struct view *view, struct run_files *files) {
    if (!record_find_files(view, run_library(view), files->library, files->collect))
        return false;
    return record_may_preload(run_name(), files->library);
}

const char *run_settle_value(const char *variable, const char *value, char *out) {
    bool is_policy = strcmp(variable, "GUARD") == 0;
    size_t word = is_policy && strncmp(value, "only:", 5) == 0 ? 5 : 0; /* what stands before it */
    bool is_file = word || strcmp(variable, "TRACE_FILE") == 0 || strcmp(variable, "LOG") == 0 ||
                   strcmp(variable, "SUPPRESSIONS") == 0 || strcmp(variable, "BASELINE") == 0;
    if (!is_file || value[word] == '/' || value[word] == '\0')
        return value;
    char *here = getcwd(NULL, 0);
    if (!here)
        return value;
    snprintf(out, 2 * PATH_MAX, "%.*s%s/%s", (int)word, value, here, value + word);
    free(here);
    return out;
}

bool run_open_pools(const struct view *view) {
    if (!view_given(view, "pools"))
        return true;
    bool good = setenv("PYTHONMALLOC", "malloc", 1) == 0 &&
                setenv("G_SLICE", "always-malloc", 1) == 0 &&
                setenv("GLIBCXX_FORCE_NEW", "1", 1) == 0;
    if (!good)
        view_error("%s: the environment cannot be set: %s", run_name(), strerror(errno));
    return good;
}

bool run_set_environment(const struct view *view, const struct run_files *files) {
    char name[64], path[2 * PATH_MAX];
    bool good = true;
    for (const struct view_variable *v = view_variables; v->name; v++) {
        const char *value = v->option[0] ? view_value(view, v->option) : NULL;
        snprintf(name, sizeof name, "HAKMEM_%s", v->name);
        if (value)
            good &= setenv(name, run_settle_value(v->name, value, path), 1) == 0;
    }
    const char *baseline = view_variable_value(view, "BASELINE");
    if (baseline && access(baseline, F_OK) != 0 && errno == ENOENT)
        good &= unsetenv("HAKMEM_BASELINE") == 0; /* it is made at the end */
    const char *only = view_variable_value(view, "TRACE_PROFILE_ONLY");
    if (only && strcmp(only, "1") == 0 && !run_keeps_allocator(view) &&
        !view_variable_value(view, "CHECK"))
        good &= setenv("HAKMEM_CHECK", "trace", 1) == 0; /* whose reports would have no history */
    const char *before = getenv("LD_PRELOAD");
    struct hak_text preload = {0};
    hak_text_add_bytes(&preload, files->library, strlen(files->library));
    if (before && before[0]) {
        hak_text_add_bytes(&preload, ":", 1);
        hak_text_add_bytes(&preload, before, strlen(before));
    }
    good &= preload.bytes && setenv("LD_PRELOAD", preload.bytes, 1) == 0;
    hak_text_free(&preload);
    good &= setenv("HAKMEM_COLLECT", files->collect, 1) == 0;
    if (view_given(view, "ci") && !run_keeps_allocator(view) && !view_variable_value(view, "LEAKS"))
        good &= setenv("HAKMEM_LEAKS", "error", 1) == 0;
    if (!good)
        view_error("%s: the environment cannot be set: %s", run_name(), strerror(errno));
    return good;
}

bool run_expand_path(const char *pattern, const char *program, pid_t pid, char *out, size_t bytes) {
    const char *slash = strrchr(program, '/'), *name = slash ? slash + 1 : program;
    struct hak_text text = {0};
    if (pattern[0] != '/') {
        char *here = getcwd(NULL, 0);
        hak_text_add_bytes(&text, here ? here : ".", strlen(here ? here : "."));
        hak_text_add_bytes(&text, "/", 1);
        free(here);
    }
    for (const char *c = pattern; *c; c++) {
        if (c[0] == '%' && c[1] == 'e')
            hak_text_add_bytes(&text, name, strlen(name));
        else if (c[0] == '%' && c[1] == 'p')
            hak_text_add(&text, "%d", (int)pid);
        else
            hak_text_add_bytes(&text, c, 1);
        c += c[0] == '%' && (c[1] == 'e' || c[1] == 'p');
    }
    bool fits = text.bytes && text.length < bytes;
    if (fits)
        memcpy(out, text.bytes, text.length + 1);
    else
        view_error("%s: the store's path is too long: %s", run_name(), pattern);
    hak_text_free(&text);
    return fits;
}
