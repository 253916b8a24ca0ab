/* A preload for the collector: a disk that takes long. After each 16 KiB that it writes to a store
 * the writer waits for DISK_MS milliseconds; the file DISK_SAID gets a byte for each wait, so that
 * a test sees that there were any. An fsync takes DISK_SYNC_MS. */
#include <fcntl.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

static void wait_ms(long ms) {
    nanosleep(&(struct timespec){.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000}, NULL);
}

int fsync(int fd) {
    const char *wait = getenv("DISK_SYNC_MS");
    if (wait)
        wait_ms(atol(wait));
    return (int)syscall(SYS_fsync, fd);
}

ssize_t pwrite64(int fd, const void *bytes, size_t count, off_t at) {
    static long written;
    const char *held = getenv("DISK_HELD");
    while (held && access(held, F_OK) == 0)
        wait_ms(1);
    ssize_t done = syscall(SYS_pwrite64, fd, bytes, count, at);
    written += done > 0 ? done : 0;
    const char *said = getenv("DISK_SAID"), *wait = getenv("DISK_MS");
    long ms = wait ? atol(wait) : 0;
    if (written < 16384 || ms <= 0)
        return done;
    written = 0;
    int file = said ? open(said, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600) : -1;
    if (file >= 0) {
        if (write(file, ".", 1) != 1)
            abort();
        close(file);
    }
    wait_ms(ms);
    return done;
}
