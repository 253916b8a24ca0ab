/* The sockets at which programs find the keeper: an abstract name, and on demand a path. */
#ifndef HAK_COLLECTOR_KEEPER_SOCKET_H
#define HAK_COLLECTOR_KEEPER_SOCKET_H

#include <stdbool.h>

/* A listening socket with the abstract name `name`, which is drawn when it is empty. -1 when it
 * cannot be made: errno EADDRINUSE when another keeper has the name. */
int hak_socket_open(char name[108]);

/* Opens a socket with a path, for programs in another network namespace; -1 = it cannot be made.
 * `is_left_behind`: a keeper that died had it, and its file is removed first. */
int hak_socket_open_path(const char *name, bool is_left_behind);
void hak_socket_remove_path(const char *name);

#endif
