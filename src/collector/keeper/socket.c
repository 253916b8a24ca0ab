/* The sockets at which programs find the keeper: an abstract name, and on demand a path. */
#include "collector/keeper/socket.h"

#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>
#include "trace/protocol.h"

/* Binds and listens; a descriptor, or -1 with errno. */
static int listen_at(const struct sockaddr_un *address, socklen_t bytes) {
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0)
        return -1;
    if (bind(fd, (const struct sockaddr *)address, bytes) == 0 && listen(fd, SOMAXCONN) == 0)
        return fd;
    int error = errno;
    close(fd);
    errno = error;
    return -1;
}

/* The kernel's number of this network namespace; 0 = it has none (before Linux 5.14). */
static uint64_t own_network(void) {
    uint64_t cookie = 0;
    socklen_t bytes = sizeof cookie;
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0 || getsockopt(fd, SOL_SOCKET, HAK_NETWORK_COOKIE, &cookie, &bytes) != 0)
        cookie = 0;
    if (fd >= 0)
        close(fd);
    return cookie;
}

int hak_socket_open(char name[108]) {
    uint64_t random[2];
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    if (!name[0]) {
        if (getrandom(random, sizeof random, 0) != (ssize_t)sizeof random)
            return -1;
        snprintf(name, 108, "hakmem-%016llx%016llx-%llx", (unsigned long long)random[0],
                 (unsigned long long)random[1], (unsigned long long)own_network());
    }
    size_t length = strnlen(name, sizeof address.sun_path - 1);
    memcpy(address.sun_path + 1, name, length);
    return listen_at(&address, (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 + length));
}

static bool path_of(const char *name, char *path, size_t bytes) {
    int length = snprintf(path, bytes, HAK_KEEPER_FOLDER "%s", name);
    return length > 0 && (size_t)length < bytes && !strchr(name, '/');
}

int hak_socket_open_path(const char *name, bool is_left_behind) {
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    if (!path_of(name, address.sun_path, sizeof address.sun_path))
        return -1;
    if (is_left_behind)
        unlink(address.sun_path);
    int listening = listen_at(&address, sizeof address);
    /* Processes of the tree may have changed their user: the kernel is asked which of them may
     * speak. */
    if (listening >= 0)
        chmod(address.sun_path, 0666);
    return listening;
}

void hak_socket_remove_path(const char *name) {
    char path[sizeof((struct sockaddr_un *)0)->sun_path];
    if (path_of(name, path, sizeof path))
        unlink(path);
}
