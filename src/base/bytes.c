/* The growing buffer; reading and writing files. */
#include "base/bytes.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

bool hak_buffer_reserve(struct hak_buffer *buffer, size_t bytes) {
    if (buffer->room - buffer->size >= bytes)
        return true;
    size_t room = buffer->room ? buffer->room : 4096;
    while (room - buffer->size < bytes)
        room *= 2;
    uint8_t *data = realloc(buffer->data, room);
    if (!data)
        return false;
    buffer->data = data;
    buffer->room = room;
    return true;
}

void hak_buffer_free(struct hak_buffer *buffer) {
    free(buffer->data);
    *buffer = (struct hak_buffer){0};
}

size_t hak_read_fully(int fd, void *to, size_t bytes) {
    size_t have = 0;
    while (have < bytes) {
        ssize_t got = read(fd, (char *)to + have, bytes - have);
        if (got == 0 || (got < 0 && errno != EINTR))
            break;
        have += got > 0 ? (size_t)got : 0;
    }
    return have;
}

bool hak_write_fully(int fd, const void *from, size_t bytes) {
    size_t done = 0;
    while (done < bytes) {
        ssize_t put = write(fd, (const char *)from + done, bytes - done);
        if (put == 0 || (put < 0 && errno != EINTR))
            return false;
        done += put > 0 ? (size_t)put : 0;
    }
    return true;
}

/* True when a write to regular file `fd` would go behind a byte that ends no line. `fd` may be
 * write-only; false where the file may not be read. */
static bool file_ends_unfinished(int fd, const struct stat *file) {
    char path[32], last = '\n';
    off_t end = fcntl(fd, F_GETFL) & O_APPEND ? file->st_size : lseek(fd, 0, SEEK_CUR);
    snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    int reading = end > 0 ? open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC | O_NOCTTY) : -1;
    if (reading < 0)
        return false;
    bool is_there = pread(reading, &last, 1, end - 1) == 1;
    close(reading);
    return is_there && last != '\n';
}

void hak_begin_line(int fd) {
    struct stat file;
    if (fstat(fd, &file) != 0)
        return;
    if (S_ISREG(file.st_mode) ? file_ends_unfinished(fd, &file) : isatty(fd))
        (void)hak_write_fully(fd, "\n", 1);
}

bool hak_replace_file(const char *path, const char *text) {
    char *next = NULL;
    if (asprintf(&next, "%s.new.%d", path, (int)getpid()) < 0) {
        errno = ENOMEM;
        return false;
    }
    int fd = open(next, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0666);
    bool good = fd >= 0 && hak_write_fully(fd, text, strlen(text)) && fsync(fd) == 0;
    good = fd >= 0 && close(fd) == 0 && good && rename(next, path) == 0;
    int error = errno;
    if (!good && fd >= 0)
        unlink(next);
    free(next);
    errno = error;
    return good;
}
