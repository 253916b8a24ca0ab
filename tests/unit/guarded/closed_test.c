/* Closed addresses: of /dev/zero, of one mapping whatever was opened in them, and without the
 * memory of what was. */
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>
#include "guarded/closed.h"
#include "platform/platform.h"
#include "platform/raw_call.h"
#include "unit/barred.h"
#include "unit/guard/world.h"

enum { PAGES = 256, PATTERN_PAGES = 4, OPENED = 100 };
#define BYTES ((size_t)PAGES * HAK_PAGE_BYTES)

/* Mappings from `start` to `end`: all of them, and those of /dev/zero. */
struct mappings {
    unsigned all, of_zero, writable_of_no_file;
};

static struct mappings mappings_of(const struct hak_closed *closed) {
    struct mappings mappings = {0};
    char line[512], access[5];
    unsigned long from, to;
    unsigned major, minor;
    FILE *maps = fopen("/proc/self/maps", "r");
    ck_assert_ptr_nonnull(maps);
    while (fgets(line, sizeof line, maps)) {
        ck_assert_int_eq(sscanf(line, "%lx-%lx %4s %*x %x:%x", &from, &to, access, &major, &minor),
                         5);
        if (to <= (uintptr_t)closed->start || from >= (uintptr_t)closed->end)
            continue;
        mappings.all++;
        mappings.of_zero += strstr(line, " /dev/zero\n") != NULL;
        mappings.writable_of_no_file += access[1] == 'w' && major == 0 && minor == 0;
    }
    fclose(maps);
    return mappings;
}

static struct hak_closed hold(void) {
    hak_closed_tries_regions = false;
    char *start = hak_hold(BYTES, HAK_PAGE_BYTES);
    ck_assert_ptr_nonnull(start);
    return hak_closed_hold(start, BYTES, PATTERN_PAGES * HAK_PAGE_BYTES);
}

static bool is_readable(const void *p) {
    return hak_raw_readable((uintptr_t)p & ~(uintptr_t)7);
}

/* Opens and closes each second page from `first` on. */
static void open_and_close(const struct hak_closed *closed, char *first) {
    for (size_t i = 0; i < OPENED; i++) {
        char *page = first + 2 * i * HAK_PAGE_BYTES;
        ck_assert(hak_allow_writes(page, HAK_PAGE_BYTES));
        ck_assert_int_eq(page[7], 0);
        page[7] = 1;
    }
    ck_assert_uint_eq(mappings_of(closed).writable_of_no_file, closed->pattern_bytes ? 0 : OPENED);
    for (size_t i = 0; i < OPENED; i++) {
        char *page = first + 2 * i * HAK_PAGE_BYTES;
        enum hak_closed_by by = HAK_CLOSED_BY_MAPPING;
        ck_assert(hak_closed_again(closed, page, HAK_PAGE_BYTES, true, &by));
        ck_assert(!is_readable(page));
    }
}

TEST(what_is_open_is_of_a_file_and_what_is_closed_is_one_mapping) {
    struct statvfs about;
    ck_assert_int_eq(statvfs("/dev/zero", &about), 0);
    if (about.f_flag & ST_NOEXEC) {
        puts("/dev is mounted noexec here: not tried");
        return;
    }
    struct hak_closed closed = hold();
    ck_assert_uint_eq(closed.pattern_bytes, PATTERN_PAGES * HAK_PAGE_BYTES);
    char *first = closed.start + closed.pattern_bytes;
    ck_assert(!is_readable(closed.start) && !is_readable(first) && !is_readable(closed.end - 1));
    for (unsigned round = 0; round < 3; round++) {
        open_and_close(&closed, first);
        struct mappings mappings = mappings_of(&closed);
        ck_assert_uint_eq(mappings.all, 1);
        ck_assert_uint_eq(mappings.of_zero, 1);
    }
}

/* More pages than the pattern has. */
TEST(more_than_the_pattern_is_closed_too) {
    struct hak_closed closed = hold();
    char *first = closed.start + closed.pattern_bytes;
    size_t bytes = (PATTERN_PAGES + 1) * HAK_PAGE_BYTES;
    enum hak_closed_by by = HAK_CLOSED_BY_REGION;
    ck_assert(hak_allow_writes(first, bytes));
    memset(first, 1, bytes);
    ck_assert(hak_closed_again(&closed, first, bytes, true, &by));
    ck_assert_int_eq(by, HAK_CLOSED_BY_MAPPING);
    ck_assert(!is_readable(first) && !is_readable(first + bytes - 1));
    ck_assert(hak_allow_writes(first, bytes));
    ck_assert_int_eq(first[bytes - 1], 0);
}

/* No descriptor is free. */
TEST(without_the_file_they_are_of_none) {
    struct rlimit before, none = {0, 0};
    ck_assert_int_eq(getrlimit(RLIMIT_NOFILE, &before), 0);
    none.rlim_max = before.rlim_max;
    ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &none), 0);
    struct hak_closed closed = hold();
    ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &before), 0);
    ck_assert_uint_eq(closed.pattern_bytes, 0);
    ck_assert(!is_readable(closed.start) && !is_readable(closed.end - 1));
    open_and_close(&closed, closed.start + PATTERN_PAGES * HAK_PAGE_BYTES);
    ck_assert_uint_eq(mappings_of(&closed).of_zero, 0);
}

/* A process with a /dev of its own that is mounted noexec. */
enum { WELL, NOT_ALLOWED, OF_THE_FILE, NOT_EXECUTABLE };

static bool mount_without_execution(void) {
    struct statvfs about;
    return (unshare(CLONE_NEWNS) == 0 || unshare(CLONE_NEWUSER | CLONE_NEWNS) == 0) &&
           mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0 &&
           mount("/dev", "/dev", NULL, MS_BIND, NULL) == 0 && statvfs("/dev", &about) == 0 &&
           mount(NULL, "/dev", NULL,
                 MS_REMOUNT | MS_BIND | MS_NOEXEC | (about.f_flag & (ST_NOSUID | ST_RDONLY)),
                 NULL) == 0;
}

static int hold_without_execution(void) {
    if (!mount_without_execution())
        return NOT_ALLOWED;
    struct hak_closed closed = hold();
    char *page = closed.end - HAK_PAGE_BYTES;
    if (closed.pattern_bytes != 0)
        return OF_THE_FILE;
    return mprotect(page, HAK_PAGE_BYTES, PROT_READ | PROT_WRITE | PROT_EXEC) == 0 ? WELL
                                                                                   : NOT_EXECUTABLE;
}

TEST(what_is_open_can_be_made_executable) {
    int status = -1;
    pid_t child = fork();
    if (child == 0)
        _exit(hold_without_execution());
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    ck_assert(WIFEXITED(status));
    if (WEXITSTATUS(status) == NOT_ALLOWED)
        puts("no mount namespace here: not tried");
    else
        ck_assert_int_eq(WEXITSTATUS(status), WELL);
}

/* Whether what a block's program had wiped in children is wiped of the next block there. */
static int keep_on_fork(bool has_file) {
    enum hak_closed_by by;
    if (!has_file && !mount_without_execution())
        return NOT_ALLOWED;
    char *start = hak_hold(BYTES, HAK_PAGE_BYTES), *page = start + HAK_PAGE_BYTES;
    struct hak_closed closed = hak_closed_hold(start, BYTES, PATTERN_PAGES * HAK_PAGE_BYTES);
    if (!hak_closed_prepare(&closed, start, page + 2 * HAK_PAGE_BYTES, &by) ||
        !hak_closed_open(page, HAK_PAGE_BYTES, by))
        return NOT_EXECUTABLE;
    (void)madvise(page, HAK_PAGE_BYTES, MADV_WIPEONFORK); /* of a file the kernel refuses it */
    if (!hak_closed_again(&closed, page, HAK_PAGE_BYTES, true, &by) ||
        !hak_closed_open(page, HAK_PAGE_BYTES, by))
        return NOT_EXECUTABLE;
    page[9] = 1;
    pid_t child = fork();
    if (child == 0)
        _exit(page[9] == 1 ? WELL : OF_THE_FILE);
    int status = -1;
    return waitpid(child, &status, 0) == child && WIFEXITED(status) ? WEXITSTATUS(status)
                                                                    : NOT_EXECUTABLE;
}

TEST(a_child_has_the_bytes_of_a_block_where_another_was_to_be_wiped) {
    for (int has_file = 0; has_file < 2; has_file++) {
        int status = -1;
        pid_t child = fork();
        if (child == 0)
            _exit(keep_on_fork(has_file));
        ck_assert_int_eq(waitpid(child, &status, 0), child);
        ck_assert(WIFEXITED(status));
        if (WEXITSTATUS(status) == NOT_ALLOWED)
            puts("no mount namespace here: not tried");
        else
            ck_assert_int_eq(WEXITSTATUS(status), WELL);
    }
}

TEST(markers_are_one_writable_mapping_and_closed_ones) {
    enum hak_closed_by by = HAK_CLOSED_BY_REGION;
    char *start = hak_hold(BYTES, HAK_PAGE_BYTES);
    struct hak_closed closed = hak_closed_hold(start, BYTES, PATTERN_PAGES * HAK_PAGE_BYTES);
    if (!closed.marked_end) {
        puts("the kernel has no guard markers that it shows, or data is limited: not tried");
        return;
    }
    ck_assert(!is_readable(start) && !is_readable(closed.end - 1));
    for (size_t i = 0; i < OPENED; i++) {
        char *page = start + (2 * i + 1) * HAK_PAGE_BYTES;
        ck_assert(hak_closed_prepare(&closed, page, page + 2 * HAK_PAGE_BYTES, &by));
        ck_assert_int_eq(by, HAK_CLOSED_BY_REGION);
        ck_assert(closed.marked_end >= page + 2 * HAK_PAGE_BYTES);
        ck_assert(hak_closed_open(page, HAK_PAGE_BYTES, by));
        ck_assert_int_eq(page[9], 0);
        page[9] = 1;
        ck_assert(!is_readable(page - 1) && !is_readable(page + HAK_PAGE_BYTES));
    }
    ck_assert_uint_eq(mappings_of(&closed).all, 3); /* the page in front of the first one */
    ck_assert_uint_eq(mappings_of(&closed).writable_of_no_file, 0);
    for (size_t i = 0; i < OPENED; i++) {
        char *page = start + (2 * i + 1) * HAK_PAGE_BYTES;
        ck_assert(hak_closed_again(&closed, page, HAK_PAGE_BYTES, true, &by));
        ck_assert_int_eq(by, HAK_CLOSED_BY_REGION);
        ck_assert(!is_readable(page));
        ck_assert(hak_closed_open(page, HAK_PAGE_BYTES, by));
        ck_assert_int_eq(page[9], 0);
    }
}

/* A marker there would be taken away by the next opening, and the mapping would stay closed. */
TEST(what_a_mapping_closes_and_was_not_opened_gets_no_marker) {
    enum hak_closed_by by = HAK_CLOSED_BY_MAPPING;
    char *start = hak_hold(BYTES, HAK_PAGE_BYTES), *page = start + HAK_PAGE_BYTES;
    struct hak_closed closed = hak_closed_hold(start, BYTES, PATTERN_PAGES * HAK_PAGE_BYTES);
    ck_assert(hak_closed_again(&closed, page, HAK_PAGE_BYTES, false, &by));
    ck_assert_int_eq(by, HAK_CLOSED_BY_MAPPING);
    ck_assert(hak_closed_open(page, HAK_PAGE_BYTES, by));
    page[9] = 1;
}

/* Of a slot whose first pages have markers, and whose last ones get none: whether it was closed,
 * and its way, in a process for which the kernel refuses two calls. */
enum { NOT_CLOSED = 10, BY_REGION, BY_MAPPING };

static int prepare_without(const unsigned *calls) {
    enum hak_closed_by by;
    char *start = hak_hold(2 * BYTES, HAK_PAGE_BYTES);
    struct hak_closed closed = hak_closed_hold(start, 2 * BYTES, PATTERN_PAGES * HAK_PAGE_BYTES);
    if (!hak_closed_prepare(&closed, start, start + HAK_PAGE_BYTES, &by) ||
        by != HAK_CLOSED_BY_REGION || closed.marked_end == closed.end)
        return WELL;
    char *marked_end = closed.marked_end, *slot = marked_end - HAK_PAGE_BYTES;
    if (!bar_calls(calls, 2, ENOMEM))
        return NOT_ALLOWED;
    if (!hak_closed_prepare(&closed, slot, slot + 3 * HAK_PAGE_BYTES, &by))
        return closed.marked_end == marked_end ? NOT_CLOSED : WELL;
    return by == HAK_CLOSED_BY_REGION ? BY_REGION : BY_MAPPING;
}

TEST(pages_with_and_without_markers_have_one_way_or_are_not_handed_out) {
    static const struct {
        unsigned calls[2];
        int due;
    } ways[] = {{{SYS_mprotect, SYS_mmap}, NOT_CLOSED},
                {{SYS_madvise, SYS_mmap}, NOT_CLOSED},
                {{SYS_mprotect, SYS_mprotect}, BY_MAPPING},
                {{SYS_madvise, SYS_madvise}, BY_MAPPING},
                {{SYS_mmap, SYS_mmap}, BY_REGION}};
    if (!hak_kernel_is_from(6, 15)) {
        puts("Linux before 6.15 shows no guard markers: not tried");
        return;
    }
    for (size_t i = 0; i < sizeof ways / sizeof *ways; i++) {
        pid_t child = fork();
        if (child == 0)
            _exit(prepare_without(ways[i].calls));
        int status = status_of(child);
        ck_assert(WIFEXITED(status));
        if (WEXITSTATUS(status) == NOT_ALLOWED)
            puts("no filter of system calls here: not tried");
        else
            ck_assert_int_eq(WEXITSTATUS(status), ways[i].due);
    }
}

TEST(no_descriptor_is_kept) {
    struct hak_closed closed = hold();
    int free_one = open("/dev/null", O_RDONLY);
    ck_assert_int_ge(free_one, 0);
    struct hak_closed other = hold();
    int next = open("/dev/null", O_RDONLY);
    ck_assert_int_eq(next, free_one + 1);
    ck_assert(closed.end <= other.start || other.end <= closed.start);
}

RUN_TESTS()
