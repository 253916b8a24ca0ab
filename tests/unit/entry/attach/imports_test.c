/* The words through which modules call others: changed, changed back, and left alone. */
#include "entry/attach/imports.h"

#include <dlfcn.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#include "platform/maps.h"
#include "platform/objects.h"
#include "unit/suite.h"

static atomic_uint calls;

/* For basename and strfry, which nobody else calls. */
static char *stand_in(char *path) {
    atomic_fetch_add(&calls, 1);
    return path;
}

static struct hak_import import_of(const char *name) {
    struct hak_import import = {
        .name = name, .ours = (uintptr_t)stand_in, .next = hak_imports_find(name)};
    ck_assert_uint_eq(import.next, (uintptr_t)dlsym(RTLD_DEFAULT, name));
    hak_imports_look(&import, 1);
    return import;
}

static unsigned change(const struct hak_import *import, bool back) {
    struct hak_imports_found found = hak_imports_change(import, 1, back);
    ck_assert_uint_eq(found.closed, 0);
    ck_assert_uint_ge(found.modules, 2); /* this program and libc; not ld.so */
    return found.changed;
}

/* Through the word of the program's own import. */
static unsigned calls_of(char *(*function)(char *)) {
    unsigned before = atomic_load(&calls);
    char path[] = "/a/b";
    (void)function(path);
    return atomic_load(&calls) - before;
}

static char *call_basename(char *path) {
    return basename(path);
}

TEST(a_call_goes_elsewhere_and_comes_back) {
    struct hak_import import = import_of("basename");
    ck_assert(import.is_sole);
    ck_assert_uint_eq(calls_of(call_basename), 0);
    ck_assert_uint_eq(change(&import, false), 1);
    ck_assert_uint_eq(calls_of(call_basename), 1);
    ck_assert_uint_eq(change(&import, false), 0); /* it is changed already */
    ck_assert_uint_eq(change(&import, true), 1);
    ck_assert_uint_eq(calls_of(call_basename), 0);
    ck_assert_uint_eq(change(&import, true), 0);
}

static int protection_of(const void *address) {
    struct hak_maps maps;
    struct hak_mapping mapping;
    int protection = -1;
    ck_assert(hak_maps_begin(&maps));
    while (hak_maps_next(&maps, &mapping))
        if ((uintptr_t)address >= mapping.start && (uintptr_t)address < mapping.end)
            protection = (int)(mapping.protection & 7);
    hak_maps_end(&maps);
    return protection;
}

/* A pointer that ld.so fills in and closes, and one that stays open. */
static char *(*const closed)(char *) = strfry;
static char *(*volatile open_word)(char *) = strfry;

TEST(what_ld_so_has_closed_is_closed_again) {
    struct hak_import import = import_of("strfry");
    ck_assert_int_eq(protection_of(&closed), PROT_READ);
    unsigned words = change(&import, false);
    ck_assert_uint_ge(words, 2); /* open_word, too */
    ck_assert(*(char *(*const volatile *)(char *)) & closed == stand_in);
    ck_assert_int_eq(protection_of(&closed), PROT_READ);
    ck_assert_uint_eq(change(&import, true), words);
    ck_assert(*(char *(*const volatile *)(char *)) & closed == strfry);
    ck_assert_int_eq(protection_of(&closed), PROT_READ);
}

/* As in a module that another thread's dlopen relocates: ld.so goes on to write. */
TEST(what_is_not_closed_yet_stays_open) {
    struct hak_import import = import_of("strfry");
    void *page = (void *)((uintptr_t)&closed & ~(uintptr_t)4095); /* NOLINT */
    ck_assert_int_eq(mprotect(page, 4096, PROT_READ | PROT_WRITE), 0);
    unsigned words = change(&import, false);
    ck_assert_uint_ge(words, 2);
    ck_assert_int_eq(protection_of(&closed), PROT_READ | PROT_WRITE);
    ck_assert_uint_eq(change(&import, true), words);
    ck_assert_int_eq(protection_of(&closed), PROT_READ | PROT_WRITE);
}

/* A word that holds anything else than the function is somebody's choice. */

TEST(what_leads_elsewhere_is_left) {
    struct hak_import import = import_of("strfry");
    unsigned words = change(&import, false);
    ck_assert(open_word == stand_in);
    ck_assert_uint_eq(change(&import, true), words);
    open_word = call_basename;
    ck_assert_uint_eq(change(&import, false), words - 1);
    ck_assert(open_word == call_basename);
    ck_assert_uint_eq(change(&import, true), words - 1);
    ck_assert(open_word == call_basename);
    open_word = strfry;
}

TEST(an_import_without_a_function_is_left) {
    struct hak_import import = import_of("basename");
    import.next = 0;
    ck_assert_uint_eq(change(&import, false), 0);
    ck_assert_uint_eq(calls_of(call_basename), 0);
}

/* libm and libc both have it. */
TEST(a_name_that_two_modules_define_is_not_sole) {
    struct hak_import import = {.name = "frexp",
                                .ours = (uintptr_t)stand_in,
                                .next = (uintptr_t)dlsym(RTLD_DEFAULT, "frexp")};
    ck_assert_ptr_nonnull(dlopen("libm.so.6", RTLD_NOW));
    hak_imports_look(&import, 1);
    ck_assert(!import.is_sole);
}

/* ---- beside others --------------------------------------------------------------------------- */

static atomic_bool is_over;

static void *load_and_call(void *unused) {
    char path[] = "/a/b";
    while (!atomic_load(&is_over)) {
        void *library = dlopen("libz.so.1", RTLD_LAZY);
        if (library)
            dlclose(library);
        for (int i = 0; i < 100; i++)
            (void)call_basename(path);
    }
    return unused;
}

TEST(others_may_call_and_load_meanwhile) {
    enum { ROUNDS = 2000, THREADS = 3 };
    struct hak_import import = import_of("basename");
    pthread_t thread[THREADS];
    for (int i = 0; i < THREADS; i++)
        ck_assert_int_eq(pthread_create(&thread[i], NULL, load_and_call, NULL), 0);
    for (int i = 0; i < ROUNDS; i++) {
        ck_assert_uint_ge(change(&import, false), 1);
        ck_assert_uint_ge(change(&import, true), 1);
    }
    atomic_store(&is_over, true);
    for (int i = 0; i < THREADS; i++)
        pthread_join(thread[i], NULL);
    ck_assert_uint_eq(calls_of(call_basename), 0);
}

RUN_TESTS(.prepare = hak_objects_start)
