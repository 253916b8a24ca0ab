/* Programs that no socket leads to: in a network namespace of their own, with another root or /tmp.
 *
 *   who enters such a namespace asks for a way before (HAK_HELLO_WAY)     the first of the family
 *   children of the family, by /proc                                     of the family, too
 *   one in another network namespace holds a session's memfd open        it is taken, as after a
 * hello
 *
 * Such a program waits until its memory shows the keeper's heart beating (trace/keeper_offer.c).
 * Looked at every 2 ms while something changes, every 50 ms else. */
#include "collector/keeper_state.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>
#include "collector/pid_namespace.h"
#include "base/array.h"

#define FAMILY_MAX     1024
#define LOOK_MS        2
#define LOOK_MS_MAX    50
#define REST           20  /* as often as a look takes, at least that long until the next */
#define REST_MS_MAX    500 /* programs wait a second for a note to be heard */
#define DESCRIPTORS    16  /* that are looked at, from each of the first ones on */
#define LINK_OF_MEMORY "/memfd:" HAK_SESSION_FILE_NAME " (deleted)"
#define LINK_OF_HELLO  "/memfd:" HAK_HELLO_FILE_NAME " (deleted)"

static uint64_t network_of(pid_t pid) {
    char path[64];
    struct stat about;
    snprintf(path, sizeof path, "/proc/%d/ns/net", (int)pid);
    return stat(path, &about) == 0 ? about.st_ino : 0;
}

static bool is_family(const struct hak_keeper *k, pid_t pid, uint64_t start_time) {
    for (uint32_t i = 0; i < k->family_count; i++)
        if (k->family[i].pid == pid && k->family[i].start_time == start_time)
            return true;
    return false;
}

bool hak_keeper_add_family(struct hak_keeper *k, pid_t pid) {
    struct hak_peer peer;
    if (pid <= 0 || pid == getpid() || k->family_count >= FAMILY_MAX ||
        !hak_peer_read(pid, &peer) || peer.state == 'Z' || is_family(k, pid, peer.start_time) ||
        !hak_array_make_room(&k->family, k->family_count, &k->family_capacity, sizeof *k->family))
        return false;
    k->family[k->family_count++] =
        (struct hak_known_process){.pid = pid, .start_time = peer.start_time};
    k->look_pause_ms = LOOK_MS;
    return true;
}

static bool add_child(void *keeper, pid_t child) {
    hak_keeper_add_family(keeper, child);
    return false; /* the next one, too */
}

/* The device that the kernel's memfds lie on, which no mount shows; 0 = not known. */
static dev_t device_of_memory(void) {
    static dev_t device;
    struct stat about;
    int file = device ? -1 : memfd_create("hakmem-collect", MFD_CLOEXEC);
    if (file >= 0) {
        device = fstat(file, &about) == 0 ? about.st_dev : 0;
        close(file);
    }
    return device;
}

/* Is it a memfd? The link's name can be forged by a mount of another file; asked without going to
 * that file's server, which may never answer. */
static bool is_memfd(int path) {
    struct statx about;
    return statx(path, "", AT_EMPTY_PATH | AT_STATX_DONT_SYNC, STATX_TYPE, &about) == 0 &&
           S_ISREG(about.stx_mode) &&
           makedev(about.stx_dev_major, about.stx_dev_minor) == device_of_memory();
}

/* The memfd behind the link /proc/PID/fd/N, open for writing; -1 = it is none, or one that nobody
 * may write, or the one that was taken last (`taken`, its inode). Nothing else is opened: a device,
 * a FIFO or another's file may do anything then. */
static int open_memory(const char *link, uint64_t taken, uint64_t *inode) {
    char by_path[64];
    struct stat about;
    int path = open(link, O_PATH | O_CLOEXEC), file = -1;
    snprintf(by_path, sizeof by_path, "/proc/self/fd/%d", path);
    if (path >= 0 && is_memfd(path))
        file = open(by_path, O_RDWR | O_CLOEXEC | O_NONBLOCK);
    if (path >= 0)
        close(path);
    if (file < 0)
        return -1;
    if (fstat(file, &about) != 0 || about.st_ino == taken ||
        fcntl(file, F_GET_SEALS) & (F_SEAL_WRITE | F_SEAL_FUTURE_WRITE)) {
        close(file);
        return -1;
    }
    *inode = about.st_ino;
    return file;
}

/* Takes the session `memory` of `pid` if it is whole. */
static bool take_memory(struct hak_keeper *k, pid_t pid, int memory) {
    struct hak_session *header = NULL; /* for the sizes of its fields */
    struct {
        uint64_t magic;
        uint32_t version, header_bytes;
    } head = {0};
    struct stat about;
    struct hak_greeting g;
    _Static_assert(offsetof(struct hak_session, version) == sizeof header->magic,
                   "the same layout");
    hak_greeting_open(&g, -1);
    g.memfd = memory;
    bool is_whole = pread(memory, &head, sizeof head, 0) == (ssize_t)sizeof head &&
                    head.magic == HAK_SESSION_MAGIC && fstat(memory, &about) == 0 &&
                    !hak_keeper_holds(k, memory);
    if (is_whole) {
        g.hello = (struct hak_hello){.magic = HAK_HELLO_MAGIC,
                                     .version = head.version,
                                     .pid = hak_pid_innermost(pid),
                                     .total_bytes = (uint64_t)about.st_size,
                                     .kind = HAK_HELLO_SESSION,
                                     .pid_space = hak_pid_namespace_of(pid)};
        is_whole = hak_greeting_check(&g) == NULL && hak_keeper_hold(k, &g, pid) == NULL;
    }
    if (g.memfd >= 0)
        close(g.memfd);
    return is_whole;
}

/* Hears what process `pid` has to say in `file` of a program that is not recorded, and lets it know
 * by clearing the magic. */
static bool take_hello(struct hak_keeper *k, pid_t pid, int file) {
    struct hak_greeting g;
    uint64_t heard = 0;
    hak_greeting_open(&g, -1);
    bool is_whole = pread(file, &g.hello, sizeof g.hello, 0) == (ssize_t)sizeof g.hello &&
                    g.hello.kind == HAK_HELLO_UNRECORDED && hak_greeting_check(&g) == NULL;
    is_whole = is_whole && pwrite(file, &heard, sizeof heard, 0) == (ssize_t)sizeof heard;
    if (is_whole)
        hak_keeper_note_unrecorded(k, &g, pid);
    close(file);
    return is_whole;
}

/* The inode of what the process offered, and was taken; 0 = nothing. */
static uint64_t look_at(struct hak_keeper *k, pid_t pid, uint64_t taken) {
    static const int first[] = {HAK_LIFTED_TO, 3}; /* where RLIMIT_NOFILE is small */
    char link[64], target[64];
    for (int i = 0; i < 2; i++)
        for (int fd = first[i]; fd < first[i] + DESCRIPTORS; fd++) {
            snprintf(link, sizeof link, "/proc/%d/fd/%d", (int)pid, fd);
            ssize_t length = readlink(link, target, sizeof target - 1);
            if (length < 0)
                continue;
            target[length] = 0;
            bool is_memory = strcmp(target, LINK_OF_MEMORY) == 0;
            if (!is_memory && strcmp(target, LINK_OF_HELLO) != 0)
                continue;
            uint64_t inode;
            int file = open_memory(link, taken, &inode);
            if (file >= 0 && (is_memory ? take_memory(k, pid, file) : take_hello(k, pid, file)))
                return inode;
        }
    return 0;
}

void hak_keeper_look_for_offers(struct hak_keeper *k) {
    uint64_t now = hak_keeper_now_ms(), own = network_of(getpid());
    if (k->family_count == 0 || now < k->look_due_ms)
        return;
    k->look_pause_ms = 2 * k->look_pause_ms < LOOK_MS_MAX ? 2 * k->look_pause_ms : LOOK_MS_MAX;
    for (uint32_t i = 0; i < k->family_count;) {
        struct hak_known_process *member = &k->family[i];
        pid_t pid = member->pid;
        struct hak_peer peer;
        if (!hak_peer_read(pid, &peer) || peer.start_time != member->start_time ||
            peer.state == 'Z') {
            *member = k->family[--k->family_count];
            continue;
        }
        (void)hak_pid_find_child(pid, add_child, k);
        uint64_t inode = network_of(pid) != own ? look_at(k, pid, k->family[i].taken) : 0;
        if (inode) {
            k->family[i].taken = inode; /* the array may have moved */
            k->look_pause_ms = LOOK_MS;
        }
        i++;
    }
    uint64_t rest = (hak_keeper_now_ms() - now) * REST, pause = (uint64_t)k->look_pause_ms;
    rest = rest < REST_MS_MAX ? rest : REST_MS_MAX;
    k->look_due_ms = now + (pause > rest ? pause : rest);
}
