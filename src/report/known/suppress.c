/* Reads suppressions and finds the one that matches a leak or fault. */
#include "report/known/suppress.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include "report/words/words.h"
#include "base/growing.h"
#include "fault_codes.h"

#define FILE_MAX (4u << 20)

static void fail(char *error, size_t bytes, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* Writes the message. */
static void fail(char *error, size_t bytes, const char *format, ...) {
    va_list list;
    va_start(list, format);
    vsnprintf(error, bytes, format, list);
    va_end(list);
}

/* ---- patterns ----------------------------------------------------------------------------------
 */

/* Whether `pattern`, up to `end`, matches at the start of `text` (`whole`: all of it). Only the
 * last star seen is gone back to, so the time is the product of both lengths at most. */
static bool match_here(const char *pattern, const char *end, const char *text, bool whole) {
    const char *star = NULL, *resume = NULL;
    for (;;) {
        if (pattern == end && (!whole || *text == '\0'))
            return true;
        if (pattern < end && *pattern == '*') {
            star = ++pattern;
            resume = text;
        } else if (pattern < end && *text != '\0' && *pattern == *text) {
            pattern++;
            text++;
        } else if (star && *resume != '\0') {
            pattern = star;
            text = ++resume;
        } else {
            return false;
        }
    }
}

bool hak_suppress_matches(const char *pattern, const char *text) {
    const char *end = pattern + strlen(pattern);
    bool from_start = *pattern == '^';
    pattern += from_start;
    bool to_end = end > pattern && end[-1] == '$';
    end -= to_end;
    if (from_start)
        return match_here(pattern, end, text, to_end);
    for (;; text++) {
        if (match_here(pattern, end, text, to_end))
            return true;
        if (*text == '\0')
            return false;
    }
}

/* True when the pattern fits the path or its last part. */
static bool matches_path(const char *pattern, const char *path) {
    if (!path || !path[0])
        return false;
    const char *slash = strrchr(path, '/');
    return hak_suppress_matches(pattern, path) ||
           (slash && hak_suppress_matches(pattern, slash + 1));
}

/* True when the pattern fits the frame's function, file or module. */
static bool matches_frame(const char *pattern, const struct hak_frame *frame) {
    return (frame->function && frame->function[0] &&
            hak_suppress_matches(pattern, frame->function)) ||
           matches_path(pattern, frame->file) || matches_path(pattern, frame->module);
}

static bool is_layer_move(unsigned code) {
    return code >= 101 && code <= 199;
}

struct hak_suppression *hak_suppressions_match(struct hak_suppressions *suppressions, unsigned code,
                                               const struct hak_frame *frames, int count) {
    for (uint32_t i = 0; suppressions && i < suppressions->count; i++) {
        struct hak_suppression *one = &suppressions->list[i];
        if (one->code != code &&
            (one->code != HAK_SUPPRESS_ALL || code == HAK_FAULT_MEMORY_LEAK || code == 0))
            continue;
        for (int k = 0; k < count; k++)
            if ((!frames[k].is_hakmem || is_layer_move(code)) &&
                matches_frame(one->pattern, &frames[k])) {
                one->used++;
                return one;
            }
    }
    return NULL;
}

/* ---- reading -----------------------------------------------------------------------------------
 */

/* Appends a suppression with a copy of its line. False without memory. */
static bool add(struct hak_suppressions *to, unsigned code, uint32_t line, const char *text,
                size_t pattern_at) {
    char *copy;
    if (!hak_growing_make_room(&to->list, to->count, &to->capacity, sizeof *to->list) ||
        !(copy = strdup(text)))
        return false;
    to->list[to->count++] = (struct hak_suppression){
        .code = code, .line = line, .text = copy, .pattern = copy + pattern_at};
    return true;
}

/* Finds the fault between `fault:` and the next colon by code or name, into `code`; false: there is
 * no such fault. */
static bool find_code(const char *from, size_t length, unsigned *code) {
    char word[64];
    if (length == 0 || length >= sizeof word)
        return false;
    memcpy(word, from, length);
    word[length] = '\0';
    const struct hak_fault_words *words = hak_words_find_fault(word);
    *code = words ? words->code : HAK_SUPPRESS_ALL;
    return words || strcmp(word, "*") == 0;
}

/* Adds the suppression of one line without blanks around it. False: `error` is written. */
static bool take_line(struct hak_suppressions *to, const char *text, uint32_t line, char *error,
                      size_t bytes) {
    unsigned code = HAK_FAULT_MEMORY_LEAK;
    size_t at = 5;
    if (strncmp(text, "fault:", 6) == 0) {
        const char *colon = strchr(text + 6, ':');
        if (!colon) {
            fail(error, bytes, "%s:%u: `%s` has no pattern; expected fault:CODE-OR-NAME:PATTERN",
                 to->path, line, text);
            return false;
        }
        if (!find_code(text + 6, (size_t)(colon - text) - 6, &code)) {
            fail(error, bytes,
                 "%s:%u: there is no fault `%.*s`; expected a code (HKM-202), a name (double-free) "
                 "or *",
                 to->path, line, (int)(colon - text) - 6, text + 6);
            return false;
        }
        at = (size_t)(colon - text) + 1;
    } else if (strncmp(text, "leak:", 5) != 0) {
        fail(
            error, bytes,
            "%s:%u: `%s` is not a suppression; expected leak:PATTERN or fault:CODE-OR-NAME:PATTERN",
            to->path, line, text);
        return false;
    }
    if (text[at] == '\0') {
        fail(error, bytes, "%s:%u: `%s` has no pattern; * stands for everything", to->path, line,
             text);
        return false;
    }
    if (!add(to, code, line, text, at)) {
        fail(error, bytes, "%s:%u: out of memory", to->path, line);
        return false;
    }
    return true;
}

static bool is_blank(char c) {
    return c == ' ' || c == '\t' || c == '\r';
}

struct hak_suppressions *hak_suppressions_parse(const char *name, const char *text, char *error,
                                                size_t error_bytes) {
    struct hak_suppressions *made = calloc(1, sizeof *made);
    char *copy = strdup(text);
    bool good = made && copy && (made->path = strdup(name)) != NULL;
    if (!good)
        fail(error, error_bytes, "%s: out of memory", name);
    uint32_t line = 0;
    /* Editors of other systems put a byte order mark in front. */
    char *first = good && strncmp(copy, "\xef\xbb\xbf", 3) == 0 ? copy + 3 : copy;
    for (char *at = first, *next; good && at; at = next) {
        char *end = strchr(at, '\n');
        next = end ? end + 1 : NULL;
        if (end)
            *end = '\0';
        else
            end = at + strlen(at);
        line++;
        while (is_blank(*at))
            at++;
        while (end > at && is_blank(end[-1]))
            *--end = '\0';
        if (*at && *at != '#')
            good = take_line(made, at, line, error, error_bytes);
    }
    free(copy);
    if (!good) {
        hak_suppressions_free(made);
        return NULL;
    }
    return made;
}

struct hak_suppressions *hak_suppressions_load(const char *path, char *error, size_t error_bytes) {
    FILE *file = fopen(path, "re");
    char *text = file ? malloc(FILE_MAX + 1) : NULL;
    if (!text) {
        fail(error, error_bytes, "%s: the suppressions cannot be read: %s", path, strerror(errno));
        if (file)
            fclose(file);
        return NULL;
    }
    size_t got = fread(text, 1, FILE_MAX + 1, file);
    bool broken = ferror(file) != 0;
    int code = errno;
    fclose(file);
    struct hak_suppressions *made = NULL;
    if (broken)
        fail(error, error_bytes, "%s: the suppressions cannot be read: %s", path, strerror(code));
    else if (got > FILE_MAX)
        fail(error, error_bytes, "%s: the suppressions have more than %u MiB", path,
             FILE_MAX >> 20);
    else if (text[got] = '\0', strlen(text) != got)
        fail(error, error_bytes, "%s: the suppressions contain a NUL byte: not a text file", path);
    else
        made = hak_suppressions_parse(path, text, error, error_bytes);
    free(text);
    return made;
}

void hak_suppressions_free(struct hak_suppressions *suppressions) {
    if (!suppressions)
        return;
    for (uint32_t i = 0; i < suppressions->count; i++)
        free(suppressions->list[i].text);
    free(suppressions->list);
    free(suppressions->path);
    free(suppressions);
}
