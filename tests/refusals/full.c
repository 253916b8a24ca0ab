/* A disk that is full, for one process: LD_PRELOAD=full.so FULL_UNDER=DIRECTORY FULL_AFTER=BYTES
 * lets no file below DIRECTORY grow past BYTES, as a small file system would. */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>
#include <unistd.h>

static int is_full(int file, off_t end) {
    const char *under = getenv("FULL_UNDER"), *after = getenv("FULL_AFTER");
    char link[64], path[4096];
    if (!under || !after || end <= atoll(after))
        return 0;
    snprintf(link, sizeof link, "/proc/self/fd/%d", file);
    ssize_t length = readlink(link, path, sizeof path - 1);
    if (length <= 0)
        return 0;
    path[length] = 0;
    return strncmp(path, under, strlen(under)) == 0 && strstr(path, ".db") != NULL;
}

static int refuse(void) {
    errno = ENOSPC;
    return -1;
}

#define NEXT(result, name, ...)                                                                    \
    static result (*next)(__VA_ARGS__);                                                            \
    if (!next)                                                                                     \
    next = (__typeof__(next))dlsym(RTLD_NEXT, #name)

ssize_t pwrite64(int file, const void *bytes, size_t count, off64_t offset) {
    NEXT(ssize_t, pwrite64, int, const void *, size_t, off64_t);
    return is_full(file, offset + (off_t)count) ? refuse() : next(file, bytes, count, offset);
}

ssize_t pwrite(int file, const void *bytes, size_t count, off_t offset) {
    return pwrite64(file, bytes, count, offset);
}

ssize_t write(int file, const void *bytes, size_t count) {
    NEXT(ssize_t, write, int, const void *, size_t);
    off_t at = lseek(file, 0, SEEK_CUR);
    return at >= 0 && is_full(file, at + (off_t)count) ? refuse() : next(file, bytes, count);
}

int ftruncate64(int file, off64_t length) {
    NEXT(int, ftruncate64, int, off64_t);
    return is_full(file, length) ? refuse() : next(file, length);
}

int posix_fallocate(int file, off_t offset, off_t length) {
    NEXT(int, posix_fallocate, int, off_t, off_t);
    return is_full(file, offset + length) ? ENOSPC : next(file, offset, length);
}

int posix_fallocate64(int file, off64_t offset, off64_t length) {
    return posix_fallocate(file, offset, length);
}
