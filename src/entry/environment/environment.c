/* Reads the environment at a library's start, where libc may not have it yet, and finds
 * sanitizers. */
#include "entry/environment/environment.h"

#include <link.h>
#include <string.h>
#include <unistd.h>
#include "block.h"
#include "letters.h"
#include "options.h"
#include "options_table.h"
#include "platform/line.h"
#include "platform/platform.h"
#include "platform/raw_call.h"

/* Reads the environment as the kernel gave it, before libc has it: its text into `text`, a pointer
 * for each variable into `variables`, NULL behind them. Text or variables without room are cut.
 * Returns `variables`. */
static char **read_environment(char *text, size_t text_bytes, char **variables, size_t count) {
    long file = hak_open("/proc/self/environ");
    size_t length = 0, found = 0;
    long got = file < 0 ? 0 : 1;
    while (got > 0 && length < text_bytes - 1) {
        got = hak_read(file, text + length, text_bytes - 1 - length);
        length += got > 0 ? (size_t)got : 0;
    }
    if (file >= 0)
        hak_close(file);
    text[length] = 0;
    for (size_t at = 0; at < length && found + 1 < count; at++) {
        variables[found++] = text + at;
        while (text[at])
            at++;
    }
    variables[found] = NULL;
    return variables;
}

/* ---- variables that are nearly one of ours ----------------------------------------------------
 * By calls that the library makes already: each name more that ld.so looks up costs every start a
 * page. */

/* The option whose name is nearest; NULL: none is near. */
static HAK_COLD const struct hak_option *find_nearest(const char *name, size_t length) {
    enum { FEW_LETTERS = 4 };
    int fewest = length > FEW_LETTERS ? 3 : 2; /* that is too many */
    const struct hak_option *nearest = NULL;
    for (unsigned i = 0; i < HAK_OPTIONS && length <= HAK_LETTERS_MAX; i++) {
        const struct hak_option *option = &hak_option_table[i];
        int changed = option->name_bytes <= HAK_LETTERS_MAX
                          ? hak_letters_changed(name, length, option->name)
                          : HAK_LETTERS_MAX;
        if (changed < fewest) {
            fewest = changed;
            nearest = option;
        }
    }
    return nearest;
}

/* Whether the environment in `text` has the variable, and hakmem in LD_PRELOAD. */
static HAK_COLD bool has_told(const char *text, size_t bytes, const char *variable,
                              size_t name_bytes) {
    static const char preload[] = "LD_PRELOAD=";
    bool is_there = false, is_preloaded = false;
    for (size_t at = 0; at < bytes; at += strlen(text + at) + 1) {
        is_there |= strncmp(text + at, variable, name_bytes + 1) == 0;
        is_preloaded |= strncmp(text + at, preload, sizeof preload - 1) == 0 &&
                        memmem(text + at, strlen(text + at), "hakmem", 6) != NULL;
    }
    return is_there && is_preloaded;
}

/* Reads the parent's environment as it began, as much of it as there is room for. Returns its
 * bytes; 0: it cannot be read. */
static HAK_COLD size_t read_parents(char *text, size_t room) {
    struct hak_line path = {.length = 0};
    hak_line_say(&path, "/proc/", (uint64_t)hak_raw_call(SYS_getppid), "/environ");
    long file = hak_open(hak_line_text(&path)), got = file < 0 ? 0 : 1;
    size_t bytes = 0;
    for (; got > 0; bytes += got > 0 ? (size_t)got : 0)
        got = hak_read(file, text + bytes, room - bytes);
    hak_close(file);
    return bytes;
}

/* Says a line where `variable`, NAME=value behind the prefix, is no option and nearly one, if the
 * parent did not begin with it, too, and has told of it. */
static HAK_COLD void tell_if_misspelt(const char *variable, size_t prefix_bytes) {
    const char *name = variable + prefix_bytes, *equals = strchr(name, '=');
    size_t length = equals ? (size_t)(equals - name) : 0;
    const struct hak_option *nearest =
        hak_option_find(name, length) ? NULL : find_nearest(name, length);
    if (!nearest || hak_options.session[0]) /* below a recorded program: its first one has told */
        return;
    char text[16 << 10], typed[HAK_LETTERS_MAX + 1] = "";
    size_t bytes = read_parents(text, sizeof text - 1);
    text[bytes] = 0;
    if (has_told(text, bytes, variable, prefix_bytes + length))
        return;
    memcpy(typed, name, length);
    const char *parts[] = {"hakmem: HAKMEM_", typed,
                           " is no variable of hakmem's; did you mean HAKMEM_", nearest->name, "?"};
    hak_options_say(parts, sizeof parts / sizeof *parts);
}

static void tell_misspelt(char **variable) {
    static const char prefix[] = "HAKMEM_";
    for (; variable && *variable; variable++)
        if (strncmp(*variable, prefix, sizeof prefix - 1) == 0)
            tell_if_misspelt(*variable, sizeof prefix - 1);
}

void hak_entry_read_options(char **environment) {
    enum { TEXT_BYTES = 4 << 20, VARIABLES = 64 << 10 };
    if (!environment)
        environment = environ;
    if (environment) {
        hak_options_read(environment);
        tell_misspelt(environment);
        return;
    }
    size_t bytes = TEXT_BYTES + VARIABLES * sizeof(char *);
    char *memory = hak_reserve(bytes);
    char **variables = memory ? read_environment(memory, TEXT_BYTES,
                                                 (char **)(void *)(memory + TEXT_BYTES), VARIABLES)
                              : NULL;
    hak_options_read(variables);
    tell_misspelt(variables);
    if (memory)
        hak_unmap(memory, bytes);
}

/* Calls of ld.so itself, in front of all constructors, come while it adds the program's modules:
 * they are relocated by the time it calls its list consistent. */
bool hak_entry_is_overtaken(void) {
    return _r_debug.r_state == RT_CONSISTENT && !hak_entry_libc_is_since("2.34");
}

/* A sanitizer's start, where the loader sees one: it stands in front of libc's functions, and they
 * crash or wait for ever until it has run, which is after us. */
extern void __asan_init(void) __attribute__((weak));   /* NOLINT(bugprone-reserved-identifier) */
extern void __tsan_init(void) __attribute__((weak));   /* NOLINT(bugprone-reserved-identifier) */
extern void __msan_init(void) __attribute__((weak));   /* NOLINT(bugprone-reserved-identifier) */
extern void __hwasan_init(void) __attribute__((weak)); /* NOLINT(bugprone-reserved-identifier) */

bool hak_entry_is_sanitized(void) {
    return __asan_init || __tsan_init || __msan_init || __hwasan_init;
}
