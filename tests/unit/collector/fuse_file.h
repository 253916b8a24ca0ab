/* A file whose server answers everything but the close of it (FUSE_FLUSH): a process that closes it
 * waits as long as the server lives, and not even SIGKILL ends that. A process that executes a
 * program with it waits, too, and so does all that looks at that process by /proc: ps, too.
 *
 * So the server ends with the test, however that ends, and after a minute where the test waits for
 * it itself. It may not be left to the holder's end (PR_SET_PDEATHSIG), which waits for the server.
 */
#ifndef HAK_TESTS_FUSE_FILE_H
#define HAK_TESTS_FUSE_FILE_H

#include <errno.h>
#include <fcntl.h>
#include <linux/fuse.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define FUSE_SECONDS 60

static inline void fuse_answer(int server, uint64_t unique, int error, const void *body,
                               size_t bytes) {
    char message[512];
    struct fuse_out_header head = {(uint32_t)(sizeof head + bytes), error, unique};
    memcpy(message, &head, sizeof head);
    memcpy(message + sizeof head, body, bytes);
    (void)!write(server, message, sizeof head + bytes);
}

struct fuse_held {
    pid_t test; /* the server lives as long as this process */
    _Atomic pid_t server;
    _Atomic int closes; /* that wait */
};

/* For all processes of the test. */
static inline struct fuse_held *fuse_held_make(void) {
    void *shared = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    struct fuse_held *held = shared == MAP_FAILED ? NULL : shared;
    if (held)
        held->test = getpid();
    return held;
}

/* The next request has come. False: the test has ended. */
static inline bool fuse_await(int server, int test) {
    struct pollfd both[2] = {{.fd = server, .events = POLLIN}, {.fd = test, .events = POLLIN}};
    return poll(both, 2, -1) > 0 && both[1].revents == 0;
}

static inline void fuse_serve(int server, struct fuse_held *held) {
    static char request[1 << 17];
    static const struct fuse_init_out init = {.major = 7, .minor = 31, .max_write = 4096};
    static const struct fuse_entry_out entry = {
        .nodeid = 2, .attr = {.ino = 2, .mode = S_IFREG | 0666, .nlink = 1}};
    static const struct fuse_open_out open_file = {.fh = 0};
    int test = (int)syscall(SYS_pidfd_open, held->test, 0);
    alarm(FUSE_SECONDS);
    while (test >= 0 && fuse_await(server, test) && read(server, request, sizeof request) > 0) {
        const struct fuse_in_header *in = (const void *)request;
        uint32_t mode = in->nodeid == 1 ? S_IFDIR | 0777 : S_IFREG | 0666;
        struct fuse_attr_out attr = {.attr = {.ino = in->nodeid, .mode = mode, .nlink = 1}};
        switch (in->opcode) {
        case FUSE_INIT:
            fuse_answer(server, in->unique, 0, &init, sizeof init);
            break;
        case FUSE_LOOKUP:
            fuse_answer(server, in->unique, 0, &entry, sizeof entry);
            break;
        case FUSE_OPEN:
            fuse_answer(server, in->unique, 0, &open_file, sizeof open_file);
            break;
        case FUSE_GETATTR:
            fuse_answer(server, in->unique, 0, &attr, sizeof attr);
            break;
        case FUSE_FLUSH:
            atomic_fetch_add(&held->closes, 1);
            break;
        case FUSE_FORGET:
        case FUSE_RELEASE:
            break;
        default:
            fuse_answer(server, in->unique, -ENOSYS, NULL, 0);
            break;
        }
    }
    _exit(0);
}

/* Such a file, in a mount namespace of this process's own; -1 = not allowed here. */
static inline int fuse_file_open(const char *directory, struct fuse_held *held) {
    char options[128], path[256];
    int server = open("/dev/fuse", O_RDWR | O_CLOEXEC);
    snprintf(options, sizeof options, "fd=%d,rootmode=40000,user_id=0,group_id=0", server);
    snprintf(path, sizeof path, "%s/file", directory);
    if (server < 0 || unshare(CLONE_NEWNS) != 0 ||
        mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) != 0 ||
        mount("none", directory, "fuse", 0, options) != 0)
        return -1;
    pid_t child = fork();
    if (child == 0)
        fuse_serve(server, held);
    atomic_store(&held->server, child);
    close(server);
    return child > 0 ? open(path, O_RDWR | O_CLOEXEC) : -1;
}

/* All that wait for it go on. */
static inline void fuse_end(struct fuse_held *held) {
    if (held && held->server > 0)
        kill(held->server, SIGKILL);
    if (held)
        munmap(held, 4096);
}

/* A process in these namespaces of its own whose execve does not end; 0 = not allowed here. */
static inline pid_t fuse_hold_execve(const char *directory, struct fuse_held *held, int spaces) {
    pid_t pid = fork();
    if (pid == 0) {
        if (unshare(spaces) == 0 && fuse_file_open(directory, held) >= 0)
            execl("/bin/true", "true", NULL);
        _exit(1);
    }
    while (atomic_load(&held->closes) == 0) {
        if (waitpid(pid, NULL, WNOHANG) != 0) {
            puts("no namespace or no FUSE here: not tried");
            return 0;
        }
        usleep(1000);
    }
    return pid;
}

#endif
