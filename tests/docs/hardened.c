/* `hardened PROGRAM [ARGUMENT...]` executes PROGRAM as systemd does for a unit with
 * NoNewPrivileges, SystemCallFilter=@system-service (the list is in system_service.h, what is not
 * on it kills), MemoryDenyWriteExecute, and RestrictAddressFamilies; `hardened -u ...` without
 * AF_UNIX. */
#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#define LOAD(member)               BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, member))
#define GIVE(action)               BPF_STMT(BPF_RET | BPF_K, action)
#define REFUSE(error)              GIVE(SECCOMP_RET_ERRNO | (error))
#define JUMP(test, value, yes, no) BPF_JUMP(BPF_JMP | (test) | BPF_K, value, yes, no)

static const unsigned allowed[] = {
#include "system_service.h"
};
enum { COUNT = sizeof allowed / sizeof allowed[0] };

static struct sock_filter code[2 * COUNT + 32];
static unsigned short length;

static void add(const struct sock_filter *part, size_t count) {
    memcpy(code + length, part, count * sizeof *part);
    length = (unsigned short)(length + count);
}
#define ADD(...)                                                                                   \
    add((const struct sock_filter[]){__VA_ARGS__},                                                 \
        sizeof((const struct sock_filter[]){__VA_ARGS__}) / sizeof(struct sock_filter))

int main(int argument_count, char **arguments) {
    int no_unix = argument_count > 1 && strcmp(arguments[1], "-u") == 0;
    char **program = arguments + 1 + no_unix;
    const unsigned both = PROT_WRITE | PROT_EXEC;
    ADD(LOAD(nr), JUMP(BPF_JEQ, SYS_mmap, 0, 4), LOAD(args[2]),
        BPF_STMT(BPF_ALU | BPF_AND | BPF_K, both), JUMP(BPF_JEQ, both, 0, 1), REFUSE(EPERM));
    ADD(LOAD(nr), JUMP(BPF_JEQ, SYS_mprotect, 1, 0), JUMP(BPF_JEQ, SYS_pkey_mprotect, 0, 3),
        LOAD(args[2]), JUMP(BPF_JSET, PROT_EXEC, 0, 1), REFUSE(EPERM));
    ADD(LOAD(nr), JUMP(BPF_JEQ, SYS_socket, 0, 5), LOAD(args[0]), JUMP(BPF_JEQ, AF_INET, 3, 0),
        JUMP(BPF_JEQ, AF_INET6, 2, 0), JUMP(BPF_JEQ, no_unix ? AF_INET : AF_UNIX, 1, 0),
        REFUSE(EAFNOSUPPORT));
    ADD(LOAD(nr));
    for (int i = 0; i < COUNT; i++)
        ADD(JUMP(BPF_JEQ, allowed[i], 0, 1), GIVE(SECCOMP_RET_ALLOW));
    ADD(GIVE(SECCOMP_RET_KILL_PROCESS));
    struct sock_fprog filter = {length, code};
    if (!program[0] || prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 ||
        prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &filter) != 0) {
        perror("hardened: no filter");
        return 125;
    }
    execvp(program[0], program);
    perror(program[0]);
    return 126;
}
