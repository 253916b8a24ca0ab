/* Defines syscall for aarch64 (tree/sandbox.c). */
#ifndef HAK_PLATFORM_AARCH64_SYSCALL_H
#define HAK_PLATFORM_AARCH64_SYSCALL_H

__asm__(".text\n"
        ".balign 4\n"
        ".globl syscall\n"
        ".type syscall, %function\n"
        "syscall:\n"
        ".cfi_startproc\n"
        "hint #34\n"     /* bti c: it is called through a pointer */
        "cmp x0, #277\n" /* SYS_seccomp */
        "b.ne 1f\n"
        "b hak_sandbox_seccomp\n"
        "1: cmp x0, #220\n" /* SYS_clone */
        "mov x8, #435\n"    /* SYS_clone3 */
        "ccmp x0, x8, #4, ne\n"
        "mov x8, #97\n" /* SYS_unshare */
        "ccmp x0, x8, #4, ne\n"
        "mov x8, #268\n" /* SYS_setns */
        "ccmp x0, x8, #4, ne\n"
        "b.ne 2f\n"
        "stp x29, x30, [sp, #-80]!\n"
        ".cfi_def_cfa_offset 80\n"
        ".cfi_offset 29, -80\n"
        ".cfi_offset 30, -72\n"
        "mov x29, sp\n"
        "stp x0, x1, [sp, #16]\n"
        "stp x2, x3, [sp, #32]\n"
        "stp x4, x5, [sp, #48]\n"
        "stp x6, x7, [sp, #64]\n"
        "bl hak_namespace_before\n"
        "ldp x0, x1, [sp, #16]\n"
        "ldp x2, x3, [sp, #32]\n"
        "ldp x4, x5, [sp, #48]\n"
        "ldp x6, x7, [sp, #64]\n"
        "ldp x29, x30, [sp], #80\n"
        ".cfi_restore 29\n"
        ".cfi_restore 30\n"
        ".cfi_def_cfa_offset 0\n"
        "2: mov x8, x0\n"
        "mov x0, x1\n"
        "mov x1, x2\n"
        "mov x2, x3\n"
        "mov x3, x4\n"
        "mov x4, x5\n"
        "mov x5, x6\n"
        "mov x6, x7\n"
        "svc #0\n"
        "cmn x0, #4095\n"
        "b.cs 3f\n"
        "ret\n"
        "3: b hak_syscall_fail\n"
        ".cfi_endproc\n"
        ".size syscall, . - syscall\n");

#endif
