/* Tests of src/collector/capture/made_files.c: which files with names of made code are believed. */
#include "collector/capture/made_files.h"
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>
#include "unit/suite.h"

static char folder[64], map[96], dump[96], aside[96];

/* The files that this process opens as its own /tmp and working folder. */
static struct hak_made_files *open_here(void) {
    struct hak_made_files *files = hak_made_files_open(getpid());
    ck_assert_ptr_nonnull(files);
    close(files->tmp);
    files->tmp = open(folder, O_PATH | O_DIRECTORY | O_CLOEXEC);
    return files;
}

static void leave(const char *path, const char *text) {
    FILE *file = fopen(path, "w");
    ck_assert_ptr_nonnull(file);
    fputs(text, file);
    fclose(file);
}

static void set_up(void) {
    strcpy(folder, "/tmp/hakmem-made.XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(folder));
    ck_assert_int_eq(chdir(folder), 0);
    snprintf(map, sizeof map, "%s/perf-77.map", folder);
    snprintf(dump, sizeof dump, "%s/jit-77.dump", folder);
    snprintf(aside, sizeof aside, "%s/aside", folder);
}

static void tear_down(void) {
    unlink(map);
    unlink(dump);
    unlink(aside);
    ck_assert_int_eq(chdir("/"), 0);
    rmdir(folder);
}

TEST(plain_files_are_opened) {
    struct hak_made_files *files = open_here();
    leave(map, "1 1 a\n");
    leave(dump, "x");
    hak_made_files_settle(files, 77, 0);
    ck_assert_int_ge(files->map, 0);
    ck_assert_int_ge(files->dumps[0], 0);
    ck_assert_ptr_null(files->refused);
    hak_made_files_close(files);
}

static void expect_refused(const char *why, uint64_t began_ns) {
    struct hak_made_files *files = open_here();
    hak_made_files_settle(files, 77, began_ns);
    ck_assert_int_eq(files->map, -1);
    if (why)
        ck_assert_str_eq(files->refused, why);
    else
        ck_assert_ptr_null(files->refused);
    hak_made_files_close(files);
    unlink(map);
}

TEST(others_are_refused) {
    expect_refused(NULL, 0); /* not there */
    leave(aside, "1 1 a\n");
    ck_assert_int_eq(symlink(aside, map), 0);
    expect_refused(NULL, 0);
    ck_assert_int_eq(mkfifo(map, 0600), 0);
    expect_refused("is no plain file", 0);
    leave(map, "1 1 a\n");
    expect_refused("is older than the process", UINT64_MAX);
    if (geteuid() == 0) {
        leave(map, "1 1 a\n");
        ck_assert_int_eq(chown(map, 12345, 12345), 0);
        expect_refused("is another user's", 0);
    }
}

/* As a JIT compiler does it: the file may lie anywhere, and a page of it is mapped as code. */
TEST(a_mapped_dump_is_found) {
    char deep[160];
    struct hak_made_files *files = open_here();
    snprintf(deep, sizeof deep, "%s/deep", folder);
    ck_assert_int_eq(mkdir(deep, 0700), 0);
    snprintf(deep, sizeof deep, "%s/deep/jit-5.dump", folder);
    leave(deep, "x");
    hak_made_files_look(files, getpid());
    ck_assert_int_eq(files->dumps[0], -1);
    int fd = open(deep, O_RDONLY | O_CLOEXEC);
    void *page = mmap(NULL, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE, fd, 0);
    ck_assert_ptr_ne(page, MAP_FAILED);
    files->next_look_ns = 0;
    hak_made_files_look(files, getpid());
    ck_assert_int_ge(files->dumps[0], 0);
    struct stat found, meant;
    ck_assert(fstat(files->dumps[0], &found) == 0 && fstat(fd, &meant) == 0);
    ck_assert_uint_eq(found.st_ino, meant.st_ino);
    munmap(page, 4096);
    close(fd);
    hak_made_files_close(files);
    unlink(deep);
    *strrchr(deep, '/') = '\0';
    rmdir(deep);
}

RUN_TESTS(.set_up = set_up, .tear_down = tear_down)
