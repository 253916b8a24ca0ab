/* How a process ended that was reaped, by its pidfd: the kernel keeps that there since Linux 6.15.
 */
#ifndef HAK_COLLECTOR_KERNEL_ENDED_H
#define HAK_COLLECTOR_KERNEL_ENDED_H

#include <stdbool.h>

/* The wait status of the process of `pidfd`; -1: it was not reaped yet, or the kernel does not tell
 * it. */
int hak_ended_status(int pidfd);

/* Whether hak_ended_status tells it here. An emulator of system calls may have a kernel that does
 * and not pass the question on. Before Linux 6.15, and there, a zombie alone tells it. */
bool hak_ended_is_told(void);

#endif
