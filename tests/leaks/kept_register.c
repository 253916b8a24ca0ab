/* A thread that holds its only pointer in a register, general or vector, while it
 * spins or waits in the kernel. KEPT
 */
#include <pthread.h>
#include <unistd.h>
#include "leaks.h"

static volatile int ready;

/* Clears the values that the call of take left in other registers. */
#define CLEAR                                                                                      \
    "xorl %%eax, %%eax\n"                                                                          \
    "xorl %%ecx, %%ecx\n"                                                                          \
    "xorl %%edx, %%edx\n"                                                                          \
    "xorl %%esi, %%esi\n"                                                                          \
    "xorl %%edi, %%edi\n"                                                                          \
    "xorl %%r8d, %%r8d\n"                                                                          \
    "xorl %%r9d, %%r9d\n"                                                                          \
    "xorl %%r10d, %%r10d\n"                                                                        \
    "xorl %%r11d, %%r11d\n"
#define CLEARED "rax", "rcx", "rdx", "rsi", "rdi", "r8", "r9", "r10", "r11"

static void *spin(void *unused) {
    (void)unused;
    char *volatile block = take(60);
    __asm__ volatile("movq %0, %%r14\n"
                     "movq $0, %0\n" CLEAR "lock incl %1\n"
                     "1: pause\n"
                     "jmp 1b"
                     : "+m"(block), "+m"(ready)
                     :
                     : "r14", CLEARED, "memory");
    return block;
}

static void *spin_with_vector(void *unused) {
    (void)unused;
    char *volatile block = take(62);
    __asm__ volatile("movq %0, %%xmm7\n"
                     "movq $0, %0\n" CLEAR "lock incl %1\n"
                     "1: pause\n"
                     "jmp 1b"
                     : "+m"(block), "+m"(ready)
                     :
                     : "xmm7", CLEARED, "memory");
    return block;
}

static void *wait_in_kernel(void *unused) {
    (void)unused;
    char *volatile block = take(61);
    __asm__ volatile("movq %0, %%r15\n"
                     "movq $0, %0\n" CLEAR "lock incl %1\n"
                     "1: movl $34, %%eax\n" /* pause */
                     "syscall\n"
                     "jmp 1b"
                     : "+m"(block), "+m"(ready)
                     :
                     : "r15", CLEARED, "memory");
    return block;
}

int main(void) {
    pthread_t thread;
    if (pthread_create(&thread, NULL, spin, NULL) != 0 ||
        pthread_create(&thread, NULL, wait_in_kernel, NULL) != 0)
        return 2;
    if (pthread_create(&thread, NULL, spin_with_vector, NULL) != 0)
        return 2;
    while (ready != 3)
        usleep(1000);
    forget_frames();
    return 0;
}
