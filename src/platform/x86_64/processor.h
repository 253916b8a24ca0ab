/* Gives pages, addresses, pointers and ticks of an x86-64 processor. */
#ifndef HAK_PLATFORM_X86_64_PROCESSOR_H
#define HAK_PLATFORM_X86_64_PROCESSOR_H

#include <stddef.h>
#include <stdint.h>
#include "attributes.h"

/* Bytes of a page of the kernel's, and bounds of it that are constant everywhere. */
#define HAK_PAGE_BYTES       ((size_t)4096)
#define HAK_PAGE_BYTES_LEAST ((size_t)4096)
#define HAK_PAGE_BYTES_MOST  ((size_t)4096)

#define HAK_ADDRESS_BITS 47 /* of a user address */

/* Whether there are loads and stores of 16 bytes that ask for aligned memory. */
#define HAK_HAS_ALIGNED_ACCESSES 1

enum {
    HAK_INSTRUCTION_BYTES_MAX = 15,
    HAK_RED_ZONE_BYTES = 128, /* below rsp, that a function may use */
};

/* <elf.h> has these: the machine, and the relocations of a call's address, of a variable's or a
 * function's, and of a word of data that is such an address. */
#define HAK_ELF_MACHINE   EM_X86_64
#define HAK_ELF_JUMP_SLOT R_X86_64_JUMP_SLOT
#define HAK_ELF_GLOB_DAT  R_X86_64_GLOB_DAT
#define HAK_ELF_ABSOLUTE  R_X86_64_64

#define HAK_LOADER_NAME "ld-linux-x86-64" /* of glibc */

/* The address of the calling thread's control block. (Compilers have a builtin for it: gcc since
 * 11, for x86-64.) */
static inline uintptr_t hak_thread_pointer(void) {
    uintptr_t pointer;
    __asm__("mov %%fs:0, %0" : "=r"(pointer));
    return pointer;
}

HAK_IN_PLACE uintptr_t hak_stack_pointer(void) {
    uintptr_t here = 0;
    __asm__("movq %%rsp, %0" : "=r"(here));
    return here;
}

/* The same into memory, before the accesses that follow. */
HAK_IN_PLACE void hak_note_stack_pointer(volatile uintptr_t *to) {
    __asm__ volatile("movq %%rsp, %0" : "=m"(*to) : : "memory");
}

/* The time stamp counter, some 10^9 ticks a second. */
HAK_IN_PLACE uint64_t hak_ticks_now(void) {
    return __builtin_ia32_rdtsc();
}

/* Where the return address of the function lies that it stands in. */
#define HAK_RETURN_PLACE ((const void *const *)__builtin_dwarf_cfa() - 1)

/* In loops that wait for another thread. */
HAK_IN_PLACE void hak_spin_hint(void) {
    __builtin_ia32_pause();
}

/* The pointer, by a move that the compiler does not know. */
HAK_IN_PLACE void *hak_move_unseen(void *pointer) {
    void *same;
    __asm__ volatile("movq %1, %0" : "=r"(same) : "r"(pointer));
    return same;
}

/* The pointer, in the register in which a function returns it: an instruction less in malloc. */
#define HAK_IN_RESULT_REGISTER(pointer) __asm__("" : "+a"(pointer))

/* The compiler keeps the value at hand, rather than work it out again from what it came of. */
#define HAK_USE_AS_IS(value) __asm__("" : "+r"(value))

#endif
