/* Leads a call that is looked at, on aarch64 (strings/trampolines.c). A gate for each row takes its
 * number; what follows keeps the arguments where a va_list would have them, asks, puts them back
 * and jumps:
 *
 *   240  <- CFA
 *   224  x8: where the caller wants a result of several words
 *   216  number of the row
 *   208  the result
 *    80  q0 to q7, of variadic calls
 *    16  x0 to x7
 *     0  x29 x30
 *
 * The function is jumped to, not called, so that its caller is the program in every stack. The
 * bytes that a read has written are known after it alone: such a function is called, and has no
 * arguments on the stack. scanf, which may have them, is called with a va_list by hak_strings_look
 * itself (scanned.c). */
#ifndef HAK_PLATFORM_AARCH64_STRING_GATES_H
#define HAK_PLATFORM_AARCH64_STRING_GATES_H

/* The variadic rows are the last of the table; each gate knows where it goes on. */
#define CALL(name, shape, unit, a, b, c)     "hak_string_gate hak_string_common\n"
#define VARIADIC(name, shape, unit, a, b, c) "hak_string_gate hak_string_variadic\n"

__asm__(".text\n"
        ".macro hak_string_gate target\n"
        ".balign 16\n"
        "hint #34\n" /* bti c: it is called through a pointer */
        "mov w16, #hak_string_number\n"
        "b \\target\n"
        ".set hak_string_number, hak_string_number + 1\n"
        ".endm\n"
        ".set hak_string_number, 0\n"
        ".balign 16\n"
        ".hidden hak_string_gates\n"
        ".globl hak_string_gates\n"
        ".type hak_string_gates, %function\n"
        "hak_string_gates:\n"
        ".cfi_startproc\n"
#include HAK_STRING_CALLS
        ".cfi_endproc\n"
        ".size hak_string_gates, . - hak_string_gates\n"

        ".type hak_string_variadic, %function\n"
        "hak_string_variadic:\n"
        ".cfi_startproc\n"
        "stp x29, x30, [sp, #-240]!\n"
        ".cfi_def_cfa_offset 240\n"
        ".cfi_offset 29, -240\n"
        ".cfi_offset 30, -232\n"
        "stp q0, q1, [sp, #80]\n"
        "stp q2, q3, [sp, #112]\n"
        "stp q4, q5, [sp, #144]\n"
        "stp q6, q7, [sp, #176]\n"
        "b 4f\n"
        ".cfi_endproc\n"
        ".size hak_string_variadic, . - hak_string_variadic\n"

        ".type hak_string_common, %function\n"
        "hak_string_common:\n"
        ".cfi_startproc\n"
        "stp x29, x30, [sp, #-240]!\n"
        ".cfi_def_cfa_offset 240\n"
        ".cfi_offset 29, -240\n"
        ".cfi_offset 30, -232\n"
        "4:\n"
        "mov x29, sp\n"
        "stp x0, x1, [sp, #16]\n"
        "stp x2, x3, [sp, #32]\n"
        "stp x4, x5, [sp, #48]\n"
        "stp x6, x7, [sp, #64]\n"
        "stp x16, x8, [sp, #216]\n"
        "mov w0, w16\n"
        "add x1, sp, #16\n"
        "add x2, sp, #240\n"
        "bl hak_strings_look\n"
        "mov x16, x0\n"
        "cmp x1, #2\n"
        "b.hi 5f\n"
        "b.eq 3f\n"
        "cbz x1, 1f\n"
        "ldp q0, q1, [sp, #80]\n"
        "ldp q2, q3, [sp, #112]\n"
        "ldp q4, q5, [sp, #144]\n"
        "ldp q6, q7, [sp, #176]\n"
        "1: ldp x0, x1, [sp, #16]\n"
        "ldp x2, x3, [sp, #32]\n"
        "ldp x4, x5, [sp, #48]\n"
        "ldp x6, x7, [sp, #64]\n"
        "ldr x8, [sp, #224]\n"
        ".cfi_remember_state\n"
        "ldp x29, x30, [sp], #240\n"
        ".cfi_restore 29\n"
        ".cfi_restore 30\n"
        ".cfi_def_cfa_offset 0\n"
        "br x16\n"
        ".cfi_restore_state\n"
        "3: ldp x0, x1, [sp, #16]\n"
        "ldp x2, x3, [sp, #32]\n"
        "ldp x4, x5, [sp, #48]\n"
        "ldp x6, x7, [sp, #64]\n"
        "ldr x8, [sp, #224]\n"
        "blr x16\n"
        "str x0, [sp, #208]\n"
        "mov x2, x0\n"
        "ldr w0, [sp, #216]\n"
        "add x1, sp, #16\n"
        "bl hak_strings_look_again\n"
        "5: ldr x0, [sp, #208]\n"
        "ldp x29, x30, [sp], #240\n"
        ".cfi_restore 29\n"
        ".cfi_restore 30\n"
        ".cfi_def_cfa_offset 0\n"
        "ret\n"
        ".cfi_endproc\n"
        ".size hak_string_common, . - hak_string_common\n");

#endif
