/* exit() is called while a register that calls preserve holds the only pointer. KEPT */
#include "leaks.h"

int main(void) {
    char *volatile block = take(40);
    __asm__ volatile("movq %0, %%r13\n\t"
                     "movq $0, %0\n\t"
                     "xorl %%edi, %%edi\n\t"
                     "andq $-16, %%rsp\n\t"
                     "call exit@PLT"
                     : "+m"(block)
                     :
                     : "r13", "rdi", "memory");
    __builtin_unreachable();
}
