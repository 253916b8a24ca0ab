/* Decides which user at the other end of a socket may have a program's memory, or speak to a
 * keeper: the rule alone, for both sides (trace/collector/connect.c here, collector/kernel/peer.c
 * there).
 *
 *   SO_PEERCRED's uid            answer
 *   0                            yes: root of this user namespace can read the memory anyway
 *   all three uids of our own    yes: so can this user, by ptrace
 *   65534, not all users known   open: how the kernel names each user that this namespace lacks
 *   any other                    no
 *
 * One of the own uids is not enough: root that acts as a user for a moment is not that user's. */
#ifndef HAK_TRACE_TRUST_H
#define HAK_TRACE_TRUST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define HAK_TRUST_UNKNOWN_USER 65534u
#define HAK_TRUST_ALL_USERS    4294967295u

enum hak_trust { HAK_TRUST_NO, HAK_TRUST_YES, HAK_TRUST_OPEN };

/* Whether this user namespace knows every user, by the text of /proc/self/uid_map. */
static inline bool hak_trust_knows_all(const char *uid_map) {
    static const uint64_t due[] = {0, 0, HAK_TRUST_ALL_USERS};
    for (int i = 0; i < 3; i++) {
        uint64_t number = 0;
        while (*uid_map == ' ')
            uid_map++;
        if (*uid_map < '0' || *uid_map > '9')
            return false;
        for (; *uid_map >= '0' && *uid_map <= '9'; uid_map++)
            number = number * 10 + (uint64_t)(*uid_map - '0');
        if (number != due[i])
            return false;
    }
    return true;
}

/* Judges a peer's user: yes for root and for the process's only user (`own`: real, effective and
 * saved uid), open where the namespace does not know it. */
static inline enum hak_trust hak_trust_user(uint32_t peer, const uint32_t own[3], bool knows_all) {
    if (peer == HAK_TRUST_UNKNOWN_USER && !knows_all)
        return HAK_TRUST_OPEN;
    bool is_own = peer == own[0] && peer == own[1] && peer == own[2];
    return peer == 0 || is_own ? HAK_TRUST_YES : HAK_TRUST_NO;
}

/* Are all of our own uids the one that the kernel gives to users that are not known? Then kill(pid,
 * 0) tells whether a process is of the same user: the kernel compares the real ones. */
static inline bool hak_trust_is_unknown(const uint32_t own[3]) {
    return own[0] == HAK_TRUST_UNKNOWN_USER && own[1] == HAK_TRUST_UNKNOWN_USER &&
           own[2] == HAK_TRUST_UNKNOWN_USER;
}

#endif
