/* Closes sockets of others by a child that ends. */
#include "collector/leaving.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define PAUSE_MS 50
#define REAP_MS  100

static void reap(struct hak_leaving *l) {
    for (int i = 0; i < l->child_count;)
        if (waitpid(l->children[i], NULL, WNOHANG | __WCLONE) != 0)
            l->children[i] = l->children[--l->child_count];
        else
            i++;
}

/* A child without a signal at its end, which waits until `gate` is closed here. Between fork and
 * end only system calls are safe. */
static pid_t start_child(const int gate[2]) {
    char nothing;
    pid_t child = (pid_t)syscall(SYS_clone, 0, 0, 0, 0, 0);
    if (child != 0)
        return child;
    for (int standard = 0; standard < 3; standard++)
        close(standard);
    close(gate[1]);
    while (read(gate[0], &nothing, 1) < 0 && errno == EINTR)
        continue;
    _exit(0);
}

static void close_all(struct hak_leaving *l) {
    int gate[2] = {-1, -1};
    reap(l);
    if (l->child_count < HAK_LEAVING_CHILDREN && pipe2(gate, O_CLOEXEC) == 0) {
        pid_t child = start_child(gate);
        if (child > 0)
            l->children[l->child_count++] = child;
    }
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
        reap(l);
}

void hak_leaving_end(struct hak_leaving *l) {
    if (l->count > 0)
        close_all(l);
    for (int waited = 0; l->child_count > 0 && waited < REAP_MS; waited++) {
        usleep(1000);
        reap(l);
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
