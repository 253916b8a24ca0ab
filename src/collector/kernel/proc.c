/* A thread looks at /proc for the keeper and for the worker, which wait for it, but not for long.
 */
#include "collector/kernel/proc.h"

#include <fcntl.h>
#include <linux/futex.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>
#include "base/bytes.h"
#include "collector/kernel/time.h"

#define LEFT_MAX       256 /* threads that have not come back */
#define PATIENCE_NS    ((uint64_t)500000000)
#define PATIENCE_LEAST ((uint64_t)20000000)
#define PATIENCE_SHARE 4 /* of the time */
#define WHOLE_BYTES    ((size_t)1 << 20)
#define STACK_BYTES    ((size_t)256 * 1024)

/* Whether /proc is of this process's pid namespace. Asked once: neither keeper nor worker enters
 * another namespace. */
bool hak_proc_is_own(void) {
    static int known = -1;
    char self[32];
    if (known < 0) {
        ssize_t length = readlink("/proc/self", self, sizeof self - 1);
        self[length > 0 ? length : 0] = 0;
        known = atoi(self) == getpid();
    }
    return known;
}

bool hak_proc_read_text(const char *path, char *text, size_t bytes) {
    int file = open(path, O_RDONLY | O_CLOEXEC);
    size_t have = file < 0 ? 0 : hak_read_fully(file, text, bytes - 1);
    if (file >= 0)
        close(file);
    text[have] = 0;
    return have > 0;
}

char *hak_proc_read_whole(const char *path, size_t *bytes) {
    size_t have = 0;
    char *text = NULL;
    int file = open(path, O_RDONLY | O_CLOEXEC);
    for (size_t room = 4096; file >= 0 && room <= WHOLE_BYTES; room *= 2) {
        char *larger = realloc(text, room);
        if (!larger)
            break;
        text = larger;
        have += hak_read_fully(file, text + have, room - 1 - have);
        text[have] = 0;
        if (have < room - 1)
            break;
    }
    if (file >= 0)
        close(file);
    if (bytes)
        *bytes = have;
    if (have > 0)
        return text;
    free(text);
    return NULL;
}

enum look_state { IDLE, ASKED, ANSWERED, LEFT, ENDED };

struct look {
    pid_t pid;
    char path[64];
    void (*kind)(struct look *look);
    char *text; /* the answer */
    size_t bytes;
    int file;
    struct hak_proc_links links;
};

struct looker {
    _Atomic uint32_t state;
    pthread_t thread;
    struct look look;
};

/* Of each thread that asks, its own. */
static _Thread_local struct looker *current, *left[LEFT_MAX];
static _Thread_local int left_count;
static _Thread_local pid_t owner; /* the process that they are threads of */

static void wake_other(struct looker *l) {
    syscall(SYS_futex, &l->state, FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0);
}

/* Waits while the state is that, for `ns` or, when that is 0, as long as it takes. */
static void wait_while(struct looker *l, uint32_t state, uint64_t ns) {
    uint64_t begun = hak_time_kernel_ns(CLOCK_MONOTONIC), past = 0;
    while (atomic_load(&l->state) == state && (ns == 0 || past < ns)) {
        uint64_t rest = ns - past;
        struct timespec t = {(time_t)(rest / 1000000000), (long)(rest % 1000000000)};
        syscall(SYS_futex, &l->state, FUTEX_WAIT_PRIVATE, state, ns ? &t : NULL, NULL, 0);
        past = hak_time_kernel_ns(CLOCK_MONOTONIC) - begun;
    }
}

/* Runs the thread: answers one look after the other, and ends after a look that nobody has waited
 * for. */
static void *run_looker(void *argument) {
    struct looker *l = argument;
    for (;;) {
        uint32_t asked = ASKED;
        wait_while(l, IDLE, 0);
        wait_while(l, ANSWERED, 0);
        l->look.kind(&l->look);
        if (atomic_compare_exchange_strong(&l->state, &asked, ANSWERED)) {
            wake_other(l);
            continue;
        }
        free(l->look.text);
        if (l->look.file >= 0)
            close(l->look.file);
        atomic_store(&l->state, ENDED);
        return NULL;
    }
}

/* Joins and frees those threads that have come back from a look that was given up. */
static void sweep(void) {
    for (int i = 0; i < left_count;) {
        if (atomic_load(&left[i]->state) != ENDED) {
            i++;
            continue;
        }
        pthread_join(left[i]->thread, NULL);
        free(left[i]);
        left[i] = left[--left_count];
    }
}

/* Starts a thread for looks as the current one. False: there is no memory or no thread. */
static bool start_looker(void) {
    pthread_attr_t small;
    struct looker *l = calloc(1, sizeof *l);
    if (!l || pthread_attr_init(&small) != 0) {
        free(l);
        return false;
    }
    pthread_attr_setstacksize(&small, STACK_BYTES);
    bool is_there = pthread_create(&l->thread, &small, run_looker, l) == 0;
    pthread_attr_destroy(&small);
    if (is_there)
        current = l;
    else
        free(l);
    return is_there;
}

bool hak_proc_is_held(pid_t pid) {
    sweep();
    for (int i = 0; i < left_count; i++)
        if (left[i]->look.pid == pid)
            return true;
    return false;
}

/* How long to wait now: the rest of the share of time that waits may take. */
static uint64_t *patience(void) {
    static _Thread_local uint64_t rest_ns = PATIENCE_NS, filled_ns;
    uint64_t now = hak_time_kernel_ns(CLOCK_MONOTONIC);
    rest_ns += filled_ns ? (now - filled_ns) / PATIENCE_SHARE : 0;
    rest_ns = rest_ns < PATIENCE_NS ? rest_ns : PATIENCE_NS;
    filled_ns = now;
    return &rest_ns;
}

/* The answer, until the next look; NULL = it does not come. */
static struct look *ask_looker(pid_t pid, const char *name, void (*kind)(struct look *look),
                               const struct hak_proc_links *links) {
    if (owner != getpid()) { /* threads are not forked */
        owner = getpid();
        current = NULL;
        left_count = 0;
    }
    if (hak_proc_is_held(pid) || left_count == LEFT_MAX || (!current && !start_looker()))
        return NULL;
    struct looker *l = current;
    l->look = (struct look){.pid = pid, .kind = kind, .file = -1};
    if (links)
        l->look.links = *links;
    snprintf(l->look.path, sizeof l->look.path, "/proc/%d/%s", (int)pid, name);
    uint64_t *rest = patience(), begun = hak_time_kernel_ns(CLOCK_MONOTONIC);
    atomic_store(&l->state, ASKED);
    wake_other(l);
    wait_while(l, ASKED, *rest > PATIENCE_LEAST ? *rest : PATIENCE_LEAST);
    uint64_t past = hak_time_kernel_ns(CLOCK_MONOTONIC) - begun;
    *rest -= past < *rest ? past : *rest;
    uint32_t asked = ASKED;
    if (!atomic_compare_exchange_strong(&l->state, &asked, LEFT))
        return &l->look;
    left[left_count++] = l;
    current = NULL;
    return NULL;
}

static void read_whole(struct look *look) {
    look->text = hak_proc_read_whole(look->path, &look->bytes);
}

char *hak_proc_read(pid_t pid, const char *name, size_t *bytes) {
    const struct look *answer = ask_looker(pid, name, read_whole, NULL);
    if (bytes)
        *bytes = answer ? answer->bytes : 0;
    return answer ? answer->text : NULL;
}

static void open_path(struct look *look) {
    look->file = open(look->path, O_PATH | O_CLOEXEC);
}

int hak_proc_open(pid_t pid, const char *name) {
    const struct look *answer = ask_looker(pid, name, open_path, NULL);
    return answer ? answer->file : -1;
}

uint64_t hak_proc_inode(pid_t pid, const char *name) {
    struct stat about = {0};
    int file = hak_proc_open(pid, name);
    if (file >= 0 && fstat(file, &about) != 0)
        about.st_ino = 0;
    if (file >= 0)
        close(file);
    return about.st_ino;
}

/* Reads the targets of the process's descriptors, cut at HAK_PROC_LINK_BYTES; "" where one cannot
 * be read. */
static void read_links(struct look *look) {
    for (int i = 0; i < look->links.count; i++) {
        char path[64], *target = look->links.targets[i];
        snprintf(path, sizeof path, "/proc/%d/fd/%d", (int)look->pid, look->links.descriptors[i]);
        ssize_t length = readlink(path, target, HAK_PROC_LINK_BYTES - 1);
        target[length > 0 ? length : 0] = 0;
    }
}

bool hak_proc_read_links(pid_t pid, struct hak_proc_links *links) {
    const struct look *answer = ask_looker(pid, "fd", read_links, links);
    if (answer)
        *links = answer->links;
    return answer != NULL;
}
