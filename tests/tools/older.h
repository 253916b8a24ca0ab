/* Functions that glibc has since 2.32 (strerrorname_np) and 2.34, where it is older: by system
 * calls. */
#include <features.h>
#if !__GLIBC_PREREQ(2, 32)
#include <string.h>
#define strerrorname_np strerror
#endif
#if !__GLIBC_PREREQ(2, 34)
#include <sys/syscall.h>
#include <unistd.h>
#ifndef SYS_close_range
#define SYS_close_range 436
#endif
#define _Fork()                    ((pid_t)syscall(SYS_fork))
#define close_range(from, to, how) syscall(SYS_close_range, from, to, how)
#define closefrom(first)           syscall(SYS_close_range, first, ~0u, 0)
int execveat(int folder, const char *path, char *const arguments[], char *const environment[],
             int flags) __attribute__((weak));
#define execveat(folder, path, arguments, environment, flags)                                      \
    (execveat ? execveat(folder, path, arguments, environment, flags)                              \
              : (int)syscall(SYS_execveat, folder, path, arguments, environment, flags))
#endif
