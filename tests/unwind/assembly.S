/* Hand-written functions without call frame information, and a switch of stacks: see kinds.c. */
    .text
    .globl assembly_with_frame_pointer
    .type assembly_with_frame_pointer, @function
assembly_with_frame_pointer:
    push %rbp
    mov %rsp, %rbp
    push %rbx
    push %rbx
    call allocate@PLT
    pop %rbx
    pop %rbx
    pop %rbp
    ret
    .size assembly_with_frame_pointer, .-assembly_with_frame_pointer

    .globl assembly_without_frame_pointer
    .type assembly_without_frame_pointer, @function
assembly_without_frame_pointer:
    push %rbp
    mov $0x12345678, %ebp
    sub $48, %rsp
    call allocate@PLT
    add $48, %rsp
    pop %rbp
    ret
    .size assembly_without_frame_pointer, .-assembly_without_frame_pointer

    .type stands_in_front, @function
stands_in_front:
    .cfi_startproc
    ret
    .cfi_endproc
    .size stands_in_front, .-stands_in_front
    .globl faults_at_first_byte
    .type faults_at_first_byte, @function
faults_at_first_byte:
    .cfi_startproc
    ud2
    ret
    .cfi_endproc
    .size faults_at_first_byte, .-faults_at_first_byte

    /* switch_stack(save, to): keeps what calls preserve and goes on where `to` was left. */
    .globl switch_stack
    .type switch_stack, @function
switch_stack:
    push %rbp
    push %rbx
    push %r12
    push %r13
    push %r14
    push %r15
    mov %rsp, (%rdi)
    mov %rsi, %rsp
    pop %r15
    pop %r14
    pop %r13
    pop %r12
    pop %rbx
    pop %rbp
    ret
    .size switch_stack, .-switch_stack
    .section .note.GNU-stack, "", @progbits
