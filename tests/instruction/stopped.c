/* stopped CASE: one instruction leaves a block of 48 bytes, or touches it after its free. Registers
 * that are not the case's are 0. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "case.h"

static char *block, *other;
static char far_away[4096];

CASE(read_byte, "movzx eax, byte ptr [rdi]")
CASE(read_word, "mov ax, [rdi]")
CASE(read_four, "mov eax, [rdi + 48]")
CASE(read_index, "mov al, [rdi + rcx*8]")
CASE(read_before, "mov eax, [rdi - 4]")
CASE(write_eight, "mov [rdi + 48], rax")
CASE(write_number, "mov dword ptr [rsi], 7")
CASE(write_vector, "movups [rdi], xmm0")
CASE(read_vector, "movdqu xmm0, [rdi - 8]")
CASE(fill, "rep stosb")
CASE(copy, "rep movsq")
CASE(copy_backwards, "std\n\trep movsq")
CASE(copy_one, "movsd")
CASE(length, "repne scasb")
CASE(compare, "repe cmpsb")
CASE(add, "add dword ptr [rdi], 1")
CASE(exchange, "lock cmpxchg [rdi], rcx")
CASE(exchange_add, "lock xadd [rdi], eax")
CASE(push_word, "push qword ptr [rdi]")
CASE(pop_word, "push rax\n\tpop qword ptr [rdi]")
CASE(call_word, "call qword ptr [rdi]")
CASE(push_here, "mov r8, rsp\n\tmov rsp, rdi\n\tpush rax\n\tmov rsp, r8")
CASE(bit, "bt [rdi], rcx")
CASE(translate, "mov rbx, rdi\n\txlatb")
CASE(number, "movsd xmm0, qword ptr [rdi + rcx]")
CASE(long_number, "fld tbyte ptr [rdi]")
CASE(compare_number, "comisd xmm0, [rdi]")

#define PAST (block + 48)
static const struct {
    const char *name;
    void (*run)(struct registers);
    int kind;
} cases[] = {
    {"read_byte", read_byte, 1},
    {"read_word", read_word, 1},
    {"read_four", read_four, 0},
    {"read_index", read_index, 2},
    {"read_before", read_before, 0},
    {"write_eight", write_eight, 0},
    {"write_number", write_number, 3},
    {"write_vector", write_vector, 4},
    {"read_vector", read_vector, 1},
    {"read_vector_before", read_vector, 0},
    {"fill", fill, 5},
    {"copy", copy, 6},
    {"copy_from", copy, 7},
    {"copy_backwards", copy_backwards, 8},
    {"copy_one", copy_one, 6},
    {"length", length, 5},
    {"compare", compare, 9},
    {"add", add, 1},
    {"exchange", exchange, 1},
    {"exchange_add", exchange_add, 1},
    {"push_word", push_word, 1},
    {"pop_word", pop_word, 1},
    {"call_word", call_word, 1},
    {"push_here", push_here, 13},
    {"bit", bit, 1},
    {"translate", translate, 1},
    {"number", number, 10},
    {"long_number", long_number, 1},
    {"compare_number", compare_number, 1},
    {"freed_byte", read_byte, 11},
    {"freed_vector", write_vector, 12},
    {"freed_add", add, 11},
};

static struct registers registers_of(int kind) {
    switch (kind) {
    case 0:
        return (struct registers){.rdi = block, .rsi = other + 8};
    case 1:
        return (struct registers){.rdi = PAST};
    case 2:
        return (struct registers){.rdi = block, .rcx = 6};
    case 3:
        return (struct registers){.rdi = block, .rsi = PAST + 5};
    case 4:
        return (struct registers){.rdi = PAST - 8};
    case 5:
        return (struct registers){.rdi = block, .rcx = 100, .rax = 1};
    case 6:
        return (struct registers){.rdi = PAST, .rsi = far_away, .rcx = 9};
    case 7:
        return (struct registers){.rdi = far_away, .rsi = block, .rcx = 9};
    case 8:
        return (struct registers){.rdi = block + 40, .rsi = far_away + 1000, .rcx = 9};
    case 9:
        return (struct registers){.rdi = block, .rsi = far_away, .rcx = 60};
    case 10:
        return (struct registers){.rdi = block + 8, .rcx = 40};
    case 11:
        return (struct registers){.rdi = block + 3};
    case 13:
        return (struct registers){.rdi = PAST + 16};
    default:
        return (struct registers){.rdi = block + 40};
    }
}

int main(int count, char **arguments) {
    block = calloc(1, 48);
    other = calloc(1, 24);
    for (size_t i = 0; count > 1 && i < sizeof cases / sizeof *cases; i++) {
        if (strcmp(cases[i].name, arguments[1]) != 0)
            continue;
        struct registers registers = registers_of(cases[i].kind);
        if (cases[i].kind == 11 || cases[i].kind == 12)
            free(block);
        cases[i].run(registers);
        puts("went on");
        return 0;
    }
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        puts(cases[i].name);
    return 2;
}
