/* Lists the mappings: all of them, in order, as they can be used, also when the first thread has
 * ended. */
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>
#include "platform/maps.h"
#include "../suite.h"

enum { PAGE = 4096 };

/* The mapping that holds `address`; false when there is none. */
static bool find(const void *address, struct hak_mapping *found) {
    struct hak_maps maps;
    uintptr_t at = (uintptr_t)address, last = 0;
    bool is_there = false;
    if (!hak_maps_begin(&maps))
        return false;
    for (struct hak_mapping mapping; hak_maps_next(&maps, &mapping); last = mapping.end) {
        ck_assert_uint_ge(mapping.start, last);
        ck_assert_uint_gt(mapping.end, mapping.start);
        if (mapping.start <= at && at < mapping.end) {
            *found = mapping;
            is_there = true;
        }
    }
    hak_maps_end(&maps);
    return is_there;
}

TEST(says_how_each_can_be_used) {
    struct hak_mapping mapping;
    static const int protections[] = {PROT_NONE, PROT_READ, PROT_READ | PROT_WRITE,
                                      PROT_READ | PROT_EXEC};
    for (size_t i = 0; i < sizeof protections / sizeof *protections; i++) {
        void *own = mmap(NULL, PAGE, protections[i], MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        ck_assert(find(own, &mapping));
        ck_assert_uint_eq(mapping.protection, (uint32_t)protections[i]);
        munmap(own, PAGE);
        ck_assert(!find(own, &mapping));
    }
    void *shared = mmap(NULL, PAGE, PROT_READ, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    ck_assert(find(shared, &mapping));
    ck_assert_uint_eq(mapping.protection, PROT_READ | HAK_MAPPING_SHARED);
}

TEST(says_what_each_is_of) {
    struct hak_mapping mapping;
    char self[4096] = "";
    int here = 0;
    ck_assert(find(&here, &mapping));
    ck_assert(hak_mapping_is(&mapping, "stack"));
    ck_assert(!hak_mapping_is(&mapping, "stac"));
    ck_assert_int_gt(readlink("/proc/self/exe", self, sizeof self - 1), 0);
    ck_assert(find((const void *)(uintptr_t)find, &mapping));
    ck_assert_uint_eq(mapping.protection, PROT_READ | PROT_EXEC);
    ck_assert_int_eq(strncmp(mapping.path, self, HAK_MAPPING_PATH - 1), 0);
    void *nameless = mmap(NULL, PAGE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    mprotect(nameless, PAGE, PROT_NONE); /* so that it is joined with no other */
    ck_assert(find(nameless, &mapping));
    ck_assert_str_eq(mapping.path, "");
}

/* More than a buffer of lines, and a path that is longer than what is kept of it. */
TEST(keeps_the_beginning_of_a_long_path) {
    struct hak_mapping mapping;
    char name[300], folder[] = "/tmp/hakmem-maps-XXXXXX", path[400];
    memset(name, 'n', 250);
    name[250] = 0;
    ck_assert_ptr_nonnull(mkdtemp(folder));
    snprintf(path, sizeof path, "%s/%s", folder, name);
    int file = open(path, O_RDWR | O_CREAT, 0600);
    ck_assert_int_eq(ftruncate(file, 40 * PAGE), 0);
    void *last = NULL;
    for (int i = 0; i < 20; i++) /* every other page: none is joined with the next */
        last = mmap(NULL, PAGE, i % 2 ? PROT_READ : PROT_NONE, MAP_SHARED, file, i * 2 * PAGE);
    unlink(path);
    rmdir(folder);
    ck_assert(find(last, &mapping));
    ck_assert_uint_eq(strlen(mapping.path), HAK_MAPPING_PATH - 1);
    ck_assert_int_eq(strncmp(mapping.path, path, HAK_MAPPING_PATH - 1), 0);
    close(file);
}

static void *look_after_the_first_thread(void *unused) {
    struct hak_mapping mapping = {0};
    char byte;
    (void)unused;
    for (ssize_t got = 1; got > 0;) { /* the first thread's list is empty once that has ended */
        int file = open("/proc/self/maps", O_RDONLY);
        got = file < 0 ? 0 : read(file, &byte, 1);
        close(file);
    }
    _exit(find(&mapping, &mapping) ? 0 : 1);
}

TEST(lists_all_when_the_first_thread_has_ended) {
    pid_t child = fork();
    if (child == 0) {
        pthread_t thread;
        pthread_create(&thread, NULL, look_after_the_first_thread, NULL);
        pthread_exit(NULL);
    }
    ck_assert_int_eq(status_of(child), 0);
}

RUN_TESTS()
