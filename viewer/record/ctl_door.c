/* The address at which a heap profile is served, and the token that it asks for. */
#include "viewer/record/ctl_serve.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

enum { WAITING_CLIENTS = 16, PORT_MAX = 65535 };

/* An address to bind to. */
union place {
    struct sockaddr any;
    struct sockaddr_in four;
    struct sockaddr_in6 six;
    struct sockaddr_un path;
};

/* ---- the token ---------------------------------------------------------------------------------
 */

/* Whether it can stand in a header and nobody guesses it. */
static bool is_good_token(const char *token) {
    size_t bytes = strlen(token);
    for (const char *c = token; *c; c++)
        if (*c <= ' ' || *c > '~')
            return false;
    return bytes >= CTL_TOKEN_MIN && bytes <= CTL_TOKEN_MAX;
}

/* Reads the one line of the file. False: the error is printed. */
static bool read_token(const char *path, char token[CTL_TOKEN_MAX + 1]) {
    char text[CTL_TOKEN_MAX + 2] = "";
    struct stat about;
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    ssize_t bytes = -1;
    if (fd >= 0 && fstat(fd, &about) == 0)
        bytes = read(fd, text, sizeof text);
    int error = errno;
    if (fd >= 0)
        close(fd);
    if (bytes < 0) {
        view_error("ctl: --token %s: %s", path, strerror(error));
        return false;
    }
    if (!S_ISREG(about.st_mode) || (about.st_mode & 077)) {
        view_error("ctl: --token %s: a file that only its owner may read was expected (chmod 600)",
                   path);
        return false;
    }
    text[(size_t)bytes < sizeof text ? (size_t)bytes : sizeof text - 1] = 0;
    text[strcspn(text, "\r\n")] = 0;
    if (!is_good_token(text)) {
        view_error("ctl: --token %s: one line of %d to %d visible ASCII characters was expected",
                   path, CTL_TOKEN_MIN, CTL_TOKEN_MAX);
        return false;
    }
    memcpy(token, text, strlen(text) + 1);
    return true;
}

/* ---- the address -------------------------------------------------------------------------------
 */

/* Reads a port; -1: it is none. */
static int read_port(const char *text) {
    int port = 0;
    if (!*text)
        return -1;
    for (; *text; text++) {
        port = *text >= '0' && *text <= '9' ? port * 10 + *text - '0' : PORT_MAX + 1;
        if (port > PORT_MAX)
            return -1;
    }
    return port;
}

/* Reads HOST:PORT, HOST a number or localhost. False: it is none. */
static bool read_host(const char *typed, union place *place, socklen_t *bytes) {
    char host[INET6_ADDRSTRLEN + 2];
    const char *colon = strrchr(typed, ':');
    int port = colon ? read_port(colon + 1) : -1;
    size_t length = colon ? (size_t)(colon - typed) : 0;
    if (port < 0 || length == 0 || length >= sizeof host)
        return false;
    memcpy(host, typed, length);
    host[length] = 0;
    if (host[0] == '[' && host[length - 1] == ']') {
        host[length - 1] = 0;
        *bytes = sizeof place->six;
        place->six =
            (struct sockaddr_in6){.sin6_family = AF_INET6, .sin6_port = htons((uint16_t)port)};
        return inet_pton(AF_INET6, host + 1, &place->six.sin6_addr) == 1;
    }
    *bytes = sizeof place->four;
    place->four = (struct sockaddr_in){.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
    return inet_pton(AF_INET, strcmp(host, "localhost") == 0 ? "127.0.0.1" : host,
                     &place->four.sin_addr) == 1;
}

static bool is_loopback_place(const union place *place) {
    return place->any.sa_family == AF_INET6
               ? IN6_IS_ADDR_LOOPBACK(&place->six.sin6_addr)
               : ntohl(place->four.sin_addr.s_addr) >> 24 == IN_LOOPBACKNET;
}

/* Reads the path of a Unix socket. False: it is too long. */
static bool read_path(const char *path, union place *place, socklen_t *bytes) {
    size_t length = strlen(path);
    if (length == 0 || length >= sizeof place->path.sun_path)
        return false;
    *bytes = sizeof place->path;
    place->path = (struct sockaddr_un){.sun_family = AF_UNIX};
    memcpy(place->path.sun_path, path, length + 1);
    return true;
}

/* Reads --serve. False: the error is printed. */
static bool read_place(const struct view *view, union place *place, socklen_t *bytes,
                       const char **path) {
    const char *typed = view_value(view, "serve");
    *path = strncmp(typed, "unix:", 5) == 0 ? typed + 5 : NULL;
    if (*path ? read_path(*path, place, bytes) : read_host(typed, place, bytes))
        return true;
    view_error("ctl: --serve %s: 127.0.0.1:PORT, [::1]:PORT or unix:PATH was expected%s", typed,
               *path ? ", PATH of 1 to 107 bytes" : "");
    return false;
}

bool ctl_read_door(const struct view *view, struct ctl_door *door) {
    union place place;
    socklen_t bytes;
    const char *token = view_value(view, "token");
    *door = (struct ctl_door){.listener = -1};
    if (!read_place(view, &place, &bytes, &door->path))
        return false;
    door->is_loopback = !door->path && is_loopback_place(&place);
    if (!door->path && !door->is_loopback && !(view_given(view, "anywhere") && token)) {
        view_error("ctl: --serve %s: other machines may reach this address; that needs --anywhere "
                   "and --token FILE",
                   view_value(view, "serve"));
        return false;
    }
    return !token || read_token(token, door->token);
}

/* ---- the socket --------------------------------------------------------------------------------
 */

/* Removes a socket in which nobody listens any more, of a process that was killed. One at which
 * many clients wait is not waited for. */
static void remove_stale(const union place *place, socklen_t bytes) {
    struct stat about;
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd >= 0 && lstat(place->path.sun_path, &about) == 0 && S_ISSOCK(about.st_mode) &&
        connect(fd, &place->any, bytes) != 0 && errno == ECONNREFUSED)
        unlink(place->path.sun_path);
    if (fd >= 0)
        close(fd);
}

/* Writes the address as clients name it: the kernel chooses the port where 0 was asked for. */
static void name_door(struct ctl_door *door) {
    union place place = {.any.sa_family = AF_UNSPEC};
    socklen_t bytes = sizeof place;
    char host[INET6_ADDRSTRLEN] = "";
    (void)getsockname(door->listener, &place.any, &bytes);
    if (door->path)
        snprintf(door->address, sizeof door->address, "unix:%s", door->path);
    else if (place.any.sa_family == AF_INET6)
        snprintf(door->address, sizeof door->address, "http://[%s]:%d",
                 inet_ntop(AF_INET6, &place.six.sin6_addr, host, sizeof host),
                 ntohs(place.six.sin6_port));
    else
        snprintf(door->address, sizeof door->address, "http://%s:%d",
                 inet_ntop(AF_INET, &place.four.sin_addr, host, sizeof host),
                 ntohs(place.four.sin_port));
}

/* Notes which file the socket is. */
static void note_socket(struct ctl_door *door) {
    struct stat about;
    if (lstat(door->path, &about) == 0 && S_ISSOCK(about.st_mode)) {
        door->device = about.st_dev;
        door->inode = about.st_ino;
    }
}

/* Whether the socket at the path is the one that was bound: somebody may have removed that, and
 * bound another one. */
static bool is_own_socket(const struct ctl_door *door) {
    struct stat about;
    return door->inode && lstat(door->path, &about) == 0 && S_ISSOCK(about.st_mode) &&
           about.st_dev == door->device && about.st_ino == door->inode;
}

/* Binds the socket and listens; only the user may connect to a Unix socket. False: errno says
 * why. */
static bool listen_at(struct ctl_door *door, const union place *place, socklen_t bytes) {
    int one = 1;
    if (door->path)
        remove_stale(place, bytes);
    else
        (void)setsockopt(door->listener, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
    mode_t mask = umask(0177);
    bool is_bound = bind(door->listener, &place->any, bytes) == 0;
    int error = errno;
    umask(mask);
    if (is_bound && door->path)
        note_socket(door);
    errno = error;
    return is_bound && listen(door->listener, WAITING_CLIENTS) == 0;
}

bool ctl_open_door(const struct view *view, struct ctl_door *door) {
    union place place;
    socklen_t bytes;
    if (!read_place(view, &place, &bytes, &door->path))
        return false;
    door->listener = socket(place.any.sa_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (door->listener >= 0 && listen_at(door, &place, bytes)) {
        name_door(door);
        return true;
    }
    view_error("ctl: --serve %s: %s", view_value(view, "serve"), strerror(errno));
    if (door->listener >= 0)
        close(door->listener);
    door->listener = -1;
    return false;
}

void ctl_close_door(struct ctl_door *door) {
    if (door->listener < 0)
        return;
    if (door->path && is_own_socket(door)) /* while it is open no other file has its inode */
        unlink(door->path);
    close(door->listener);
    door->listener = -1;
}
