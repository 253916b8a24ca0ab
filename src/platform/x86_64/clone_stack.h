/* Defines hak_tracer_clone for x86-64: the child calls a function on another stack and ends. */
#ifndef HAK_PLATFORM_X86_64_CLONE_STACK_H
#define HAK_PLATFORM_X86_64_CLONE_STACK_H

__asm__(".text\n"
        ".type hak_tracer_clone, @function\n"
        ".hidden hak_tracer_clone\n"
        "hak_tracer_clone:\n"
        ".cfi_startproc\n"
        "subq $16, %rdi\n"
        "movq %rsi, 0(%rdi)\n"
        "movq %rdx, 8(%rdi)\n"
        "movq %rdi, %rsi\n"
        "movq %rcx, %rdi\n"
        "xorl %edx, %edx\n"
        "xorl %r10d, %r10d\n"
        "xorl %r8d, %r8d\n"
        "movl $56, %eax\n"
        "syscall\n"
        "testq %rax, %rax\n"
        "jnz 1f\n"
        ".cfi_undefined %rip\n"
        "xorl %ebp, %ebp\n"
        "popq %rax\n"
        "popq %rdi\n"
        "call *%rax\n"
        "xorl %edi, %edi\n"
        "movl $231, %eax\n"
        "syscall\n"
        "hlt\n"
        "1:\n"
        ".cfi_same_value %rip\n"
        "ret\n"
        ".cfi_endproc\n"
        ".size hak_tracer_clone, . - hak_tracer_clone\n");

#endif
