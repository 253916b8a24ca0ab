/* Connects to a keeper's socket, and checks the listener there: no memory goes to a stranger.
 *
 *   NAME, NAME.1 ... (abstract) --refused, or a stranger's--> /tmp/NAME
 *                                                             of this process's user or root?
 *
 * Every user can read an abstract name (/proc/net/unix) and bind it once its keeper is dead. */
#include <errno.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include "platform/platform.h"
#include "platform/raw_call.h"
#include "trace/collector/collector.h"
#include "trace/memory/memory.h"
#include "trace/trust.h"
#include "trace/wait.h"

enum { ANSWERS_LIMIT_MS = 200 };

static _Atomic int64_t stranger = -1; /* uid of the last one */

int64_t hak_collector_stranger(void) {
    return atomic_load(&stranger);
}

/* SO_PEERCRED, as the kernel translates it for this process: pid 0 = in another pid namespace. */
struct peer {
    int pid;
    uint32_t uid, gid;
};

static bool ask_peer(long socket_end, struct peer *peer) {
    uint32_t bytes = sizeof *peer;
    return hak_raw_call(SYS_getsockopt, socket_end, SOL_SOCKET, SO_PEERCRED, peer, &bytes) == 0;
}

/* Whether the listener at the other end may have this process's memory. A user whom this user
 * namespace does not know is nobody's word: then the listener must be an ancestor (`run`), or of
 * the same user by the kernel's own comparison. */
static bool is_trusted(long socket_end) {
    struct peer peer = {0, UINT32_MAX, 0};
    uint32_t own[3] = {0, 0, 0};
    char users[128];
    if (hak_raw_call(SYS_getresuid, &own[0], &own[1], &own[2]) != 0 || !ask_peer(socket_end, &peer))
        return false;
    bool knows_all = peer.uid != HAK_TRUST_UNKNOWN_USER ||
                     (hak_proc_read_text("/proc/self/uid_map", users, sizeof users) &&
                      hak_trust_knows_all(users));
    enum hak_trust trust = hak_trust_user(peer.uid, own, knows_all);
    if (trust == HAK_TRUST_OPEN && peer.pid > 0 &&
        ((hak_trust_is_unknown(own) && hak_raw_call(SYS_kill, peer.pid) == 0) ||
         hak_proc_descends_from(peer.pid)))
        trust = HAK_TRUST_YES;
    if (trust != HAK_TRUST_YES)
        atomic_store(&stranger, peer.uid);
    return trust == HAK_TRUST_YES;
}

/* Connects to `address`; a descriptor or a negative errno, -EPERM when a stranger listens there. A
 * queue that stays full for `limit_ms` is -EAGAIN. */
static long connect_at(const struct sockaddr_un *address, socklen_t bytes, uint32_t limit_ms) {
    long made = hak_raw_call(SYS_socket, AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC);
    if (made < 0)
        return made;
    int socket_end = hak_lift_file(made);
    if (socket_end < 0)
        return -EMFILE;
    struct timeval limit = {limit_ms / 1000, (limit_ms % 1000) * 1000};
    (void)hak_raw_call(SYS_setsockopt, socket_end, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit);
    long result;
    do
        result = hak_raw_call(SYS_connect, socket_end, address, bytes);
    while (result == -EINTR);
    if (result == 0 && !is_trusted(socket_end))
        result = -EPERM;
    if (result == -EAGAIN)
        atomic_store(&stranger, HAK_STRANGER_SILENT);
    if (result == 0)
        return socket_end;
    hak_close(socket_end);
    return result;
}

long hak_collector_connect(const char *name, uint32_t limit_ms) {
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    static const char folder[] = HAK_KEEPER_FOLDER;
    size_t length = strlen(name);
    if (length == 0 || length > sizeof address.sun_path - sizeof folder || strchr(name, '/'))
        return -EINVAL;
    memcpy(address.sun_path + 1, name, length); /* abstract: begins with NUL */
    long result = connect_at(
        &address, (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 + length), limit_ms);
    if (result != -ECONNREFUSED && result != -EPERM && result != -EAGAIN)
        return result;
    memcpy(address.sun_path, folder, sizeof folder - 1);
    memcpy(address.sun_path + sizeof folder - 1, name, length + 1);
    long by_path = connect_at(&address, sizeof address, limit_ms);
    return by_path >= 0 ? by_path : result;
}

/* True when nobody of ours takes connections; not where this process could not ask. */
static bool is_refusal(long error) {
    return error == -ECONNREFUSED || error == -EPERM || error == -EAGAIN || error == -EINVAL;
}

bool hak_collector_answers(const char *name) {
    long socket_end = hak_collector_connect(name, ANSWERS_LIMIT_MS);
    hak_close(socket_end);
    return !is_refusal(socket_end);
}

long hak_collector_ask(const char *name) {
    const struct hak_hello hello = {
        .magic = HAK_HELLO_MAGIC, .version = HAK_SESSION_VERSION, .kind = HAK_HELLO_ASK};
    long socket_end = hak_collector_connect(name, ANSWERS_LIMIT_MS);
    if (socket_end < 0)
        return socket_end;
    /* A keeper that cannot take it has answered already, or is gone. */
    (void)hak_raw_call(SYS_sendto, socket_end, &hello, sizeof hello, MSG_NOSIGNAL);
    if (!hak_call_is_forbidden(SYS_sendto) && !hak_call_is_forbidden(SYS_recvfrom) &&
        !hak_call_is_forbidden(SYS_setsockopt))
        return socket_end;
    hak_close(socket_end);
    return -EACCES;
}

enum hak_keeper_word hak_collector_hear(long asked, uint32_t limit_ms) {
    struct timeval limit = {limit_ms / 1000, (limit_ms % 1000) * 1000};
    char first;
    if (asked < 0)
        return is_refusal(asked) ? HAK_KEEPER_GONE : HAK_KEEPER_LIVES;
    (void)hak_raw_call(SYS_setsockopt, asked, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
    long got = hak_raw_call(SYS_recvfrom, asked, &first, sizeof first);
    return got > 0                           ? HAK_KEEPER_LIVES
           : got == -EAGAIN || got == -EINTR ? HAK_KEEPER_SILENT
                                             : HAK_KEEPER_GONE;
}

bool hak_collector_answers_inside(const char *name) {
    struct peer peer = {0};
    long socket_end = hak_collector_connect(name, ANSWERS_LIMIT_MS);
    if (socket_end < 0)
        return false;
    bool is_inside = ask_peer(socket_end, &peer) && peer.pid > 0;
    hak_close(socket_end);
    return is_inside;
}
