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

static const char *preload_of(char *const environment[]) {
    for (char *const *variable = environment; *variable; variable++)
        if (strncmp(*variable, variable_name, sizeof variable_name - 1) == 0)
            return *variable + sizeof variable_name - 1;
    return NULL;
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

static size_t length_of_ours(const char *preload, const char **name) {
    size_t length;
    for (const char *at = preload; (length = next_name(name, &at)) > 0;)
        if (is_ours(*name, length))
            return length;
    return 0;
}

char *const *hak_exec_without(char *const environment[], char **list, char *text) {
    size_t count = 0;
    for (char *const *variable = environment; *variable; variable++) {
        const char *name, *at = *variable + sizeof variable_name - 1;
        size_t length;
        list[count] = *variable;
        if (strncmp(*variable, variable_name, sizeof variable_name - 1) == 0) {
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

/* Not by access(): it goes by the real user, ld.so's open by the effective one. */
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
    const char *folders = "/bin:/usr/bin";
    if (!name || !hak_exec_can_read(name))
        return NULL;
    if (strchr(name, '/'))
        return name;
    for (char **variable = hak_environment(); *variable; variable++)
        if (strncmp(*variable, "PATH=", 5) == 0)
            folders = *variable + 5;
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

size_t hak_exec_unfit(const char *path, char *const environment[], struct hak_exec_look *about) {
    const char *name, *preload;
    if (!environment || !hak_exec_can_read(environment))
        return 0;
    preload = preload_of(environment);
    size_t length = preload ? length_of_ours(preload, &name) : 0;
    if (length == 0 || strlen(preload) + sizeof variable_name > HAK_EXEC_PRELOAD_BYTES)
        return 0;
    if (hak_collector_is_given_up())
        about->misfit = "the collector was killed";
    else if (is_out_of_reach(name, length))
        about->misfit = is_called(name, length, recorder_name, sizeof recorder_name - 1)
                            ? "hakmem-record.so is out of its reach"
                            : "hakmem-debug.so is out of its reach";
    else
        *about = hak_exec_look(path);
    if (!about->misfit)
        return 0;
    size_t count = 1;
    while (environment[count - 1])
        count++;
    return count;
}
