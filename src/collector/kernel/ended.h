/* How a process ended that was reaped, by its pidfd: the kernel keeps that there since Linux 6.15.
 */
#ifndef HAK_COLLECTOR_KERNEL_ENDED_H
#define HAK_COLLECTOR_KERNEL_ENDED_H

#include <stdbool.h>

/* The wait status of the process of `pidfd`; -1: it was not reaped yet, or the kernel gives no
 * answer. */
int hak_ended_status(int pidfd);

/* Whether hak_ended_status can have an answer here. It has none before Linux 6.15, where an
 * emulator or a filter of system calls refuses the question, and in a process whose parent is of
 * another pid namespace. There a zombie alone shows how it ended. */
bool hak_ended_can_ask(void);

#endif
