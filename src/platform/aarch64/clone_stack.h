/* Defines hak_tracer_clone for aarch64: the child calls a function on another stack and ends. */
#ifndef HAK_PLATFORM_AARCH64_CLONE_STACK_H
#define HAK_PLATFORM_AARCH64_CLONE_STACK_H

__asm__(".text\n"
        ".balign 4\n"
        ".type hak_tracer_clone, %function\n"
        ".hidden hak_tracer_clone\n"
        "hak_tracer_clone:\n"
        ".cfi_startproc\n"
        "stp x1, x2, [x0, #-16]!\n"
        "mov x1, x0\n"
        "mov x0, x3\n"
        "mov x2, #0\n"
        "mov x3, #0\n"
        "mov x4, #0\n"
        "mov x8, #220\n" /* SYS_clone */
        "svc #0\n"
        "cbnz x0, 1f\n"
        ".cfi_undefined 30\n"
        "mov x29, #0\n"
        "mov x30, #0\n"
        "ldp x1, x0, [sp], #16\n"
        "blr x1\n"
        "mov x0, #0\n"
        "mov x8, #94\n" /* SYS_exit_group */
        "svc #0\n"
        "brk #1\n"
        "1:\n"
        ".cfi_same_value 30\n"
        "ret\n"
        ".cfi_endproc\n"
        ".size hak_tracer_clone, . - hak_tracer_clone\n");

#endif
