/* crashed CASE: one instruction is refused by the processor, and no block of the heap has to do
 * with it. Registers that are not the case's are 0. */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#include "case.h"

static const unsigned long aligned[4] __attribute__((aligned(32)));
static char *block;

CASE(write_member, "mov dword ptr [rdi + 8], 7")
CASE(read_element, "mov eax, dword ptr [rdi + rcx*4]")
CASE(copy, "rep movsb")
CASE(add, "add byte ptr [rdi], 1")
CASE(no_address, "mov rax, qword ptr [rdi + 16]")
CASE(no_address_of_two, "push qword ptr [rdi]")
CASE(misaligned, "movaps xmm0, xmmword ptr [rdi + 1]")
CASE(jump, "jmp rdi")
CASE(call_memory, "call qword ptr [rdi]")
CASE(illegal, "ud2")
CASE(privileged, "hlt")
CASE(divide, "idiv ecx")
CASE(divide_wide, "div rcx")
CASE(divide_memory, "idiv dword ptr [rdi]")
CASE(divide_byte, "div cl")
CASE(breakpoint, "int3")

static void sent(struct registers r) {
    (void)r;
    raise(SIGSEGV);
}

/* The page behind the end of a file. */
static void file_end(struct registers r) {
    r.rdi = mmap(NULL, 4096, PROT_READ, MAP_SHARED, memfd_create("data", 0), 0);
    read_element(r);
}

#define NO_ADDRESS (const void *)0x4141414141414141
static const struct {
    const char *name;
    void (*run)(struct registers);
    struct registers registers;
} cases[] = {
    {"write_member", write_member, {.rdi = NULL}},
    {"read_element", read_element, {.rdi = NULL, .rcx = 6}},
    {"write_constant", write_member, {.rdi = aligned}},
    {"copy", copy, {.rdi = NULL, .rsi = aligned, .rcx = 9}},
    {"add", add, {.rdi = NULL}},
    {"no_address", no_address, {.rdi = NO_ADDRESS}},
    {"no_address_of_two", no_address_of_two, {.rdi = NO_ADDRESS}},
    {"misaligned", misaligned, {.rdi = aligned}},
    {"jump", jump, {.rdi = (const void *)16}},
    {"jump_no_address", jump, {.rdi = NO_ADDRESS}},
    {"jump_into_data", jump, {.rdi = aligned}},
    {"call_memory", call_memory, {.rdi = NULL}},
    {"illegal", illegal, {.rdi = NULL}},
    {"privileged", privileged, {.rdi = NULL}},
    {"divide", divide, {.rax = 7}},
    {"divide_wide", divide_wide, {.rax = 7, .rcx = 3, .rdx = 5}},
    {"divide_memory", divide_memory, {.rdi = aligned, .rax = 7}},
    {"divide_byte", divide_byte, {.rax = 7}},
    {"breakpoint", breakpoint, {.rdi = NULL}},
    {"sent", sent, {.rdi = NULL}},
    {"file_end", file_end, {.rcx = 6}},
};

int main(int count, char **arguments) {
    block = calloc(1, 24);
    for (size_t i = 0; count > 1 && i < sizeof cases / sizeof *cases; i++) {
        if (strcmp(cases[i].name, arguments[1]) != 0)
            continue;
        struct registers registers = cases[i].registers;
        registers.rsi = registers.rsi ? registers.rsi : block + 8;
        cases[i].run(registers);
        puts("went on");
        return 0;
    }
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        puts(cases[i].name);
    return 2;
}
