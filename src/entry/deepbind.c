/* dlopen without RTLD_DEEPBIND, in the shared libraries.
 *
 * With that flag a library looks into libc before anything that is preloaded: its malloc and free
 * are glibc's, while the strings that it is given to free are ours. PHP opens all its extensions
 * so, and the first of them that frees what PHP allocated would crash. A malloc of the program's
 * own has no chance against the flag, so it is left out (AddressSanitizer refuses such a dlopen
 * altogether).
 *
 * It is a jump, not a call: ld.so finds RUNPATH and namespace by the address that dlopen returns
 * to. */
#include <dlfcn.h>

#include "entry/entry.h"
#include "platform/symbols.h"

HAK_HIDDEN void *(*hak_next_dlopen)(const char *, int);
HAK_HIDDEN void *hak_entry_find_dlopen(void);

/* The next dlopen. Called by the assembly alone, with its caller's arguments put aside. */
void *hak_entry_find_dlopen(void) {
    *(void **)&hak_next_dlopen = hak_symbol_next("dlopen");
    return (void *)hak_next_dlopen;
}

_Static_assert(RTLD_DEEPBIND == 8, "the mask in the assembly");

__asm__(".text\n"
        ".globl dlopen\n"
        ".type dlopen, @function\n"
        ".globl hak_entry_dlopen\n" /* the same, whatever the program's own address of it is */
        ".hidden hak_entry_dlopen\n"
        "hak_entry_dlopen:\n"
        "dlopen:\n"
        ".cfi_startproc\n"
        "andl $-9, %esi\n"
        "movq hak_next_dlopen(%rip), %rax\n"
        "testq %rax, %rax\n"
        "jz 1f\n"
        "jmp *%rax\n"
        "1: pushq %rdi\n"
        ".cfi_adjust_cfa_offset 8\n"
        "pushq %rsi\n"
        ".cfi_adjust_cfa_offset 8\n"
        "subq $8, %rsp\n"
        ".cfi_adjust_cfa_offset 8\n"
        "call hak_entry_find_dlopen\n"
        "addq $8, %rsp\n"
        ".cfi_adjust_cfa_offset -8\n"
        "popq %rsi\n"
        ".cfi_adjust_cfa_offset -8\n"
        "popq %rdi\n"
        ".cfi_adjust_cfa_offset -8\n"
        "jmp *%rax\n"
        ".cfi_endproc\n"
        ".size dlopen, . - dlopen\n");
