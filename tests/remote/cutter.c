/* Stands between a client and a server, both on Unix sockets, and cuts all connections after so
 * many bytes, both ways counted: cutter LISTEN SERVER BYTES [silent]. `silent`: it keeps them open
 * then and hands over nothing more. Prints "ready" when it listens; ends when it has cut, or by
 * SIGTERM. */
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

enum { PAIRS = 64 };

static struct pollfd end[1 + 2 * PAIRS]; /* the listener, then client and server by turns */
static int ends = 1;
static long left;

static int on_socket(const char *path, int (*does)(int, const struct sockaddr *, socklen_t)) {
    struct sockaddr_un name = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);
    if (strlen(path) >= sizeof name.sun_path)
        return -1;
    strcpy(name.sun_path, path);
    return fd >= 0 && does(fd, (struct sockaddr *)&name, sizeof name) == 0 ? fd : -1;
}

static void add_pair(const char *server) {
    int client = accept(end[0].fd, NULL, NULL);
    int other = client >= 0 && ends < 2 * PAIRS ? on_socket(server, connect) : -1;
    if (other < 0) {
        close(client);
        return;
    }
    end[ends++] = (struct pollfd){.fd = client, .events = POLLIN};
    end[ends++] = (struct pollfd){.fd = other, .events = POLLIN};
}

/* Hands over what one end has, up to the cut. */
static void hand_over(int from) {
    char bytes[65536];
    int to = ((from - 1) ^ 1) + 1;
    long most = left < (long)sizeof bytes ? left : (long)sizeof bytes;
    ssize_t got = read(end[from].fd, bytes, (size_t)most);
    for (ssize_t done = 0, sent; got > 0 && done < got; done += sent)
        if ((sent = write(end[to].fd, bytes + done, (size_t)(got - done))) <= 0)
            got = 0;
    if (got > 0) {
        left -= got;
        return;
    }
    close(end[from].fd);
    close(end[to].fd);
    end[from].fd = end[to].fd = -1;
}

int main(int argc, char **argv) {
    if (argc < 4 || argc > 5 || (end[0].fd = on_socket(argv[1], bind)) < 0 ||
        listen(end[0].fd, PAIRS) != 0)
        return 2;
    signal(SIGPIPE, SIG_IGN);
    left = atol(argv[3]);
    end[0].events = POLLIN;
    puts("ready");
    fflush(stdout);
    while (left > 0 && poll(end, (nfds_t)ends, -1) > 0) {
        for (int i = 1, count = ends; i < count && left > 0; i++)
            if (end[i].fd >= 0 && end[i].revents)
                hand_over(i);
        if (end[0].revents)
            add_pair(argv[2]);
    }
    if (argc == 5) {
        puts("silent");
        fflush(stdout);
        pause();
    }
    return 0;
}
