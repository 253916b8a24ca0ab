/* A program whose calls reach libc by every way that a module has. `modules CASE`: over the end of
 * a block of 16 bytes by the function of that case. Compiled by modules.sh in several ways, with
 * -DPLUGIN as the module plugin.so, which it loads. */
#include <dlfcn.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>
#include <wchar.h>

typedef void *filler(void *, int, size_t);

#ifdef PLUGIN
static filler *table[] = {memset};

void plugin_call(char *block, size_t bytes);
void plugin_call(char *block, size_t bytes) {
    memset(block, 2, bytes);
}
void plugin_table(char *block, size_t bytes);
void plugin_table(char *block, size_t bytes) {
    table[0](block, 2, bytes);
}
filler *get_memset(void);
filler *get_memset(void) {
    return memset;
}
__attribute__((constructor)) static void begin(void) {
    char *block = malloc(16);
    memset(block, 3, 16);
    free(block);
}
#else
/* In data that is relocated: a table of functions, as sqlite3 has one for its system calls. */
static struct {
    const char *name;
    filler *fill;
} table[] = {{"memset", memset}};
static filler *const constant_table[] = {memset};

/* At fixed addresses, the program's own PLT is the address of each of these, in all modules. */
typedef void function(void);
#define ADDRESS(name) (function *)(name)
function *const addresses[] = {
    ADDRESS(memcpy), ADDRESS(memmove), ADDRESS(memset),  ADDRESS(memcmp), ADDRESS(memchr),
    ADDRESS(strlen), ADDRESS(strcmp),  ADDRESS(strncmp), ADDRESS(strchr), ADDRESS(strrchr),
    ADDRESS(strcpy), ADDRESS(strstr),  ADDRESS(read),    ADDRESS(write),  ADDRESS(snprintf),
    ADDRESS(strtol), ADDRESS(sscanf),  ADDRESS(vsscanf), ADDRESS(printf), ADDRESS(swprintf),
    ADDRESS(getenv), ADDRESS(open)};

static size_t bytes = 17;
static char *block;

/* Hakmem's own work on a block's bytes is not the program's. */
static int grow(void) {
    for (size_t size = 16; size < 3 << 20; size += size / 2)
        block = realloc(block, size);
    block = realloc(block, 16);
    return memcmp(block, "aaaaaaaaaaaaaaaa", 16) == 0 && addresses[0] ? 0 : 8;
}

static void by_call(void) {
    memset(block, 1, bytes);
}
static void by_table(void) {
    table[0].fill(block, 1, bytes);
}
static void by_constant(void) {
    constant_table[0](block, 1, bytes);
}
static void by_pointer(void) {
    filler *volatile fill = memset;
    fill(block, 1, bytes);
}
static void by_plugin(const char *name) {
    void *plugin = dlopen("./plugin.so", RTLD_LAZY | RTLD_LOCAL);
    void (*fill)(char *, size_t) = plugin ? (void (*)(char *, size_t))dlsym(plugin, name) : NULL;
    if (!fill)
        exit(4);
    fill(block, bytes);
}
/* The second time the address may be the same. */
static void by_plugin_again(const char *name) {
    void *plugin = dlopen("./plugin.so", RTLD_NOW);
    if (!plugin || dlclose(plugin) != 0)
        exit(4);
    by_plugin(name);
}
static void *in_thread(void *unused) {
    by_call();
    return unused;
}
static void by_thread(void) {
    pthread_t thread;
    pthread_create(&thread, NULL, in_thread, NULL);
    pthread_join(thread, NULL);
}
/* Ended in a call that is looked at afterwards: its stack is unwound through the gate. */
static int ends[2], is_cleaned;
static void clean(void *unused) {
    (void)unused;
    is_cleaned = 1;
}
static void *wait_for_more(void *unused) {
    pthread_cleanup_push(clean, NULL);
    (void)!read(ends[0], block, 64);
    pthread_cleanup_pop(0);
    return unused;
}
static int cancel(void) {
    pthread_t thread;
    void *result = NULL;
    if (pipe(ends) != 0 || pthread_create(&thread, NULL, wait_for_more, NULL) != 0)
        return 7;
    usleep(20000); /* it waits by then, mostly */
    pthread_cancel(thread);
    pthread_join(thread, &result);
    return result == PTHREAD_CANCELED && is_cleaned ? 0 : 7;
}
static void by_child(void) {
    int state;
    if (fork() == 0) {
        by_call();
        _exit(0);
    }
    (void)wait(&state);
    exit(WIFSIGNALED(state) ? 128 + WTERMSIG(state) : WEXITSTATUS(state));
}
static void handle(int number) {
    (void)number;
    by_call();
}
static void by_handler(void) {
    signal(SIGUSR1, handle);
    raise(SIGUSR1);
}

/* The same pointer in every module, and by dlsym none that does something else. */
static int compare_pointers(void) {
    void *plugin = dlopen("./plugin.so", RTLD_NOW);
    filler *(*get)(void) = (filler * (*)(void)) dlsym(plugin, "get_memset");
    filler *volatile own = memset;
    return plugin && get() == own && table[0].fill == own && constant_table[0] == own ? 0 : 5;
}

/* Its own strlen is the program's concern, and that of whoever calls it. */
#ifdef OWN_STRLEN
static int own_calls;
size_t strlen(const char *s) {
    size_t length = 0;
    own_calls++;
    while (s[length])
        length++;
    return length;
}
static int count_own_calls(void) {
    int before = own_calls;
    return strlen("four") == 4 && own_calls == before + 1 ? 0 : 6;
}
#endif

int main(int count, char **arguments) {
    const char *which = count > 1 ? arguments[1] : "";
    block = malloc(16);
    memset(block, 'a', 16);
    if (strcmp(which, "call") == 0)
        by_call();
    else if (strcmp(which, "table") == 0)
        by_table();
    else if (strcmp(which, "constant") == 0)
        by_constant();
    else if (strcmp(which, "pointer") == 0)
        by_pointer();
    else if (strncmp(which, "plugin_", 7) == 0)
        by_plugin(which);
    else if (strcmp(which, "again") == 0)
        by_plugin_again("plugin_call");
    else if (strcmp(which, "thread") == 0)
        by_thread();
    else if (strcmp(which, "child") == 0)
        by_child();
    else if (strcmp(which, "handler") == 0)
        by_handler();
    else if (strcmp(which, "grow") == 0)
        return grow();
    else if (strcmp(which, "cancel") == 0)
        return cancel();
    else if (strcmp(which, "pointers") == 0)
        return compare_pointers();
    else if (strcmp(which, "own") == 0)
#ifdef OWN_STRLEN
        return count_own_calls();
#else
        return 6;
#endif
    else
        return 2;
    return 0;
}
#endif
