/* The files of HAKMEM_HEAP_PROFILE_DUMP: which of them go. */
#include "unit/suite.h"

#include <sys/wait.h>
#include "collector/kernel/peer.h"
#include "collector/sampled/files.h"
#include "collector/sampled/sampled.h"
#include "../fuse_file.h"

enum { TOO_MANY = HAK_HEAP_DUMP_ENDED + 1 };

static char directory[] = "/tmp/hakmem-dump-files-XXXXXX";

static void path_of(char *path, size_t bytes, pid_t owner, int number) {
    snprintf(path, bytes, "%s/hakmem-heap.program.%d.%04d.db", directory, (int)owner, number);
}

static pid_t make_ended(void) {
    pid_t ended = fork();
    if (ended == 0)
        _exit(0);
    waitpid(ended, NULL, 0);
    return ended;
}

/* Makes more old files of one process than may stay; their names are those of `named`. */
static void make_files(pid_t named, pid_t owner) {
    struct hak_sampled_node node = {0};
    struct hak_sampled_site site = {.came = {1, 100}};
    const struct hak_sampled_pull pull = {
        .node = &node, .site = &site, .nodes = 1, .sites = 1, .rate = 524288, .ns = 5000};
    const struct hak_sampled_program program = {.pid = owner,
                                                .start_time = 1,
                                                .program = "/srv/program",
                                                .command_line = "program",
                                                .level = "light"};
    const struct timespec old[2] = {{.tv_sec = 1000}, {.tv_sec = 1000}};
    char first[128], path[128];
    path_of(first, sizeof first, named, 1);
    ck_assert_int_eq(hak_sampled_store(&program, &pull, 1, first, true, NULL), 0);
    ck_assert_int_eq(utimensat(AT_FDCWD, first, old, 0), 0);
    for (int number = 2; number <= TOO_MANY; number++) {
        path_of(path, sizeof path, named, number);
        ck_assert_int_eq(link(first, path), 0);
    }
}

/* Removes what is left; how many there were. */
static int end_files(pid_t named) {
    char path[128];
    int left = 0;
    for (int number = 1; number <= TOO_MANY; number++) {
        path_of(path, sizeof path, named, number);
        left += unlink(path) == 0;
    }
    return left;
}

static void remove_oldest(void) {
    struct hak_heap_dump head = {.pid = getpid()};
    struct hak_dump_files files;
    snprintf(head.directory, sizeof head.directory, "%s", directory);
    hak_dump_files_begin(&files, &head);
    hak_dump_files_remove_oldest(&files);
}

TEST(of_ended_ones_the_oldest_goes) {
    pid_t ended = make_ended();
    make_files(ended, ended);
    remove_oldest();
    ck_assert_int_eq(end_files(ended), HAK_HEAP_DUMP_ENDED);
}

/* On a machine with much to do a living process may not be looked at in time. */
TEST(none_goes_of_a_process_that_cannot_be_looked_at) {
    struct fuse_held *held = fuse_held_make();
    struct hak_peer peer;
    pid_t ended = make_ended(), hostile = fuse_hold_execve(directory, held, 0);
    if (hostile == 0)
        return;
    enum hak_peer_answer answer = hak_peer_ask(hostile, &peer);
    make_files(ended, hostile);
    remove_oldest();
    int left = end_files(ended);
    fuse_end(held);
    waitpid(hostile, NULL, 0);
    ck_assert_int_eq(answer, HAK_PEER_HELD);
    ck_assert_int_eq(left, TOO_MANY);
}

static int run_in_directory(const struct suite *suite, int count CK_ATTRIBUTE_UNUSED,
                            char **arguments CK_ATTRIBUTE_UNUSED) {
    if (!mkdtemp(directory))
        return 1;
    int failed = run_suite(suite);
    rmdir(directory);
    return failed;
}
RUN_TESTS(.run = run_in_directory)
