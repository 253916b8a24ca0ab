/* Tests of src/platform/objects.c: each address has the module that is loaded there now, whoever
 * loads and unloads meanwhile, in signal handlers and in children too. tests/unit/old has the same
 * for an ld.so that does not help. */
#include "platform/objects.h"
#include <dlfcn.h>
#include <errno.h>
#include <link.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/wait.h>
#include <unistd.h>
#include "unit/suite.h"

enum { ROUNDS = 300, LOADERS = 2, READERS = 2 };

/* Small libraries of the system, each for one thread that loads it again and again. */
static const char *const plugins[LOADERS] = {"libz.so.1", "libexpat.so.1"};
static const char *const functions[LOADERS] = {"inflate", "XML_ParserFree"};

static void begin(void) {
    hak_objects_start();
    errno = 77;
}

static uintptr_t bias_of(void *handle) {
    struct link_map *map = NULL;
    ck_assert_int_eq(dlinfo(handle, RTLD_DI_LINKMAP, &map), 0);
    return map->l_addr;
}

TEST(what_is_there_is_found) {
    struct hak_object object, again;
    void *const in_libc = dlsym(RTLD_DEFAULT, "strtoul"), *const here = (void *)&plugins;
    uintptr_t vdso = getauxval(AT_SYSINFO_EHDR); /* an emulator may have none */
    errno = 77;
    ck_assert(hak_object_find((uintptr_t)in_libc, &object));
    ck_assert_ptr_nonnull(strstr(object.name, "libc.so.6"));
    ck_assert_ptr_nonnull(object.eh_frame);
    ck_assert_uint_ge((uintptr_t)in_libc, object.start);
    ck_assert_uint_lt((uintptr_t)in_libc, object.end);
    ck_assert(hak_object_find((uintptr_t)in_libc, &again));
    ck_assert_ptr_eq(again.module, object.module);
    ck_assert(hak_object_find((uintptr_t)here, &again));
    ck_assert_str_eq(again.name, "");
    ck_assert_ptr_ne(again.module, object.module);
    ck_assert(vdso == 0 || hak_object_find(vdso, &again));
    ck_assert(!hak_object_find((uintptr_t)&object, &again)); /* a stack */
    ck_assert(!hak_object_find(0, &again));
    ck_assert(!hak_object_find(UINTPTR_MAX, &again));
    ck_assert_int_eq(errno, 77);
}

/* Every address of a module's text and data as ld.so has it, at both of its ends: one module,
 * also of a program with a hole between the two (tests/unit/old). */
static int compare(struct dl_phdr_info *info, size_t size, void *count) {
    struct hak_object object;
    const void *module = NULL;
    (void)size;
    for (unsigned i = 0; i < info->dlpi_phnum; i++) {
        const ElfW(Phdr) *segment = &info->dlpi_phdr[i];
        uintptr_t from = info->dlpi_addr + segment->p_vaddr;
        if (segment->p_type != PT_LOAD)
            continue;
        ck_assert(hak_object_find(from, &object));
        ck_assert_uint_eq(object.bias, info->dlpi_addr);
        ck_assert_str_eq(object.name, info->dlpi_name);
        ck_assert(!module || object.module == module);
        module = object.module;
        ck_assert(hak_object_find(from + segment->p_memsz - 1, &object));
        ck_assert_uint_eq(object.bias, info->dlpi_addr);
    }
    ++*(unsigned *)count;
    return 0;
}

TEST(all_modules_are_found) {
    unsigned count = 0;
    void *plugin = dlopen(plugins[0], RTLD_NOW);
    ck_assert_ptr_nonnull(plugin);
    dl_iterate_phdr(compare, &count);
    ck_assert_uint_gt(count, 3);
    dlclose(plugin);
}

/* One thread's part: what it has loaded is there at once, and is gone at once. */
static unsigned load_and_unload(unsigned which, unsigned rounds) {
    unsigned wrong = 0;
    for (unsigned round = 0; round < rounds; round++) {
        struct hak_object object = {0}, gone = {0};
        void *plugin = dlopen(plugins[which], RTLD_NOW);
        uintptr_t function = (uintptr_t)dlsym(plugin, functions[which]);
        wrong += !hak_object_find(function, &object) || !strstr(object.name, plugins[which]) ||
                 object.bias != bias_of(plugin) || !object.eh_frame;
        dlclose(plugin);
        /* Another thread's may be there by now, but never this one. */
        wrong += hak_object_find(function, &gone) && gone.module == object.module;
    }
    return wrong;
}

TEST(a_plugin_is_found_while_it_is_loaded) {
    ck_assert_uint_eq(load_and_unload(0, ROUNDS), 0);
    ck_assert_uint_eq(load_and_unload(1, ROUNDS), 0);
}

static _Atomic unsigned wrong_answers, loaders;
static _Atomic uint64_t answers;

static void *run_loader(void *which) {
    atomic_fetch_add(&wrong_answers, load_and_unload((unsigned)(uintptr_t)which, ROUNDS));
    atomic_fetch_sub(&loaders, 1);
    return NULL;
}

/* libc and the program stay where they are, whatever comes and goes. */
static void look(void) {
    struct hak_object object;
    bool is_right = hak_object_find((uintptr_t)&strtoul, &object) &&
                    strstr(object.name, "libc.so.6") &&
                    hak_object_find((uintptr_t)&plugins, &object) && object.name[0] == '\0' &&
                    !hak_object_find((uintptr_t)&object, &object);
    atomic_fetch_add(&wrong_answers, !is_right);
    atomic_fetch_add(&answers, 1);
}

static void *run_reader(void *unused) {
    while (atomic_load(&loaders) > 0)
        look();
    return unused;
}

static void handle(int number) {
    (void)number;
    int before = errno;
    look();
    errno = before;
}

/* Loaders are interrupted, wherever they stand, by a handler that looks. */
static void with_threads(bool has_signals) {
    pthread_t loader[LOADERS], reader[READERS];
    atomic_store(&loaders, LOADERS);
    for (uintptr_t i = 0; i < LOADERS; i++)
        ck_assert_int_eq(pthread_create(&loader[i], NULL, run_loader, (void *)i), 0);
    for (unsigned i = 0; i < READERS && !has_signals; i++)
        ck_assert_int_eq(pthread_create(&reader[i], NULL, run_reader, NULL), 0);
    while (has_signals && atomic_load(&loaders) > 0)
        for (unsigned i = 0; i < LOADERS; i++) {
            uint64_t before = atomic_load(&answers);
            if (pthread_kill(loader[i], SIGUSR1) != 0)
                continue;
            while (atomic_load(&answers) == before && atomic_load(&loaders) == LOADERS)
                continue;
        }
    for (unsigned i = 0; i < LOADERS; i++)
        ck_assert_int_eq(pthread_join(loader[i], NULL), 0);
    for (unsigned i = 0; i < READERS && !has_signals; i++)
        ck_assert_int_eq(pthread_join(reader[i], NULL), 0);
    ck_assert_uint_eq(atomic_load(&wrong_answers), 0);
    ck_assert_uint_gt(atomic_load(&answers), 0);
}

TEST(beside_threads_that_load) {
    with_threads(false);
}

TEST(in_signal_handlers_of_threads_that_load) {
    struct sigaction action = {.sa_handler = handle, .sa_flags = SA_RESTART};
    sigaction(SIGUSR1, &action, NULL);
    with_threads(true);
}

/* Children of a process whose other threads load: what was there stays found. Libraries that the
 * child loads by itself need an ld.so that fork has left whole, so there is no other thread then.
 */
TEST(in_children) {
    pthread_t loader[LOADERS];
    atomic_store(&loaders, LOADERS);
    for (uintptr_t i = 0; i < LOADERS; i++)
        ck_assert_int_eq(pthread_create(&loader[i], NULL, run_loader, (void *)i), 0);
    for (int round = 0; round < 30 || atomic_load(&loaders) > 0; round++) {
        bool is_alone = atomic_load(&loaders) == 0;
        int status = 0;
        pid_t child = fork();
        if (child == 0) {
            hak_objects_after_fork();
            look();
            _exit(atomic_load(&wrong_answers) != 0 || (is_alone && load_and_unload(0, 3) != 0));
        }
        ck_assert_int_eq(waitpid(child, &status, 0), child);
        ck_assert_int_eq(status, 0);
    }
    for (unsigned i = 0; i < LOADERS; i++)
        ck_assert_int_eq(pthread_join(loader[i], NULL), 0);
    ck_assert_uint_eq(atomic_load(&wrong_answers), 0);
}

RUN_TESTS(.set_up = begin)
