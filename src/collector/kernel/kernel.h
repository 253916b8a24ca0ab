/* The door of questions to the kernel about other processes, some of them hostile: none of the
 * questions waits for one of them without an end.
 *
 *   pid of a peer --> proc (/proc, in a thread) --> peer: whose child, since when, alive?
 *                                               \-> pid_namespace: which process is meant?
 *   memfd of a program --> session_file: is it one, who holds it, a word into it
 *   pidfd --> ended: how did it end?
 *   what may take long --> short_child: a child that is not waited for
 *
 * Owns nothing but the threads that look; each thread may call. It calls no other room. */
#ifndef HAK_COLLECTOR_KERNEL_KERNEL_H
#define HAK_COLLECTOR_KERNEL_KERNEL_H

#include "collector/kernel/ended.h"
#include "collector/kernel/peer.h"
#include "collector/kernel/pid_namespace.h"
#include "collector/kernel/proc.h"
#include "collector/kernel/session_file.h"
#include "collector/kernel/short_child.h"
#include "collector/kernel/time.h"

#endif
