/* Offers the session to the keeper where no socket leads to it: in a network namespace of its own,
 * with a root or a /tmp in which the keeper's path is hidden. The session's memfd stays open for a
 * moment, and a keeper that knows the family of this process takes it from /proc
 * (collector/keeper/offers.c).
 *
 *   HAKMEM_SESSION=hakmem-RANDOM-COOKIE     the network namespace that the name belongs to
 *   heartbeat in the memory                 the keeper has it */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>
#include "newer.h"
#include "platform/platform.h"
#include "platform/raw_call.h"
#include "trace/collector/collector.h"
#include "trace/memory/memory.h"
#include "trace/wait.h"

enum { OFFER_MS = 3000, HELLO_MS = 1000, NAP_MS = 1, NO_DIGIT = 16 };

/* The kernel's number of this process's network namespace; 0 = not known. */
static uint64_t own_network(void) {
    uint64_t cookie = 0;
    uint32_t bytes = sizeof cookie;
    long made = hak_raw_call(SYS_socket, AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC);
    if (made < 0)
        return 0;
    if (hak_raw_call(SYS_getsockopt, made, SOL_SOCKET, HAK_NETWORK_COOKIE, &cookie, &bytes) != 0)
        cookie = 0;
    hak_close(made);
    return cookie;
}

/* The value of a hexadecimal digit, or NO_DIGIT. */
static unsigned digit_of(char letter) {
    return letter >= '0' && letter <= '9'   ? (unsigned)(letter - '0')
           : letter >= 'a' && letter <= 'f' ? (unsigned)(letter - 'a') + 10
                                            : NO_DIGIT;
}

/* Reads COOKIE in the name hakmem-RANDOM-COOKIE, which a dot and a number may follow; 0 = none. */
static uint64_t network_of(const char *name) {
    static const char start[] = "hakmem-";
    uint64_t cookie = 0;
    size_t at = sizeof start - 1;
    if (strncmp(name, start, at) != 0)
        return 0;
    for (int i = 0; i < HAK_NAME_DIGITS; i++)
        if (digit_of(name[at++]) == NO_DIGIT)
            return 0;
    if (name[at++] != '-')
        return 0;
    for (; digit_of(name[at]) != NO_DIGIT; at++)
        cookie = cookie << 4 | digit_of(name[at]);
    return name[at] == 0 || name[at] == '.' ? cookie : 0;
}

bool hak_collector_is_elsewhere(const char *name) {
    uint64_t due = network_of(name), own = due ? own_network() : 0;
    return own && own != due;
}

bool hak_collector_offer(struct hak_session *session) {
    uint64_t deadline = hak_monotonic_ns() + OFFER_MS * HAK_MILLISECOND_NS;
    while (atomic_load(&session->keeper_heartbeat_ns) == 0) {
        if (hak_monotonic_ns() >= deadline)
            return false;
        hak_sleep_ms(NAP_MS);
    }
    return true;
}

bool hak_collector_offer_hello(const struct hak_hello *hello) {
    uint64_t deadline = hak_monotonic_ns() + HELLO_MS * HAK_MILLISECOND_NS, magic = hello->magic;
    long made = hak_raw_call(SYS_memfd_create, HAK_HELLO_FILE_NAME, MFD_CLOEXEC | MFD_NOEXEC_SEAL);
    if (made == -EINVAL) /* before Linux 6.3 */
        made = hak_raw_call(SYS_memfd_create, HAK_HELLO_FILE_NAME, MFD_CLOEXEC);
    if (made < 0)
        return false;
    bool is_written = hak_raw_call(SYS_pwrite64, made, hello, sizeof *hello) == (long)sizeof *hello;
    int file = hak_lift_file(made);
    while (file >= 0 && is_written && magic == hello->magic && hak_monotonic_ns() < deadline) {
        hak_sleep_ms(NAP_MS);
        (void)hak_raw_call(SYS_pread64, file, &magic, sizeof magic);
    }
    hak_close(file);
    return magic != hello->magic;
}
