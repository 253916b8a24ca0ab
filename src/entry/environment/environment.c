/* Reads the environment at a library's start, where libc may not have it yet, and finds
 * sanitizers. */
#include "entry/environment/environment.h"

#include <link.h>
#include <unistd.h>
#include "block.h"
#include "options.h"
#include "platform/platform.h"

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

void hak_entry_read_options(char **environment) {
    enum { TEXT_BYTES = 4 << 20, VARIABLES = 64 << 10 };
    if (!environment)
        environment = environ;
    if (environment) {
        hak_options_read(environment);
        return;
    }
    size_t bytes = TEXT_BYTES + VARIABLES * sizeof(char *);
    char *memory = hak_reserve(bytes);
    char **variables = memory ? read_environment(memory, TEXT_BYTES,
                                                 (char **)(void *)(memory + TEXT_BYTES), VARIABLES)
                              : NULL;
    hak_options_read(variables);
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
