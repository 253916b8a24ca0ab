/* Has a process that runs do something, and waits for it. */
#include "viewer/record/ctl.h"

#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <string.h>
#include <sys/file.h>
#include <time.h>
#include <unistd.h>
#include "report/words/words.h"
#include "viewer/capture/capture.h"

enum { POLL_US = 20000, POLLS_OF_A_SECOND = 1000000 / POLL_US };

static uint64_t control_address(const struct ctl_target *t, size_t offset) {
    return t->address + offset;
}

static bool write_word(const struct ctl_target *t, size_t offset, uint32_t word) {
    return ctl_write(t, control_address(t, offset), &word, sizeof word);
}

/* ---- one at a time ----------------------------------------------------------------------------
 */

/* Locks the process against other ctls, and waits for one at most `seconds`. The lock is one of the
 * kernel's on a file that is there for this process alone; it ends with the ctl that holds it. 0,
 * or an exit status. */
static int lock(struct ctl_target *t, uint64_t seconds) {
    char path[64];
    snprintf(path, sizeof path, "/proc/%d/maps", (int)t->pid);
    t->lock = open(path, O_RDONLY | O_CLOEXEC);
    if (t->lock < 0) {
        view_error("ctl: process %d ended while it was asked", (int)t->pid);
        return VIEW_USAGE;
    }
    for (uint64_t left = seconds * POLLS_OF_A_SECOND;; left--) {
        if (flock(t->lock, LOCK_EX | LOCK_NB) == 0)
            return 0;
        if (errno != EWOULDBLOCK && errno != EINTR)
            return 0; /* no locks on /proc here */
        if (left == 0)
            break;
        usleep(POLL_US);
    }
    view_error("ctl: another ctl asks process %d, and has not come to its end within %s",
               (int)t->pid, hak_words_count(seconds, "second", "seconds"));
    return VIEW_INCOMPLETE;
}

static void unlock(struct ctl_target *t) {
    if (t->lock >= 0)
        close(t->lock);
    t->lock = -1;
}

/* ---- asking -----------------------------------------------------------------------------------
 */

/* A number that no earlier request of this process had, as far as can be known. */
static uint32_t new_number(const struct ctl_target *t) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    uint32_t number = (uint32_t)now.tv_nsec ^ (uint32_t)now.tv_sec << 30 ^ (uint32_t)getpid() << 12;
    while (number == 0 || number == t->control.done)
        number++;
    return number;
}

static bool take_back(const struct ctl_target *t) {
    return write_word(t, offsetof(struct hak_control, request), 0);
}

/* Writes the request into the process's memory, its number last. The one before is taken back
 * before anything of it is written over. False: errno says why. */
static bool write_request(const struct ctl_target *t, enum hak_control_ask ask, const char *name,
                          uint32_t number) {
    char bytes[HAK_CONTROL_NAME + 1] = {0};
    memcpy(bytes, name, strnlen(name, HAK_CONTROL_NAME));
    return take_back(t) && write_word(t, offsetof(struct hak_control, ask), ask) &&
           ctl_write(t, control_address(t, offsetof(struct hak_control, name)), bytes,
                     sizeof bytes) &&
           write_word(t, offsetof(struct hak_control, request), number);
}

/* Sets the byte in the process that makes a thread look for requests; true where it has none. */
static bool ring_bell(const struct ctl_target *t) {
    static const uint8_t one = 1;
    uint64_t bell = (uintptr_t)t->control.bell;
    return !bell || ctl_write(t, bell, &one, sizeof one);
}

/* Says that the process ended while it was asked, and what follows for a sweep. Returns
 * VIEW_USAGE. */
static int say_ended(const struct ctl_target *t, enum hak_control_ask ask) {
    view_error("ctl: process %d (%s) ended while it was asked%s", (int)t->pid, t->name,
               ask == HAK_CONTROL_SWEEP
                   ? ": a sweep that finds damage reports it on the program's stderr and, under "
                     "HAKMEM_ON_FAULT=stop, ends it"
                   : "");
    return VIEW_USAGE;
}

/* Waits until the process has answered the request, at most `seconds`; then takes it back. 0, or an
 * exit status. */
static int await_done(struct ctl_target *t, enum hak_control_ask ask, uint32_t number,
                      uint64_t seconds) {
    for (uint64_t left = seconds * POLLS_OF_A_SECOND;; left--) {
        if (!ctl_look(t))
            return say_ended(t, ask);
        if (t->control.done == number)
            return 0;
        if (left == 0)
            break;
        (void)ring_bell(t); /* who saw it may have been busy with another request */
        usleep(POLL_US);
    }
    (void)take_back(t);
    view_error("ctl: process %d has not answered within %s: %s; nothing is asked of it any more",
               (int)t->pid, hak_words_count(seconds, "second", "seconds"), ctl_silence(t));
    return VIEW_INCOMPLETE;
}

int ctl_ask(struct ctl_target *t, enum hak_control_ask ask, const char *name, uint64_t seconds) {
    int status = lock(t, seconds);
    uint32_t number = new_number(t);
    if (status == 0 && (!write_request(t, ask, name, number) || !ring_bell(t))) {
        if (errno == ESRCH) {
            status = say_ended(t, ask);
        } else {
            view_error("ctl: the memory of process %d cannot be written: %s", (int)t->pid,
                       strerror(errno));
            status = VIEW_USAGE;
        }
    }
    if (status == 0)
        status = await_done(t, ask, number, seconds);
    unlock(t);
    return status;
}

/* ---- what is recorded so far ------------------------------------------------------------------
 */

/* Whether each ring has been stored as far as it was written at `then`. */
static bool is_stored(const struct ctl_rings *then, const struct ctl_rings *now) {
    for (uint32_t i = 0; i < then->count && i < now->count; i++)
        if (now->tail[i] < then->head[i])
            return false;
    return true;
}

static int say_not_stored(const struct ctl_target *t, const struct ctl_rings *now,
                          uint64_t seconds) {
    view_error("ctl: %s of process %d not stored within %s; its collector's heart beat %s ago",
               hak_words_count(now->waiting, "record is", "records are"), (int)t->pid,
               hak_words_count(seconds, "second", "seconds"), view_span(now->silent_ns));
    return VIEW_INCOMPLETE;
}

/* Waits, at most `seconds`, until what is in the rings now is stored; `*records` is how many were
 * written. The worker commits what it has four times a second, so nobody is asked for it; the
 * program may stand still. 0, or an exit status. */
int ctl_flush(struct ctl_target *t, uint64_t seconds, uint64_t *records) {
    static struct ctl_rings then, now;
    if (!ctl_look_at_rings(t, &then)) {
        view_error("ctl: the rings of process %d cannot be read", (int)t->pid);
        return VIEW_USAGE;
    }
    *records = then.written;
    if (then.is_file) {
        view_error("ctl: process %d found no collector: its newest events lie in %s, for "
                   "`hakmem-trace import`",
                   (int)t->pid, t->store[0] ? t->store : "a file of rings");
        return VIEW_INCOMPLETE;
    }
    for (uint64_t left = seconds * POLLS_OF_A_SECOND;; left--) {
        if (!ctl_look(t) || !ctl_look_at_rings(t, &now)) {
            view_error("ctl: process %d (%s) ended meanwhile; what it had recorded is stored at "
                       "its end",
                       (int)t->pid, t->name);
            return VIEW_USAGE;
        }
        if (is_stored(&then, &now))
            return 0;
        if (left == 0)
            return say_not_stored(t, &now, seconds);
        usleep(POLL_US);
    }
}
