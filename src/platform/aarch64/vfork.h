/* Defines vfork for aarch64 (tree/vfork.c): the return address stays in x30 while the child runs.
 */
#ifndef HAK_PLATFORM_AARCH64_VFORK_H
#define HAK_PLATFORM_AARCH64_VFORK_H

__asm__(".text\n"
        ".balign 4\n"
        ".globl vfork\n"
        ".type vfork, %function\n"
        "vfork:\n"
        ".cfi_startproc\n"
        "hint #34\n" /* bti c: it is called through a pointer */
        "stp x29, x30, [sp, #-16]!\n"
        ".cfi_def_cfa_offset 16\n"
        ".cfi_offset 29, -16\n"
        ".cfi_offset 30, -8\n"
        "mov x29, sp\n"
        "bl hak_vfork_before\n"
        "ldp x29, x30, [sp], #16\n"
        ".cfi_restore 29\n"
        ".cfi_restore 30\n"
        ".cfi_def_cfa_offset 0\n"
        "mov x0, #0x4111\n" /* CLONE_VFORK | CLONE_VM | SIGCHLD */
        "mov x1, #0\n"
        "mov x2, #0\n"
        "mov x3, #0\n"
        "mov x4, #0\n"
        "mov x8, #220\n" /* SYS_clone */
        "svc #0\n"
        "cbz x0, 1f\n"
        "b hak_vfork_after\n"
        "1: ret\n"
        ".cfi_endproc\n"
        ".size vfork, . - vfork\n");

#endif
