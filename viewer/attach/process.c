/* Reads a running process from /proc: its mappings and memory, and the obstacles to recording it.
 */
#include "viewer/attach/parts.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>
#include "base/growing.h"
#include "collector/kernel/kernel.h"
#include "collector/target/target.h"
#include "viewer/cli/cli.h"

enum { FREE_FROM = 0x10000000, PAGE_BYTES = 4096 };

static void drop_mappings(struct process *p) {
    for (uint32_t i = 0; i < p->mappings; i++)
        free(p->mapping[i].path);
    p->mappings = 0;
}

/* Appends a copy of the mapping. False without memory. */
static bool add_mapping(void *process, struct hak_map_line *line) {
    struct process *p = process;
    if (!hak_growing_make_room(&p->mapping, p->mappings, &p->capacity, sizeof *p->mapping) ||
        !(line->path = strdup(line->path)))
        return false;
    p->mapping[p->mappings++] = *line;
    return true;
}

/* Whether all threads of the process have ended. Asks the pidfd, and /proc only without one: /proc
 * shows the first thread, which may have ended before the others (pthread_exit), and may answer
 * late on a busy machine. */
static bool has_ended(const struct process *p) {
    struct pollfd all = {.fd = p->handle, .events = POLLIN};
    struct hak_peer peer;
    if (p->handle >= 0)
        return poll(&all, 1, 0) > 0;
    enum hak_peer_answer answer = hak_peer_ask(p->pid, &peer);
    return answer == HAK_PEER_GONE || (answer == HAK_PEER_THERE &&
                                       (peer.has_ended || (p->born && peer.start_time != p->born)));
}

/* Finds a thread that lives, by which /proc shows what the process has. False: none does. */
static bool find_shown(struct process *p) {
    pid_t found = hak_peer_find_living(p->pid);
    p->shown = found ? found : p->pid;
    return found > 0;
}

static void path_of(const struct process *p, const char *name, char path[64]) {
    snprintf(path, 64, "/proc/%d/%s", (int)p->shown, name);
}

static bool read_mappings(struct process *p) {
    drop_mappings(p);
    return hak_maps_each(p->shown, add_mapping, p) && p->mappings > 0;
}

bool process_read_mappings(struct process *p) {
    return read_mappings(p) || (!has_ended(p) && find_shown(p) && read_mappings(p));
}

/* Reading gives 0 bytes, wherever it is, when the memory's last user is gone (proc(5)). */
static bool has_same_memory(const struct process *p) {
    char byte;
    return p->memory < 0 || pread(p->memory, &byte, 1, PAGE_BYTES) != 0;
}

bool process_is_there(const struct process *p) {
    return !has_ended(p) && has_same_memory(p);
}

/* Whether the process has executed another program; between the memory's end and its own it has
 * none. */
bool process_has_executed(const struct process *p) {
    struct hak_peer peer;
    if (has_same_memory(p) || has_ended(p))
        return false;
    return hak_peer_ask(p->pid, &peer) == HAK_PEER_THERE ? peer.memory_bytes > 0 : !has_ended(p);
}

bool process_say_gone(const struct process *p) {
    if (process_is_there(p))
        return false;
    view_error("record: process %d (%s) %s", (int)p->pid, p->name,
               process_has_executed(p) ? "has executed another program, which is not recorded"
                                       : "has ended");
    return true;
}

/* It is there, and /proc says nothing of it: is that the doing of /proc's mount option hidepid? */
static bool is_hidden(pid_t pid) {
    char path[64];
    snprintf(path, sizeof path, "/proc/%d/stat", (int)pid);
    return hak_proc_is_own() && access(path, R_OK) != 0 && (errno == ENOENT || errno == EPERM) &&
           (kill(pid, 0) == 0 || errno == EPERM);
}

bool process_open(struct process *p, pid_t pid) {
    char path[64];
    struct hak_peer peer;
    *p = (struct process){.pid = pid, .shown = pid, .memory = -1, .lock = -1};
    p->handle = (int)syscall(SYS_pidfd_open, pid, 0);
    enum hak_peer_answer answer = hak_peer_ask(pid, &peer);
    snprintf(path, sizeof path, "/proc/%d/comm", (int)pid);
    if (answer == HAK_PEER_UNKNOWN && is_hidden(pid)) {
        view_error("record: process %d is hidden by /proc's mount option hidepid; root can record "
                   "it",
                   (int)pid);
        return false;
    }
    if (answer != HAK_PEER_THERE && answer != HAK_PEER_GONE) {
        view_error("record: /proc does not say what process %d is, or not in time", (int)pid);
        return false;
    }
    if (answer == HAK_PEER_GONE || !hak_proc_read_text(path, p->name, sizeof p->name)) {
        view_error("record: there is no process %d", (int)pid);
        return false;
    }
    p->name[strcspn(p->name, "\n")] = 0;
    p->born = peer.start_time;
    if (peer.state != 'Z' || (!peer.has_ended && !has_ended(p) && find_shown(p)))
        return true;
    view_error("record: process %d (%s) has ended; its parent has not asked yet how", (int)pid,
               p->name);
    return false;
}

void process_close(struct process *p) {
    drop_mappings(p);
    free(p->mapping);
    if (p->memory >= 0)
        close(p->memory);
    if (p->lock >= 0)
        close(p->lock);
    if (p->handle >= 0)
        close(p->handle);
    *p = (struct process){.handle = -1, .memory = -1, .lock = -1};
}

const struct hak_map_line *process_mapping_at(const struct process *p, uint64_t address) {
    for (uint32_t i = 0; i < p->mappings; i++)
        if (address >= p->mapping[i].start && address < p->mapping[i].end)
            return &p->mapping[i];
    return NULL;
}

uint64_t process_code_sum(const struct process *p) {
    uint64_t sum = 14695981039346656037u;
    for (uint32_t i = 0; i < p->mappings; i++) {
        const struct hak_map_line *m = &p->mapping[i];
        if (m->is_executable && m->path[0] == '/')
            sum = ((sum ^ m->start) * 1099511628211u ^ m->end) * 1099511628211u;
    }
    return sum;
}

uint64_t process_free_address(const struct process *p, uint64_t bytes) {
    uint64_t at = FREE_FROM;
    for (uint32_t i = 0; i < p->mappings; i++) {
        const struct hak_map_line *m = &p->mapping[i];
        if (m->start >= at && m->start - at >= bytes + (1 << 20))
            return at;
        /* The program's own heap grows behind its data: far from it. */
        at = m->end > at ? m->end + ((uint64_t)1 << 32) : at;
        at &= ~(uint64_t)4095;
    }
    return 0;
}

bool process_read(const struct process *p, uint64_t address, void *to, size_t bytes) {
    return pread(p->memory, to, bytes, (off_t)address) == (ssize_t)bytes;
}

bool process_write(const struct process *p, uint64_t address, const void *from, size_t bytes) {
    return pwrite(p->memory, from, bytes, (off_t)address) == (ssize_t)bytes;
}

/* ---- what is in the way ---------------------------------------------------------------------- */

const char *process_status_line(const char *status, const char *word) {
    size_t length = strlen(word);
    for (const char *line = status; line; line = strchr(line, '\n')) {
        line += *line == '\n';
        if (strncmp(line, word, length) == 0)
            return line + length;
    }
    return "";
}

/* True when the process shares our namespace of this kind, or that cannot be seen. */
static bool is_same_namespace(const struct process *p, const char *which) {
    char path[64];
    struct stat own, its;
    snprintf(path, sizeof path, "/proc/%d/ns/%s", (int)p->shown, which);
    if (stat(path, &its) != 0)
        return true; /* what follows says what is barred */
    snprintf(path, sizeof path, "/proc/self/ns/%s", which);
    return stat(path, &own) != 0 || (own.st_ino == its.st_ino && own.st_dev == its.st_dev);
}

/* True when the process has our root, or that cannot be seen. */
static bool has_same_root(const struct process *p) {
    char path[64];
    struct stat own, its;
    path_of(p, "root", path);
    return stat(path, &its) != 0 || stat("/", &own) != 0 ||
           (own.st_ino == its.st_ino && own.st_dev == its.st_dev);
}

void process_refuse(const struct process *p, const char *why, const char *what_to_do) {
    if (!process_say_gone(p))
        view_error("record: process %d (%s) %s%s%s", (int)p->pid, p->name, why,
                   what_to_do[0] ? "; " : "", what_to_do);
}

/* Prints why the process's program cannot be read: the kernel bars its files in /proc, or it is
 * exiting, has lost its memory, and is not reported as ended yet. */
static void refuse_to_look(const struct process *p) {
    if (hak_peer_find_living(p->pid) == 0)
        view_error("record: process %d (%s) has ended", (int)p->pid, p->name);
    else
        process_say_forbidden(p);
}

/* Whether the command that took the name is gone. A process that it has just forked to become the
 * keeper has its descriptors until it runs. True also where that is not known yet, so that the
 * caller looks again: the command is starting or ending where nobody listens, or its queue is
 * full. */
static bool is_left(const struct sockaddr_un *name, socklen_t bytes) {
    struct ucred who = {0};
    socklen_t length = sizeof who;
    int rival = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    bool answers = rival >= 0 && connect(rival, (const struct sockaddr *)name, bytes) == 0;
    bool is_gone = answers ? getsockopt(rival, SOL_SOCKET, SO_PEERCRED, &who, &length) == 0 &&
                                 kill(who.pid, 0) != 0 && errno == ESRCH
                           : rival >= 0 && (errno == ECONNREFUSED || errno == EAGAIN);
    if (rival >= 0)
        close(rival);
    return is_gone;
}

/* Locks the process for this command, as another one's `end` would end this one's recording; false,
 * and it is printed, where another has it; true where this command has it already. The name is free
 * again when this command is gone, however it ends, and the process that it forked runs its own
 * program. */
static bool reserve_recording(struct process *p) {
    enum { LOOKS = 1000, LOOK_MS = 5 };
    if (p->lock >= 0)
        return true;
    struct sockaddr_un name = {.sun_family = AF_UNIX};
    int length = snprintf(name.sun_path + 1, sizeof name.sun_path - 1, "hakmem-record-%d-%" PRIu64,
                          (int)p->pid, p->born);
    socklen_t bytes = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 + (size_t)length);
    p->lock = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (p->lock < 0)
        return true; /* without a socket there is no recording, and the keeper says why */
    for (int looks = 0; bind(p->lock, (struct sockaddr *)&name, bytes) != 0; looks++) {
        if (looks == LOOKS || errno != EADDRINUSE || !is_left(&name, bytes)) {
            process_refuse(p, "is being recorded by another hakmem-trace",
                           "that one has to end first");
            return false;
        }
        nanosleep(&(struct timespec){.tv_nsec = LOOK_MS * 1000000}, NULL);
    }
    (void)listen(p->lock, SOMAXCONN); /* from here on it says whose it is */
    return true;
}

/* Refuses, and says why: a thread, another user's process, or one that is traced already. Another
 * `record` traces it now and then, and has it locked meanwhile. */
static bool check_status(struct process *p) {
    static char status[16384];
    char path[64];
    unsigned uid[4] = {0};
    path_of(p, "status", path);
    if (!hak_proc_read_text(path, status, sizeof status)) {
        refuse_to_look(p);
        return false;
    }
    int tracer = atoi(process_status_line(status, "TracerPid:"));
    int group = atoi(process_status_line(status, "Tgid:"));
    if (group != p->pid && group > 0) {
        char why[64];
        snprintf(why, sizeof why, "is a thread of process %d", group);
        process_refuse(p, why, "record that one");
        return false;
    }
    sscanf(process_status_line(status, "Uid:"), "%u %u %u %u", &uid[0], &uid[1], &uid[2], &uid[3]);
    if (geteuid() != 0 && (uid[0] != geteuid() || uid[1] != geteuid() || uid[2] != geteuid())) {
        process_refuse(p, "belongs to another user, or has rights that its user has not",
                       process_is_closed(p, uid[1]) ? "root can record it"
                                                    : "its user can record it");
        return false;
    }
    if (tracer && !reserve_recording(p))
        return false;
    if (tracer && hak_proc_read_text(path, status, sizeof status))
        tracer = atoi(process_status_line(status, "TracerPid:")); /* it may have left meanwhile */
    if (tracer) {
        char why[64];
        snprintf(why, sizeof why, "is traced already, by process %d", tracer);
        process_refuse(p, why, "a debugger or strace has to leave it first");
        return false;
    }
    if (atoi(process_status_line(status, "Seccomp:")) != 0) {
        process_refuse(
            p, "is in a seccomp sandbox, whose rules may end it for the recorder's system calls",
            "start it with `hakmem-trace run`");
        return false;
    }
    char state = process_status_line(status, "State:")[1];
    if (state == 'T') {
        process_refuse(p, "is stopped by a signal", "continue it first (kill -CONT)");
        return false;
    }
    return true;
}

/* Checks the process's program file as `run` would; false, and the reason is printed, where it
 * cannot be recorded. */
static bool check_program(const struct process *p) {
    static struct hak_target_trouble trouble;
    char path[64], program[PATH_MAX];
    path_of(p, "exe", path);
    ssize_t length = readlink(path, program, sizeof program - 1);
    if (length <= 0) {
        refuse_to_look(p);
        return false;
    }
    if (hak_target_check(path, &trouble))
        return true;
    process_refuse(p, trouble.reason + (trouble.reason[0] == ' '), "");
    return false;
}

/* Whether the process has a library of ours that records it, or takes part in what it allocates. */
static bool is_under_hakmem(const struct process *p) {
    static const char *const names[] = {"/hakmem-debug.so", "/hakmem-record.so", "/libhakmem.so"};
    for (uint32_t i = 0; i < p->mappings; i++) {
        const char *file = strrchr(p->mapping[i].path, '/');
        for (size_t n = 0; file && n < sizeof names / sizeof *names; n++)
            if (strncmp(file, names[n], strlen(names[n])) == 0)
                return true;
    }
    return false;
}

/* Opens the process's memory for reading and writing, and reads its mappings. */
static bool open_memory(struct process *p) {
    char path[64];
    path_of(p, "mem", path);
    p->memory = open(path, O_RDWR | O_CLOEXEC);
    return p->memory >= 0 && process_read_mappings(p);
}

bool process_check(struct process *p) {
    struct hak_peer peer;
    if (p->pid == getpid()) {
        process_refuse(p, "is this command itself", "");
        return false;
    }
    if (hak_peer_read(p->pid, &peer) && peer.is_of_kernel) {
        process_refuse(p, "is a thread of the kernel", "");
        return false;
    }
    if (!check_status(p))
        return false;
    if (!is_same_namespace(p, "mnt") || !has_same_root(p)) {
        process_refuse(p, "sees other files than this command (a container or chroot)",
                       "run hakmem-trace inside");
        return false;
    }
    if (!is_same_namespace(p, "net") || !is_same_namespace(p, "pid")) {
        process_refuse(p, "is in another network or pid namespace", "run hakmem-trace inside");
        return false;
    }
    if (!check_program(p))
        return false;
    if (!open_memory(p)) {
        refuse_to_look(p);
        return false;
    }
    if (is_under_hakmem(p)) {
        process_refuse(p, "runs under hakmem already", "");
        return false;
    }
    return reserve_recording(p);
}
