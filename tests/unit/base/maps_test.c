/* Lines of /proc/PID/maps are taken apart whatever name a program has given its files; a line that
 * is not whole is none. */
#include "base/maps.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>
#include "../suite.h"

static struct hak_map_line read_line(char *line) {
    struct hak_map_line m;
    ck_assert(hak_map_line_read(&m, line));
    return m;
}

TEST(each_field_is_read) {
    char line[] =
        "7f0012345000-7ffffffff000 r-xs 0000a000 fd:1f 4294967301                  /lib/a.so\n";
    struct hak_map_line m = read_line(line);
    ck_assert_uint_eq(m.start, 0x7f0012345000);
    ck_assert_uint_eq(m.end, 0x7ffffffff000);
    ck_assert_uint_eq(m.offset, 0xa000);
    ck_assert_uint_eq(m.inode, 4294967301);
    ck_assert_uint_eq(m.device, makedev(0xfd, 0x1f));
    ck_assert(m.is_readable && !m.is_writable && m.is_executable && m.is_shared);
    ck_assert_str_eq(m.path, "/lib/a.so");
}

TEST(the_highest_addresses_are_read) {
    char line[] =
        "ffffffffff600000-ffffffffff601000 --xp 00000000 00:00 0                  [vsyscall]\n";
    struct hak_map_line m = read_line(line);
    ck_assert_uint_eq(m.start, 0xffffffffff600000);
    ck_assert_uint_eq(m.end, 0xffffffffff601000);
    ck_assert(!m.is_readable && !m.is_writable && m.is_executable && !m.is_shared);
    ck_assert_str_eq(m.path, "[vsyscall]");
}

TEST(memory_of_no_file_has_no_path) {
    char named[] = "1000-2000 rw-p 00000000 00:00 0 \n", bare[] = "1000-2000 rw-p 00000000 00:00 0";
    ck_assert_str_eq(read_line(named).path, "");
    ck_assert_str_eq(read_line(bare).path, "");
    ck_assert(read_line(bare).is_writable);
}

/* The kernel writes a newline in a name as \012 and nothing else otherwise. */
TEST(a_path_is_as_the_kernel_writes_it) {
    static const char *const paths[] = {
        "/tmp/a\\0127f00-7f01 r-xp 00000000 08:01 1 /lib/evil.so",
        "/tmp/gone.so (deleted)",
        "/tmp/two  blanks and one behind ",
        "/tmp/%s%n%99999d",
        "/tmp/\t\v\r\x1b[2J\xff",
        "/memfd:x y (deleted)",
        "[anon: rw-p /x]",
        "anon_inode:[perf_event]",
    };
    for (size_t i = 0; i < sizeof paths / sizeof *paths; i++) {
        char line[256];
        snprintf(line, sizeof line, "1000-2000 rw-p 00000000 08:01 77     %s\n", paths[i]);
        ck_assert_str_eq(read_line(line).path, paths[i]);
    }
}

TEST(a_long_path_is_whole) {
    enum { LONG = 70000 };
    char *line = malloc(LONG + 64);
    int head = sprintf(line, "1000-2000 r--p 00000000 08:01 77 ");
    memset(line + head, 'x', LONG);
    line[head] = '/';
    strcpy(line + head + LONG, "\n");
    ck_assert_uint_eq(strlen(read_line(line).path), LONG);
    free(line);
}

TEST(a_line_that_is_cut_is_none) {
    static const char whole[] = "1000-2000 r-xp 0000a000 08:01 77 /lib/a.so";
    struct hak_map_line m;
    for (size_t length = 0; length < (size_t)(strstr(whole, "77") - whole); length++) {
        char line[sizeof whole];
        memcpy(line, whole, length);
        line[length] = '\0';
        ck_assert_msg(!hak_map_line_read(&m, line), "'%s' was read", line);
    }
    static const char *const others[] = {"\n", "no map", "1000 2000 r-xp 0 08:01 7 /a",
                                         "1000-2000 r-x 0 08:01 7 /a",
                                         "1000-2000 r-xp 0 0801 7 /a"};
    for (size_t i = 0; i < sizeof others / sizeof *others; i++) {
        char line[64];
        strcpy(line, others[i]);
        ck_assert_msg(!hak_map_line_read(&m, line), "'%s' was read", others[i]);
    }
}

struct search {
    uintptr_t start;
    unsigned seen, most, found;
    struct hak_map_line line;
    char path[256];
};

static bool look_at(void *context, struct hak_map_line *line) {
    struct search *s = context;
    if (line->start == s->start) {
        s->line = *line;
        snprintf(s->path, sizeof s->path, "%s", line->path);
        s->found++;
    }
    return ++s->seen < s->most;
}

TEST(reading_ends_when_its_caller_has_enough) {
    struct search s = {.most = 3};
    ck_assert(!hak_maps_each(getpid(), look_at, &s));
    ck_assert_uint_eq(s.seen, 3);
}

TEST(this_process_maps_a_file_of_a_hostile_name) {
    char folder[] = "/tmp/maps_testXXXXXX", path[128], shown[128];
    ck_assert_ptr_nonnull(mkdtemp(folder));
    snprintf(path, sizeof path, "%s/a\n1-2 r-xp 0 0:0 0 b (deleted)", folder);
    snprintf(shown, sizeof shown, "%s/a\\0121-2 r-xp 0 0:0 0 b (deleted)", folder);
    FILE *file = fopen(path, "w+");
    ck_assert(file && ftruncate(fileno(file), 8192) == 0);
    void *memory = mmap(NULL, 4096, PROT_READ, MAP_SHARED, fileno(file), 4096);
    ck_assert_ptr_ne(memory, MAP_FAILED);
    struct search s = {.start = (uintptr_t)memory, .most = UINT_MAX};
    struct stat about;
    ck_assert(hak_maps_each(getpid(), look_at, &s));
    ck_assert_uint_eq(s.found, 1);
    ck_assert(fstat(fileno(file), &about) == 0);
    ck_assert_uint_eq(s.line.inode, about.st_ino);
    ck_assert_uint_eq(s.line.offset, 4096);
    ck_assert(s.line.is_readable && !s.line.is_writable && s.line.is_shared);
    ck_assert_str_eq(s.path, shown);
    munmap(memory, 4096);
    fclose(file);
    unlink(path);
    rmdir(folder);
}

TEST(a_process_that_is_not_there_has_no_lines) {
    struct search s = {.most = UINT_MAX};
    errno = 0;
    ck_assert(!hak_maps_each(-1, look_at, &s));
    ck_assert_int_eq(errno, ENOENT);
    ck_assert_uint_eq(s.seen, 0);
}

RUN_TESTS()
