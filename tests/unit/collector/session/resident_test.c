/* Reads a process's memory from /proc/PID/status: its lines, broken ones, a process that ends. */
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>
#include "../../suite.h"
#include "collector/session/resident.h"

#define STATUS                                                                                     \
    "Name:\ta\\nRssAnon: 7 kB\nVmHWM:\t    9000 kB\nVmRSS:\t    1752 kB\nRssAnon:\t      84 kB\n"  \
    "RssFile:\t    1600 kB\nRssShmem:\t      68 kB\nVmSwap:\t       4 kB\n"

TEST(reads_the_lines) {
    struct hak_resident r = {{0}};
    ck_assert(hak_resident_parse(STATUS, &r));
    ck_assert_uint_eq(r.bytes[HAK_RESIDENT_ANONYMOUS], 84 * 1024);
    ck_assert_uint_eq(r.bytes[HAK_RESIDENT_FILE], 1600 * 1024);
    ck_assert_uint_eq(r.bytes[HAK_RESIDENT_SHARED], 68 * 1024);
    ck_assert_uint_eq(r.bytes[HAK_RESIDENT_SWAPPED], 4 * 1024);
    ck_assert_uint_eq(r.bytes[HAK_RESIDENT_PEAK], 9000 * 1024);
}

TEST(refuses_what_is_cut_or_no_number) {
    struct hak_resident r;
    char text[sizeof STATUS];
    for (size_t length = 0; length < sizeof STATUS - 2; length++) { /* the last newline may go */
        memcpy(text, STATUS, length);
        text[length] = 0;
        ck_assert(!hak_resident_parse(text, &r) || length == sizeof STATUS - 2);
    }
    static const char *const wrong[] = {"99999999999999999999999 kB", "  kB", "12 MB", "x kB",
                                        "18446744073709551615 kB"};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        char status[512];
        snprintf(status, sizeof status,
                 "N\nRssAnon: 1 kB\nRssFile: 1 kB\nRssShmem: 1 kB\nVmSwap: "
                 "1 kB\nVmHWM: %s\n",
                 wrong[i]);
        ck_assert_msg(!hak_resident_parse(status, &r), "%s", wrong[i]);
    }
}

TEST(sees_a_program_grow) {
    enum { BYTES = 32 << 20 };
    struct hak_resident before, after;
    ck_assert(hak_resident_read(getpid(), -1, &before));
    char *memory = mmap(NULL, BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    ck_assert_ptr_ne(memory, MAP_FAILED);
    memset(memory, 1, BYTES);
    ck_assert(hak_resident_read(getpid(), -1, &after));
    ck_assert_uint_ge(after.bytes[HAK_RESIDENT_ANONYMOUS],
                      before.bytes[HAK_RESIDENT_ANONYMOUS] + BYTES - (1 << 20));
    ck_assert_uint_ge(after.bytes[HAK_RESIDENT_PEAK],
                      after.bytes[HAK_RESIDENT_ANONYMOUS] - (1 << 20));
    munmap(memory, BYTES);
}

TEST(knows_nothing_of_who_is_gone) {
    struct hak_resident r;
    pid_t child = fork();
    if (child == 0)
        _exit(0);
    int pidfd = (int)syscall(SYS_pidfd_open, child, 0);
    ck_assert_int_ge(pidfd, 0);
    siginfo_t info;
    ck_assert_int_eq(waitid(P_PID, (id_t)child, &info, WEXITED | WNOWAIT), 0);
    ck_assert(!hak_resident_read(child, -1, &r)); /* a zombie has no memory */
    /* Another process under its number: the pidfd says that it is not the one. */
    ck_assert(!hak_resident_read(getpid(), pidfd, &r));
    ck_assert_int_eq(waitpid(child, NULL, 0), child);
    ck_assert(!hak_resident_read(child, pidfd, &r));
    ck_assert(!hak_resident_read(0, -1, &r));
    close(pidfd);
}

RUN_TESTS()
