/* System calls that a stop of their thread ends with EINTR: those that may be made again. */
#ifndef HAK_INTERRUPTED_H
#define HAK_INTERRUPTED_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/syscall.h>
#include "newer.h"

/* True for epoll_wait, under all its names; some architectures have the later ones alone. */
static inline bool hak_call_is_epoll(uint64_t call) {
#ifdef SYS_epoll_wait
    if (call == SYS_epoll_wait)
        return true;
#endif
    return call == SYS_epoll_pwait;
}

/* True for calls that receive, send, accept or wait: made again, they begin their time limit anew.
 * Not for poll, select and nanosleep, which the kernel resumes by itself. */
static inline bool hak_call_loses_time(uint64_t call) {
    switch (call) {
    case SYS_recvfrom:
    case SYS_recvmsg:
    case SYS_recvmmsg:
    case SYS_sendto:
    case SYS_sendmsg:
    case SYS_accept:
    case SYS_accept4:
    case SYS_epoll_pwait2:
    case SYS_semtimedop:
    case SYS_rt_sigtimedwait:
    case SYS_io_getevents:
        return true;
    default:
        return hak_call_is_epoll(call);
    }
}

/* True for read, readv, write, writev, semop and all calls of hak_call_loses_time: after EINTR they
 * have done nothing yet and can be repeated. Not for close and connect, which have done their
 * part. */
static inline bool hak_call_may_be_made_again(uint64_t call) {
    switch (call) {
    case SYS_read:
    case SYS_readv:
    case SYS_write:
    case SYS_writev:
    case SYS_semop:
        return true;
    default:
        return hak_call_loses_time(call);
    }
}

#endif
