/* A child that lives for some system calls that may take long in the kernel: it may stay there,
 * where not even SIGKILL ends it, and nobody waits for it. */
#ifndef HAK_COLLECTOR_KERNEL_SHORT_CHILD_H
#define HAK_COLLECTOR_KERNEL_SHORT_CHILD_H

#include <sys/types.h>

#define HAK_SHORT_CHILDREN 16

struct hak_short_children {
    pid_t pids[HAK_SHORT_CHILDREN];
    int count;
};

/* 0 in the child, in which only system calls are safe, and whose end sends no signal; -1 when there
 * are too many that have not ended, or the kernel makes none. */
pid_t hak_short_child_start(struct hak_short_children *c);

/* Forgets those that have ended. */
void hak_short_child_reap(struct hak_short_children *c);

#endif
