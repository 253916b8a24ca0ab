/* Gives pages, addresses, pointers and ticks of an aarch64 processor. */
#ifndef HAK_PLATFORM_AARCH64_PROCESSOR_H
#define HAK_PLATFORM_AARCH64_PROCESSOR_H

#include <stddef.h>
#include <stdint.h>
#include <sys/auxv.h>
#include "attributes.h"

/* Kernels are built for pages of 4, 16 or 64 KiB, and say which at the start of each process. Weak,
 * since parts of hakmem are linked without each other. */
HAK_HIDDEN extern size_t hak_page_bytes_found; /* 0: nobody has asked yet */
__attribute__((weak)) size_t hak_page_bytes_found;

static inline size_t hak_page_bytes(void) {
    size_t bytes = __atomic_load_n(&hak_page_bytes_found, __ATOMIC_RELAXED);
    if (HAK_LIKELY(bytes != 0))
        return bytes;
    bytes = getauxval(AT_PAGESZ);
    __atomic_store_n(&hak_page_bytes_found, bytes, __ATOMIC_RELAXED);
    return bytes;
}

/* Bytes of a page of the kernel's, and bounds of it that are constant everywhere. */
#define HAK_PAGE_BYTES       hak_page_bytes()
#define HAK_PAGE_BYTES_LEAST ((size_t)4096)
#define HAK_PAGE_BYTES_MOST  ((size_t)65536)

#define HAK_ADDRESS_BITS 48 /* of a user address; 52 only where a program asks for more */

/* Whether there are loads and stores of 16 bytes that ask for aligned memory. */
#define HAK_HAS_ALIGNED_ACCESSES 0

enum {
    HAK_INSTRUCTION_BYTES_MAX = 4,
    HAK_RED_ZONE_BYTES = 0, /* below sp, that a function may use */
};

/* <elf.h> has these: the machine, and the relocations of a call's address, of a variable's or a
 * function's, and of a word of data that is such an address. */
#define HAK_ELF_MACHINE   EM_AARCH64
#define HAK_ELF_JUMP_SLOT R_AARCH64_JUMP_SLOT
#define HAK_ELF_GLOB_DAT  R_AARCH64_GLOB_DAT
#define HAK_ELF_ABSOLUTE  R_AARCH64_ABS64

#define HAK_LOADER_NAME "ld-linux-aarch64" /* of glibc */

/* The address of the calling thread's control block. */
static inline uintptr_t hak_thread_pointer(void) {
    return (uintptr_t)__builtin_thread_pointer();
}

HAK_IN_PLACE uintptr_t hak_stack_pointer(void) {
    uintptr_t here = 0;
    __asm__("mov %0, sp" : "=r"(here));
    return here;
}

/* The same into memory, before the accesses that follow. */
HAK_IN_PLACE void hak_note_stack_pointer(volatile uintptr_t *to) {
    *to = hak_stack_pointer();
    __asm__ volatile("" : : : "memory");
}

/* The virtual counter, whose rate is anything from 1 MHz to 1 GHz: shifted to 2^30 to 2^31 ticks a
 * second, so that what counts by ticks of x86-64 does so here. */
HAK_IN_PLACE uint64_t hak_ticks_now(void) {
    uint64_t count, rate;
    __asm__ volatile("mrs %0, cntvct_el0" : "=r"(count));
    __asm__("mrs %0, cntfrq_el0" : "=r"(rate));
    return count << (((unsigned)__builtin_clz((uint32_t)rate | 1) - 1) & 31);
}

/* Where the return address of the function lies that it stands in: in its frame record. */
#define HAK_RETURN_PLACE ((const void *const *)__builtin_frame_address(0) + 1)

/* In loops that wait for another thread. */
HAK_IN_PLACE void hak_spin_hint(void) {
    __asm__ volatile("isb" : : : "memory"); /* `yield` does nothing on most of them */
}

/* The pointer, by a move that the compiler does not know. */
HAK_IN_PLACE void *hak_move_unseen(void *pointer) {
    void *same;
    __asm__ volatile("mov %0, %1" : "=r"(same) : "r"(pointer));
    return same;
}

/* Nothing is gained here by saying which register a function returns in. */
#define HAK_IN_RESULT_REGISTER(pointer) ((void)(pointer))

/* The compiler keeps the value at hand, rather than work it out again from what it came of. */
#define HAK_USE_AS_IS(value) __asm__("" : "+r"(value))

#endif
