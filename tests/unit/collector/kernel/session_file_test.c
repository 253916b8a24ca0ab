/* A session's memfd that others hold, some of them hostile. */
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include "collector/kernel/session_file.h"
#include "../../suite.h"
#include "../held_write.h"

static int make_memfd(void) {
    int file = memfd_create("hakmem", MFD_CLOEXEC | MFD_ALLOW_SEALING);
    ck_assert_int_ge(file, 0);
    ck_assert_int_eq(ftruncate(file, 1 << 20), 0);
    return file;
}

static void lock(int file) {
    struct flock lock = {.l_type = F_RDLCK, .l_whence = SEEK_SET};
    ck_assert_int_eq(fcntl(file, F_OFD_SETLK, &lock), 0);
}

TEST(is_held_until_the_last_mapping_is_gone) {
    int program = make_memfd(), own = dup(program);
    lock(program);
    ck_assert(hak_session_file_make_own(&own));
    ck_assert(hak_session_file_is_held(own, true));
    void *mapping = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, program, 0);
    close(program);
    ck_assert(hak_session_file_is_held(own, true));
    pid_t child = fork(); /* has the mapping, too */
    if (child == 0) {
        pause();
        _exit(0);
    }
    munmap(mapping, 4096);
    ck_assert(hak_session_file_is_held(own, true));
    end_child(child);
    ck_assert(!hak_session_file_is_held(own, true));
    close(own);
}

TEST(a_write_that_does_not_end_holds_nobody_up) {
    struct held_write held;
    uint64_t word = 0;
    int program = make_memfd(), own = dup(program);
    lock(program);
    if (!held_write_begin(&held, program)) {
        puts("no userfaultfd here: not tried");
        return;
    }
    ck_assert(hak_session_file_is_memfd(own));
    ck_assert(hak_session_file_make_own(&own));
    ck_assert(hak_session_file_is_held(own, true));
    ck_assert(hak_session_file_write(own, 336, 4711));
    ck_assert(hak_session_file_write(own, 8192, 4712)); /* the very page */
    ck_assert_int_eq(pread(own, &word, sizeof word, 336), sizeof word);
    ck_assert_uint_eq(word, 4711);
    held_write_end(&held);
    close(own);
    close(program);
}

TEST(knows_a_memfd_by_its_device) {
    char path[] = "/dev/shm/memfd:hakmem.XXXXXX";
    int file = mkstemp(path), memfd = make_memfd(), zero = open("/dev/zero", O_RDWR);
    unlink(path);
    ck_assert(hak_session_file_is_memfd(memfd));
    ck_assert(file < 0 || !hak_session_file_is_memfd(file));
    ck_assert(!hak_session_file_is_memfd(zero));
}

TEST(writes_nothing_where_nobody_may) {
    int file = make_memfd();
    ck_assert_int_eq(fcntl(file, F_ADD_SEALS, F_SEAL_WRITE), 0);
    ck_assert(!hak_session_file_write(file, 0, 1));
    /* No page behind the end: an error, and no SIGBUS. */
    int small = make_memfd();
    ck_assert(!hak_session_file_write(small, 2 << 20, 1));
}

RUN_TESTS()
