/* A sandbox forbids ptrace: threads are stopped by a signal, and their registers count as well.
 * KEPT */
#define _GNU_SOURCE
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <pthread.h>
#include <stddef.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>
#include "leaks.h"

static volatile int ready;

static void *spin(void *unused) {
    (void)unused;
    char *block = take(60);
    __asm__ volatile("movq %0, %%r14\n"
                     "movq $0, %0\n"
                     "lock incl %1\n"
                     "1: pause\n"
                     "jmp 1b"
                     : "+r"(block), "+m"(ready)
                     :
                     : "r14", "memory");
    return block;
}

static void *wait_in_kernel(void *unused) {
    (void)unused;
    char *volatile block = take(61);
    ready++;
    for (;;)
        pause();
    return block;
}

static int forbid_ptrace(void) {
    struct sock_filter filter[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_ptrace, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | 1),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };
    struct sock_fprog program = {sizeof filter / sizeof *filter, filter};
    return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) ||
           prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program);
}

int main(void) {
    pthread_t thread;
    if (forbid_ptrace() || pthread_create(&thread, NULL, spin, NULL) != 0)
        return 2;
    while (ready != 1)
        usleep(1000);
    if (pthread_create(&thread, NULL, wait_in_kernel, NULL) != 0)
        return 2;
    while (ready != 2)
        usleep(1000);
    forget_frames();
    return 0;
}
