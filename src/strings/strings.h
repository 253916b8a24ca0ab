/* String and memory functions, looked at before they are done (HAKMEM_CHECK_STRING).
 *
 *   program, library --slot--> gate of the row --> hak_strings_look: shapes.c --> the function
 *        ^                     trampolines.c             |
 *        |                                               +--> guard/touch.h: room, fault
 *   slots.c writes the gates' addresses into the slots of all loaded modules
 *
 *   calls.def        each function: the memory that it touches, by its arguments
 *   slots.c          the slots of function addresses in modules; at start, and after dlopen
 *   trampolines.c    keeps all arguments, asks, and jumps to the function
 *   shapes.c         the memory that a call touches, by the shape of its row
 *   text.c           strings and searches
 *   format.c         formats of printf and scanf
 *   printed.c        printf
 *   scanned.c        scanf
 *   received.c       data from outside
 *   call.c           tells of a call that touches too much
 *   libc.c           the functions of libc that are called here, found at start
 *
 * Off, nothing of this is done: no symbol is exported, no slot is written. On, the program sees
 * the same results, addresses of return and errno; pointers to functions are the gates' in all
 * modules alike. Nothing is allocated, no lock is taken but the loader's, by the thread that called
 * dlopen.
 *
 * Stands beside entry; may call guard/touch.h, guard/asked.h and platform. */
#ifndef HAK_STRINGS_STRINGS_H
#define HAK_STRINGS_STRINGS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "block.h"
#include HAK_ARCH_FILE(va_list.h)

enum hak_string_call {
#define CALL(name, shape, unit, a, b, c) HAK_CALL_##name,
#include "strings/calls.def"
    HAK_STRING_CALLS
};

/* The functions themselves; NULL: not looked at, since libc has none of that name, or another
 * module behind hakmem stands in front of it. */
HAK_HIDDEN extern void *hak_string_functions[HAK_STRING_CALLS];

/* How the trampoline goes on; its assembly knows the numbers. */
enum hak_string_way {
    HAK_JUMP = 0,          /* to the function, as it was called */
    HAK_JUMP_VARIADIC = 1, /* the same with the vector registers as they were */
    HAK_CALL_AND_LOOK = 2, /* calls it and asks hak_strings_look_again what it did */
    HAK_RETURN = 3,        /* it was done, with the result that the arguments hold */
};
struct hak_string_next {
    void *function;
    uintptr_t way; /* enum hak_string_way */
};

/* The arguments as the trampoline keeps them: the layout of a va_list's register area. */
struct hak_string_arguments {
    uint64_t word[HAK_ARGUMENT_WORDS];
    char vector[HAK_ARGUMENT_VECTORS][16]; /* of variadic calls; of others a place to keep what is
                                              needed later */
    uint64_t result; /* x86-64, of variadic calls: how many vector registers are used */
};

/* Checks that the memory which call `number` touches with these arguments is the program's.
 * `on_stack`: those behind the last in a register. */
HAK_HIDDEN struct hak_string_next
hak_strings_look(unsigned number, struct hak_string_arguments *arguments, void *on_stack);
HAK_HIDDEN void hak_strings_look_again(unsigned number, struct hak_string_arguments *arguments,
                                       int64_t result);

/* Where a slot leads to for function `number`. */
enum { HAK_GATE_BYTES = 16 };
HAK_HIDDEN extern char hak_string_gates[];
static inline void *hak_string_gate(unsigned number) {
    return hak_string_gates + (size_t)number * HAK_GATE_BYTES;
}

/* Begins to look: slots of all modules that are loaded. Once, before there are threads. */
HAK_HIDDEN void hak_strings_start(void);

/* slots.c: the calling thread is about to load modules: their slots are written before it makes its
 * next call that is looked at. */
HAK_HIDDEN void hak_strings_expect_modules(void);
/* The thread that loads modules, by its thread pointer; 0 = none. */
HAK_HIDDEN extern _Atomic uintptr_t hak_strings_loader;
HAK_HIDDEN HAK_COLD void hak_strings_look_for_modules(void);

#endif
