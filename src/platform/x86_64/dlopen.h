/* Defines dlopen for x86-64: a jump to the next one without RTLD_DEEPBIND. */
#ifndef HAK_PLATFORM_X86_64_DLOPEN_H
#define HAK_PLATFORM_X86_64_DLOPEN_H

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

#endif
