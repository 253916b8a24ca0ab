/* Lists the threads of a process, from its folder /proc/PID/task.
 *
 * Thread and signal safety: any; raw system calls, nothing is allocated, errno is kept. */
#ifndef HAK_PLATFORM_TASKS_H
#define HAK_PLATFORM_TASKS_H

#include <fcntl.h>
#include <stdbool.h>
#include <sys/stat.h>
#include "platform/raw_call.h"

enum { HAK_TASKS_LISTED_BYTES = 2048 };

/* One entry of a directory listing by the kernel. */
struct hak_listed_task {
    uint64_t inode;
    int64_t next;
    uint16_t bytes;
    uint8_t type;
    char name[];
};

/* Whether the calling process has no other thread, by the number of links to /proc/self/task: .,
 * .., and one of each. False where it cannot be told. */
static inline bool hak_is_only_task(void) {
    struct stat tasks;
    long result = hak_raw_call(SYS_newfstatat, AT_FDCWD, "/proc/self/task", &tasks, 0);
    return result == 0 && tasks.st_nlink == 3;
}

/* The folder of the calling process; negative: it cannot be opened. */
static inline long hak_open_tasks(void) {
    return hak_raw_call(SYS_openat, AT_FDCWD, "/proc/self/task",
                        O_RDONLY | O_DIRECTORY | O_CLOEXEC);
}

/* Calls `visit` with each thread that is listed. One that begins meanwhile may be left out. */
static inline void hak_visit_tasks(long folder, void (*visit)(int thread, void *context),
                                   void *context) {
    char list[HAK_TASKS_LISTED_BYTES] __attribute__((aligned(8)));
    long got;
    (void)hak_raw_call(SYS_lseek, folder, 0, 0);
    while ((got = hak_raw_call(SYS_getdents64, folder, list, sizeof list)) > 0)
        for (long at = 0; at < got;) {
            const struct hak_listed_task *task = (const void *)(list + at);
            int number = 0;
            for (const char *c = task->name; *c >= '0' && *c <= '9'; c++)
                number = number * 10 + (*c - '0');
            at += task->bytes;
            if (number > 0)
                visit(number, context);
        }
}

#endif
