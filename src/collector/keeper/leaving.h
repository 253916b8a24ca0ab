/* Sockets of others, closed so that it takes no time. Unread messages in one may hold descriptors,
 * and the holder of the last copy of a descriptor waits while it closes: for hours, with a TCP
 * socket that lingers (SO_LINGER). The kernel lets a process that ends linger for nothing:
 *
 *   socket --add--> some at a time --> a child that has them, too --> closed here
 *                                           |
 *                                           +--> is killed, and with it the last of each
 *
 * While no child can be made (RLIMIT_NPROC, pids cgroup) the sockets stay, and it is tried again;
 * the end of this process closes them as well. The caller makes sure that there is room. */
#ifndef HAK_COLLECTOR_KEEPER_LEAVING_H
#define HAK_COLLECTOR_KEEPER_LEAVING_H

#include <stdint.h>
#include "collector/kernel/kernel.h"

#define HAK_LEAVING_SOCKETS 192

struct hak_leaving {
    int sockets[HAK_LEAVING_SOCKETS];
    int count;
    uint64_t due_ms;
    struct hak_short_children children;
};

/* Ends the connection at once and closes its socket soon. `now_ms`: CLOCK_MONOTONIC. */
void hak_leaving_add(struct hak_leaving *l, int socket, uint64_t now_ms);
/* The same for a listening socket. Others may have copies: it goes on for them. */
void hak_leaving_add_listening(struct hak_leaving *l, int socket);
/* How many more can be added. One that finds no room stays open. */
int hak_leaving_room(const struct hak_leaving *l);
/* Closes the sockets, when it is time. */
void hak_leaving_look(struct hak_leaving *l, uint64_t now_ms);
/* Closes the sockets, and waits a moment for the children; those that no child can close stay open.
 */
void hak_leaving_end(struct hak_leaving *l);

#endif
