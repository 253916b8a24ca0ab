/* A file whose server answers everything but the close of it (FUSE_FLUSH): who closes it waits as
 * long as the server lives, and not even SIGKILL ends that. */
#ifndef HAK_TESTS_FUSE_FILE_H
#define HAK_TESTS_FUSE_FILE_H

#include <errno.h>
#include <fcntl.h>
#include <linux/fuse.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>

static inline void fuse_answer(int server, uint64_t unique, int error, const void *body,
                               size_t bytes) {
    char message[512];
    struct fuse_out_header head = {(uint32_t)(sizeof head + bytes), error, unique};
    memcpy(message, &head, sizeof head);
    memcpy(message + sizeof head, body, bytes);
    (void)!write(server, message, sizeof head + bytes);
}

static inline void fuse_serve(int server) {
    static char request[1 << 17];
    static const struct fuse_init_out init = {.major = 7, .minor = 31, .max_write = 4096};
    static const struct fuse_entry_out entry = {
        .nodeid = 2, .attr = {.ino = 2, .mode = S_IFREG | 0666, .nlink = 1}};
    static const struct fuse_open_out open_file = {.fh = 0};
    while (read(server, request, sizeof request) > 0) {
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

/* Such a file, in a mount namespace of this process's own, and its server, which ends with this
 * process; -1 = not allowed here. */
static inline int fuse_file_open(const char *directory, pid_t *server_pid) {
    char options[128], path[256];
    int server = open("/dev/fuse", O_RDWR | O_CLOEXEC);
    snprintf(options, sizeof options, "fd=%d,rootmode=40000,user_id=0,group_id=0", server);
    snprintf(path, sizeof path, "%s/file", directory);
    if (server < 0 || unshare(CLONE_NEWNS) != 0 ||
        mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) != 0 ||
        mount("none", directory, "fuse", 0, options) != 0)
        return -1;
    *server_pid = fork();
    if (*server_pid == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        fuse_serve(server);
    }
    close(server);
    return open(path, O_RDWR | O_CLOEXEC);
}

#endif
