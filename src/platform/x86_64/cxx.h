/* Defines hak_cxx_try for x86-64: calls a function in a frame whose personality catches all. */
#ifndef HAK_PLATFORM_X86_64_CXX_H
#define HAK_PLATFORM_X86_64_CXX_H

enum { HAK_EXCEPTION_REGISTER = 0 /* rax, as DWARF numbers it */ };

__asm__(".pushsection .text\n"
        ".globl hak_cxx_try, hak_cxx_caught\n"
        ".hidden hak_cxx_try, hak_cxx_caught\n"
        ".type hak_cxx_try, @function\n"
        "hak_cxx_try:\n"
        ".cfi_startproc\n"
        ".cfi_personality 0x1b, hak_cxx_personality\n"
        "subq $8, %rsp\n"
        ".cfi_def_cfa_offset 16\n"
        "movq %rdi, %rax\n"
        "movq %rsi, %rdi\n"
        "callq *%rax\n"
        "movl $1, %eax\n"
        "jmp 1f\n"
        "hak_cxx_caught:\n"
        "movq %rax, %rdi\n"
        "callq hak_cxx_swallow\n"
        "xorl %eax, %eax\n"
        "1: addq $8, %rsp\n"
        ".cfi_def_cfa_offset 8\n"
        "retq\n"
        ".cfi_endproc\n"
        ".size hak_cxx_try, . - hak_cxx_try\n"
        ".popsection\n");

#endif
