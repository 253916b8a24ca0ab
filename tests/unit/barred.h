/* System calls that the kernel refuses a process from now on, for tests. */
#ifndef TESTS_UNIT_BARRED_H
#define TESTS_UNIT_BARRED_H

#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include "platform/raw_call.h"

/* The first `count` of the calls, six at most, fail with `error`. False: the kernel has no such
 * filter here, or forbids it. */
static inline bool bar_calls(const unsigned *calls, unsigned count, int error) {
    struct sock_filter code[9];
    unsigned at = 0;
    code[at++] =
        (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr));
    for (unsigned i = 0; i < count; i++)
        code[at++] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, calls[i],
                                                  (uint8_t)(count - i), 0);
    code[at++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
    code[at++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | (unsigned)error);
    struct sock_fprog program = {(unsigned short)at, code};
    return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 &&
           prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) == 0;
}

/* Calls of which the filter says SECCOMP_RET_USER_NOTIF wait for an answer from the descriptor.
 * hakmem hears of no filter. -1: the kernel has none such. */
static inline int listen_to_calls(struct sock_filter *code, unsigned count) {
    struct sock_fprog program = {(unsigned short)count, code};
    if (hak_raw_call_always(SYS_prctl, PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0, 0) != 0)
        return -1;
    long listener = hak_raw_call_always(SYS_seccomp, SECCOMP_SET_MODE_FILTER,
                                        SECCOMP_FILTER_FLAG_NEW_LISTENER, (long)&program, 0, 0, 0);
    return listener < 0 ? -1 : (int)listener;
}

/* Waits for such a call; 0: there is no more. */
static inline uint64_t next_call(int listener) {
    struct seccomp_notif call = {0};
    return ioctl(listener, SECCOMP_IOCTL_NOTIF_RECV, &call) == 0 ? call.id : 0;
}

/* Has the call fail with `error`; 0: the kernel makes it. */
static inline bool answer_call(int listener, uint64_t call, int error) {
    struct seccomp_notif_resp answer = {
        .id = call, .error = -error, .flags = error ? 0 : SECCOMP_USER_NOTIF_FLAG_CONTINUE};
    return ioctl(listener, SECCOMP_IOCTL_NOTIF_SEND, &answer) == 0;
}

#endif
