/* Takes hakmem out of the environment of a program that it must not be loaded into. */
#include "platform/platform.h"
#include "tree/exec_fit.h"

#include <fcntl.h>
#include <string.h>
#include "trace/memory/memory.h"
#include "trace/collector/collector.h"

enum { LIBRARY_BYTES = 1024 };

static const char variable_name[] = "LD_PRELOAD=";
static const char library_name[] = "hakmem-debug.so", recorder_name[] = "hakmem-record.so";

/* ---- the variable ---------------------------------------------------------------------------- */

bool hak_exec_is_text(const char *text) {
    struct hak_readable known = {0};
    for (; hak_exec_can_read(&known, text, 1); text++)
        if (!*text)
            return true;
    return false;
}

/* Whether `text` begins with `start`; false, too, where it cannot be read that far. */
static bool begins_with(struct hak_readable *known, const char *text, const char *start) {
    for (; *start; start++, text++)
        if (!hak_exec_can_read(known, text, 1) || *text != *start)
            return false;
    return true;
}

/* The value of the first variable that begins with `start`, its name and a =. NULL: there is none,
 * or its value or a variable before it cannot be read. */
static const char *value_of(char *const environment[], const char *start) {
    struct hak_readable list = HAK_READABLE_STACK, strings = {0};
    for (char *const *variable = environment;
         hak_exec_can_read(&list, variable, sizeof *variable) && *variable; variable++) {
        if (!hak_exec_can_read(&strings, *variable, 1))
            return NULL;
        const char *value = *variable + strlen(start);
        if (begins_with(&strings, *variable, start))
            return hak_exec_is_text(value) ? value : NULL;
    }
    return NULL;
}

const char *hak_exec_preload(char *const environment[]) {
    return value_of(environment, variable_name);
}

/* The pointers of an environment and its NULL; 0: the kernel cannot read all of them. */
static size_t count_pointers(char *const environment[]) {
    struct hak_readable known = HAK_READABLE_STACK;
    size_t count = 0;
    while (hak_exec_can_read(&known, environment + count, sizeof *environment)) {
        if (!environment[count++])
            return count;
    }
    return 0;
}

/* The next name of the list at `*at`, which goes on behind it; its length, 0 at the end. */
static size_t next_name(const char **name, const char **at) {
    *at += hak_exec_span(*at, " :");
    *name = *at;
    *at += hak_exec_span_without(*at, " :");
    return (size_t)(*at - *name);
}

static bool is_called(const char *name, size_t length, const char *library, size_t bytes) {
    return length >= bytes && memcmp(name + length - bytes, library, bytes) == 0 &&
           (length == bytes || name[length - bytes - 1] == '/');
}

static bool is_ours(const char *name, size_t length) {
    return is_called(name, length, library_name, sizeof library_name - 1) ||
           is_called(name, length, recorder_name, sizeof recorder_name - 1);
}

/* The length of the first name in LD_PRELOAD's list that is one of hakmem's libraries, which
 * `*name` gets; 0: there is none. */
static size_t length_of_ours(const char *preload, const char **name) {
    size_t length;
    for (const char *at = preload; (length = next_name(name, &at)) > 0;)
        if (is_ours(*name, length))
            return length;
    return 0;
}

/* Copies the pointers of the environment to `list` and its first LD_PRELOAD, without hakmem's
 * libraries, to `text`, which is as long as that variable; one that becomes empty is left out.
 * Returns `list`. */
char *const *hak_exec_without(char *const environment[], char **list, char *text) {
    struct hak_readable known = {0};
    bool is_found = false;
    size_t count = 0;
    for (char *const *variable = environment; *variable; variable++) {
        const char *name, *at = *variable + sizeof variable_name - 1;
        size_t length;
        list[count] = *variable;
        if (!is_found && begins_with(&known, *variable, variable_name)) {
            is_found = true;
            char *end = text + sizeof variable_name - 1;
            memcpy(text, variable_name, sizeof variable_name);
            while ((length = next_name(&name, &at)) > 0) {
                if (is_ours(name, length))
                    continue;
                if (end > text + sizeof variable_name - 1)
                    *end++ = ':';
                memcpy(end, name, length);
                end += length;
            }
            *end = 0;
            list[count] = text;
            if (end == text + sizeof variable_name - 1)
                continue; /* nothing is left of it */
        }
        count++;
    }
    list[count] = NULL;
    return list;
}

/* Whether the library at this absolute path is not there or may not be opened. Not by access(): it
 * goes by the real user, ld.so's open by the effective one. */
static bool is_out_of_reach(const char *name, size_t length) {
    char path[LIBRARY_BYTES];
    if (name[0] != '/' || length >= sizeof path)
        return false;
    memcpy(path, name, length);
    path[length] = 0;
    long file = hak_open(path);
    hak_close(file);
    return file == -2 /* ENOENT */ || file == -13 /* EACCES */ || file == -20 /* ENOTDIR */;
}

/* ---- both ------------------------------------------------------------------------------------ */

const char *hak_exec_find(const char *name, char *found) {
    enum { SEE = 1 /* faccessat's X_OK */ };
    if (!hak_exec_is_text(name))
        return NULL;
    if (strchr(name, '/'))
        return name;
    const char *folders = value_of(hak_environment(), "PATH=");
    if (!folders)
        folders = "/bin:/usr/bin";
    size_t bytes = strlen(name) + 1;
    for (const char *end; *folders; folders = *end ? end + 1 : end) {
        size_t length = hak_exec_span_without(folders, ":");
        end = folders + length;
        if (length == 0 || length + 1 + bytes > HAK_EXEC_FOUND_BYTES)
            continue;
        memcpy(found, folders, length);
        found[length] = '/';
        memcpy(found + length + 1, name, bytes);
        if (hak_raw_call(SYS_faccessat, AT_FDCWD, found, SEE) == 0)
            return found;
    }
    return NULL;
}

struct hak_exec_need hak_exec_unfit(const char *path, char *const environment[],
                                    struct hak_exec_look *about) {
    static const struct hak_exec_need nothing;
    const char *name, *preload = hak_exec_preload(environment);
    size_t length = preload ? length_of_ours(preload, &name) : 0;
    if (length == 0)
        return nothing;
    if (hak_collector_is_given_up())
        about->misfit = "the collector was killed";
    else if (is_out_of_reach(name, length))
        about->misfit = is_called(name, length, recorder_name, sizeof recorder_name - 1)
                            ? "hakmem-record.so is out of its reach"
                            : "hakmem-debug.so is out of its reach";
    else
        *about = hak_exec_look(path);
    size_t bytes = strlen(preload) + sizeof variable_name;
    size_t pointers =
        about->misfit && bytes <= HAK_EXEC_PRELOAD_BYTES ? count_pointers(environment) : 0;
    return pointers ? (struct hak_exec_need){pointers, bytes} : nothing;
}
