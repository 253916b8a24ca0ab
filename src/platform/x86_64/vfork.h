/* Defines vfork for x86-64 (tree/vfork.c). */
#ifndef HAK_PLATFORM_X86_64_VFORK_H
#define HAK_PLATFORM_X86_64_VFORK_H

__asm__(".text\n"
        ".globl vfork\n"
        ".type vfork, @function\n"
        "vfork:\n"
        ".cfi_startproc\n"
        "subq $8, %rsp\n"
        ".cfi_adjust_cfa_offset 8\n"
        "call hak_vfork_before\n"
        "addq $8, %rsp\n"
        ".cfi_adjust_cfa_offset -8\n"
        "popq %rdi\n"
        ".cfi_adjust_cfa_offset -8\n"
        ".cfi_register %rip, %rdi\n"
        "movl $58, %eax\n"
        "syscall\n"
        "pushq %rdi\n"
        ".cfi_adjust_cfa_offset 8\n"
        ".cfi_rel_offset %rip, 0\n"
        "testq %rax, %rax\n"
        "jz 1f\n"
        "movq %rax, %rdi\n"
        "jmp hak_vfork_after\n"
        "1: ret\n"
        ".cfi_endproc\n"
        ".size vfork, . - vfork\n");

#endif
