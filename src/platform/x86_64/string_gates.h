/* Leads a call that is looked at, on x86-64 (strings/trampolines.c). A gate for each row pushes its
 * number; what follows keeps the arguments where a va_list would have them, asks, puts them back
 * and jumps:
 *
 *   200  return address   <- CFA - 8
 *   192  number of the row
 *   184  -
 *   176  rax: how many vector registers a variadic call uses; or the result
 *    48  xmm0 to xmm7, of variadic calls
 *     0  rdi rsi rdx rcx r8 r9
 *
 * The function is jumped to, not called, so that its caller is the program in every stack. The
 * bytes that a read has written are known after it alone: such a function is called, and has no
 * arguments behind the sixth. scanf, which may have them, is called with a va_list by
 * hak_strings_look itself (scanned.c). */
#ifndef HAK_PLATFORM_X86_64_STRING_GATES_H
#define HAK_PLATFORM_X86_64_STRING_GATES_H

/* The variadic rows are the last of the table; each gate knows where it goes on. */
#define CALL(name, shape, unit, a, b, c)     "hak_string_gate hak_string_common\n"
#define VARIADIC(name, shape, unit, a, b, c) "hak_string_gate hak_string_variadic\n"

__asm__(".text\n"
        ".macro hak_string_gate target\n"
        ".balign 16\n"
        ".cfi_def_cfa_offset 8\n"
        "endbr64\n"
        "pushq $hak_string_number\n"
        ".cfi_def_cfa_offset 16\n"
        "jmp \\target\n"
        ".set hak_string_number, hak_string_number + 1\n"
        ".endm\n"
        ".set hak_string_number, 0\n"
        ".balign 16\n"
        ".hidden hak_string_gates\n"
        ".globl hak_string_gates\n"
        ".type hak_string_gates, @function\n"
        "hak_string_gates:\n"
        ".cfi_startproc\n"
#include HAK_STRING_CALLS
        ".cfi_endproc\n"
        ".size hak_string_gates, . - hak_string_gates\n"

        ".type hak_string_variadic, @function\n"
        "hak_string_variadic:\n"
        ".cfi_startproc\n"
        ".cfi_def_cfa_offset 16\n"
        "subq $192, %rsp\n"
        ".cfi_def_cfa_offset 208\n"
        "testb %al, %al\n"
        "je 4f\n"
        "movaps %xmm0, 48(%rsp)\n"
        "movaps %xmm1, 64(%rsp)\n"
        "movaps %xmm2, 80(%rsp)\n"
        "movaps %xmm3, 96(%rsp)\n"
        "movaps %xmm4, 112(%rsp)\n"
        "movaps %xmm5, 128(%rsp)\n"
        "movaps %xmm6, 144(%rsp)\n"
        "movaps %xmm7, 160(%rsp)\n"
        "jmp 4f\n"
        ".cfi_endproc\n"
        ".size hak_string_variadic, . - hak_string_variadic\n"

        ".type hak_string_common, @function\n"
        "hak_string_common:\n"
        ".cfi_startproc\n"
        ".cfi_def_cfa_offset 16\n"
        "subq $192, %rsp\n"
        ".cfi_def_cfa_offset 208\n"
        "4:\n"
        "movq %rdi, 0(%rsp)\n"
        "movq %rsi, 8(%rsp)\n"
        "movq %rdx, 16(%rsp)\n"
        "movq %rcx, 24(%rsp)\n"
        "movq %r8, 32(%rsp)\n"
        "movq %r9, 40(%rsp)\n"
        "movq %rax, 176(%rsp)\n"
        "movl 192(%rsp), %edi\n"
        "movq %rsp, %rsi\n"
        "leaq 208(%rsp), %rdx\n"
        "call hak_strings_look\n"
        "testq %rdx, %rdx\n"
        "jne 2f\n"
        "1: movq %rax, %r11\n"
        "movq 0(%rsp), %rdi\n"
        "movq 8(%rsp), %rsi\n"
        "movq 16(%rsp), %rdx\n"
        "movq 24(%rsp), %rcx\n"
        "movq 32(%rsp), %r8\n"
        "movq 40(%rsp), %r9\n"
        "movq 176(%rsp), %rax\n"
        "addq $200, %rsp\n"
        ".cfi_def_cfa_offset 8\n"
        "jmp *%r11\n"
        ".cfi_def_cfa_offset 208\n"
        "2: cmpq $2, %rdx\n"
        "je 3f\n"
        "ja 5f\n"
        "cmpb $0, 176(%rsp)\n"
        "je 1b\n"
        "movaps 48(%rsp), %xmm0\n"
        "movaps 64(%rsp), %xmm1\n"
        "movaps 80(%rsp), %xmm2\n"
        "movaps 96(%rsp), %xmm3\n"
        "movaps 112(%rsp), %xmm4\n"
        "movaps 128(%rsp), %xmm5\n"
        "movaps 144(%rsp), %xmm6\n"
        "movaps 160(%rsp), %xmm7\n"
        "jmp 1b\n"
        "3: movq 0(%rsp), %rdi\n"
        "movq 8(%rsp), %rsi\n"
        "movq 16(%rsp), %rdx\n"
        "movq 24(%rsp), %rcx\n"
        "movq 32(%rsp), %r8\n"
        "movq 40(%rsp), %r9\n"
        "call *%rax\n"
        "movq %rax, 176(%rsp)\n"
        "movl 192(%rsp), %edi\n"
        "movq %rsp, %rsi\n"
        "movq %rax, %rdx\n"
        "call hak_strings_look_again\n"
        "5: movq 176(%rsp), %rax\n"
        "addq $200, %rsp\n"
        ".cfi_def_cfa_offset 8\n"
        "ret\n"
        ".cfi_endproc\n"
        ".size hak_string_common, . - hak_string_common\n");

#endif
