/* Asks /proc about this process, and moves descriptors away from the program's. */
#include "trace/memory/proc.h"
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include "platform/line.h"
#include "platform/raw_call.h"
#include "trace/protocol.h"
#include "trace/session.h"
#include "trace/stat_line.h"

enum { STAT_BYTES = 1024, ANCESTORS = 256 };

size_t hak_proc_read(const char *path, char *to, size_t capacity) {
    size_t got = 0;
    long more = 1, file = hak_open(path);
    for (; file >= 0 && got < capacity && more > 0; got += more > 0 ? (size_t)more : 0)
        more = hak_raw_call(SYS_read, file, to + got, capacity - got);
    hak_close(file);
    return got;
}

bool hak_proc_read_text(const char *path, char *text, size_t bytes) {
    size_t got = hak_proc_read(path, text, bytes - 1);
    text[got] = 0;
    return got > 0;
}

/* Reads the line /proc/PID/stat; `pid` 0 = this process. False: it cannot. */
static bool read_stat(uint64_t pid, char *text, size_t bytes) {
    struct hak_line path = {0};
    hak_line_add(&path, "/proc/");
    if (pid)
        hak_line_number(&path, pid);
    hak_line_add(&path, pid ? "/stat" : "self/stat");
    return hak_proc_read_text(hak_line_text(&path), text, bytes);
}

uint64_t hak_proc_start_time(void) {
    char text[STAT_BYTES];
    uint64_t start = 0;
    if (read_stat(0, text, sizeof text))
        (void)hak_stat_number(text, HAK_STAT_START_TIME, &start);
    return start;
}

uint64_t hak_proc_pid_space(void) {
    struct stat about;
    return hak_raw_call(SYS_newfstatat, AT_FDCWD, "/proc/self/ns/pid", &about) == 0 ? about.st_ino
                                                                                    : 0;
}

bool hak_proc_descends_from(int pid) {
    char text[STAT_BYTES];
    uint64_t parent = 0;
    if (!read_stat(0, text, sizeof text) || hak_stat_pid(text) != hak_raw_call(SYS_getpid))
        return false;
    for (int depth = 0; depth < ANCESTORS; depth++) {
        if (!hak_stat_number(text, HAK_STAT_PARENT, &parent))
            return false;
        if (parent == (uint64_t)pid)
            return true;
        if (parent <= 1 || !read_stat(parent, text, sizeof text))
            return false;
    }
    return false;
}

int hak_lift_file(long descriptor) {
    long lifted;
    if (descriptor < 0)
        return -1;
    lifted = hak_raw_call(SYS_fcntl, descriptor, F_DUPFD_CLOEXEC, HAK_LIFTED_TO);
    if (lifted < 0) { /* a small RLIMIT_NOFILE */
        if (descriptor > 2)
            return (int)descriptor;
        lifted = hak_raw_call(SYS_fcntl, descriptor, F_DUPFD_CLOEXEC, 3);
    }
    hak_close(descriptor);
    return lifted < 0 ? -1 : (int)lifted;
}
