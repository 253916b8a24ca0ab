/* Finds why the kernel forbids this command to trace a process: ptrace(2), "Ptrace access mode
 * checking", and Yama. */
#include "viewer/attach/parts.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "collector/kernel/kernel.h"

/* Reads Yama's ptrace_scope; 0 where the kernel has no Yama. */
static int yama_scope(void) {
    char text[16];
    return hak_proc_read_text("/proc/sys/kernel/yama/ptrace_scope", text, sizeof text) ? atoi(text)
                                                                                       : 0;
}

/* Whether this command may trace a process of any user: CAP_SYS_PTRACE. */
static bool may_trace_all(void) {
    enum { SYS_PTRACE = 19 };
    static char status[16384];
    uint64_t effective = 0;
    if (hak_proc_read_text("/proc/self/status", status, sizeof status))
        sscanf(process_status_line(status, "CapEff:"), "%" SCNx64, &effective);
    return effective >> SYS_PTRACE & 1;
}

bool process_is_closed(const struct process *p, uint32_t user) {
    char path[64];
    struct stat about;
    snprintf(path, sizeof path, "/proc/%d/status", (int)p->shown);
    return stat(path, &about) == 0 && about.st_uid != user;
}

void process_say_forbidden(const struct process *p) {
    static const char by_root[] = "root can record it";
    int scope = yama_scope();
    if (scope == 3)
        process_refuse(p,
                       "cannot be traced: kernel.yama.ptrace_scope is 3, which forbids it to all",
                       "start it with `hakmem-trace run`");
    else if (may_trace_all())
        process_refuse(p,
                       "cannot be traced: the kernel forbids it also with CAP_SYS_PTRACE (a "
                       "security module, or a user namespace outside of this one)",
                       "");
    else if (geteuid() == 0)
        process_refuse(p, "cannot be traced: this root has no CAP_SYS_PTRACE",
                       "a container gets it by --cap-add SYS_PTRACE");
    else if (process_is_closed(p, geteuid()))
        process_refuse(p,
                       "is closed to its own user, as one that changed its user is (prctl, "
                       "PR_SET_DUMPABLE)",
                       by_root);
    else if (scope > 0)
        process_refuse(p,
                       scope == 1 ? "cannot be traced: kernel.yama.ptrace_scope is 1, which leaves "
                                    "it to its ancestors and root"
                                  : "cannot be traced: kernel.yama.ptrace_scope is 2, which leaves "
                                    "it to root",
                       by_root);
    else
        process_refuse(p,
                       "cannot be traced: the kernel forbids it (rights that its user has not, or "
                       "a security module)",
                       by_root);
}
