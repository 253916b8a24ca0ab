/* Touches memory that may be closed by one instruction each, and runs an instruction on an aligned
 * copy of its bytes, on x86-64 (trace/crash/aligned.c). */
#ifndef HAK_PLATFORM_X86_64_ALIGNED_H
#define HAK_PLATFORM_X86_64_ALIGNED_H

#define FUNCTION(name, ...)                                                                        \
    ".type " name ", @function\n.hidden " name "\n" name ":\n.cfi_startproc\n" __VA_ARGS__         \
    "ret\n.cfi_endproc\n.size " name ", . - " name "\n"
#define AT(name) ".hidden " name "\n" name ":\n"
__asm__(".text\n" FUNCTION("hak_crash_load", AT("hak_crash_load_at") "movdqu (%rsi), %xmm0\n"
                                                                     "movdqu %xmm0, (%rdi)\n"
                                                                     "movl $1, %eax\n")
            FUNCTION("hak_crash_store",
                     "movdqu (%rdi), %xmm0\n" AT("hak_crash_store_at") "movdqu %xmm0, (%rsi)\n"
                                                                       "movl $1, %eax\n")
                FUNCTION(
                    "hak_crash_exchange",
                    "movq (%rdi), %rax\n" AT("hak_crash_exchange_at") "lock cmpxchgq %rdx, (%rsi)\n"
                                                                      "movq %rax, (%rdi)\n"
                                                                      "sete %al\n"
                                                                      "movzbl %al, %eax\n")
                    FUNCTION("hak_crash_refused", "movl $2, %eax\n"));

__asm__(".text\n"
        ".type hak_crash_run, @function\n"
        ".hidden hak_crash_run\n"
        "hak_crash_run:\n"
        ".cfi_startproc\n"
        "fxsave64 (%rcx)\n"
        "fxrstor64 (%rdi)\n"
        "pushq (%r8)\n"
        ".cfi_adjust_cfa_offset 8\n"
        "popfq\n"
        ".cfi_adjust_cfa_offset -8\n"
        "call *%rdx\n"
        "pushfq\n"
        ".cfi_adjust_cfa_offset 8\n"
        "popq (%r8)\n"
        ".cfi_adjust_cfa_offset -8\n"
        "fxsave64 (%rdi)\n"
        "fxrstor64 (%rcx)\n"
        "ret\n"
        ".cfi_endproc\n"
        ".size hak_crash_run, . - hak_crash_run\n");

#endif
