/* The folder of documents that wait: written whole or not at all, bounded, read by any number of
 * processes at once. */
#include "viewer/fleet/queue.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>
#include "base/checksum.h"
#include "base/growing.h"
#include "viewer/fleet/document.h"

enum { LOCK_WAIT_MS = 2000, LOCK_STEP_MS = 10, DIGITS = 20 };

static const char dropped_name[] = "dropped";

/* Writes why the queue failed into queue->why and returns false. */
static bool fail(struct queue *queue, const char *doing, int error) {
    snprintf(queue->why, sizeof queue->why, "%s: %s: %s", queue->path ? queue->path : "the queue",
             doing, strerror(error));
    return false;
}

/* ---- the folder -------------------------------------------------------------------------------
 */

/* The queue folder's path below XDG_STATE_HOME or HOME, to be freed, or NULL; `make` makes the
 * state folder above it. */
static char *make_path(bool make) {
    const char *state = getenv("XDG_STATE_HOME"), *home = getenv("HOME");
    char *path = NULL;
    if (state && state[0] == '/') {
        if (make)
            (void)mkdir(state, 0700);
        if (asprintf(&path, "%s/hakmem_push", state) < 0)
            return NULL;
    } else if (home && home[0] == '/' && asprintf(&path, "%s/.hakmem_push", home) < 0) {
        return NULL;
    }
    return path;
}

/* Whether the folder is this user's and nobody else may write there; false, with the reason.
 * Documents there are sent in this user's name, so nobody else may add any. */
static bool is_own(struct queue *queue) {
    struct stat about;
    if (fstat(queue->folder, &about) != 0)
        return fail(queue, "cannot be looked at", errno);
    if (about.st_uid == geteuid() && (about.st_mode & 022) == 0)
        return true;
    snprintf(queue->why, sizeof queue->why,
             "%s: it belongs to another user, or others may write there; only its owner's "
             "documents are sent",
             queue->path);
    return false;
}

bool queue_open(struct queue *queue, bool make) {
    *queue = (struct queue){.folder = -1, .path = make_path(make)};
    if (!queue->path) {
        snprintf(queue->why, sizeof queue->why,
                 "there is no place for the queue: neither XDG_STATE_HOME nor HOME is a folder");
        return !make;
    }
    if (make && mkdir(queue->path, 0700) != 0 && errno != EEXIST)
        return fail(queue, "cannot be made", errno);
    queue->folder = open(queue->path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (queue->folder < 0 && errno == ENOENT && !make)
        return true;
    if (queue->folder < 0)
        return fail(queue, "cannot be opened", errno);
    return is_own(queue);
}

void queue_close(struct queue *queue) {
    if (queue->folder >= 0)
        close(queue->folder);
    free(queue->path);
    queue->folder = -1;
    queue->path = NULL;
}

/* Locks the folder against other processes. False, with the reason: LOCK_WAIT_MS have passed, or it
 * failed. */
static bool lock(struct queue *queue) {
    const struct timespec step = {.tv_nsec = LOCK_STEP_MS * 1000000};
    for (int ms = 0; flock(queue->folder, LOCK_EX | LOCK_NB) != 0; ms += LOCK_STEP_MS) {
        if ((errno != EWOULDBLOCK && errno != EINTR) || ms >= LOCK_WAIT_MS)
            return fail(queue, "another process holds it", errno);
        nanosleep(&step, NULL);
    }
    return true;
}

static void unlock(struct queue *queue) {
    flock(queue->folder, LOCK_UN);
}

/* ---- names ------------------------------------------------------------------------------------
 */

/* Whether a name is a document's: "00001795477369654234-1c291ca3.json", or that with ".broken"
 * behind it. */
static bool is_name(const char *name, bool *is_broken) {
    static const char digits[] = "0123456789abcdef";
    size_t length = strlen(name);
    if (length < DIGITS + 14 || strspn(name, "0123456789") < DIGITS || name[DIGITS] != '-' ||
        strspn(name + DIGITS + 1, digits) != 8 || strncmp(name + DIGITS + 9, ".json", 5) != 0)
        return false;
    *is_broken = strcmp(name + DIGITS + 14, ".broken") == 0;
    return *is_broken || !name[DIGITS + 14];
}

static int by_name(const void *a, const void *b) {
    return strcmp(*(char *const *)a, *(char *const *)b);
}

/* Lists the queue's documents and the sum of their bytes; with `all` those that were set aside,
 * too. False, with the reason. */
static bool list(struct queue *queue, bool all, char ***names, uint32_t *count, uint64_t *bytes) {
    uint32_t room = 0;
    int own = openat(queue->folder, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *folder = own >= 0 ? fdopendir(own) : NULL;
    *names = NULL;
    *count = 0;
    *bytes = 0;
    if (!folder) {
        if (own >= 0)
            close(own);
        return fail(queue, "cannot be read", errno);
    }
    bool has_memory = true, is_broken;
    for (const struct dirent *entry; has_memory && (entry = readdir(folder)) != NULL;) {
        struct stat about;
        if (!is_name(entry->d_name, &is_broken) || (is_broken && !all) ||
            fstatat(queue->folder, entry->d_name, &about, AT_SYMLINK_NOFOLLOW) != 0)
            continue;
        has_memory = hak_growing_make_room(names, *count, &room, sizeof **names) &&
                     ((*names)[*count] = strdup(entry->d_name)) != NULL;
        *count += has_memory;
        *bytes += (uint64_t)about.st_size;
    }
    closedir(folder);
    if (*count)
        qsort(*names, *count, sizeof **names, by_name);
    return has_memory || fail(queue, "cannot be read", ENOMEM);
}

bool queue_list(struct queue *queue, char ***names, uint32_t *count, uint64_t *bytes) {
    *names = NULL;
    *count = 0;
    *bytes = 0;
    return queue->folder < 0 || list(queue, false, names, count, bytes);
}

static void free_names(char **names, uint32_t count) {
    for (uint32_t i = 0; i < count; i++)
        free(names[i]);
    free(names);
}

/* ---- putting in -------------------------------------------------------------------------------
 */

/* Adds the name of a document that was dropped to the folder's list of those. */
static void note_dropped(struct queue *queue, const char *name) {
    int fd = openat(queue->folder, dropped_name,
                    O_WRONLY | O_CREAT | O_APPEND | O_NOFOLLOW | O_CLOEXEC, 0600);
    char line[QUEUE_NAME + 16];
    int length = snprintf(line, sizeof line, "%s\n", name);
    if (fd >= 0 && write(fd, line, (size_t)length) < 0)
        errno = 0; /* the count is one short: the disk is full, and it was this that made room */
    if (fd >= 0)
        close(fd);
}

/* Removes the document, but not under somebody who sends it. Its bytes; 0: it stays. */
static uint64_t drop(struct queue *queue, const char *name) {
    struct stat about;
    int fd = openat(queue->folder, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    if (fd < 0)
        return 0;
    bool is_ours = flock(fd, LOCK_EX | LOCK_NB) == 0 && fstat(fd, &about) == 0 &&
                   about.st_nlink > 0 && unlinkat(queue->folder, name, 0) == 0;
    if (is_ours)
        note_dropped(queue, name);
    close(fd);
    return is_ours ? (uint64_t)about.st_size + 1 : 0;
}

/* Drops the oldest documents, also those set aside, until one of `wanted` bytes fits the queue's
 * bounds. False: the queue cannot be read. */
static bool make_room(struct queue *queue, size_t wanted) {
    char **names;
    uint32_t count;
    uint64_t bytes;
    bool is_read = list(queue, true, &names, &count, &bytes);
    uint32_t left = count;
    for (uint32_t i = 0; i < count && (left >= QUEUE_DOCUMENTS || bytes + wanted > QUEUE_BYTES);
         i++) {
        uint64_t gone = drop(queue, names[i]);
        left -= gone > 0;
        bytes -= gone ? gone - 1 : 0;
    }
    free_names(names, count);
    return is_read;
}

/* Writes all the bytes; false and errno where that failed. */
static bool write_all(int fd, const char *from, size_t bytes) {
    while (bytes > 0) {
        ssize_t written = write(fd, from, bytes);
        if (written < 0 && errno == EINTR)
            continue;
        if (written <= 0)
            return false;
        from += written;
        bytes -= (size_t)written;
    }
    return true;
}

/* Writes a document and renames it into its place; false, with the reason. Under the lock, so an
 * unfinished document that is left there has no writer. */
static bool write_document(struct queue *queue, const char *name, const char *text, size_t bytes) {
    static const char unfinished[] = "unfinished";
    (void)unlinkat(queue->folder, unfinished, 0);
    int fd = openat(queue->folder, unfinished, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC,
                    0600);
    if (fd < 0)
        return fail(queue, "nothing can be written there", errno);
    bool is_written = write_all(fd, text, bytes) && fsync(fd) == 0;
    int error = errno;
    close(fd);
    if (is_written && renameat(queue->folder, unfinished, queue->folder, name) == 0) {
        (void)fsync(queue->folder);
        return true;
    }
    error = is_written ? errno : error;
    (void)unlinkat(queue->folder, unfinished, 0);
    return fail(queue, "nothing can be written there", error);
}

bool queue_add(struct queue *queue, const char *document, size_t bytes, char name[QUEUE_NAME]) {
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    snprintf(name, QUEUE_NAME, "%0*llu-%08x.json", DIGITS,
             (unsigned long long)now.tv_sec * 1000000000u + (unsigned long long)now.tv_nsec,
             hak_crc32c(document, bytes));
    if (bytes > DOCUMENT_BYTES)
        return fail(queue, "the document is too long", EFBIG);
    if (!lock(queue))
        return false;
    bool is_added = make_room(queue, bytes) && write_document(queue, name, document, bytes);
    unlock(queue);
    return is_added;
}

/* ---- taking out -------------------------------------------------------------------------------
 */

static const char *broken_name(const char *name, char out[QUEUE_NAME + 16]) {
    snprintf(out, QUEUE_NAME + 16, "%s.broken", name);
    return out;
}

void queue_set_aside(struct queue *queue, const char *name) {
    char broken[QUEUE_NAME + 16];
    (void)renameat(queue->folder, name, queue->folder, broken_name(name, broken));
}

bool queue_is_set_aside(const struct queue *queue, const char *name) {
    char broken[QUEUE_NAME + 16];
    return faccessat(queue->folder, broken_name(name, broken), F_OK, AT_SYMLINK_NOFOLLOW) == 0;
}

void queue_remove(struct queue *queue, const char *name) {
    (void)unlinkat(queue->folder, name, 0);
}

/* Reads a document and checks that it is whole. One that cannot be read now may still be whole. */
static enum queue_taken read_document(struct queue *queue, int fd, const char *name, size_t bytes,
                                      char **text) {
    size_t got = 0;
    ssize_t part = 1;
    *text = malloc(bytes + 1);
    int error = *text ? 0 : ENOMEM;
    while (!error && got < bytes && part != 0) {
        part = read(fd, *text + got, bytes - got);
        got += part > 0 ? (size_t)part : 0;
        error = part < 0 && errno != EINTR ? errno : 0;
    }
    uint32_t due = (uint32_t)strtoul(name + DIGITS + 1, NULL, 16);
    if (!error && got == bytes && hak_crc32c(*text, bytes) == due)
        return QUEUE_TAKEN;
    free(*text);
    *text = NULL;
    if (error)
        fail(queue, name, error);
    return error ? QUEUE_FAILED : QUEUE_BROKEN;
}

enum queue_taken queue_take(struct queue *queue, const char *name, int *fd, char **text,
                            size_t *bytes) {
    struct stat about;
    enum queue_taken taken = QUEUE_TAKEN;
    *fd = openat(queue->folder, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    *text = NULL;
    if (*fd < 0 && errno == ENOENT)
        return QUEUE_GONE;
    if (*fd < 0 && errno == ELOOP) { /* a link, which nobody here makes */
        queue_set_aside(queue, name);
        return QUEUE_BROKEN;
    }
    if (*fd < 0) {
        fail(queue, name, errno);
        return QUEUE_FAILED;
    }
    if (flock(*fd, LOCK_EX | LOCK_NB) != 0) {
        taken = QUEUE_BUSY;
    } else if (fstat(*fd, &about) != 0 || about.st_nlink == 0) {
        taken = QUEUE_GONE;
    } else if (!S_ISREG(about.st_mode) || about.st_size > DOCUMENT_BYTES) {
        taken = QUEUE_BROKEN;
    } else {
        *bytes = (size_t)about.st_size;
        taken = read_document(queue, *fd, name, *bytes, text);
    }
    if (taken == QUEUE_BROKEN)
        queue_set_aside(queue, name);
    if (taken != QUEUE_TAKEN) {
        close(*fd);
        *fd = -1;
    }
    return taken;
}

uint32_t queue_take_dropped_count(struct queue *queue) {
    uint32_t lines = 0;
    char part[4096];
    if (queue->folder < 0 || faccessat(queue->folder, dropped_name, F_OK, 0) != 0 || !lock(queue))
        return 0;
    int fd = openat(queue->folder, dropped_name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    for (ssize_t got; fd >= 0 && (got = read(fd, part, sizeof part)) > 0;)
        for (ssize_t i = 0; i < got; i++)
            lines += part[i] == '\n';
    if (fd >= 0)
        close(fd);
    (void)unlinkat(queue->folder, dropped_name, 0);
    unlock(queue);
    return lines;
}
