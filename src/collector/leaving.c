/* Closes sockets of others by a child that ends. */
#include "collector/leaving.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#define PAUSE_MS 50
#define REAP_MS  100

/* In the child: ends when `gate` is closed in the keeper. */
__attribute__((noreturn)) static void end_with_them(const int gate[2]) {
    char nothing;
    for (int standard = 0; standard < 3; standard++)
        close(standard);
    close(gate[1]);
    while (read(gate[0], &nothing, 1) < 0 && errno == EINTR)
        continue;
    _exit(0);
}

static void close_all(struct hak_leaving *l) {
    int gate[2] = {-1, -1};
    if (pipe2(gate, O_CLOEXEC) == 0 && hak_short_child_start(&l->children) == 0)
        end_with_them(gate);
    for (int i = 0; i < l->count; i++)
        close(l->sockets[i]);
    l->count = 0;
    for (int i = 0; i < 2; i++)
        if (gate[i] >= 0)
            close(gate[i]);
}

void hak_leaving_look(struct hak_leaving *l, uint64_t now_ms) {
    if (l->count > 0 && now_ms >= l->due_ms)
        close_all(l);
    else
        hak_short_child_reap(&l->children);
}

void hak_leaving_end(struct hak_leaving *l) {
    if (l->count > 0)
        close_all(l);
    for (int waited = 0; l->children.count > 0 && waited < REAP_MS; waited++) {
        usleep(1000);
        hak_short_child_reap(&l->children);
    }
}

void hak_leaving_add_listening(struct hak_leaving *l, int socket) {
    if (l->count == HAK_LEAVING_SOCKETS)
        close_all(l);
    l->sockets[l->count++] = socket;
}

void hak_leaving_add(struct hak_leaving *l, int socket, uint64_t now_ms) {
    int unread = 1;
    shutdown(socket, SHUT_RDWR);
    if (ioctl(socket, FIONREAD, &unread) == 0 && unread == 0) {
        close(socket);
        return;
    }
    if (l->count == HAK_LEAVING_SOCKETS)
        close_all(l);
    if (l->count == 0)
        l->due_ms = now_ms + PAUSE_MS;
    l->sockets[l->count++] = socket;
}
