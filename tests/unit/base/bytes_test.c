/* Reading and writing go on behind interrupted and partial calls, and end where the file does. */
#include "base/bytes.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>
#include "../suite.h"

enum { MANY = 300000 }; /* more than a pipe holds */

static char bytes[MANY], got[MANY];

static void interrupt(int signal) {
    (void)signal;
}

static void end_interrupting(void) {
    static const struct itimerval never;
    setitimer(ITIMER_REAL, &never, NULL);
}

/* Interrupts every call that waits for longer than 2 ms. */
static void begin_interrupting(void) {
    struct sigaction action = {.sa_handler = interrupt};
    struct itimerval often = {{0, 2000}, {0, 2000}};
    sigaction(SIGALRM, &action, NULL);
    setitimer(ITIMER_REAL, &often, NULL);
}

TEST(pieces_become_whole) {
    int ends[2];
    for (int i = 0; i < MANY; i++)
        bytes[i] = (char)(i * 7);
    ck_assert_int_eq(pipe(ends), 0);
    pid_t child = fork();
    if (child == 0) {
        close(ends[0]);
        usleep(20000);
        begin_interrupting();
        _exit(hak_write_fully(ends[1], bytes, MANY) ? 0 : 1);
    }
    close(ends[1]);
    begin_interrupting();
    for (size_t have = 0; have < MANY; have += 1000) { /* the writer waits in between */
        usleep(have < 20000 ? 5000 : 0);
        ck_assert_uint_eq(hak_read_fully(ends[0], got + have, 1000), 1000);
    }
    ck_assert_mem_eq(got, bytes, MANY);
    ck_assert_uint_eq(hak_read_fully(ends[0], got, 1), 0);
    end_interrupting();
    int status;
    while (waitpid(child, &status, 0) < 0)
        ck_assert_int_eq(errno, EINTR);
    ck_assert_int_eq(status, 0);
}

TEST(what_ends_early_says_how_much_there_was) {
    int ends[2], full = open("/dev/full", O_WRONLY | O_CLOEXEC);
    ck_assert_int_eq(pipe(ends), 0);
    ck_assert(hak_write_fully(ends[1], "abc", 3));
    close(ends[1]);
    ck_assert_uint_eq(hak_read_fully(ends[0], got, MANY), 3);
    ck_assert_uint_eq(hak_read_fully(-1, got, MANY), 0);
    ck_assert(!hak_write_fully(full, "abc", 3));
    ck_assert_int_eq(errno, ENOSPC);
}

/* The old contents are gone at once, or still there, and nothing is left beside them. */
TEST(a_file_is_replaced_whole_or_not_at_all) {
    char folder[] = "/tmp/hakmem-replace-XXXXXX", beside[64];
    ck_assert_ptr_nonnull(mkdtemp(folder));
    ck_assert_int_eq(chdir(folder), 0);
    ck_assert(hak_replace_file("page", "first\n"));
    ck_assert(hak_replace_file("page", "next\n"));
    int fd = open("page", O_RDONLY | O_CLOEXEC);
    ck_assert_uint_eq(hak_read_fully(fd, got, MANY), 5);
    ck_assert_mem_eq(got, "next\n", 5);
    snprintf(beside, sizeof beside, "page.new.%d", (int)getpid());
    ck_assert_int_eq(access(beside, F_OK), -1);
    ck_assert_int_eq(mkdir("taken", 0700), 0); /* no file can come in the place of a folder */
    ck_assert(!hak_replace_file("taken", "text"));
    ck_assert_int_eq(errno, EISDIR);
    snprintf(beside, sizeof beside, "taken.new.%d", (int)getpid());
    ck_assert_int_eq(access(beside, F_OK), -1);
    ck_assert_int_eq(rmdir("taken"), 0);
    ck_assert_int_eq(symlink("/etc/passwd", beside), 0); /* laid there by somebody else */
    ck_assert(!hak_replace_file("taken", "text"));
    ck_assert_int_eq(errno, EEXIST);
    ck_assert_int_eq(unlink(beside) | unlink("page"), 0);
    ck_assert_int_eq(rmdir(folder), 0);
}

RUN_TESTS()
