/* Frames of assembler with call frame information, of every kind that hakmem finds in a way of its
 * own. */
__asm__(
    ".text\n.arch armv8.3-a\n"
    /* the pair above the variables, as clang has it */
    ".globl call_saved_above\n.hidden call_saved_above\ncall_saved_above: .cfi_startproc\n"
    "sub sp, sp, #96\n.cfi_def_cfa_offset 96\n"
    "stp x29, x30, [sp, #80]\n.cfi_offset 29, -16\n.cfi_offset 30, -8\n"
    "add x29, sp, #80\nblr x0\n"
    "ldp x29, x30, [sp, #80]\nadd sp, sp, #96\nret\n.cfi_endproc\n"
    /* x30 alone */
    ".globl call_without_fp\n.hidden call_without_fp\ncall_without_fp: .cfi_startproc\n"
    "str x30, [sp, #-32]!\n.cfi_def_cfa_offset 32\n.cfi_offset 30, -32\n"
    "blr x0\nldr x30, [sp], #32\nret\n.cfi_endproc\n"
    /* x30 below x29: no compact rule tells that */
    ".globl call_reversed\n.hidden call_reversed\ncall_reversed: .cfi_startproc\n"
    "stp x30, x29, [sp, #-32]!\n.cfi_def_cfa_offset 32\n.cfi_offset 30, -32\n.cfi_offset 29, -24\n"
    "mov x29, #5\nblr x0\nldp x30, x29, [sp], #32\nret\n.cfi_endproc\n"
    /* the CFA is counted from x19, which is saved, and the return address lies in x20 */
    ".globl call_moved\n.hidden call_moved\ncall_moved: .cfi_startproc\n"
    "stp x29, x30, [sp, #-48]!\n.cfi_def_cfa_offset 48\n.cfi_offset 29, -48\n.cfi_offset 30, -40\n"
    "stp x19, x20, [sp, #16]\n.cfi_offset 19, -32\n.cfi_offset 20, -24\n"
    "mov x19, sp\n.cfi_def_cfa_register 19\n"
    "mov x20, x30\n.cfi_register 30, 20\n"
    "str xzr, [sp, #8]\nsub sp, sp, #64\nblr x0\nmov x30, x20\n"
    "mov sp, x19\n.cfi_def_cfa_register 31\n"
    "ldp x19, x20, [sp, #16]\nldr x29, [sp], #48\nret\n.cfi_endproc\n"
    /* CFA = *(sp + 8); the return address at CFA - 16, by an expression */
    ".globl call_computed\n.hidden call_computed\ncall_computed: .cfi_startproc\n"
    "stp x29, x30, [sp, #-16]!\n.cfi_def_cfa_offset 16\n.cfi_offset 29, -16\n.cfi_offset 30, -8\n"
    "add x9, sp, #16\nstp x30, x9, [sp, #-32]!\n"
    ".cfi_escape 0x0f, 3, 0x8f, 8, 0x06\n" /* breg31 8, deref */
    ".cfi_escape 0x10, 30, 2, 0x8f, 0\n"   /* x30 at breg31 0 */
    "blr x0\nldp x30, x9, [sp], #32\n.cfi_def_cfa 31, 16\n"
    "ldp x29, x30, [sp], #16\nret\n.cfi_endproc\n"
    /* signed with the stack pointer (PAC) */
    ".globl call_signed\n.hidden call_signed\ncall_signed: .cfi_startproc\n"
    "paciasp\n.cfi_negate_ra_state\n"
    "stp x29, x30, [sp, #-32]!\n.cfi_def_cfa_offset 32\n.cfi_offset 29, -32\n.cfi_offset 30, -24\n"
    "mov x29, sp\nblr x0\n"
    "ldp x29, x30, [sp], #32\n.cfi_restore 29\n.cfi_restore 30\n.cfi_def_cfa_offset 0\n"
    "autiasp\n.cfi_negate_ra_state\nret\n.cfi_endproc\n"
    /* the CFA is x29 + a number that is no multiple of 16 */
    ".globl call_odd_base\n.hidden call_odd_base\ncall_odd_base: .cfi_startproc\n"
    "sub sp, sp, #64\n.cfi_def_cfa_offset 64\n"
    "stp x29, x30, [sp, #24]\n.cfi_offset 29, -40\n.cfi_offset 30, -32\n"
    "add x29, sp, #24\n.cfi_def_cfa 29, 40\nblr x0\n"
    ".cfi_def_cfa 31, 64\nldp x29, x30, [sp, #24]\nadd sp, sp, #64\nret\n.cfi_endproc\n");

/* And without it. */
__asm__(".globl call_bare\n.hidden call_bare\ncall_bare: stp x29, x30, [sp, #-32]!\nmov x29, "
        "sp\nblr x0\nldp x29, x30, [sp], #32\nret\n"
        /* without frame pointer: by the call */
        ".globl call_barely\n.hidden call_barely\ncall_barely: str x30, [sp, #-32]!\nblr x0\nldr "
        "x30, [sp], #32\nret\n");
