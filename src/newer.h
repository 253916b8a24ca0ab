/* Numbers of Linux and names of glibc that are newer than the oldest headers which hakmem is
 * compiled with (Debian 11's: glibc 2.31, Linux 5.10). The kernel or libc that runs may know them
 * all the same; each user says what happens where it does not. */
#ifndef HAK_NEWER_H
#define HAK_NEWER_H

#include <linux/futex.h>
#include <malloc.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#ifndef SS_AUTODISARM /* no glibc names it */
#define SS_AUTODISARM (1U << 31)
#endif
#ifndef MREMAP_DONTUNMAP
#define MREMAP_DONTUNMAP 4
#endif
#ifndef MADV_COLD
#define MADV_COLD 20
#endif
#ifndef MADV_GUARD_INSTALL
#define MADV_GUARD_INSTALL 102
#define MADV_GUARD_REMOVE  103
#endif
#ifndef MFD_NOEXEC_SEAL
#define MFD_NOEXEC_SEAL 8U
#endif
#ifndef SEGV_MTEAERR /* codes of SIGSEGV: memory tags, found late and at the instruction */
#define SEGV_MTEAERR 8
#define SEGV_MTESERR 9
#endif
#ifndef SYS_SECCOMP /* a code of SIGSYS */
#define SYS_SECCOMP 1
#endif
#ifndef SYS_close_range
#define SYS_close_range 436
#endif
#ifndef SYS_epoll_pwait2
#define SYS_epoll_pwait2 441
#endif
#ifndef SYS_process_madvise
#define SYS_process_madvise 440
#endif
#ifndef PIDFD_SELF /* Linux 6.14 */
#define PIDFD_SELF (-10000)
#endif
#ifndef SYS_futex_waitv
#define SYS_futex_waitv 449
#endif
#ifndef FUTEX_32
#define FUTEX_32 2
#endif

#if !__GLIBC_PREREQ(2, 33)
struct mallinfo2 {
    size_t arena, ordblks, smblks, hblks, hblkhd, usmblks, fsmblks, uordblks, fordblks, keepcost;
};
struct mallinfo2 mallinfo2(void);
#endif
#if !__GLIBC_PREREQ(2, 34)
static inline int close_range(unsigned first, unsigned last, int flags) {
    return (int)syscall(SYS_close_range, first, last, flags);
}

/* The program's execveat: notes the exec and takes hakmem out of the environment where it does not
 * fit, which is not known of a path relative to a folder. */
int execveat(int folder, const char *path, char *const arguments[], char *const environment[],
             int flags);
#endif

#endif
