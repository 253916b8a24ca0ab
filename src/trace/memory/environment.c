/* Puts HAKMEM_SESSION into the environment of programs that this one executes. */
#include "trace/memory/environment.h"
#include <stdbool.h>
#include <stddef.h>
#include <string.h>
#include "options.h"
#include "platform/platform.h"
#include "platform/raw_call.h"
#include "trace/protocol.h"
#include "trace/session.h"
#include "platform/symbols.h"

extern char **environ;
extern void *__libc_stack_end; /* ld.so's: argc, then argv, NULL, the environment, NULL */

static const char variable_name[] = "HAKMEM_SESSION=";
static const size_t name_at = sizeof variable_name - 1;
static char environment_text[160 + HAK_PATH_BYTES]; /* no page of it is there before it is used */
static int is_pending;                              /* to be added before main */
static int is_added;                                /* that moment is over */

char **hak_environment(void) {
    static char *none[] = {NULL};
    if (environ)
        return environ;
    if (!__libc_stack_end)
        return none;
    return (char **)__libc_stack_end + 1 + *(long *)__libc_stack_end + 1;
}

/* Whether the string ends before memory that cannot be read. */
static bool is_whole(const char *string) {
    for (uintptr_t page = (uintptr_t)string; hak_raw_readable(page & ~(uintptr_t)7);) {
        uintptr_t end = (page | (HAK_PAGE_BYTES - 1)) + 1;
        if (memchr((const char *)page, 0, end - page))
            return true;
        page = end;
    }
    return false;
}

char **hak_environment_next(char **variable) {
    for (; hak_raw_readable((uintptr_t)variable) && *variable; variable++)
        if (is_whole(*variable))
            return variable;
    return NULL;
}

/* Puts `environment_text` in the place of the variable, or remembers to add it. */
static void set_variable(void) {
    memcpy(environment_text, variable_name, name_at);
    is_pending = !is_added;
    for (char **variable = hak_environment(); (variable = hak_environment_next(variable));
         variable++)
        if (strncmp(*variable, environment_text, name_at) == 0) {
            *variable = environment_text;
            is_pending = 0;
        }
}

void hak_environment_set_session(const char *name) {
    size_t bytes = strlen(name) + 1;
    if (bytes > sizeof environment_text - name_at)
        return;
    memcpy(environment_text + name_at, name, bytes);
    set_variable();
}

void hak_environment_set_tree(const char *name, const char *store_path) {
    size_t name_bytes = strlen(name), path_bytes = strnlen(store_path, HAK_PATH_BYTES);
    char *at = environment_text + name_at;
    if (name_bytes + path_bytes + 2 > sizeof environment_text - name_at)
        return;
    memcpy(at, name, name_bytes + 1);
    if (store_path[0] == '/') {
        at[name_bytes] = ':';
        memcpy(at + name_bytes + 1, store_path, path_bytes);
        at[name_bytes + 1 + path_bytes] = 0;
    }
    set_variable();
}

static bool is_name(const char *session) {
    return strncmp(session, HAK_SESSION_RINGS, sizeof HAK_SESSION_RINGS - 1) != 0;
}

void hak_environment_read_session(char *name, size_t bytes) {
    const char *session = hak_options.session;
    const char *end = strchr(session, ':');
    size_t length = !is_name(session) ? 0 : end ? (size_t)(end - session) : strlen(session);
    if (length >= bytes)
        length = 0;
    memcpy(name, session, length);
    name[length] = 0;
}

const char *hak_environment_tree_store(void) {
    const char *colon = is_name(hak_options.session) ? strchr(hak_options.session, ':') : NULL;
    return colon && colon[1] == '/' ? colon + 1 : NULL;
}

/* Adds the variable to the environment: its list is copied into memory that is never given back,
 * and environ pointed at it, as a program itself may do; setenv would allocate. */
static void add_session(void) {
    char **before = hak_environment();
    size_t count = 0;
    while (before[count])
        count++;
    char **list = hak_raw_map((count + 2) * sizeof *list);
    if (!list)
        return;
    memcpy(list, before, count * sizeof *list);
    list[count] = environment_text;
    environ = list;
}

typedef int start_main(int (*)(int, char **, char **), int, char **, void (*)(void), void (*)(void),
                       void (*)(void), void *);

/* glibc's, called by every program's first instruction after all constructors have run: libc's has
 * set environ by then, and would have overwritten what was set before. */
HAK_EXPORT start_main __libc_start_main;

/* Stands before libc's: adds the session to the environment if that was not yet there, then calls
 * libc's. */
int __libc_start_main(int (*main_function)(int, char **, char **), int count, char **arguments,
                      void (*init)(void), void (*fini)(void), void (*loader_fini)(void),
                      void *stack_end) {
    start_main *next = (start_main *)hak_symbol_next("__libc_start_main");
    if (is_pending)
        add_session();
    is_added = 1;
    return next(main_function, count, arguments, init, fini, loader_fini, stack_end);
}
