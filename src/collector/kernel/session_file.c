/* Asks, and writes into, a session's memfd without waiting for its other holders. */
#include "collector/kernel/session_file.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>
#include "collector/kernel/proc.h"

/* A memfd of this process's own; -1 = there is none. For one thread. */
static int own_memfd(void) {
    static int file = -1;
    if (file < 0)
        file = memfd_create("hakmem-collect", MFD_CLOEXEC);
    return file;
}

/* The device that the kernel's memfds lie on, which no mount shows; 0 = not known. */
static dev_t device_of_memfds(void) {
    static dev_t device;
    struct stat about;
    if (!device && own_memfd() >= 0 && fstat(own_memfd(), &about) == 0)
        device = about.st_dev;
    return device;
}

bool hak_session_file_is_memfd(int file) {
    struct statx about;
    dev_t memfds = device_of_memfds();
    return statx(file, "", AT_EMPTY_PATH | AT_STATX_DONT_SYNC, STATX_TYPE, &about) == 0 &&
           S_ISREG(about.stx_mode) && makedev(about.stx_dev_major, about.stx_dev_minor) == memfds;
}

bool hak_session_file_make_own(int *file) {
    char path[64];
    snprintf(path, sizeof path, "/proc/self/fd/%d", *file);
    /* Without O_NONBLOCK it would wait for the holder of a lease. */
    int own = hak_proc_is_own() ? open(path, O_RDWR | O_CLOEXEC | O_NONBLOCK) : -1;
    if (own < 0)
        return false;
    close(*file);
    *file = own;
    return true;
}

bool hak_session_file_is_held(int file, bool is_own) {
    struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
    if (!is_own)
        return fcntl(file, F_ADD_SEALS, F_SEAL_WRITE) != 0;
    return fcntl(file, F_OFD_GETLK, &lock) == 0 && lock.l_type != F_UNLCK;
}

bool hak_session_file_write(int file, off_t offset, uint64_t word) {
    off_t bytes = sysconf(_SC_PAGESIZE), page = offset / bytes * bytes;
    char *at = mmap(NULL, (size_t)bytes, PROT_READ | PROT_WRITE, MAP_SHARED, file, page);
    if (at == MAP_FAILED)
        return false;
    /* By the kernel: a page that the kernel cannot give is an error then, and not the end by
     * SIGBUS. */
    bool is_written =
        pwrite(own_memfd(), &word, sizeof word, 0) == (ssize_t)sizeof word &&
        pread(own_memfd(), at + (offset - page), sizeof word, 0) == (ssize_t)sizeof word;
    munmap(at, (size_t)bytes);
    return is_written;
}
