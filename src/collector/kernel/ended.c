/* Asks the kernel by a pidfd how a process ended. */
#include "collector/kernel/ended.h"

#include <stdint.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <unistd.h>

/* As in linux/pidfd.h since 6.13; the exit code is in it since 6.15. */
struct pidfd_facts {
    uint64_t mask, cgroup;
    uint32_t ids[11];
    int32_t exit_code;
};
#define FACTS_EXIT ((uint64_t)1 << 3)
#define GET_FACTS  _IOWR(0xff, 11, struct pidfd_facts)

int hak_ended_status(int pidfd) {
    struct pidfd_facts facts = {.mask = FACTS_EXIT};
    bool is_known = ioctl(pidfd, GET_FACTS, &facts) == 0 && (facts.mask & FACTS_EXIT);
    return is_known ? facts.exit_code & 0xffff : -1;
}

/* The answer to a question about a living process does not say whether it has the exit code later,
 * so that the version decides, too. */
bool hak_ended_can_ask(void) {
    struct pidfd_facts facts = {.mask = FACTS_EXIT};
    struct utsname about;
    unsigned version = 0, part = 0;
    bool is_new = uname(&about) == 0 && sscanf(about.release, "%u.%u", &version, &part) == 2 &&
                  (version > 6 || (version == 6 && part >= 15));
    int own = is_new ? (int)syscall(SYS_pidfd_open, getpid(), 0) : -1;
    bool is_answered = own >= 0 && ioctl(own, GET_FACTS, &facts) == 0;
    if (own >= 0)
        close(own);
    return is_answered;
}
