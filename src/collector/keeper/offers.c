/* Finds the offers of processes that no socket leads to: sessions, and notes on programs that are
 * not recorded. */
#include "collector/keeper/offers.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "base/growing.h"
#include "trace/session.h"

#define FAMILY_MAX     1024
#define FIRST_LOOK_MS  2
#define LOOK_MS_MAX    50
#define LOOK_LIMIT_MS  20  /* then the keeper does its other work, and the next look goes on */
#define PAUSE_FACTOR   20  /* as often as a look takes, at least that long until the next */
#define PAUSE_MS_MAX   500 /* programs wait a second for a note to be heard */
#define ORPHANS_MS     200
#define DESCRIPTORS    (HAK_PROC_LINKS / 2) /* that are looked at, from each of the first ones on */
#define LINK_OF_MEMORY "/memfd:" HAK_SESSION_FILE_NAME " (deleted)"
#define LINK_OF_HELLO  "/memfd:" HAK_HELLO_FILE_NAME " (deleted)"

static uint64_t network_of(pid_t pid) {
    return hak_proc_inode(pid, "ns/net");
}

/* Whether the process is known as one that may offer sessions. */
static bool is_offerer(const struct hak_offerers *f, pid_t pid, uint64_t start_time) {
    for (uint32_t i = 0; i < f->count; i++)
        if (f->members[i].process.pid == pid && f->members[i].process.start_time == start_time)
            return true;
    return false;
}

bool hak_offerers_add(struct hak_offerers *f, pid_t pid, pid_t parent) {
    struct hak_peer peer;
    if (pid <= 0 || pid == getpid() || f->count >= FAMILY_MAX || !hak_peer_read(pid, &peer) ||
        peer.has_ended || (parent && peer.parent != parent) ||
        is_offerer(f, pid, peer.start_time) ||
        !hak_growing_make_room(&f->members, f->count, &f->capacity, sizeof *f->members))
        return false;
    f->members[f->count++] =
        (struct hak_offerer){.process = {.pid = pid, .start_time = peer.start_time}};
    f->look_pause_ms = FIRST_LOOK_MS;
    return true;
}

struct children {
    struct hak_offerers *offerers;
    pid_t parent;
};

static bool add_child(void *context, pid_t child) {
    const struct children *c = context;
    hak_offerers_add(c->offerers, child, c->parent);
    return false; /* the next one, too */
}

/* The memfd that `m` has open as `descriptor`, open for writing; -1 = it is none, or one that
 * nobody may write, or the one that was taken last. Nothing else is opened: a device, a FIFO or
 * another's file may do anything then. The link's name can be forged by a mount of another file. */
static int open_memory(int descriptor, const struct hak_offerer *m, uint64_t *inode) {
    char name[32], by_path[64];
    struct stat about;
    snprintf(name, sizeof name, "fd/%d", descriptor);
    int path = hak_proc_open(m->process.pid, name), file = -1;
    snprintf(by_path, sizeof by_path, "/proc/self/fd/%d", path);
    if (path >= 0 && hak_session_file_is_memfd(path))
        file = open(by_path, O_RDWR | O_CLOEXEC | O_NONBLOCK);
    if (path >= 0)
        close(path);
    if (file < 0)
        return -1;
    /* The process is asked for last: its id was its own until then. */
    if (fstat(file, &about) != 0 || about.st_ino == m->taken ||
        fcntl(file, F_GET_SEALS) & (F_SEAL_WRITE | F_SEAL_FUTURE_WRITE) ||
        !hak_peer_is_same(&m->process)) {
        close(file);
        return -1;
    }
    *inode = about.st_ino;
    return file;
}

/* Offers the session `memory` of `who` if it is whole. True: it was taken. */
static bool offer_memory(const struct hak_offer_taker *taker, const struct hak_known_process *who,
                         int memory) {
    struct hak_session *header = NULL; /* for the sizes of its fields */
    struct {
        uint64_t magic;
        uint32_t version, header_bytes;
    } head = {0};
    struct stat about;
    uint32_t machine = 0;
    struct hak_greeting g;
    _Static_assert(offsetof(struct hak_session, version) == sizeof header->magic,
                   "the same layout");
    hak_greeting_open(&g, -1);
    g.memfd = memory;
    bool is_taken = pread(memory, &head, sizeof head, 0) == (ssize_t)sizeof head &&
                    pread(memory, &machine, sizeof machine,
                          offsetof(struct hak_session, machine)) == (ssize_t)sizeof machine &&
                    head.magic == HAK_SESSION_MAGIC && fstat(memory, &about) == 0;
    if (is_taken) {
        g.hello = (struct hak_hello){.magic = HAK_HELLO_MAGIC,
                                     .version = head.version,
                                     .total_bytes = (uint64_t)about.st_size,
                                     .kind = HAK_HELLO_SESSION,
                                     .machine = machine};
        is_taken = taker->take(taker->context, &g, who);
    }
    if (g.memfd >= 0)
        close(g.memfd);
    return is_taken;
}

/* Offers the note in `file` of process `who` on a program that is not recorded, and closes the
 * file. Clearing the magic lets it go on only then: its parent and its children are asked for
 * meanwhile. One that cannot be told so would say it again and again. False: it is no whole
 * note. */
static bool offer_note(const struct hak_offer_taker *taker, const struct hak_known_process *who,
                       int file) {
    off_t magic = offsetof(struct hak_hello, magic);
    struct hak_greeting g;
    hak_greeting_open(&g, -1);
    bool is_whole = pread(file, &g.hello, sizeof g.hello, 0) == (ssize_t)sizeof g.hello &&
                    g.hello.kind == HAK_HELLO_UNRECORDED && hak_greeting_check(&g) == NULL;
    is_whole = is_whole && hak_session_file_write(file, magic, g.hello.magic);
    if (is_whole) {
        (void)taker->take(taker->context, &g, who);
        (void)hak_session_file_write(file, magic, 0);
    }
    close(file);
    return is_whole;
}

/* The inode of the file that the process offered, and that was taken; 0 = none. */
static uint64_t look_at(const struct hak_offer_taker *taker, const struct hak_offerer *m) {
    static const int first[] = {HAK_LIFTED_TO, 3}; /* where RLIMIT_NOFILE is small */
    struct hak_proc_links links = {.count = 0};
    for (int i = 0; i < 2; i++)
        for (int fd = first[i]; fd < first[i] + DESCRIPTORS; fd++)
            links.descriptors[links.count++] = fd;
    bool is_read = hak_proc_read_links(m->process.pid, &links);
    for (int i = 0; is_read && i < links.count; i++) {
        bool is_memory = strcmp(links.targets[i], LINK_OF_MEMORY) == 0;
        if (!is_memory && strcmp(links.targets[i], LINK_OF_HELLO) != 0)
            continue;
        uint64_t inode;
        int file = open_memory(links.descriptors[i], m, &inode);
        if (file >= 0 && (is_memory ? offer_memory(taker, &m->process, file)
                                    : offer_note(taker, &m->process, file)))
            return inode;
    }
    return 0;
}

/* False: it is gone, and no offerer any more. Its threads and children that `until_ns` leaves no
 * time for are looked at the next time. */
static bool look_at_member(struct hak_offerers *f, uint32_t index, uint64_t own_network,
                           uint64_t until_ns, const struct hak_offer_taker *taker) {
    struct hak_offerer member = f->members[index]; /* the array may move */
    struct children children = {f, member.process.pid};
    struct hak_peer peer;
    enum hak_peer_answer answer = hak_peer_ask(member.process.pid, &peer);
    bool is_another = answer == HAK_PEER_THERE &&
                      (peer.start_time != member.process.start_time || peer.has_ended);
    if (answer == HAK_PEER_GONE || is_another) {
        f->members[index] = f->members[--f->count];
        return false;
    }
    if (answer != HAK_PEER_THERE)
        return true;
    member.look.until_ns = until_ns;
    (void)hak_pid_find_child(member.process.pid, add_child, &children, &member.look);
    f->members[index].look = member.look;
    uint64_t inode = network_of(member.process.pid) != own_network ? look_at(taker, &member) : 0;
    if (inode) {
        f->members[index].taken = inode;
        f->look_pause_ms = FIRST_LOOK_MS;
    }
    return true;
}

/* True when the environment that `pid` was executed with names this keeper. */
static bool names_keeper(const char *keeper, pid_t pid) {
    static const char variable[] = "HAKMEM_SESSION=";
    bool is_named = false;
    size_t bytes = 0, length = strcspn(keeper, ".");
    char *text = hak_proc_read(pid, "environ", &bytes);
    for (char *at = text; at && at < text + bytes && !is_named; at += strlen(at) + 1) {
        const char *name = at + sizeof variable - 1;
        is_named = strncmp(at, variable, sizeof variable - 1) == 0 &&
                   strncmp(name, keeper, length) == 0 &&
                   strchr(".:", name[length]) != NULL; /* its end, too */
    }
    free(text);
    return is_named;
}

/* Adds processes that have lost their parents before they were looked at, and so are nobody's
 * children in /proc. One is known by the name that it was executed with; as that can be forged, it
 * must be of this user, who is heard without being of the tree. */
static void look_for_orphans(struct hak_offerers *f, const char *keeper, uint64_t own_network) {
    DIR *all = opendir("/proc");
    for (struct dirent *entry; all && (entry = readdir(all));) {
        char path[300];
        struct stat about;
        struct hak_peer peer;
        pid_t pid = (pid_t)atoi(entry->d_name);
        snprintf(path, sizeof path, "/proc/%d", (int)pid);
        if (pid <= 0 || stat(path, &about) != 0 || about.st_uid != geteuid())
            continue;
        uint64_t network = network_of(pid);
        if (network && network != own_network && hak_peer_read(pid, &peer) &&
            !is_offerer(f, pid, peer.start_time) && names_keeper(keeper, pid) &&
            hak_peer_is_same(&(struct hak_known_process){pid, peer.start_time}))
            hak_offerers_add(f, pid, 0);
    }
    if (all)
        closedir(all);
}

static uint64_t pause_after(uint64_t begun_ms, uint64_t pause_ms) {
    uint64_t rest = (hak_time_ms() - begun_ms) * PAUSE_FACTOR;
    rest = rest < PAUSE_MS_MAX ? rest : PAUSE_MS_MAX;
    return pause_ms > rest ? pause_ms : rest;
}

void hak_offerers_look(struct hak_offerers *f, const char *keeper,
                       const struct hak_offer_taker *taker) {
    uint64_t now = hak_time_ms();
    if (!hak_proc_is_own())
        return;
    if (now >= f->orphans_due_ms) {
        look_for_orphans(f, keeper, network_of(getpid()));
        f->orphans_due_ms = now + pause_after(now, ORPHANS_MS);
    }
    if (f->count == 0 || now < f->look_due_ms)
        return;
    uint64_t own_network = network_of(getpid()), begun = hak_time_ms();
    uint64_t until_ns = hak_pid_time_used() + (uint64_t)LOOK_LIMIT_MS * 1000000;
    f->look_pause_ms = 2 * f->look_pause_ms < LOOK_MS_MAX ? 2 * f->look_pause_ms : LOOK_MS_MAX;
    uint32_t i = f->next;
    for (uint32_t left = f->count;
         left > 0 && f->count > 0 && hak_time_ms() - begun < LOOK_LIMIT_MS; left--) {
        i = i < f->count ? i : 0;
        if (look_at_member(f, i, own_network, until_ns, taker))
            i++;
    }
    f->next = i;
    f->look_due_ms = begun + pause_after(begun, (uint64_t)f->look_pause_ms);
}
