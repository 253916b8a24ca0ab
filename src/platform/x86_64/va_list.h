/* Takes arguments out of a va_list of x86-64 (System V ABI, AMD64, 3.5.7), and keeps those of a
 * call so that they are one (string_gates.h, strings/format.h). */
#ifndef HAK_PLATFORM_X86_64_VA_LIST_H
#define HAK_PLATFORM_X86_64_VA_LIST_H

#include <stdint.h>
#include <string.h>

enum {
    HAK_ARGUMENT_WORDS = 6,    /* arguments in general registers */
    HAK_ARGUMENT_VECTORS = 8,  /* and in those of vectors */
    HAK_LONG_DOUBLE_BYTES = 10 /* that scanf stores */
};

struct hak_list {
    unsigned words_offset, vectors_offset;
    char *on_stack;
    const char *registers; /* words, behind them vectors */
};

/* The variable arguments of a call with so many `named` words; `registers` as struct
 * hak_string_arguments has them. */
static inline struct hak_list hak_list_of(const void *registers, unsigned named, void *on_stack) {
    return (struct hak_list){.words_offset = named * 8u,
                             .vectors_offset = HAK_ARGUMENT_WORDS * 8,
                             .on_stack = on_stack,
                             .registers = registers};
}

/* An integer or a pointer. */
static inline uint64_t hak_list_word(struct hak_list *list) {
    uint64_t word;
    if (list->words_offset < HAK_ARGUMENT_WORDS * 8) {
        memcpy(&word, list->registers + list->words_offset, sizeof word);
        list->words_offset += 8;
    } else {
        memcpy(&word, list->on_stack, sizeof word);
        list->on_stack += 8;
    }
    return word;
}

static inline void hak_list_skip_double(struct hak_list *list) {
    if (list->vectors_offset < HAK_ARGUMENT_WORDS * 8 + HAK_ARGUMENT_VECTORS * 16)
        list->vectors_offset += 16;
    else
        list->on_stack += 8;
}

static inline void hak_list_skip_long_double(struct hak_list *list) {
    list->on_stack += -(uintptr_t)list->on_stack & 15;
    list->on_stack += 16;
}

#endif
