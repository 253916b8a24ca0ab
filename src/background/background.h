/* The thread of HAKMEM_BACKGROUND: gives back what slow paths leave to it, and, while the program
 * is idle, SuperSlabs that wait in the reserve for a purge delay.
 *
 *   slow paths --slab/away.h, pool--> what is to go --the thread--> kernel
 *       |                                                ^
 *       +--pool/background.h: the word------------------+
 *
 * Begin   at the end of a free once there is something to give back, if its caller is neither of
 *         libc nor of ld.so: these may call free with a lock held that pthread_create takes, as
 *         glibc does for a stack that leaves its cache. A caller from elsewhere could have created
 *         a thread itself.
 *
 * Work    until nothing is left; then it looks again after a millisecond, so that one who leaves
 *         much wakes it but once; then it sleeps.
 *
 * End     with the process. Before that where the first thread ends by itself: the process is to
 *         end with its last thread, which must not be this one. And before the program enters a
 *         sandbox, whose filter the thread would miss, or break.
 *
 * Fork    the child begins its own. That of a clone past libc has none; its slow paths give back.
 *
 * It is a pthread, so that setuid and its like, which glibc carries out on each thread, include it;
 * all other signals are blocked. It never calls malloc. It is not there in levels normal and trace,
 * nor in libhakmem.a.
 *
 * May call: slab, pool, platform. */
#ifndef HAK_BACKGROUND_BACKGROUND_H
#define HAK_BACKGROUND_BACKGROUND_H

#include "pool/background.h"

/* All of this is weak, as libhakmem.a and the checks' half of hakmem-debug.so have none of it. */

/* The thread may begin from here on. In the constructor, on the first thread. */
HAK_HIDDEN void hak_background_prepare(void) __attribute__((weak));

/* Begins the thread if the code at `caller`, to which a call of the family is about to return, may
 * create one; errno is kept. To be called where hak_background_is_due. A failure is counted, and
 * not tried again. */
HAK_HIDDEN HAK_COLD void hak_background_begin_for(const void *caller) __attribute__((weak));

/* The calling thread ends. */
HAK_HIDDEN void hak_background_thread_ends(void) __attribute__((weak));

/* Ends the thread and waits for that, before the program enters a sandbox. In level light none
 * begins any more, in children neither; in libhakmem.so unless the program gets into none. */
HAK_HIDDEN void hak_background_end(void) __attribute__((weak));

/* In the child of a fork, on its only thread. */
HAK_HIDDEN void hak_background_after_fork(void) __attribute__((weak));

#endif
