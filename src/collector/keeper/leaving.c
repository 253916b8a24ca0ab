/* Closes sockets of others by a child that ends. */
#include "collector/keeper/leaving.h"

#include <signal.h>
#include <stdbool.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

#define PAUSE_MS         50
#define CHILDREN_REAP_MS 100
#define AT_ONCE          64 /* so many do not wait */

/* In the child: is killed when the keeper has closed them, or with it. */
__attribute__((noreturn)) static void end_with_them(pid_t keeper) {
    for (int standard = 0; standard < 3; standard++)
        close(standard);
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    while (getppid() == keeper)
        pause();
    _exit(0);
}

/* Needs no descriptor: these sockets may have used them up. False: no child can be made, and the
 * sockets stay. */
static bool close_all(struct hak_leaving *l) {
    pid_t keeper = getpid(), child = hak_short_child_start(&l->children);
    if (child == 0)
        end_with_them(keeper);
    if (child < 0)
        return false;
    for (int i = 0; i < l->count; i++)
        close(l->sockets[i]);
    l->count = 0;
    kill(child, SIGKILL);
    return true;
}

void hak_leaving_look(struct hak_leaving *l, uint64_t now_ms) {
    if (l->count > 0 && now_ms >= l->due_ms)
        l->due_ms = close_all(l) ? 0 : now_ms + PAUSE_MS;
    else
        hak_short_child_reap(&l->children);
}

void hak_leaving_end(struct hak_leaving *l) {
    bool is_closed = l->count == 0;
    for (int waited = 0; (!is_closed || l->children.count > 0) && waited < CHILDREN_REAP_MS;
         waited++) {
        is_closed = is_closed || close_all(l);
        usleep(1000);
        hak_short_child_reap(&l->children);
    }
}

void hak_leaving_add_listening(struct hak_leaving *l, int socket) {
    if (l->count < HAK_LEAVING_SOCKETS)
        l->sockets[l->count++] = socket;
}

int hak_leaving_room(const struct hak_leaving *l) {
    return HAK_LEAVING_SOCKETS - l->count;
}

void hak_leaving_add(struct hak_leaving *l, int socket, uint64_t now_ms) {
    int unread = 1;
    shutdown(socket, SHUT_RDWR);
    if (ioctl(socket, FIONREAD, &unread) == 0 && unread == 0) {
        close(socket);
        return;
    }
    if (l->count == 0)
        l->due_ms = now_ms + PAUSE_MS;
    if (l->count < HAK_LEAVING_SOCKETS)
        l->sockets[l->count++] = socket;
    if (l->count == AT_ONCE) /* later it is looked at when it is time */
        (void)close_all(l);
}
