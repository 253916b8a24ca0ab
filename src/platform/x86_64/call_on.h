/* Defines hak_crash_call_on for x86-64: calls a function on another stack. */
#ifndef HAK_PLATFORM_X86_64_CALL_ON_H
#define HAK_PLATFORM_X86_64_CALL_ON_H

__asm__(".text\n"
        ".type hak_crash_call_on, @function\n"
        ".hidden hak_crash_call_on\n"
        "hak_crash_call_on:\n"
        ".cfi_startproc\n"
        "pushq %rbp\n"
        ".cfi_adjust_cfa_offset 8\n"
        ".cfi_rel_offset %rbp, 0\n"
        "movq %rsp, %rbp\n"
        ".cfi_def_cfa_register %rbp\n"
        "movq %rdi, %rsp\n"
        "call *%rsi\n"
        "movq %rbp, %rsp\n"
        "popq %rbp\n"
        ".cfi_def_cfa %rsp, 8\n"
        "ret\n"
        ".cfi_endproc\n"
        ".size hak_crash_call_on, . - hak_crash_call_on\n");

#endif
