/* Expands the names of files that hakmem writes. */
#include "platform/path.h"

#include <string.h>
#include "platform/line.h"
#include "platform/raw_call.h"

struct path {
    char *to;
    size_t length, capacity;
    bool fits;
};

/* Appends text; if it does not fit, nothing is added from then on. */
static void add_text(struct path *path, const char *text) {
    size_t bytes = strlen(text);
    path->fits = path->fits && bytes < path->capacity - path->length;
    if (!path->fits)
        return;
    memcpy(path->to + path->length, text, bytes + 1);
    path->length += bytes;
}

void hak_path_here(char *to, size_t capacity) {
    long got = hak_raw_call(SYS_getcwd, (long)to, (long)capacity, 0, 0, 0, 0);
    to[got > 0 ? got - 1 : 0] = 0; /* the kernel counts the NUL */
}

/* Begins the path with the directory, or the current one for NULL, and a slash. */
static void begin(struct path *path, const char *directory) {
    if (directory) {
        add_text(path, directory);
    } else {
        hak_path_here(path->to, path->capacity);
        path->length = strlen(path->to);
    }
    bool is_relative = directory && path->length == 0;
    if (!is_relative && (path->length == 0 || path->to[path->length - 1] != '/'))
        add_text(path, "/");
}

bool hak_path_expand(char *to, size_t capacity, const char *pattern, const char *directory,
                     const char *program) {
    struct path path = {.to = to, .capacity = capacity, .fits = true};
    struct hak_line number = {.length = 0};
    const char *slash = strrchr(program, '/');
    long process = hak_raw_call(SYS_getpid, 0, 0, 0, 0, 0, 0);
    hak_line_number(&number, process > 0 ? (uint64_t)process : 0);
    to[0] = 0;
    if (pattern[0] && pattern[0] != '/')
        begin(&path, directory);
    for (const char *at = pattern; *at; at++) {
        char one[2] = {*at, 0};
        bool is_pattern = at[0] == '%' && (at[1] == 'e' || at[1] == 'p' || at[1] == '%');
        at += is_pattern;
        add_text(&path, !is_pattern  ? one
                        : *at == 'e' ? (slash ? slash + 1 : program)
                        : *at == 'p' ? hak_line_text(&number)
                                     : "%");
    }
    return path.fits;
}
