/* Looks names up in the hash tables of modules. */
#include "platform/symbols.h"

#include <dlfcn.h>
#include <gnu/libc-version.h>
#include <stdatomic.h>
#include <link.h>
#include <string.h>
#include <sys/auxv.h>
#include "platform/module.h"

enum which { EVERY, BEHIND_OURS, NOT_OURS, NAMED };

struct search {
    const char *name, *module;
    enum which which;
    uintptr_t vdso;
    bool is_behind; /* our own module */
    void *found;
};

static bool is_named(const struct dl_phdr_info *info, const char *module) {
    const char *path = info->dlpi_name, *slash = path ? strrchr(path, '/') : NULL;
    return path && (strcmp(path, module) == 0 || (slash && strcmp(slash + 1, module) == 0));
}

/* Looks into one loaded object if the search wants it. 1 ends the search: it was found. */
static int search_object(struct dl_phdr_info *info, size_t size, void *context) {
    struct search *search = context;
    struct hak_module module;
    (void)size;
    if (info->dlpi_addr == search->vdso) /* nobody binds to it */
        return 0;
    hak_read_module(info, &module);
    bool is_ours = hak_module_holds(&module, (const void *)(uintptr_t)&hak_symbol_next);
    bool is_wanted = search->which == EVERY || (search->which == NOT_OURS && !is_ours) ||
                     (search->which == BEHIND_OURS && search->is_behind) ||
                     (search->which == NAMED && is_named(info, search->module));
    search->is_behind = search->is_behind || is_ours;
    if (is_wanted)
        search->found = hak_symbol_in(&module, search->name);
    return search->found != NULL;
}

/* Looks the name up in the loaded objects that `which` admits, in their order. NULL: none defines
 * it. */
static void *search_for(const char *name, enum which which, const char *module) {
    struct search search = {
        .name = name, .module = module, .which = which, .vdso = getauxval(AT_SYSINFO_EHDR)};
    (void)dl_iterate_phdr(search_object, &search);
    return search.found;
}

void *hak_symbol_first(const char *name) {
    return search_for(name, EVERY, NULL);
}

static struct hak_module libc; /* once it was looked for; kept by who comes first */

/* Whether the path's last component is libc.so.6; by hand, as a sanitizer's functions in front of
 * libc's may not be called before its start. */
static bool is_libc(const char *path) {
    const char *last = path, *due = "libc.so.6";
    for (const char *at = path; *at; at++)
        if (*at == '/')
            last = at + 1;
    while (*due && *last == *due)
        last++, due++;
    return *last == 0 && *due == 0;
}

/* Finds libc in ld.so's list and reads its dynamic section; not by dl_iterate_phdr, which may be a
 * sanitizer's, too. */
static void read_libc(void) {
    const struct link_map *map = _r_debug.r_map;
    while (map && !(map->l_name && is_libc(map->l_name)))
        map = map->l_next;
    if (!map)
        return;
    libc = (struct hak_module){.bias = map->l_addr};
    hak_read_dynamic(map->l_ld, &libc);
}

/* Looks the name up in libc, whose tables are read once. NULL: not there, or another thread is just
 * reading them. */
static void *search_libc(const char *name) {
    enum { UNREAD, READING, READ };
    static _Atomic unsigned state;
    unsigned before = UNREAD;
    if (atomic_compare_exchange_strong(&state, &before, READING)) {
        read_libc();
        atomic_store(&state, READ);
    }
    return atomic_load(&state) == READ ? hak_symbol_in(&libc, name) : NULL;
}

void *hak_symbol_of_libc(const char *name) {
    void *found = search_libc(name);
    return found ? found : hak_symbol_first(name);
}

/* ---- dlsym ----------------------------------------------------------------------------------- */

typedef void *dlsym_function(void *, const char *);

/* libc's own dlsym, looked up once in libc's tables. NULL before glibc 2.34: there it is libdl's,
 * which asks calloc for the place of the thread's error, and callers search the tables of modules
 * themselves. */
static dlsym_function *find_dlsym(void) {
    static _Atomic(dlsym_function *) known;
    dlsym_function *found = atomic_load_explicit(&known, memory_order_relaxed);
    if (!found) {
        found = (dlsym_function *)search_libc("dlsym");
        atomic_store_explicit(&known, found, memory_order_relaxed);
    }
    return found;
}

void *hak_symbol_default(const char *name) {
    dlsym_function *ask = find_dlsym();
    return ask ? ask(RTLD_DEFAULT, name) : hak_symbol_first(name);
}

/* Where this library was loaded by dlopen, what it stands in front of comes before it. */
void *hak_symbol_next_quietly(const char *name) {
    void *found = search_for(name, BEHIND_OURS, NULL);
    return found ? found : search_for(name, NOT_OURS, NULL);
}

void *hak_symbol_next(const char *name) {
    dlsym_function *ask = find_dlsym();
    return ask ? ask(RTLD_NEXT, name) : hak_symbol_next_quietly(name);
}

void *hak_symbol_next_since(const char *version, const char *name) {
    bool is_there = strverscmp(gnu_get_libc_version(), version) >= 0;
    return is_there || search_for(name, NOT_OURS, NULL) ? hak_symbol_next(name) : NULL;
}

/* Finds `name` by dlsym in a loaded module, and in what it needs; where dlsym cannot be had, in the
 * module's own tables. NULL: not there, or the module is not loaded. */
void *hak_symbol_of(const char *module, const char *name) {
    dlsym_function *ask = (dlsym_function *)hak_symbol_of_libc("dlsym");
    void *(*open)(const char *, int) =
        ask ? (void *(*)(const char *, int))hak_symbol_next("dlopen") : NULL;
    int (*close)(void *) = open ? (int (*)(void *))hak_symbol_next("dlclose") : NULL;
    if (!close)
        return search_for(name, NAMED, module);
    void *handle = open(module, RTLD_LAZY | RTLD_NOLOAD);
    void *found = handle ? ask(handle, name) : NULL;
    /* Its code is in use by the caller: the count goes down again and it stays. */
    if (handle)
        (void)close(handle);
    return found;
}
