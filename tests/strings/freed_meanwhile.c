/* A thread waits in a call of the kernel for its bytes, and the block is freed meanwhile:
 * `freed_meanwhile CALL`. */
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

enum { BYTES = 200000 };

static int ends[2];
static char *block;
static const char *name;
static pid_t waiting;

static long call(void) {
    struct iovec piece = {block, BYTES};
    struct msghdr message = {.msg_iov = &piece, .msg_iovlen = 1};
    if (strcmp(name, "recv") == 0)
        return recv(ends[0], block, BYTES, 0);
    if (strcmp(name, "read") == 0)
        return read(ends[0], block, BYTES);
    if (strcmp(name, "readv") == 0)
        return readv(ends[0], &piece, 1);
    if (strcmp(name, "recvmsg") == 0)
        return recvmsg(ends[0], &message, 0);
    if (strcmp(name, "writev") == 0)
        return writev(ends[0], &piece, 1);
    return write(ends[0], block, BYTES);
}

static void *wait_for_bytes(void *unused) {
    __atomic_store_n(&waiting, (pid_t)syscall(SYS_gettid), __ATOMIC_RELEASE);
    printf("%ld\n", call());
    return unused;
}

/* The kernel tells the call in which a thread sleeps. */
static int sleeps(pid_t tid) {
    char path[64], line[16] = "";
    snprintf(path, sizeof path, "/proc/self/task/%d/stat", (int)tid);
    FILE *file = tid ? fopen(path, "r") : NULL;
    int sleeps = file && fscanf(file, "%*d (%*[^)]) %15s", line) == 1 && line[0] == 'S';
    if (file)
        fclose(file);
    return sleeps;
}

int main(int count, char **arguments) {
    static char bytes[BYTES];
    pthread_t thread;
    if (count < 2 || socketpair(AF_UNIX, SOCK_STREAM, 0, ends) != 0)
        return 2;
    name = arguments[1];
    block = malloc(BYTES);
    memset(block, 1, BYTES);
    int sends = name[0] == 'w';
    if (sends) { /* the socket is full */
        fcntl(ends[0], F_SETFL, O_NONBLOCK);
        while (write(ends[0], bytes, BYTES) > 0)
            continue;
        fcntl(ends[0], F_SETFL, 0);
    }
    if (pthread_create(&thread, NULL, wait_for_bytes, NULL) != 0)
        return 2;
    while (!sleeps(__atomic_load_n(&waiting, __ATOMIC_ACQUIRE)))
        continue;
    free(block);
    if (!sends && write(ends[1], bytes, 4) != 4)
        return 2;
    fcntl(ends[1], F_SETFL, O_NONBLOCK);
    while (pthread_tryjoin_np(thread, NULL) != 0)
        if (sends && read(ends[1], bytes, BYTES) == 0)
            return 2;
    return 0;
}
