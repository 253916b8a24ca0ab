/* Looks at processes by /proc; the kernel makes one of them wait for ever. */
#include <sys/wait.h>
#include "collector/kernel/peer.h"
#include "collector/kernel/pid_namespace.h"
#include "collector/kernel/proc.h"
#include "../fuse_file.h"
#include "../../suite.h"

static char directory[] = "/tmp/hakmem-proc-look-XXXXXX";

TEST(says_what_proc_says) {
    struct stat about;
    struct hak_proc_links links = {.count = 2};
    size_t bytes;
    char *text = hak_proc_read(getpid(), "comm", &bytes), target[64] = "";
    ck_assert_ptr_nonnull(text);
    ck_assert_uint_eq(bytes, strlen(text));
    free(text);
    ck_assert_ptr_null(hak_proc_read(getpid(), "nothing", &bytes));
    ck_assert_uint_eq(bytes, 0);
    ck_assert_int_eq(stat("/proc/self/ns/net", &about), 0);
    ck_assert_uint_eq(hak_proc_inode(getpid(), "ns/net"), about.st_ino);
    int file = hak_proc_open(getpid(), "exe");
    ck_assert_int_eq(fcntl(file, F_GETFD), FD_CLOEXEC);
    ck_assert_int_ne(fcntl(file, F_GETFL) & O_PATH, 0);
    links.descriptors[0] = file;
    links.descriptors[1] = 1000;
    ck_assert(hak_proc_read_links(getpid(), &links));
    ck_assert_int_gt(readlink("/proc/self/exe", target, sizeof target - 1), 0);
    ck_assert_str_eq(links.targets[0], target);
    ck_assert_str_eq(links.targets[1], "");
    close(file);
}

/* Every kind of look, and then those at others. */
TEST(waits_for_nobody) {
    struct fuse_held *held = fuse_held_make();
    struct hak_proc_links links = {.count = 1};
    struct hak_peer peer;
    struct hak_inner_pid inner = {.pid = 1};
    pid_t hostile = fuse_hold_execve(directory, held, 0);
    if (hostile == 0)
        return;
    char *text = hak_proc_read(hostile, "environ", NULL);
    uint64_t inode = hak_proc_inode(hostile, "ns/net");
    int file = hak_proc_open(hostile, "exe");
    bool is_read = hak_proc_read_links(hostile, &links), is_held = hak_proc_is_held(hostile);
    enum hak_peer_answer answer = hak_peer_ask(hostile, &peer);
    bool is_same = hak_peer_is_same(&(struct hak_known_process){hostile, 0});
    pid_t child = hak_pid_of_child(getpid(), &inner);
    enum hak_peer_answer own = hak_peer_ask(getpid(), &peer);
    fuse_end(held);
    ck_assert_ptr_null(text);
    ck_assert_uint_eq(inode, 0);
    ck_assert_int_eq(file, -1);
    ck_assert(!is_read);
    ck_assert(is_held);
    ck_assert_int_eq(answer, HAK_PEER_HELD);
    ck_assert(!is_same); /* it may have another's id */
    ck_assert_int_eq(child, 0);
    ck_assert_int_eq(own, HAK_PEER_THERE);
    while (hak_proc_is_held(hostile)) /* its end, too, lets it go */
        usleep(1000);
    ck_assert_int_eq(hak_peer_ask(hostile, &peer), HAK_PEER_THERE);
    waitpid(hostile, NULL, 0);
}

/* Its own threads are not forked. */
TEST(looks_in_a_forked_child) {
    struct hak_peer peer;
    ck_assert_int_eq(hak_peer_ask(getpid(), &peer), HAK_PEER_THERE);
    pid_t child = fork();
    if (child == 0)
        _exit(hak_peer_ask(getpid(), &peer) == HAK_PEER_THERE ? 0 : 1);
    ck_assert_int_eq(status_of(child), 0);
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
