/* Ends at once where the allocator makes a system call that the program's filter does not know:
 *
 *   filtered prctl|seccomp   has a burst, enters the filter, then has another
 *   filtered inherited       enters it and executes `filtered burst` under it
 *   filtered probe           asks the kernel for filters by a call that fails, then has a burst
 *   filtered burst
 *
 * The filter kills for process_madvise alone. Status 77: no filter may be set here. */
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { BLOCKS = 60000, PROCESS_MADVISE = 440 };

static void *blocks[BLOCKS];

static int enter(int by_seccomp) {
    struct sock_filter code[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, PROCESS_MADVISE, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };
    struct sock_fprog program = {sizeof code / sizeof *code, code};
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0)
        return -1;
    return by_seccomp ? (int)syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &program)
                      : prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program);
}

/* 120 MB of blocks, freed in any order, but for some. */
static void burst(void) {
    uint32_t random = 7;
    for (int i = 0; i < BLOCKS; i++)
        if (!(blocks[i] = malloc(2000)) || !memset(blocks[i], 1, 2000))
            abort();
    for (int count = BLOCKS; count > 100; count--) {
        random = random * 1664525u + 1013904223u;
        int at = (int)((random >> 4) % (uint32_t)count);
        free(blocks[at]);
        blocks[at] = blocks[count - 1];
    }
}

int main(int argc, char **argv) {
    const char *what = argc > 1 ? argv[1] : "";
    if (strcmp(what, "probe") == 0)
        return prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, NULL) == 0 ? 1 : (burst(), 0);
    if (strcmp(what, "inherited") != 0)
        burst();
    if (strcmp(what, "burst") != 0 && enter(strcmp(what, "seccomp") == 0) != 0)
        return 77;
    if (strcmp(what, "inherited") == 0)
        return execl("/proc/self/exe", argv[0], "burst", (char *)NULL);
    burst();
    return 0;
}
