/* Defines dlopen and dlsym for x86-64, each a jump to the next one or to what stands in for it. */
#ifndef HAK_PLATFORM_X86_64_LOADER_H
#define HAK_PLATFORM_X86_64_LOADER_H

/* Begins the function `name`, which is hak_entry_`name` as well: the same, whatever the program's
 * own address of it is. */
#define HAK_BEGIN_OF(name)                                                                         \
    ".text\n"                                                                                      \
    ".globl " name "\n"                                                                            \
    ".type " name ", @function\n"                                                                  \
    ".globl hak_entry_" name "\n"                                                                  \
    ".hidden hak_entry_" name "\n"                                                                 \
    "hak_entry_" name ":\n" name ":\n"                                                             \
    ".cfi_startproc\n"

/* Ends it with a jump to hak_next_`name`, which hak_entry_find_`name` finds at its first call. */
#define HAK_JUMP_TO_NEXT(name)                                                                     \
    "movq hak_next_" name "(%rip), %rax\n"                                                         \
    "testq %rax, %rax\n"                                                                           \
    "jz 1f\n"                                                                                      \
    "jmp *%rax\n"                                                                                  \
    "1: pushq %rdi\n"                                                                              \
    ".cfi_adjust_cfa_offset 8\n"                                                                   \
    "pushq %rsi\n"                                                                                 \
    ".cfi_adjust_cfa_offset 8\n"                                                                   \
    "subq $8, %rsp\n"                                                                              \
    ".cfi_adjust_cfa_offset 8\n"                                                                   \
    "call hak_entry_find_" name "\n"                                                               \
    "addq $8, %rsp\n"                                                                              \
    ".cfi_adjust_cfa_offset -8\n"                                                                  \
    "popq %rsi\n"                                                                                  \
    ".cfi_adjust_cfa_offset -8\n"                                                                  \
    "popq %rdi\n"                                                                                  \
    ".cfi_adjust_cfa_offset -8\n"                                                                  \
    "jmp *%rax\n"                                                                                  \
    ".cfi_endproc\n"                                                                               \
    ".size " name ", . - " name "\n"

__asm__(HAK_BEGIN_OF("dlopen") "andl $-9, %esi\n" HAK_JUMP_TO_NEXT("dlopen"));
__asm__(HAK_BEGIN_OF("dlsym") "leaq 1(%rdi), %rax\n"
                              "cmpq $1, %rax\n"
                              "ja hak_entry_find_by_handle\n" /* neither RTLD_DEFAULT nor _NEXT */
        HAK_JUMP_TO_NEXT("dlsym"));

#endif
