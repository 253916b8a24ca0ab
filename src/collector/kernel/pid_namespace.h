/* Finds the process that a pid of another pid namespace means. A pid is used in its own namespace
 * only:
 *
 *   said by the kernel   SO_PEERCRED, pidfd, /proc      this process's namespace
 *   said by a process    getpid of it, of its children  the namespace whose inode it hands over
 *
 * The number is translated by what /proc says of the children of a process that is known. */
#ifndef HAK_COLLECTOR_KERNEL_PID_NAMESPACE_H
#define HAK_COLLECTOR_KERNEL_PID_NAMESPACE_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

/* A process as it calls itself. */
struct hak_inner_pid {
    pid_t pid;
    uint64_t space;      /* inode of its pid namespace, 0 = not known */
    uint64_t not_before; /* it started then or later (field 22), 0 = not known */
};

/* Inode of the pid namespace of `pid`; 0 = not known. */
uint64_t hak_pid_namespace_of(pid_t pid);
/* The number of this process's own pid namespace, asked once; 0: it cannot be told. */
uint64_t hak_pid_namespace_own(void);

/* The pid of `pid` in the innermost of its namespaces; 0 = not known. */
pid_t hak_pid_innermost(pid_t pid);

/* Can `pid`, in this process's namespace, be `inner`? False only by evidence: another number or
 * namespace, or an earlier start. One that is gone or cannot be looked at can be. */
bool hak_pid_can_be(pid_t pid, const struct hak_inner_pid *inner);

/* The pid, in this process's namespace, of the child of `parent` that calls itself `inner`; 0 =
 * there is none, or it cannot be seen, or to look for it takes too long: a process may have many
 * threads, each with its children, and ask for it often. All these looks of this process, which one
 * thread does, take half of the time at most. */
pid_t hak_pid_of_child(pid_t parent, const struct hak_inner_pid *inner);

/* A look at the children of a process, which may be cut and go on later. All 0 starts one that is
 * not cut. */
struct hak_children_look {
    uint64_t until_ns; /* hak_pid_time_used, when it is cut; 0 = it is not */
    bool is_cut;       /* it was: the next one goes on from here */
    long thread;       /* of /proc/PID/task: where it goes on */
    uint32_t children; /* of that thread, that it has seen */
};

/* Processor time of this thread, in ns. */
uint64_t hak_pid_time_used(void);

/* Calls `take` with each child of `parent` until it returns true; returns that child, 0 = none.
 * However little time there is, it calls it once, or has seen one thread. */
pid_t hak_pid_find_child(pid_t parent, bool (*take)(void *context, pid_t child), void *context,
                         struct hak_children_look *look);

#endif
